"""How fast this machine evaluates a scan: a timed sample of its own grid."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from scanner.execution.task import BlockEvaluator
from scanner.grid import Axis, Chunk, Grid

SAMPLE_POINTS = 4096


def sample(axes: Sequence[Axis], points: int = SAMPLE_POINTS) -> Grid:
    """The axes thinned out evenly to at most about `points` grid points, in one chunk.

    Fast axes keep more of their points: templates cost per shape value, and a sample of the whole
    range meets easy and hard points in their true proportion.
    """
    lengths = [1] * len(axes)
    budget = points
    for i in reversed(range(len(axes))):
        share = max(1, round(budget ** (1.0 / (i + 1)))) if i else budget
        lengths[i] = min(len(axes[i]), max(1, share))
        budget = max(1, budget // lengths[i])
    thinned = tuple(_thin(axis, n) for axis, n in zip(axes, lengths, strict=True))
    return Grid(thinned, tuple(lengths))


def _thin(axis: Axis, n: int) -> Axis:
    chosen = np.unique(np.linspace(0, len(axis) - 1, n).round().astype(int))
    values = tuple(float(axis.coordinates[i]) for i in chosen)
    return Axis(axis.name, "list", values[0], values[-1], len(values), axis.unit, values)


def points_per_second(axes: Sequence[Axis], evaluator: BlockEvaluator) -> float:
    """Grid points (all experiments) that one core evaluates per second, measured on a sample."""
    grid = sample(axes)
    chunk: Chunk = grid.chunk(0)
    evaluator.block(grid, chunk)  # templates and caches; the second time counts
    start = time.perf_counter()
    evaluator.block(grid, chunk)
    return grid.size / max(time.perf_counter() - start, 1e-9)

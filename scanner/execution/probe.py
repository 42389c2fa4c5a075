"""How fast this machine evaluates a scan: timed samples of its own grid."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np

from scanner.execution.task import BlockEvaluator
from scanner.grid import Axis, Grid

Clock = Callable[[], float]

SAMPLE_POINTS = 4096
SAMPLE_SHAPES = 64  # shape values among them
FOLDED = 128  # shape values of the fold that is timed: enough to outweigh its fixed cost


@dataclass(frozen=True)
class Speed:
    """How fast one core works, all experiments together.

    Parameters
    ----------
    seconds_per_template : float
        Time to fold the templates of one value of the shape parameters.
    points_per_second : float
        Grid points evaluated per second once their templates are there.
    """

    seconds_per_template: float
    points_per_second: float

    def seconds(self, shape_values: float, points: float) -> float:
        """Time to fold that many shape values and to evaluate that many grid points."""
        return shape_values * self.seconds_per_template + points / self.points_per_second


def measure(
    axes: Sequence[Axis],
    shape_axes: Collection[str],
    evaluator: BlockEvaluator,
    clock: Clock = time.perf_counter,
) -> Speed:
    """Speed of an evaluator, measured apart for folding and for evaluation.

    Parameters
    ----------
    axes : sequence of Axis
        Slowest first.
    shape_axes : collection of str
        Names of those that are shape parameters.
    evaluator : BlockEvaluator
        It may keep what it folded, by the block: the second time a block is only evaluated.
    clock : callable
        Seconds, monotonic.
    """
    warm_up = sample(axes, shape_axes, shape_values=2, points=4)
    timed(evaluator, warm_up, clock)  # what is loaded lazily
    folded = sample(axes, shape_axes, shape_values=FOLDED, points=FOLDED)
    fresh, again = (timed(evaluator, folded, clock) for _ in range(2))
    evaluated = sample(axes, shape_axes)
    timed(evaluator, evaluated, clock)
    seconds = timed(evaluator, evaluated, clock)
    return Speed(max(fresh - again, 0.0) / n_shapes(folded, shape_axes), evaluated.size / seconds)


def timed(evaluator: BlockEvaluator, grid: Grid, clock: Clock = time.perf_counter) -> float:
    """Seconds to evaluate the first chunk of a grid."""
    start = clock()
    evaluator.block(grid, grid.chunk(0))
    return max(clock() - start, 1e-9)


def n_shapes(grid: Grid, shape_axes: Collection[str]) -> int:
    """Values of the shape parameters in a grid, 1 where none is scanned."""
    return math.prod(len(axis) for axis in grid.axes if axis.name in shape_axes)


def sample(
    axes: Sequence[Axis],
    shape_axes: Collection[str],
    *,
    shape_values: int = SAMPLE_SHAPES,
    points: int = SAMPLE_POINTS,
) -> Grid:
    """The axes thinned out evenly to at most about `points` grid points, in one chunk.

    A sample of the whole range meets easy and hard points in their true proportion. At most about
    `shape_values` values of the shape parameters are among them.
    """
    shapes = [axis for axis in axes if axis.name in shape_axes]
    lengths = _lengths(shapes, shape_values)
    rest = max(1, points // math.prod(lengths.values()))
    lengths |= _lengths([axis for axis in axes if axis.name not in shape_axes], rest)
    thinned = tuple(_thin(axis, lengths[axis.name]) for axis in axes)
    return Grid(thinned, tuple(len(axis) for axis in thinned))


def _lengths(axes: Sequence[Axis], points: int) -> dict[str, int]:
    """Shares of `points` among axes, even ones as far as the axes have them."""
    lengths = {}
    for left, axis in zip(range(len(axes), 0, -1), sorted(axes, key=len), strict=True):
        lengths[axis.name] = min(len(axis), max(1, round(points ** (1 / left))))
        points = max(1, points // lengths[axis.name])
    return lengths


def _thin(axis: Axis, n: int) -> Axis:
    chosen = np.unique(np.linspace(0, len(axis) - 1, n).round().astype(int))
    values = tuple(float(axis.coordinates[i]) for i in chosen)
    return Axis(axis.name, "list", values[0], values[-1], len(values), axis.unit, values)

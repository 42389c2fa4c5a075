"""How fast this machine evaluates a scan: timed samples of its own grid."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np

from scanner.execution.task import Block, BlockEvaluator
from scanner.grid import MAX_POINTS_PER_CHUNK, Axis, Grid, choose_chunk_shape

Clock = Callable[[], float]

FOLDED = 128  # shape values of the fold that is timed: enough to outweigh its fixed cost
PIECE_SECONDS = 0.05  # a piece of the grid that takes as long outweighs what a block costs at least
PIECE_SHARE = 0.02  # of a small scan: no piece is worth more
SMALLEST_PIECE = 256
LARGEST_PIECE = MAX_POINTS_PER_CHUNK // 8
GROWTH = 4
WORTH_WRITING = 2**14
PIECES = (5, 0, 8, 2, 10, 4, 1, 9, 6, 3, 11, 7)  # of the grid's twelfths, in the order of sampling
FEWEST = 4
BUDGET_SECONDS, BUDGET_SHARE = 0.6, 0.05  # for all pieces; of the whole scan


@dataclass(frozen=True)
class Speed:
    """How fast one core works, all experiments together.

    Parameters
    ----------
    seconds_per_template : float
        Time to fold the templates of one value of the shape parameters.
    points_per_second : float
        Grid points evaluated, and written, per second once their templates are there.
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
    write: Callable[[Block], object] = lambda _: None,
) -> Speed:
    """Speed of an evaluator, measured apart for folding and for the rest.

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
    write : callable
        Does with a block what costs time when it is stored.
    """
    warm_up = sample(axes, shape_axes, shape_values=2, points=4)
    timed(evaluator, warm_up, clock)  # what is loaded lazily
    folded = sample(axes, shape_axes, shape_values=FOLDED, points=FOLDED)
    fresh, again = (timed(evaluator, folded, clock) for _ in range(2))
    per_template = max(fresh - again, 0.0) / n_shapes(folded, shape_axes)
    return Speed(per_template, _points_per_second(axes, evaluator, clock, write))


def _points_per_second(
    axes: Sequence[Axis],
    evaluator: BlockEvaluator,
    clock: Clock,
    write: Callable[[Block], object],
) -> float:
    """Of pieces of the grid, cut as its chunks are: neighbours make a point cheaper."""
    shape = tuple(len(axis) for axis in axes)
    points, begun = SMALLEST_PIECE, clock()
    while True:
        grid = Grid(tuple(axes), choose_chunk_shape(shape, points, 1))
        number = grid.n_chunks // 2
        # the better of two: what disturbs the first must not end the growth
        seconds = min(_evaluation(evaluator, grid, number, clock) for _ in range(2))
        enough = min(PIECE_SECONDS, PIECE_SHARE * seconds * grid.size / grid.chunk(number).size)
        if seconds >= enough or points >= min(LARGEST_PIECE, grid.size):
            break
        points *= GROWTH
    budget = min(BUDGET_SECONDS, BUDGET_SHARE * grid.size * seconds / grid.chunk(0).size)
    taken = evaluated = 0.0
    for k, twelfth in enumerate(PIECES):
        if k >= FEWEST and clock() - begun > budget:
            break
        number = twelfth * (grid.n_chunks - 1) // (len(PIECES) - 1)
        taken += _evaluation(evaluator, grid, number, clock)
        evaluated += grid.chunk(number).size
    return 1.0 / (taken / evaluated + _writing(evaluator, grid, write, clock))


def _writing(
    evaluator: BlockEvaluator, grid: Grid, write: Callable[[Block], object], clock: Clock
) -> float:
    """Seconds per point; 0 where a piece is so small that its fixed cost would hide it."""
    chunk = grid.chunk(0)
    if chunk.size < WORTH_WRITING:
        return 0.0
    block = evaluator.block(grid, chunk)
    write(block)  # what is loaded lazily
    begun = clock()
    write(block)
    return (clock() - begun) / chunk.size


def _evaluation(evaluator: BlockEvaluator, grid: Grid, number: int, clock: Clock) -> float:
    """Seconds to evaluate a chunk whose templates are there."""
    timed(evaluator, grid, clock, number)
    return timed(evaluator, grid, clock, number)


def timed(
    evaluator: BlockEvaluator, grid: Grid, clock: Clock = time.perf_counter, number: int = 0
) -> float:
    """Seconds to evaluate one chunk of a grid."""
    start = clock()
    evaluator.block(grid, grid.chunk(number))
    return max(clock() - start, 1e-9)


def n_shapes(grid: Grid, shape_axes: Collection[str]) -> int:
    """Values of the shape parameters in a grid, 1 where none is scanned."""
    return math.prod(len(axis) for axis in grid.axes if axis.name in shape_axes)


def sample(
    axes: Sequence[Axis],
    shape_axes: Collection[str],
    *,
    shape_values: int,
    points: int,
) -> Grid:
    """The axes thinned out evenly to at most about `points` grid points, in one chunk.

    At most about `shape_values` values of the shape parameters are among them.
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

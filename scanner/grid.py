"""Axis, Grid, Chunk: integers and coordinates only."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

Spacing = Literal["linear", "log", "list"]
Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Axis:
    """One scanned parameter and its values, in the parameter's own unit.

    Parameters
    ----------
    name : str
        Parameter of the scenario.
    spacing : "linear", "log" or "list"
        ``list`` takes ``values``; the others take ``start``, ``stop`` (both included) and ``n``.
    start, stop : float
        Ends, in ``unit``.
    n : int
        Number of points, at least 2.
    unit : str
        ``""`` for a dimensionless parameter.
    values : tuple of float
        Only for ``list``: strictly increasing.
    """

    name: str
    spacing: Spacing
    start: float
    stop: float
    n: int
    unit: str = ""
    values: tuple[float, ...] = ()

    def __len__(self) -> int:
        return self.n

    @cached_property
    def coordinates(self) -> Array:
        """Values, shape (n,), strictly increasing, ends exact."""
        if self.spacing == "list":
            return np.asarray(self.values, dtype=np.float64)
        if self.spacing == "log":
            return np.geomspace(self.start, self.stop, self.n)
        return np.linspace(self.start, self.stop, self.n)

    @cached_property
    def logarithmic(self) -> bool:
        """Whether the axis scale is log10: log spacing, or a positive list over a decade."""
        if self.spacing == "list":
            return self.values[0] > 0.0 and self.values[-1] >= 10.0 * self.values[0]
        return self.spacing == "log"

    def to_scale(self, value: npt.ArrayLike) -> Array:
        """Coordinate of the axis scale: log10 for a logarithmic axis, else the value itself."""
        values = np.asarray(value, dtype=np.float64)
        return np.log10(values) if self.logarithmic else values

    def from_scale(self, scaled: npt.ArrayLike) -> Array:
        """Inverse of `to_scale`."""
        values = np.asarray(scaled, dtype=np.float64)
        return np.power(10.0, values) if self.logarithmic else values


@dataclass(frozen=True)
class Chunk:
    """One block of the grid: its number, its start and its stop along every axis."""

    number: int
    start: tuple[int, ...]
    stop: tuple[int, ...]

    @property
    def slices(self) -> tuple[slice, ...]:
        """Slices into an array of the whole grid."""
        return tuple(slice(a, b) for a, b in zip(self.start, self.stop, strict=True))

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of points along every axis."""
        return tuple(b - a for a, b in zip(self.start, self.stop, strict=True))

    @property
    def size(self) -> int:
        """Number of points."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Grid:
    """Named axes, the last one the fastest, cut into chunks of one shape (smaller at the ends)."""

    axes: tuple[Axis, ...]
    chunk_shape: tuple[int, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the axes, slowest first."""
        return tuple(axis.name for axis in self.axes)

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Points along every axis."""
        return tuple(len(axis) for axis in self.axes)

    @property
    def size(self) -> int:
        """Number of points."""
        return math.prod(self.shape)

    @cached_property
    def blocks(self) -> tuple[int, ...]:
        """Chunks along every axis."""
        return tuple(-(-n // c) for n, c in zip(self.shape, self.chunk_shape, strict=True))

    @cached_property
    def n_chunks(self) -> int:
        """Number of chunks."""
        return math.prod(self.blocks)

    def axis(self, name: str) -> Axis:
        """Axis of that name; KeyError if there is none."""
        for axis in self.axes:
            if axis.name == name:
                return axis
        raise KeyError(name)

    def block_index(self, number: int) -> tuple[int, ...]:
        """Position of chunk `number` among the blocks (C order)."""
        if not 0 <= number < self.n_chunks:
            raise ValueError(f"chunk {number} is not one of 0..{self.n_chunks - 1}")
        return tuple(int(i) for i in np.unravel_index(number, self.blocks))

    def chunk(self, number: int) -> Chunk:
        """Chunk of that number, 0 <= number < n_chunks."""
        index = self.block_index(number)
        start = tuple(i * c for i, c in zip(index, self.chunk_shape, strict=True))
        stop = tuple(
            min(s + c, n) for s, c, n in zip(start, self.chunk_shape, self.shape, strict=True)
        )
        return Chunk(number, start, stop)

    def touched(self, slices: tuple[slice, ...]) -> Iterator[int]:
        """Numbers of the chunks that have points in a region, ascending.

        >>> list(Grid((Axis("x", "linear", 0, 1, 9),), (4,)).touched((slice(3, 5),)))
        [0, 1]
        """
        spans = (
            range(part.start // c, -(-part.stop // c))
            for part, c in zip(
                (slice(*s.indices(n)[:2]) for s, n in zip(slices, self.shape, strict=True)),
                self.chunk_shape,
                strict=True,
            )
        )
        return (int(np.ravel_multi_index(i, self.blocks)) for i in itertools.product(*spans))

    def __iter__(self) -> Iterator[Chunk]:
        return (self.chunk(number) for number in range(self.n_chunks))


MAX_POINTS_PER_CHUNK = 2**20
MIN_FAST_AXIS = 64
SMALL_GRID = 2**14


def choose_chunk_shape(
    shape: tuple[int, ...], points_per_chunk: int, min_chunks: int = 8
) -> tuple[int, ...]:
    """Near-cubic chunk shape with at most `points_per_chunk` points.

    The fastest (last) axis keeps at least 64 points where it has them; a grid of more than
    2^14 points is cut into at least `min_chunks` chunks.

    >>> choose_chunk_shape((200, 400), 20_000)
    (100, 100)
    """
    size = math.prod(shape)
    target = min(points_per_chunk, MAX_POINTS_PER_CHUNK)
    if size > SMALL_GRID:
        target = min(target, max(size // min_chunks, MIN_FAST_AXIS))
    lengths = [1] * len(shape)
    lengths[-1] = min(MIN_FAST_AXIS, shape[-1])
    while True:
        open_axes = [i for i, n in enumerate(shape) if lengths[i] < n]
        if not open_axes:
            break
        # blocks grow evenly: the axis with the shortest edge is cut into fewer pieces first
        axis = min(open_axes, key=lambda i: lengths[i])
        pieces = -(-shape[axis] // lengths[axis])
        longer = lengths.copy()
        longer[axis] = -(-shape[axis] // (pieces - 1))
        if math.prod(longer) > target:
            break
        lengths = longer
    return tuple(lengths)

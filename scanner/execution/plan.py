"""How a grid is cut into chunks and what a scan costs: no computation, no cluster."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from scanner.errors import DefinitionError
from scanner.execution.probe import Speed, n_shapes
from scanner.grid import Axis, Grid, choose_chunk_shape
from scanner.store.layout import BYTES_PER_POINT, needed_bytes

CHUNK_SECONDS = 0.5  # inside 0.2 .. 2 s: above it stopping is slow, below it Dask costs too much
CHUNKS_PER_WORKER = 4

_WORKER_BASE_BYTES = 250_000_000  # a worker with zarr, xarray and scipy imported, before any chunk
_COPIES = 6  # arrays of a chunk alive at once: evaluation, compression, checksum


@dataclass(frozen=True)
class Plan:
    """Cost of a scan.

    Parameters
    ----------
    points : int
        Grid points.
    chunks, done_chunks : int
        Chunks, and those finished already.
    chunk_shape : tuple of int
        Points of a chunk along every axis.
    templates : int
        Values of the shape parameters times experiments.
    workers : int
        Worker processes it is planned for.
    cpu_seconds : float
        For what is missing: folding of templates, evaluation of points and their writing.
    seconds : float
        The same on all workers, from the first chunk to the last.
    disk_bytes : int
        Of the whole cube, as if nothing could be compressed.
    memory_bytes : int
        Of one worker.
    """

    points: int
    chunks: int
    done_chunks: int
    chunk_shape: tuple[int, ...]
    templates: int
    workers: int
    cpu_seconds: float
    seconds: float
    disk_bytes: int
    memory_bytes: int


def make_grid(
    axes: Iterable[Axis],
    *,
    shape_axes: Collection[str],
    speed: Speed,
    workers: int,
    points_per_chunk: int | None = None,
) -> Grid:
    """Grid cut into chunks of about half a second each, the folding of their templates included.

    Parameters
    ----------
    axes : iterable of Axis
        Slowest first.
    shape_axes : collection of str
        Names of the axes that are shape parameters of the scenario.
    speed : Speed
        Measured.
    workers : int
        A grid of more than 2^14 points is cut into at least four chunks per worker.
    points_per_chunk : int, optional
        Wish of the definition; goes before the measurement.

    Raises
    ------
    DefinitionError
        `workers` is below 1.
    """
    if workers < 1:
        raise DefinitionError(f"workers = {workers}: give at least 1")
    axes = tuple(axes)
    points = points_per_chunk or max(1, round(speed.points_per_second * CHUNK_SECONDS))
    grid = _cut(axes, points, workers)
    while points_per_chunk is None and points > 1:
        seconds = _chunk_seconds(grid, shape_axes, speed)
        if seconds <= CHUNK_SECONDS:
            break
        points = max(1, int(points * min(CHUNK_SECONDS / seconds, 0.9)))
        grid = _cut(axes, points, workers)
    return grid


def _cut(axes: tuple[Axis, ...], points: int, workers: int) -> Grid:
    shape = tuple(len(axis) for axis in axes)
    return Grid(axes, choose_chunk_shape(shape, points, CHUNKS_PER_WORKER * workers))


def _chunk_seconds(grid: Grid, shape_axes: Collection[str], speed: Speed) -> float:
    """Time of a whole chunk whose templates are all to be folded."""
    lengths = zip(grid.names, grid.chunk_shape, strict=True)
    values = math.prod(n for name, n in lengths if name in shape_axes)
    return speed.seconds(values, math.prod(grid.chunk_shape))


def estimate(
    grid: Grid,
    *,
    n_experiments: int,
    shape_axes: Collection[str],
    speed: Speed,
    workers: int = 1,
    done_chunks: int = 0,
    done_points: int = 0,
) -> Plan:
    """Cost of a scan.

    Parameters
    ----------
    grid : Grid
        With its chunks.
    n_experiments : int
        Experiments of the scan.
    shape_axes : collection of str
        Names of the axes that are shape parameters of the scenario.
    speed : Speed
        Measured.
    workers : int
        Chunks with the same shape values fall to several of them, and each folds for itself.
    done_chunks, done_points : int
        Chunks finished already, and their grid points.
    """
    values = n_shapes(grid, shape_axes)
    sharing = math.prod(
        n for name, n in zip(grid.names, grid.blocks, strict=True) if name not in shape_axes
    )
    whole = speed.seconds(values * min(sharing, workers), grid.size)
    missing = whole * (1 - done_points / grid.size)
    # the last chunks keep some workers waiting
    chunks = grid.n_chunks - done_chunks
    rounds = math.ceil(chunks / workers) * workers / chunks if chunks else 0.0
    chunk_bytes = math.prod(grid.chunk_shape) * n_experiments * BYTES_PER_POINT
    return Plan(
        points=grid.size,
        chunks=grid.n_chunks,
        done_chunks=done_chunks,
        chunk_shape=grid.chunk_shape,
        templates=values * n_experiments,
        workers=workers,
        cpu_seconds=missing,
        seconds=missing / workers * rounds,
        disk_bytes=needed_bytes(grid, n_experiments),
        memory_bytes=_WORKER_BASE_BYTES + _COPIES * chunk_bytes,
    )

"""What a scan costs and what of it is missing: no computation, no cluster."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from scanner.grid import Axis, Grid, choose_chunk_shape
from scanner.store.layout import BYTES_PER_POINT, needed_bytes
from scanner.store.stored import StoredScan

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
    cpu_seconds : float
        For the missing points, on one core.
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
    cpu_seconds: float
    disk_bytes: int
    memory_bytes: int


def make_grid(
    axes: Iterable[Axis],
    *,
    points_per_second: float,
    workers: int,
    points_per_chunk: int | None = None,
) -> Grid:
    """Grid cut into chunks of about half a second each.

    Parameters
    ----------
    axes : iterable of Axis
        Slowest first.
    points_per_second : float
        Grid points (all experiments) one core evaluates per second, measured.
    workers : int
        A grid of more than 2^14 points is cut into at least four chunks per worker.
    points_per_chunk : int, optional
        Wish of the definition; goes before the measurement.
    """
    axes = tuple(axes)
    wished = points_per_chunk or max(1, round(points_per_second * CHUNK_SECONDS))
    shape = tuple(len(axis) for axis in axes)
    return Grid(axes, choose_chunk_shape(shape, wished, CHUNKS_PER_WORKER * max(workers, 1)))


def missing(stored: StoredScan, grid: Grid | None = None) -> list[int]:
    """Numbers of the chunks without a valid marker or without data, ascending."""
    done = stored.done()
    return [number for number in range((grid or stored.grid).n_chunks) if number not in done]


def estimate(
    grid: Grid,
    *,
    n_experiments: int,
    shape_axes: Collection[str],
    points_per_second: float,
    done: Collection[int] = (),
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
    points_per_second : float
        Grid points one core evaluates per second, measured.
    done : collection of int
        Chunks finished already.
    """
    left = grid.size - sum(grid.chunk(number).size for number in done)
    shape_values = math.prod(len(axis) for axis in grid.axes if axis.name in shape_axes)
    chunk_bytes = math.prod(grid.chunk_shape) * n_experiments * BYTES_PER_POINT
    return Plan(
        points=grid.size,
        chunks=grid.n_chunks,
        done_chunks=len(done),
        chunk_shape=grid.chunk_shape,
        templates=shape_values * n_experiments,
        cpu_seconds=left / points_per_second,
        disk_bytes=needed_bytes(grid, n_experiments),
        memory_bytes=_WORKER_BASE_BYTES + _COPIES * chunk_bytes,
    )

"""Profiling a cube that is larger than memory: tile by tile, axis by axis, every chunk read once.

A tile is a block of the kept axes. Its lines along the last profiled axis are put together from
the chunks behind each other and minimised; what is left of them is put together along the axis
before, and so on. That is the order of `Surface.profile`, line for line, so the result is the same
to the last bit, and no more is in memory than one row of chunks and what is left of the others.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from scanner.errors import MismatchError
from scanner.grid import Axis, Grid
from scanner.limits.surface import USABLE, Array, hold, minimise, windows
from scanner.store.cube import Cube
from scanner.store.stored import StoredScan

Region = Mapping[str, slice]
Part = tuple[Array, dict[str, Array]]

TILE_BYTES = 2**28
"""Largest memory of one tile: with Python, Zarr and Dask a process then stays below 0.5 GB."""

_TILES = 64  # so many that workers end at about the same time
_MORE_KEPT = 2**20  # points that are left for this process to profile


@dataclass(frozen=True)
class Section:
    """Some layers of a cube, summed, with some axes held.

    Parameters
    ----------
    rows : tuple of int
        Layers that are summed.
    held : mapping
        Axes held at a value, in the order in which they are interpolated.
    """

    cube: Cube
    rows: tuple[int, ...]
    held: Mapping[str, float]

    @property
    def grid(self) -> Grid:
        """Grid of the cube."""
        return self.cube.grid

    @cached_property
    def near(self) -> dict[str, slice]:
        """Points that the held values depend on."""
        found = zip(self.grid.axes, windows(self.grid.axes, self.held), strict=True)
        return {axis.name: part for axis, part in found if axis.name in self.held}

    @cached_property
    def axes(self) -> tuple[Axis, ...]:
        """Axes that are not held."""
        return tuple(axis for axis in self.grid.axes if axis.name not in self.held)

    @property
    def width(self) -> int:
        """Points that are read for each point that is left."""
        return math.prod(part.stop - part.start for part in self.near.values())

    @property
    def points(self) -> int:
        """Points that are read for the whole section."""
        return self.width * math.prod(len(axis) for axis in self.axes)

    def read(self, region: Region) -> Array:
        """chi2 of part of the axes that are left; NaN where a layer has no usable value."""
        parts = {**region, **self.near}
        chi2, status = self.cube.read_region(tuple(parts[name] for name in self.grid.names))
        return hold(self.grid.axes, usable_sum(chi2, status, self.rows), self.held)


def usable_sum(chi2: Array, status: npt.NDArray[np.uint8], rows: Sequence[int]) -> Array:
    """Sum of some layers, NaN where one of them is not usable (ok or refined)."""
    total, usable = chi2[rows[0]], _usable(status[rows[0]])
    for row in rows[1:]:
        total, usable = total + chi2[row], usable & _usable(status[row])
    return total if usable.all() else np.where(usable, total, np.nan)


def _usable(status: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    usable: npt.NDArray[np.bool_] = (status == USABLE[0]) | (status == USABLE[1])
    return usable


@dataclass(frozen=True)
class Tiling:
    """How a section is profiled.

    Parameters
    ----------
    kept : tuple of str
        Axes that the tiles keep, in the order of the cube: those asked for and, to have enough
        tiles, the first of the others; those are profiled last, so that it may be done afterwards.
    steps : mapping
        Points along every axis that are read at a time.
    tiles : tuple of regions
        Of the kept axes.
    """

    kept: tuple[str, ...]
    steps: Mapping[str, int]
    tiles: tuple[Region, ...]


def tiling(section: Section, keep: Sequence[str]) -> Tiling:
    """Tiles of the chunks' size, smaller where a tile would not fit `TILE_BYTES`."""
    lengths = {axis.name: len(axis) for axis in section.axes}
    kept = {name for name in lengths if name in keep}
    steps = dict(zip(section.grid.names, section.grid.chunk_shape, strict=True))
    steps = {name: min(steps[name], n) for name, n in lengths.items()}
    for name, n in lengths.items():
        points = math.prod(lengths[k] for k in kept)
        tiles = math.prod(-(-lengths[k] // steps[k]) for k in kept)
        if name not in kept and tiles < _TILES and points * n <= _MORE_KEPT:
            kept.add(name)
        elif name not in kept:
            break
    order = tuple(name for name in lengths if name in kept)
    behind = [name for name in lengths if name not in kept]
    while tile_bytes(section, steps, behind) > TILE_BYTES:
        # the last axis is minimised whole; of the others shorter pieces are read, several times
        cut = max((n for n in steps if n not in behind[-1:]), key=lambda n: steps[n], default=None)
        if cut is None or steps[cut] == 1:
            break
        steps[cut] = -(-steps[cut] // 2)
    pieces = [_pieces(lengths[name], steps[name]) for name in order]
    tiles_ = tuple(dict(zip(order, parts, strict=True)) for parts in itertools.product(*pieces))
    return Tiling(order, steps, tiles_)


def tile_bytes(section: Section, steps: Mapping[str, int], behind: Sequence[str]) -> int:
    """Memory that one tile takes: what is read at a time, and every line that is put together."""
    layers = len(section.cube.definition.layers)
    read = section.width * math.prod(steps.values()) * (9 * layers + 16)
    lengths = {axis.name: len(axis) for axis in section.axes}
    lines = 0
    for depth, name in enumerate(behind):
        points = math.prod(n for k, n in steps.items() if k not in behind[depth:]) * lengths[name]
        # chi2 and the places behind, once as they are put together and once turned or filled
        lines += points * 8 * (1 + len(behind) - 1 - depth) * 2
    return read + lines


def profile_tile(
    path: str,
    digest: str,
    rows: tuple[int, ...],
    held: Mapping[str, float],
    tiling: tuple[Sequence[str], Mapping[str, int]],
    tile: Region,
) -> Part:
    """chi2 of one tile and the places of the minima, over the kept axes in the order of the cube.

    Runs in a worker, too.

    Parameters
    ----------
    path, digest : str
        Folder of the scan, and the digest it must have.
    rows, held
        As for `Section`.
    tiling : pair
        ``kept`` and ``steps`` of the `Tiling`.
    tile : region
        Of the kept axes.

    Raises
    ------
    MismatchError
        Another scan, or a damaged chunk.
    """
    kept, steps = tiling
    section = Section(opened(path, digest).cube, rows, held)
    behind = [axis.name for axis in section.axes if axis.name not in kept]
    return _minimised(section, dict(tile), behind, steps)


def _minimised(
    section: Section, region: Region, behind: Sequence[str], steps: Mapping[str, int]
) -> Part:
    """A region, minimised over the axes `behind`, the last one first."""
    if not behind:
        return section.read(region), {}
    name, *rest = behind
    left = [axis for axis in section.axes if axis.name not in rest]
    [position] = [i for i, axis in enumerate(left) if axis.name == name]
    parts = [
        _minimised(section, {**region, name: piece}, rest, steps)
        for piece in _pieces(len(left[position]), steps[name])
    ]
    chi2 = _joined([part[0] for part in parts], position)
    best = {k: _joined([part[1][k] for part in parts], position) for k in parts[0][1]}
    del parts
    return minimise(left[position], position, chi2, best)


def _joined(parts: Sequence[Array], position: int) -> Array:
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=position)


def _pieces(length: int, step: int) -> list[slice]:
    return [slice(start, min(start + step, length)) for start in range(0, length, step)]


# metadata is read once per process, whatever the number of tiles
@lru_cache(maxsize=2)
def opened(path: str, digest: str) -> StoredScan:
    """The scan in a folder; MismatchError if it is another than that of the digest."""
    stored = StoredScan.open(path)
    if stored.digest != digest:
        raise MismatchError(
            f"{path} holds the scan {stored.digest}, not {digest}: the store was changed while it "
            "was read; ask again"
        )
    return stored

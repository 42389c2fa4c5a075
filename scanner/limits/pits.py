"""Lowest local minima of a cube that is larger than memory, in one pass over its chunks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from scanner.grid import Chunk, Grid
from scanner.limits.surface import Array
from scanner.limits.tiles import Section, opened, usable_sum
from scanner.limits.workers import Workers
from scanner.store.stored import StoredScan

Rows = tuple[int, ...]
Place = tuple[int, ...]

STARTS = 6
"""Distinct local minima that are kept, and later polished."""

_LOOKED_AT = 500  # values of a chunk, lowest first, whose surroundings are compared
_GATHERED = 2**14  # pits in memory before those that cannot count are dropped
_REREAD = 32  # places at the edge of a chunk whose surroundings are read, two chunks or four each


@dataclass(frozen=True)
class Pit:
    """A point that is not above any neighbour in its chunk.

    Parameters
    ----------
    chi2 : float
        Its value.
    place : tuple of int
        Its indices in the grid.
    inner : bool
        Whether all its neighbours are in the chunk: it is a local minimum of the cube.
    """

    chi2: float
    place: Place
    inner: bool


@dataclass(frozen=True)
class Pits:
    """The lowest local minima of one set of layers, lowest first, and its usable points.

    The first is the lowest point of the cube. Equal values count once, as one plateau.
    """

    pits: tuple[Pit, ...]
    usable: int


def find_pits(stored: StoredScan, subsets: Sequence[Rows], workers: Workers) -> dict[Rows, Pits]:
    """Lowest local minima of each set of layers; every chunk is read once.

    A point at the edge of a chunk has neighbours in the next one: these are read again, for the
    lowest of them.
    """
    grid, asked = stored.grid, tuple(subsets)
    calls = [(stored.location, stored.digest, asked, n) for n in range(grid.n_chunks)]
    found = {rows: _Gathered() for rows in subsets}
    for _, parts in workers.map(chunk_pits, calls, grid.size):
        for rows, part in parts.items():
            found[rows].add(part)
    return {rows: _merged(Section(stored.cube, rows, {}), all_) for rows, all_ in found.items()}


@dataclass
class _Gathered:
    """Pits of many chunks: of 10^6, only those that may be among the lowest are kept."""

    pits: list[Pit] = field(default_factory=list)
    usable: int = 0

    def add(self, part: Pits) -> None:
        self.usable += part.usable
        self.pits.extend(part.pits)
        if len(self.pits) > _GATHERED:
            self.pits = _worth_keeping(self.pits)


def chunk_pits(path: str, digest: str, subsets: Sequence[Rows], number: int) -> Mapping[Rows, Pits]:
    """The pits of one chunk, for each set of layers. Runs in a worker, too."""
    stored = opened(path, digest)
    chunk = stored.grid.chunk(number)
    chi2, status = stored.cube.read(chunk)
    return {rows: _pits(stored.grid, chunk, usable_sum(chi2, status, rows)) for rows in subsets}


def _pits(grid: Grid, chunk: Chunk, chi2: Array) -> Pits:
    missing = np.isnan(chi2)
    usable = chi2.size - int(missing.sum())
    filled = np.where(missing, np.inf, chi2) if usable < chi2.size else chi2
    lows = _not_above_beside(filled)
    lows &= filled < np.inf
    flat = np.flatnonzero(lows)
    values, first = np.unique(filled.ravel()[flat], return_index=True)
    chosen: dict[bool, list[Pit]] = {True: [], False: []}
    for value, start in zip(values[:_LOOKED_AT], first, strict=False):
        index = tuple(int(i) for i in np.unravel_index(flat[start], filled.shape))
        if filled[_around(index, filled.shape)].min() < value:
            continue
        place = tuple(i + s for i, s in zip(index, chunk.start, strict=True))
        inner = all(
            (i > 0 or p == 0) and (i < n - 1 or p == top - 1)
            for i, n, p, top in zip(index, filled.shape, place, grid.shape, strict=True)
        )
        chosen[inner].append(Pit(float(value), place, inner))
        if min(len(chosen[True]), len(chosen[False])) >= STARTS:
            break
    return Pits((*chosen[True][:STARTS], *chosen[False][:STARTS]), usable)


def _not_above_beside(filled: Array) -> npt.NDArray[np.bool_]:
    """Points not above their two neighbours along any axis: few, so that the rest costs little."""
    low = np.ones(filled.shape, bool)
    for axis in range(filled.ndim):
        line, kept = np.moveaxis(filled, axis, 0), np.moveaxis(low, axis, 0)
        kept[1:] &= line[1:] <= line[:-1]
        kept[:-1] &= line[:-1] <= line[1:]
    return low


def _around(place: Place, shape: Sequence[int]) -> tuple[slice, ...]:
    return tuple(slice(max(i - 1, 0), min(i + 2, n)) for i, n in zip(place, shape, strict=True))


def _worth_keeping(pits: Iterable[Pit]) -> list[Pit]:
    """Those that `_merged` may look at, lowest first, whatever else there is."""
    inner: set[float] = set()
    outer: Counter[float] = Counter()
    kept = []
    for pit in _lowest_first(pits):
        if pit.inner:
            # of equal ones only the first is looked at, and each is taken
            wanted = pit.chi2 not in inner and len(inner) < STARTS
            inner.add(pit.chi2)
        else:
            outer[pit.chi2] += 1
            wanted = outer[pit.chi2] <= _REREAD + 1 and len(outer) <= 2 * STARTS + _REREAD + 1
        if wanted:
            kept.append(pit)
    return kept


def _lowest_first(pits: Iterable[Pit]) -> list[Pit]:
    return sorted(pits, key=lambda pit: (pit.chi2, pit.place))  # workers answer in any order


def _merged(section: Section, found: _Gathered) -> Pits:
    chosen: list[Pit] = []
    reread = 0
    for pit in _lowest_first(found.pits):
        if len(chosen) == STARTS:
            break
        if chosen and pit.chi2 == chosen[-1].chi2:
            continue
        if chosen and not pit.inner:
            reread += 1
            if reread > _REREAD or _lower_beside(section, pit):
                continue
        chosen.append(pit)
    return Pits(tuple(chosen), found.usable)


def _lower_beside(section: Section, pit: Pit) -> bool:
    around = _around(pit.place, section.grid.shape)
    region = dict(zip(section.grid.names, around, strict=True))
    return bool(np.nanmin(section.read(region)) < pit.chi2)

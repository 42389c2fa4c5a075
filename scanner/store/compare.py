"""Compare the values of two cubes over the same axes, chunk by chunk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from scanner.store.cube import FloatArray, StatusArray
from scanner.store.layout import FIRST_WITHOUT_CHI2
from scanner.store.stored import StoredScan


@dataclass(frozen=True)
class CubeDifference:
    """How far two cubes are apart.

    Parameters
    ----------
    experiments : tuple of str
        Layers that both have.
    points : int
        Pairs of values that were compared, over all these layers.
    different : int
        Pairs whose chi2 differs, by however little.
    one_sided : int
        Points that have a chi2 in one cube alone: not computed, failed or unphysical in the other.
    largest : float
        Largest absolute difference of chi2; 0 where none was compared.
    experiment, at, chi2
        Where that is: layer, coordinates, and the two values.
    """

    experiments: tuple[str, ...]
    points: int = 0
    different: int = 0
    one_sided: int = 0
    largest: float = 0.0
    experiment: str = ""
    at: Mapping[str, float] = field(default_factory=dict)
    chi2: tuple[float, float] | None = None

    @property
    def same(self) -> bool:
        """Whether every point has the same value in both."""
        return not self.different and not self.one_sided


def compare_cubes(one: StoredScan, other: StoredScan) -> CubeDifference | None:
    """Largest difference of chi2 between two cubes; None where axes or experiments have no match.

    Read by the chunks of the first: memory holds one chunk and those of the other beside it.

    Raises
    ------
    MismatchError
        A chunk is damaged.
    """
    shared = tuple(name for name in one.definition.layers if name in other.definition.layers)
    if one.definition.axes != other.definition.axes or not shared:
        return None
    rows = [[scan.definition.layers.index(name) for name in shared] for scan in (one, other)]
    found = CubeDifference(shared)
    for chunk in one.grid:
        first = _values(*one.cube.read(chunk), rows[0])
        second = _values(*other.cube.read_region(chunk.slices), rows[1])
        found = _joined(found, one, first, second, chunk.start)
    return found


def _values(chi2: FloatArray, status: StatusArray, rows: list[int]) -> FloatArray:
    """chi2 of some layers, NaN where the point was not run or failed."""
    usable = (status > 0) & (status < FIRST_WITHOUT_CHI2)
    values: FloatArray = np.where(usable, chi2, np.nan)[rows]
    return values


def _joined(
    found: CubeDifference,
    scan: StoredScan,
    first: FloatArray,
    second: FloatArray,
    start: tuple[int, ...],
) -> CubeDifference:
    apart = np.abs(first - second)
    both = np.isfinite(apart)
    counted = replace(
        found,
        points=found.points + int(both.sum()),
        different=found.different + int((apart[both] > 0.0).sum()),
        one_sided=found.one_sided + int((np.isfinite(first) != np.isfinite(second)).sum()),
    )
    largest = float(np.max(apart, initial=0.0, where=both))
    if largest <= found.largest:
        return counted
    place = np.unravel_index(int(np.nanargmax(apart)), apart.shape)
    return replace(
        counted,
        largest=largest,
        experiment=found.experiments[int(place[0])],
        at={
            axis.name: float(axis.coordinates[begin + i])
            for axis, begin, i in zip(scan.definition.axes, start, place[1:], strict=True)
        },
        chi2=(float(first[place]), float(second[place])),
    )

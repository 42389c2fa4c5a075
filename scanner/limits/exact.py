"""Interval ends of a stored scan by root search on the likelihood itself.

The grid says where to look; the ends are where the exact chi2, minimised over the other axes within
their scanned ranges, crosses the level.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from scanner.definition import ScanDefinition
from scanner.exact.free import FreeParameter
from scanner.exact.interval import crossing
from scanner.exact.likelihood import Likelihood
from scanner.exact.minimise import Best, Profiled, minimise
from scanner.exact.walk import one_thread
from scanner.known import known_parameters
from scanner.limits.interval import Interval
from scanner.limits.layers import summed_layers
from scanner.limits.reference import Reference
from scanner.limits.remarks import follows_strip
from scanner.limits.stretches import Ends
from scanner.limits.surface import Surface

Array = npt.NDArray[np.float64]

WIDER = 4
"""Cells on each side of the grid's end in which the exact one is looked for."""


def likelihood_of(definition: ScanDefinition, experiments: Sequence[str]) -> Likelihood:
    """The exact likelihood of a scan, its axes the free parameters in their scanned ranges.

    Raises
    ------
    DefinitionError
        Some of the experiments that share a profiled input.
    """
    known = known_parameters(definition)
    free = [FreeParameter.along(axis, known[axis.name]) for axis in definition.axes]
    return Likelihood(definition, free, summed_layers(definition.layers, experiments))


@one_thread()
def exact_interval(found: Interval, like: Likelihood, curve: Surface) -> Interval:
    """The interval with ends of the likelihood; the grid's own stay beside them.

    Parameters
    ----------
    found : Interval
        As the grid has it.
    like : Likelihood
        As `likelihood_of`, of the interval's experiments.
    curve : Surface
        chi2 of the grid along the parameter, profiled over the axes that are not held.
    """
    search = _Search(Profiled(like, found.parameter, dict(found.fixed)), curve)
    best = search.lowest(found)
    zero = _reference(found, search, best)
    threshold = float(zero.chi2) + found.level
    roots = [_apart(search.end(end, threshold) for end in pair) for pair in found.intervals]
    pairs = list(zip(found.intervals, roots, strict=True))
    missing = [end for grid, exact in pairs for end in _missing(grid, exact)]
    return replace(
        found,
        best=best.at[found.parameter],
        chi2_min=best.chi2,
        reference=zero,
        intervals=tuple(_filled(grid, exact) for grid, exact in pairs),
        profiled={name: best.at[name] for name in found.profiled},
        source="exact",
        notes=found.notes + _notes(found, missing),
        grid_intervals=found.intervals,
    )


@dataclass(frozen=True)
class _Search:
    """Roots beside the grid's ends."""

    profiled: Profiled
    curve: Surface

    @property
    def coordinates(self) -> Array:
        return self.curve.axes[0].coordinates

    def lowest(self, found: Interval) -> Best:
        """Minimum over everything that is not held, from the grid's."""
        start = {found.parameter: found.best, **found.profiled}
        inside = {n: float(np.clip(v, *self._range(n))) for n, v in start.items() if np.isfinite(v)}
        return minimise(self.profiled.like, inside, dict(found.fixed), starts=1)

    def whole(self, reference: Reference) -> Best:
        """Minimum of the whole scan, from the stored one."""
        inside = {n: float(np.clip(v, *self._range(n))) for n, v in reference.at.items()}
        return minimise(self.profiled.like, inside, starts=1)

    def end(self, end: float | None, threshold: float) -> float | None:
        """The exact end beside one of the grid; None where there is none within a few cells."""
        if end is None:
            return None
        x = self.coordinates
        left = int(np.clip(np.searchsorted(x, end) - 1, 0, len(x) - 2))
        for wider in range(WIDER + 1):
            low, high = max(left - wider, 0), min(left + 1 + wider, len(x) - 1)
            for a in range(low, high):
                if self._allowed(a, threshold) != self._allowed(a + 1, threshold):
                    scale = self.profiled.like.scales[self.profiled.name]
                    return crossing(self.profiled, scale, float(x[a]), float(x[a + 1]), threshold)
        return None

    def _allowed(self, node: int, threshold: float) -> bool:
        value = float(self.coordinates[node])
        if value not in self.profiled.found:
            self.profiled.at(value, near=[self._place(node)])
        return bool(self.profiled.found[value].chi2 <= threshold)

    def _place(self, node: int) -> dict[str, float]:
        """Where the grid has its minimum over the other axes."""
        places = {name: float(at[node]) for name, at in self.curve.profiled.items()}
        return {n: float(np.clip(v, *self._range(n))) for n, v in places.items() if np.isfinite(v)}

    def _range(self, name: str) -> tuple[float, float]:
        parameter = self.profiled.like.parameter(name)
        return parameter.low, parameter.high


def _reference(found: Interval, search: _Search, best: Best) -> Reference:
    """Zero of Delta chi2 from the likelihood: never above a minimum that was found."""
    zero = found.reference
    if zero.kind == "sm":
        return zero
    lowest = best if zero.kind == "raster" or not found.fixed else search.whole(zero)
    if zero.source == "exact" and not lowest.chi2 < float(zero.chi2):
        return zero
    at: Mapping[str, float] = {name: lowest.at[name] for name in (zero.at or lowest.at)}
    return Reference(zero.kind, np.asarray(lowest.chi2), at, "exact")


def _apart(ends: Iterable[float | None]) -> Ends:
    """Both ends of an interval, none if they are the same crossing."""
    low, high = ends
    return (None, None) if low is not None and high is not None and not low < high else (low, high)


def _filled(grid: Ends, exact: Ends) -> Ends:
    """Exact ends, and the grid's where none was found; all of the grid if the two exclude it."""
    low, high = (b if b is not None else a for a, b in zip(grid, exact, strict=True))
    return grid if low is not None and high is not None and not low < high else (low, high)


def _missing(grid: Ends, exact: Ends) -> list[float]:
    return [a for a, b in zip(grid, exact, strict=True) if a is not None and b is None]


def _notes(found: Interval, missing: Sequence[float]) -> tuple[str, ...]:
    notes = []
    if follows_strip(found.notes):
        notes.append(
            "the likelihood is followed from the grid's places: along the strip another valley may "
            "be lower, and then these are no ends"
        )
    if missing:
        ends = ", ".join(f"{end:.4g}" for end in missing)
        notes.append(
            f"within {WIDER} cells of {found.parameter} = {ends} the likelihood does not cross the "
            "level: the grid's end stands there, a finer axis is needed"
        )
    return tuple(notes)

"""The limit that a finished run prints: a few intervals, in words and for JSON."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from scanner.definition import ScanDefinition
from scanner.errors import ScannerError
from scanner.grid import Axis
from scanner.known import known_parameters
from scanner.limits.interval import Interval, interval
from scanner.limits.reference import Minimum
from scanner.limits.space import Space
from scanner.limits.stretches import measured
from scanner.limits.surface import Surface
from scanner.statistics import levels

SUMMARY_LEVELS = (0.90, 0.9545)

_ROWS = 5


@dataclass(frozen=True)
class Summary:
    """Intervals of the last axis, at a few values of the first where there are two or more axes."""

    intervals: tuple[Interval, ...]
    units: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, for JSON."""
        return {"limits": [found.to_dict() for found in self.intervals]}

    def lines(self) -> tuple[str, ...]:
        """One line of text for each value and level, under a line that says what was done."""
        if not self.intervals:
            return ()
        notes = {note: None for found in self.intervals for note in found.notes}
        return (
            self._head(self.intervals[0]),
            *(f"  {self._row(found)}" for found in self.intervals),
            *(f"  note: {note}" for note in notes),
        )

    def _head(self, first: Interval) -> str:
        unit = f" in {first.unit}" if first.unit else ""
        zero = _REFERENCES[first.reference.kind]
        if first.reference.kind != "raster":
            zero += f" (chi2 = {round(float(first.reference.chi2), 2) + 0.0:.2f})"
        return (
            f"allowed {first.parameter}{unit}, {' + '.join(first.experiments)}, "
            f"{first.dof} dof, Delta chi2 from {zero}"
        )

    def _row(self, found: Interval) -> str:
        where = "".join(
            f"{name} = {measured(value, self.units[name])}, " for name, value in found.fixed.items()
        )
        return f"{where}{levels.percent(found.cl)}: {found.text()}"


_REFERENCES = {
    "global": "the minimum of the scan",
    "sm": "the Standard Model",
    "raster": "the minimum of each line",
}


def summary(
    surface: Space,
    *,
    parameter: str | None = None,
    along: str | None = None,
    cls: Sequence[float] = SUMMARY_LEVELS,
    kind: str = "global",
    minimum: Minimum | None = None,
    chi2_sm: float | None = None,
    line: Callable[[str, dict[str, float]], Surface | None] = lambda _parameter, _at: None,
) -> Summary:
    """Limits to print at the end of a run.

    One axis: its intervals with 1 dof. More: intervals of `parameter` (the last axis) with 2 dof at
    up to five round values of `along` (the first axis), profiled over the rest.

    Parameters
    ----------
    surface : Surface or LargeSurface
        The whole scan.
    kind, minimum, chi2_sm
        As for `scanner.limits.interval.interval`.
    line : callable
        ``line(parameter, at)`` gives the exact chi2 along a line, or None.
    """
    target = parameter or surface.names[-1]
    told = places(surface.axes, target, along)
    lines = [line(target, place) for place in told]
    return Summary(
        intervals=tuple(
            interval(
                surface,
                target,
                cl=cl,
                dof=len(place) + 1,
                at=place,
                kind=kind,
                minimum=minimum,
                chi2_sm=chi2_sm,
                line=exact,
            )
            for place, exact in zip(told, lines, strict=True)
            for cl in cls
        ),
        units={axis.name: axis.unit for axis in surface.axes},
    )


def places(axes: Sequence[Axis], target: str, along: str | None = None) -> list[dict[str, float]]:
    """Held values of each limit on `target`: round ones of the first other axis, or of `along`."""
    if len(axes) == 1:
        return [{}]
    name = along or next(axis.name for axis in axes if axis.name != target)
    running = next(axis for axis in axes if axis.name == name)
    return [{name: value} for value in round_values(running)]


def limited(definition: ScanDefinition) -> str:
    """What a summary limits: the last axis that is a coupling, not a mass or a splitting.

    The last axis where none is, or the scenario is gone: a scan may outlive it.
    """
    names = [axis.name for axis in definition.axes]
    try:
        known = known_parameters(definition)
    except ScannerError:
        return names[-1]
    return next((name for name in reversed(names) if known[name].role == "coupling"), names[-1])


def round_values(axis: Axis) -> list[float]:
    """Up to five round values inside an axis: powers of ten on a log axis, else spread evenly.

    >>> round_values(Axis("mass", "log", 0.1, 1e4, 50, "MeV"))
    [0.1, 1.0, 10.0, 1000.0, 10000.0]
    """
    low, high = float(axis.coordinates[0]), float(axis.coordinates[-1])
    if axis.logarithmic:
        exponents = range(
            math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9) + 1
        )
        decades = [min(max(10.0**k, low), high) for k in exponents]
        if decades:
            chosen = np.unique(np.linspace(0, len(decades) - 1, _ROWS).round().astype(int))
            return [decades[i] for i in chosen]
    chosen = np.unique(np.linspace(0, len(axis) - 1, _ROWS).round().astype(int))
    return [float(axis.coordinates[i]) for i in chosen]

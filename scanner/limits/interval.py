"""Allowed intervals of one parameter: profile over the rest, then every crossing of the level."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from scanner import interpolation
from scanner.errors import DefinitionError
from scanner.grid import Axis
from scanner.limits.reference import Minimum, Reference, reference
from scanner.limits.surface import Surface, plain
from scanner.statistics import levels

Array = npt.NDArray[np.float64]
Ends = tuple[float | None, float | None]


@dataclass(frozen=True)
class Interval:
    """Values of one parameter that are allowed at a confidence level.

    Parameters
    ----------
    parameter, unit : str
        What is limited.
    cl, dof, level : float, int, float
        Confidence level, degrees of freedom and the Delta chi2 they stand for.
    best, chi2_min : float
        Where the profiled chi2 is lowest, and its value there.
    reference : Reference
        What Delta chi2 is counted from.
    intervals : tuple of pairs
        Disjoint, increasing; an end is None where the allowed values reach the end of the axis.
    experiments : tuple of str
        Experiments that are combined.
    fixed : mapping
        Parameters held at a value.
    profiled : mapping
        Parameters profiled over, with their value at `best`.
    coverage : float
        Share of the grid points with a usable value.
    notes : tuple of str
        What a reader of the numbers has to know.
    """

    parameter: str
    unit: str
    cl: float
    dof: int
    level: float
    best: float
    chi2_min: float
    reference: Reference
    intervals: tuple[Ends, ...]
    experiments: tuple[str, ...]
    fixed: Mapping[str, float]
    profiled: Mapping[str, float]
    coverage: float
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings, for JSON; an end at the end of the axis is None."""
        return {
            "parameter": self.parameter,
            "unit": self.unit,
            "cl": self.cl,
            "dof": self.dof,
            "delta_chi2": self.level,
            "best": plain(self.best),
            "chi2_min": plain(self.chi2_min),
            "intervals": [list(ends) for ends in self.intervals],
            "reference": self.reference.to_dict(),
            "experiments": list(self.experiments),
            "fixed": dict(self.fixed),
            "profiled": {name: plain(value) for name, value in self.profiled.items()},
            "coverage": self.coverage,
            "notes": list(self.notes),
        }

    def text(self) -> str:
        """The intervals in words.

        Examples
        --------
        ``coupling < 2.04e-05`` or ``-0.08 < eps < 0.07 or 0.33 < eps < 0.48``
        """
        if not self.intervals:
            return f"no {self.parameter} allowed"
        return " or ".join(_in_words(self.parameter, ends) for ends in self.intervals)


def interval(
    surface: Surface,
    parameter: str,
    *,
    cl: float = 0.9,
    dof: int = 1,
    at: Mapping[str, float] | None = None,
    kind: str = "global",
    minimum: Minimum | None = None,
    chi2_sm: float | None = None,
) -> Interval:
    """Allowed intervals of one parameter, profiled over all axes that are not fixed.

    Parameters
    ----------
    surface : Surface
        The whole scan, for the chosen experiments.
    parameter : str
        An axis of the scan.
    cl : float
        Confidence level as a fraction.
    dof : int
        Degrees of freedom of the limit.
    at : mapping
        Axes held at a value.
    kind, minimum, chi2_sm
        As for `scanner.limits.reference.reference`.

    Raises
    ------
    DefinitionError
        An unknown or fixed parameter, a value outside its axis, a level that makes no sense.
    """
    level = level_of(cl, dof)
    fixed = dict(at or {})
    if parameter in fixed:
        raise DefinitionError(
            f"{parameter} is asked for and fixed at {fixed[parameter]:g}; do one or the other"
        )
    curve = surface.at(**fixed).profile([parameter])
    zero = reference(curve, kind, space=surface, minimum=minimum, chi2_sm=chi2_sm)
    axis = curve.axes[0]
    scaled, delta = axis.to_scale(axis.coordinates), zero.delta(curve)
    pieces = _allowed(scaled, delta, level)
    best, chi2_min, profiled = _best(curve, scaled, zero if not fixed else None)
    return Interval(
        parameter=parameter,
        unit=axis.unit,
        cl=cl,
        dof=dof,
        level=level,
        best=best,
        chi2_min=chi2_min,
        reference=zero,
        intervals=tuple((_end(axis, a), _end(axis, b)) for a, b in pieces),
        experiments=surface.experiments,
        fixed=fixed,
        profiled=profiled,
        coverage=surface.coverage,
        notes=_notes(parameter, surface, scaled, pieces),
    )


def level_of(cl: float, dof: int) -> float:
    """Delta chi2 of a confidence level; DefinitionError where `scanner.statistics` refuses."""
    try:
        return levels.delta_chi2(cl, dof)
    except ValueError as error:
        raise DefinitionError(str(error)) from None


def _allowed(x: Array, delta: Array, level: float) -> list[tuple[float, float]]:
    """Stretches of the axis scale where the interpolant is at or below the level."""
    cuts = np.unique([*x, *interpolation.crossings(x, delta, level)])
    pieces: list[tuple[float, float]] = []
    for start, stop in pairwise(cuts):
        # between two cuts lies no crossing: the middle speaks for the whole
        if not interpolation.interpolate(x, delta, 0.5 * (start + stop)) <= level:
            continue
        if pieces and pieces[-1][1] == start:
            pieces[-1] = (pieces[-1][0], float(stop))
        else:
            pieces.append((float(start), float(stop)))
    return pieces


def _best(
    curve: Surface, scaled: Array, zero: Reference | None
) -> tuple[float, float, dict[str, float]]:
    """Place and value of the lowest chi2 and the profiled parameters there.

    The exact minimum of the whole scan, where it was found and nothing is fixed.
    """
    name = curve.names[0]
    if zero is not None and zero.kind == "global" and name in zero.at:
        profiled = {key: float(zero.at[key]) for key in curve.profiled if key in zero.at}
        return float(zero.at[name]), float(zero.chi2), profiled
    place, chi2 = interpolation.minimum_along(scaled, curve.chi2)
    nearest = int(np.argmin(np.abs(scaled - np.nan_to_num(place))))
    profiled = {key: float(value[nearest]) for key, value in curve.profiled.items()}
    return float(curve.axes[0].from_scale(place)), float(chi2), profiled


def _end(axis: Axis, scaled: float) -> float | None:
    """An end in the axis unit, None at the end of the axis."""
    ends = axis.to_scale(axis.coordinates[[0, -1]])
    return None if scaled in ends else float(axis.from_scale(scaled))


def _notes(
    parameter: str, surface: Surface, x: Array, pieces: list[tuple[float, float]]
) -> tuple[str, ...]:
    notes = []
    if surface.computed < 1.0:
        notes.append(f"{math.floor(100.0 * surface.computed)} % of the grid computed")
    unusable = surface.computed - surface.coverage
    if unusable > 0.0:
        notes.append(f"{100.0 * unusable:.2g} % of the grid points are unphysical or failed")
    narrow = [p for p in pieces if _cells(x, p) < 2.0 and x[0] < p[0] and p[1] < x[-1]]
    if narrow:
        notes.append(
            f"{len(narrow)} of the intervals is narrower than two cells of the {parameter} axis:"
            " a finer axis is needed to trust its ends"
        )
    return tuple(notes)


def _cells(x: Array, piece: tuple[float, float]) -> float:
    """Width of a piece in cells of the axis."""
    positions = np.interp(piece, x, np.arange(x.size))
    return float(positions[1] - positions[0])


def _in_words(name: str, ends: Ends) -> str:
    low, high = ends
    if low is None and high is None:
        return f"every scanned {name}"
    if low is None:
        return f"{name} < {high:.3g}"
    if high is None:
        return f"{name} > {low:.3g}"
    return f"{low:.3g} < {name} < {high:.3g}"

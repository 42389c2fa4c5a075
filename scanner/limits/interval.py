"""Allowed intervals of one parameter: profile over the rest, then every crossing of the level."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from scanner import interpolation
from scanner.errors import DefinitionError
from scanner.limits.level import level_of as level_of
from scanner.limits.level import upper_only
from scanner.limits.reference import Minimum, Reference, reference
from scanner.limits.remarks import of_elsewhere, of_pieces, of_strips, of_undershoot
from scanner.limits.space import Space
from scanner.limits.stretches import Ends, in_words, stretches_below
from scanner.limits.surface import Surface, number, plain
from scanner.statistics.levels import WILKS


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
        Disjoint, increasing; an end is None where the allowed values reach the end of the axis or
        of the usable points: there is no limit.
    experiments : tuple of str
        Experiments that are combined.
    fixed : mapping
        Parameters held at a value.
    profiled : mapping
        Parameters profiled over, with their value at `best`.
    coverage : float
        Share of the grid points with a usable value.
    points_end : tuple of pairs
        One for each of `intervals`: where an end is None because no usable point lies beyond, the
        value there; None elsewhere.
    source : str
        ``exact`` where the ends are roots of the likelihood; ``likelihood`` where chi2 was
        evaluated along the line, ``grid`` where it was interpolated.
    notes : tuple of str
        What a reader of the numbers has to know.
    derived : mapping from name to shift
        Quantities that are the parameter plus a shift, in its unit: a neutron skin.
    sided : "two" or "one"
        ``one`` for an upper limit alone, of level z^2 with the one-sided z.
    grid_intervals : tuple of pairs
        Beside exact ends those that the grid has; empty otherwise.
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
    points_end: tuple[Ends, ...]
    source: str = "grid"
    notes: tuple[str, ...] = ()
    derived: Mapping[str, float] = field(default_factory=dict)
    sided: str = "two"
    grid_intervals: tuple[Ends, ...] = ()

    def shifted(self, name: str) -> Interval:
        """The interval of a derived quantity."""
        shift = self.derived[name]

        def moved(pairs: tuple[Ends, ...]) -> tuple[Ends, ...]:
            return tuple((_moved(low, shift), _moved(high, shift)) for low, high in pairs)

        return replace(
            self,
            parameter=name,
            best=self.best + shift,
            intervals=moved(self.intervals),
            grid_intervals=moved(self.grid_intervals),
            points_end=moved(self.points_end),
            derived={},
        )

    @property
    def on_grid(self) -> Interval:
        """Beside exact ends, the interval with those of the grid."""
        return replace(self, intervals=self.grid_intervals, grid_intervals=())

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings, for JSON; an end that is no limit is None."""
        beside = {"grid_intervals": [list(ends) for ends in self.grid_intervals]}
        return {
            "parameter": self.parameter,
            "unit": self.unit,
            "cl": self.cl,
            "dof": self.dof,
            "statistic": WILKS,
            "sided": self.sided,
            "delta_chi2": self.level,
            "best": plain(self.best),
            "chi2_min": plain(self.chi2_min),
            "intervals": [list(ends) for ends in self.intervals],
            "points_end": [list(ends) for ends in self.points_end],
            "reference": self.reference.to_dict(),
            "experiments": list(self.experiments),
            "fixed": dict(self.fixed),
            "profiled": {name: plain(value) for name, value in self.profiled.items()},
            "coverage": self.coverage,
            "source": self.source,
            **(beside if self.source == "exact" else {}),
            "notes": list(self.notes),
            "derived": {
                name: {
                    "shift": self.derived[name],
                    "best": plain(found.best),
                    "intervals": [list(ends) for ends in found.intervals],
                }
                for name, found in ((name, self.shifted(name)) for name in self.derived)
            },
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Interval:
        """Inverse of `to_dict`, to the last bit.

        Raises
        ------
        KeyError
            An entry is missing.
        """
        return cls(
            parameter=record["parameter"],
            unit=record["unit"],
            cl=float(record["cl"]),
            dof=int(record["dof"]),
            level=float(record["delta_chi2"]),
            best=number(record["best"]),
            chi2_min=number(record["chi2_min"]),
            reference=Reference.from_dict(record["reference"]),
            intervals=_pairs(record["intervals"]),
            experiments=tuple(record["experiments"]),
            fixed=dict(record["fixed"]),
            profiled={name: number(value) for name, value in record["profiled"].items()},
            coverage=float(record["coverage"]),
            points_end=_pairs(record["points_end"]),
            source=record["source"],
            notes=tuple(record["notes"]),
            derived={name: float(found["shift"]) for name, found in record["derived"].items()},
            sided=record["sided"],
            grid_intervals=_pairs(record.get("grid_intervals", ())),
        )

    def text(self) -> str:
        """The intervals in words.

        Examples
        --------
        ``coupling < 2.04e-05`` or ``-0.08 < eps < 0.07 or 0.33 < eps < 0.48``
        """
        if math.isnan(self.best):
            return f"no usable point of {self.parameter}"
        if not self.intervals:
            where = "" if self.coverage == 1.0 else " at the usable points"
            return f"no scanned {self.parameter} allowed{where}"
        pieces = zip(self.intervals, self.points_end, strict=True)
        return " or ".join(in_words(self.parameter, *piece) for piece in pieces)


def interval(
    surface: Space,
    parameter: str,
    *,
    cl: float = 0.9,
    dof: int = 1,
    at: Mapping[str, float] | None = None,
    kind: str = "global",
    minimum: Minimum | None = None,
    chi2_sm: float | None = None,
    line: Surface | None = None,
    sided: str = "two",
) -> Interval:
    """Allowed intervals of one parameter, profiled over all axes that are not fixed.

    Parameters
    ----------
    surface : Surface or LargeSurface
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
        As for `scanner.limits.reference.reference`. An upper limit alone (`sided` ``one``) at
        values that are held is ``raster`` in place of ``global``: its level belongs to the fall of
        chi2 along the parameter alone, not to what other values of the held axes fit better.
    line : Surface, optional
        The exact chi2 along `parameter` at the held values, where no other axis is left; without
        it the stored points are interpolated.

    Raises
    ------
    DefinitionError
        An unknown or fixed parameter, a value outside its axis, a level that makes no sense.
    """
    level = level_of(cl, dof, sided)
    fixed = {**surface.fixed, **(at or {})}
    if parameter in fixed:
        raise DefinitionError(
            f"{parameter} is asked for and fixed at {fixed[parameter]:g}; do one or the other"
        )
    held: Space = surface.at(**dict(at or {})) if line is None else line
    # the first axis is profiled over last: the plane before that step shows its strips
    plane = held.profile([*[name for name in held.names if name != parameter][:1], parameter])
    curve = plane.profile([parameter])
    if sided == "one" and kind == "global" and fixed:
        kind = "raster"
    zero = reference(curve, kind, space=surface, minimum=minimum, chi2_sm=chi2_sm)
    axis = curve.axes[0]
    best, chi2_min, profiled = _best(curve, zero if not fixed else None)
    delta = zero.delta(curve)
    if sided == "one":
        delta = upper_only(axis.coordinates, delta, best)
    pieces = stretches_below(axis, delta, level)
    return Interval(
        parameter=parameter,
        unit=axis.unit,
        cl=cl,
        dof=dof,
        level=level,
        best=best,
        chi2_min=chi2_min,
        reference=zero,
        intervals=tuple(piece.limits for piece in pieces),
        experiments=surface.experiments,
        fixed=fixed,
        profiled=profiled,
        coverage=surface.coverage,
        points_end=tuple(piece.points_end for piece in pieces),
        source="grid" if line is None else "likelihood",
        notes=of_pieces(axis, surface, pieces)
        + of_strips(plane, zero, level)
        + of_undershoot(chi2_min, minimum)
        + of_elsewhere(zero, fixed, chi2_min, dof),
        sided=sided,
    )


def _pairs(record: Sequence[Sequence[float | None]]) -> tuple[Ends, ...]:
    return tuple((low, high) for low, high in record)


def _moved(end: float | None, shift: float) -> float | None:
    return None if end is None else end + shift


def _best(curve: Surface, zero: Reference | None) -> tuple[float, float, dict[str, float]]:
    """Place and value of the lowest chi2 and the profiled parameters there.

    The exact minimum of the whole scan, where it was found and nothing is fixed.
    """
    axis = curve.axes[0]
    name, scaled = axis.name, axis.to_scale(axis.coordinates)
    if zero is not None and zero.kind == "global" and name in zero.at:
        profiled = {key: float(zero.at[key]) for key in curve.profiled if key in zero.at}
        return float(zero.at[name]), float(zero.chi2), profiled
    place, chi2 = interpolation.minimum_along(scaled, curve.chi2)
    nearest = int(np.argmin(np.abs(scaled - np.nan_to_num(place))))
    profiled = {key: float(value[nearest]) for key, value in curve.profiled.items()}
    return float(axis.from_scale(place)), float(chi2), profiled

"""A limit under several conventions: one value each along an axis, and the band that they span."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from scanner.errors import DefinitionError
from scanner.grid import Axis
from scanner.limits.answers import Answers
from scanner.limits.interval import Interval, level_of
from scanner.limits.stretches import stretches_below
from scanner.limits.summary import round_values
from scanner.limits.surface import plain

Array = npt.NDArray[np.float64]
Choices = Mapping[str, str]


def in_words(choices: Choices) -> str:
    """Conventions by their last names.

    >>> in_words({"options.couplings": "tree", "experiment.coherent_csi_2021.timing": "x"})
    'couplings=tree, timing=x'
    """
    return ", ".join(f"{key.rpartition('.')[2]}={value}" for key, value in choices.items())


@dataclass(frozen=True)
class Curve:
    """The upper limit under one choice of conventions, along an axis; NaN where there is none."""

    choices: Choices
    scan: str
    limit: Array


@dataclass(frozen=True)
class Band:
    """Upper limits under all conventions; the first curve is the nominal one.

    Parameters
    ----------
    parameter, unit : str
        What is limited.
    along : Axis
        At each of its values.
    cl, dof, reference : float, int, str
        Level of the limits, and what Delta chi2 counts from.
    curves : tuple of Curve
        The nominal one first.
    """

    parameter: str
    unit: str
    along: Axis
    cl: float
    dof: int
    reference: str
    curves: tuple[Curve, ...]

    @property
    def edges(self) -> tuple[Array, Array]:
        """Lowest and highest limit at every value; NaN where one convention has none."""
        limits = np.array([curve.limit for curve in self.curves])
        return np.min(limits, axis=0), np.max(limits, axis=0)

    def rows(self) -> list[dict[str, Any]]:
        """The spread in numbers at a few round values of the axis, nearest grid points."""
        scaled = self.along.to_scale(self.along.coordinates)
        places = {
            int(np.argmin(np.abs(scaled - self.along.to_scale(value))))
            for value in round_values(self.along)
        }
        return [self._row(place) for place in sorted(places)]

    def _row(self, place: int) -> dict[str, Any]:
        limits = np.array([curve.limit[place] for curve in self.curves])
        found = np.isfinite(limits)
        nominal = float(limits[0])
        record: dict[str, Any] = {
            self.along.name: float(self.along.coordinates[place]),
            "nominal": plain(nominal),
            "without_limit": int((~found).sum()),
        }
        if not found.any():
            return record
        low, high = int(np.nanargmin(limits)), int(np.nanargmax(limits))
        spread = (limits[high] - limits[low]) / nominal
        return record | {
            "lowest": float(limits[low]),
            "highest": float(limits[high]),
            "spread": plain(float(spread)),
            "lowest_by": dict(self.curves[low].choices),
            "highest_by": dict(self.curves[high].choices),
        }

    def table(self) -> list[tuple[str, ...]]:
        """The spread in words, for people."""
        unit = f" [{self.along.unit}]" if self.along.unit else ""
        rows: list[tuple[str, ...]] = [
            (f"{self.along.name}{unit}", "nominal", "lowest", "highest", "spread", "lowest by")
        ]
        for row in self.rows():
            cells = [f"{row[self.along.name]:.4g}"]
            cells += [_cell(row.get(key)) for key in ("nominal", "lowest", "highest")]
            spread = row.get("spread")
            cells.append("-" if spread is None else f"{100.0 * spread:.1f} %")
            rows.append((*cells, in_words(row.get("lowest_by", {}))))
        return rows

    def remarks(self) -> tuple[str, ...]:
        """What a reader of the table has to know."""
        unit = f" in {self.unit}" if self.unit else ""
        said = f"upper limit on {self.parameter}{unit} at cl {self.cl:g}, {self.dof} dof, "
        said += f"{len(self.curves)} conventions; interpolated between grid points"
        missing = max((row["without_limit"] for row in self.rows()), default=0)
        if not missing:
            return (said,)
        return (said, f"up to {missing} of the conventions have no limit at a value of the table")

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings, for JSON."""
        return {
            "parameter": self.parameter,
            "unit": self.unit,
            "along": self.along.name,
            "values": self.along.coordinates.tolist(),
            "cl": self.cl,
            "dof": self.dof,
            "reference": self.reference,
            "spread": self.rows(),
            "curves": [
                {
                    "choices": dict(curve.choices),
                    "scan": curve.scan,
                    "limit": [plain(float(v)) for v in curve.limit],
                }
                for curve in self.curves
            ],
        }


@dataclass(frozen=True)
class Spread:
    """Intervals of one parameter under all conventions; the first is the nominal one."""

    found: tuple[tuple[Choices, str, Interval], ...]

    def ends(self) -> tuple[tuple[tuple[float, float] | None, ...], ...] | None:
        """Lowest and highest value of every end of every interval.

        An end without a limit somewhere is None; None as a whole where conventions differ in the
        number of intervals.
        """
        pieces = [interval.intervals for _, _, interval in self.found]
        if len({len(piece) for piece in pieces}) != 1:
            return None
        return tuple(
            tuple(_range([piece[i][side] for piece in pieces]) for side in (0, 1))
            for i in range(len(pieces[0]))
        )

    def table(self) -> list[tuple[str, ...]]:
        """Every convention's intervals in words."""
        rows: list[tuple[str, ...]] = [("conventions", "best", "allowed")]
        return rows + [
            (in_words(choices), f"{interval.best:.4g}", interval.text())
            for choices, _, interval in self.found
        ]

    def remarks(self) -> tuple[str, ...]:
        """The spread of every end."""
        ends = self.ends()
        if ends is None:
            return ("the conventions differ in the number of intervals",)
        return tuple(
            f"interval {i + 1}, {side} end: {at[0]:.4g} to {at[1]:.4g}"
            for i, pair in enumerate(ends)
            for side, at in zip(("lower", "upper"), pair, strict=True)
            if at is not None
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings, for JSON."""
        ends = self.ends()
        nominal = self.found[0][2]
        return {
            "parameter": nominal.parameter,
            "unit": nominal.unit,
            "cl": nominal.cl,
            "dof": nominal.dof,
            "ends": None if ends is None else [[e and list(e) for e in pair] for pair in ends],
            "variants": [
                {"choices": dict(choices), "scan": scan, **interval.to_dict()}
                for choices, scan, interval in self.found
            ],
        }


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _range(values: Sequence[float | None]) -> tuple[float, float] | None:
    found = [value for value in values if value is not None]
    return (min(found), max(found)) if len(found) == len(values) else None


def upper_limit(
    scan: Answers,
    parameter: str,
    along: str,
    *,
    cl: float,
    dof: int,
    at: Mapping[str, float] | None = None,
    experiments: Sequence[str] | None = None,
    reference: str = "global",
) -> Array:
    """Upper limit on a parameter at every value of another axis: the first crossing from below.

    What is allowed again above it (a thin strip, an island) does not count. NaN where the lowest
    value is excluded already, or nothing is up to the end of the axis.

    Raises
    ------
    DefinitionError
        An unknown axis, or a level that makes no sense.
    """
    if parameter == along:
        raise DefinitionError(f"{parameter}: a limit on a parameter runs along another axis")
    level = level_of(cl, dof)
    surface = scan.delta_chi2(
        [along, parameter], at=at, experiments=experiments, reference=reference
    )
    return np.array([_first_end(surface.axes[1], row, level) for row in surface.chi2])


def _first_end(axis: Axis, delta: Array, level: float) -> float:
    pieces = stretches_below(axis, delta, level)
    if not pieces or not delta[0] <= level:
        return float("nan")
    end = pieces[0].limits[1]
    return float("nan") if end is None else end

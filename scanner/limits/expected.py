"""Expected limits: of Asimov's data, with bands from toys of the Standard Model.

Asimov's data are the expectation of backgrounds and Standard Model at nominal pulls and inputs
(sec. 3.2 of arXiv:1007.1727); toys are drawn about it, counts and the auxiliary measurements. Delta
chi2 is counted from the minimum over the free parameters (of each value of `along`), the level is
that of Wilks. Bands are quantiles of the toys' limits, not the asymptotic formula: with couplings
squared and a boundary that formula does not hold.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from scanner.errors import DefinitionError
from scanner.limits.curves import Curves
from scanner.limits.level import level_of, upper_only
from scanner.limits.stretches import Ends, stretches_below
from scanner.limits.surface import plain
from scanner.limits.toys import generator
from scanner.statistics.levels import WILKS

Array = npt.NDArray[np.float64]

BANDS = (-2, -1, 0, 1, 2)
"""Standard deviations whose quantiles are given."""
TOYS = 300


@dataclass(frozen=True)
class Row:
    """Limits at one value of the axis along which they are asked, or of the whole question.

    Parameters
    ----------
    value : float
        Of that axis; NaN without one.
    asimov, observed : tuple of pairs
        Allowed intervals.
    upper, lower : mapping from standard deviations to float
        Quantiles of the outermost ends of the toys' intervals; infinite beyond the axis.
    """

    value: float
    asimov: tuple[Ends, ...]
    observed: tuple[Ends, ...]
    upper: Mapping[int, float]
    lower: Mapping[int, float]

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, for JSON; an end beyond the axis is None."""
        return {
            "value": plain(self.value),
            "asimov": [list(e) for e in self.asimov],
            "observed": [list(e) for e in self.observed],
            "upper": {str(k): plain(v) for k, v in self.upper.items()},
            "lower": {str(k): plain(v) for k, v in self.lower.items()},
        }


@dataclass(frozen=True)
class Expected:
    """Expected limits of one parameter."""

    curves: Curves
    cl: float
    dof: int
    sided: str
    level: float
    n_toys: int
    chi2_min: float
    best: float
    rows: tuple[Row, ...]

    def to_dict(self) -> dict[str, Any]:
        """The whole record, for JSON."""
        question = self.curves.bench.question
        record = {k: v for k, v in question.record().items() if k not in ("keep", "construction")}
        return {
            "statistic": WILKS,
            "parameter": self.curves.parameter,
            "unit": self.curves.axis.unit,
            "along": self.curves.along,
            "cl": self.cl,
            "dof": self.dof,
            "sided": self.sided,
            "delta_chi2": self.level,
            "reference": "minimum of the free parameters, of each value of `along`",
            "chi2_min": plain(self.chi2_min),
            "minimum_at": {self.curves.parameter: plain(self.best)},
            **record,
            "expected": "asimov set of the Standard Model at nominal pulls",
            "bands": "toys of the Standard Model at nominal pulls",
            "n_toys": self.n_toys,
            "rows": [row.to_dict() for row in self.rows],
        }

    def table(self) -> tuple[list[str], list[list[float | None]]]:
        """Columns and rows of upper limits, for CSV: along, observed, Asimov, the bands."""
        columns = [self.curves.along or "value", "observed", "asimov"]
        columns += [f"expected_{k:+d}_sigma" if k else "expected_median" for k in BANDS]
        rows = [
            [
                plain(row.value),
                _last(row.observed),
                _last(row.asimov),
                *(plain(row.upper[k]) for k in BANDS),
            ]
            for row in self.rows
        ]
        return columns, rows


def expected(
    curves: Curves,
    *,
    cl: float = 0.9,
    dof: int = 1,
    sided: str = "two",
    n_toys: int = TOYS,
) -> Expected:
    """Expected limits on the parameter of the curves.

    Raises
    ------
    DefinitionError
        A level or a number of toys that makes no sense.
    """
    level = level_of(cl, dof, sided)
    if n_toys < 1:
        raise DefinitionError(f"toys = {n_toys}: give at least 1")
    bench = curves.bench
    truth = bench.standard_model()
    asimov = [
        one.exchanged(one.pulls.at(signal, x))
        for one, signal, x in zip(bench.data, truth.signals, truth.pulls, strict=True)
    ]
    random = generator(bench.question.definition.digest, bench.question.key, "expected")
    toys = [
        _ends(_intervals(curves, curves.of(truth.drawn(bench.data, random)), level, sided))
        for _ in range(n_toys)
    ]
    ends = np.array(toys)  # (n_toys, n_rows, 2)
    seen = curves.of(bench.data)
    rows = [
        Row(
            value=float(value),
            asimov=fair,
            observed=real,
            upper=_quantiles(ends[:, i, 1]),
            lower=_quantiles(ends[:, i, 0]),
        )
        for i, (value, fair, real) in enumerate(
            zip(
                curves.rows,
                _intervals(curves, curves.of(asimov), level, sided),
                _intervals(curves, seen, level, sided),
                strict=True,
            )
        )
    ]
    lowest = int(np.nanargmin(seen[1]))
    return Expected(
        curves,
        cl,
        dof,
        sided,
        level,
        n_toys,
        float(seen[1][lowest]),
        float(seen[2][lowest]),
        tuple(rows),
    )


def _intervals(
    curves: Curves, found: tuple[Array, Array, Array], level: float, sided: str
) -> list[tuple[Ends, ...]]:
    """Allowed intervals of each row."""
    axis, made = curves.axis, []
    for delta, best in zip(found[0], found[2], strict=True):
        one = upper_only(axis.coordinates, delta, best) if sided == "one" else delta
        made.append(tuple(piece.limits for piece in stretches_below(axis, one, level)))
    return made


def _ends(intervals: list[tuple[Ends, ...]]) -> list[tuple[float, float]]:
    """Outermost ends of each row, infinite beyond the axis."""
    return [
        (
            -math.inf if not row or row[0][0] is None else row[0][0],
            math.inf if not row or row[-1][1] is None else row[-1][1],
        )
        for row in intervals
    ]


def _quantiles(values: Array) -> dict[int, float]:
    """Of the toys; no interpolation, for ends may be infinite."""
    return {k: float(np.quantile(values, ndtr(k), method="nearest")) for k in BANDS}


def _last(intervals: tuple[Ends, ...]) -> float | None:
    return intervals[-1][1] if intervals else None

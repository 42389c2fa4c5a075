"""What was published beside what this code says: rows, answers, and how far they are apart."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, Literal

from scanner.gallery.strength import Ends, Said, times
from scanner.statistics.levels import delta_chi2

Verdict = Literal["agrees", "explained", "differs"]

LIKELY = 3.0
"""Per cent of the interval's width (of the value where there is one end) within which two
calculations agree, besides half a unit of the last digit that was published."""

UNLIKE = 1.5
"""Longer over shorter error of a best value, above which no one standard deviation stands for
both."""


@dataclass(frozen=True)
class Published:
    """A value as it was printed.

    Parameters
    ----------
    parameter, unit : str
        Its name and unit there.
    paper : str
        arXiv number.
    best : float or None
        Best value.
    intervals : tuple of (low, high)
        An end that is not given is None.
    cl : float or None
        Confidence level of the interval; None where none is said.
    dof : int or None
        Degrees of freedom of the level.
    recalled : bool
        Whether it is quoted without having been read again in the paper.
    """

    parameter: str
    unit: str
    paper: str
    best: float | None = None
    intervals: tuple[Ends, ...] = ()
    cl: float | None = None
    dof: int | None = None
    recalled: bool = False

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Published:
        """From a table of the list: an interval is ``lower`` and ``upper``, or ``intervals``."""
        intervals: Sequence[Ends] = [(low, high) for low, high in raw.get("intervals", ())]
        if not intervals and ("lower" in raw or "upper" in raw):
            intervals = [(raw.get("lower"), raw.get("upper"))]
        return cls(
            raw["parameter"],
            raw.get("unit", ""),
            raw.get("paper", ""),
            raw.get("best"),
            tuple(intervals),
            raw.get("cl"),
            raw.get("dof"),
            bool(raw.get("recalled", False)),
        )


@dataclass(frozen=True)
class Comparison:
    """One row: a question, and what was published.

    Parameters
    ----------
    id : str
        Unique; behind a slash further questions to the same published value.
    published : Published
        As printed.
    asked : mapping
        The question, see ``comparisons.toml``.
    """

    id: str
    published: Published
    asked: Mapping[str, Any] = field(repr=False)

    @property
    def explains(self) -> str:
        """Why the two differ, if somebody knows."""
        return str(self.asked.get("explains", ""))

    @property
    def analysis(self) -> str:
        """What the published analysis has that this one does not."""
        return str(self.asked.get("analysis", ""))

    @property
    def variant(self) -> str:
        """What tells it from other questions to the same quantity."""
        return str(self.asked.get("variant", ""))

    @property
    def level(self) -> tuple[float, int]:
        """Confidence level and degrees of freedom of the question."""
        usual = 2 if "definition" in self.asked else 1
        return self.published.cl or 0.9, self.published.dof or usual

    def expected(self) -> Said:
        """The published value in the convention of the answer."""
        value = (self.published.best, self.published.intervals)
        return times(value, float(self.asked.get("factor", 1.0)))


@dataclass(frozen=True)
class Compared:
    """A row with its answer.

    Parameters
    ----------
    row : Comparison
        The question.
    here : pair
        Best value and intervals that this code finds.
    difference : float
        Largest difference of the ends in per cent of the width (of the value where there is one
        end); NaN where there is nothing to compare.
    """

    row: Comparison
    here: Said
    difference: float

    @property
    def sigmas(self) -> float:
        """How far the best values are apart, in standard deviations of the published one.

        NaN where there is no best value, no level, or errors that are too unlike (`UNLIKE`).
        """
        best, intervals = self.row.expected()
        published = self.row.published
        if self.here[0] is None or best is None or published.cl is None or len(intervals) != 1:
            return math.nan
        low, high = intervals[0]
        if low is None or high is None or not low < best < high:
            return math.nan
        shorter, longer = sorted((best - low, high - best))
        if longer > UNLIKE * shorter:
            return math.nan
        level = math.sqrt(delta_chi2(published.cl, self.row.level[1]))
        return abs(self.here[0] - best) * 2.0 * level / (high - low)

    @property
    def incomparable(self) -> str:
        """Why there is no difference in per cent; nothing where there is one."""
        if not math.isnan(self.difference):
            return ""
        here, published = len(self.here[1]), len(self.row.expected()[1])
        if here and published and here != published:
            return f"{_pieces(published)} there, {_pieces(here)} here"
        return "an end is open here" if here and published else "no value on one side"

    @property
    def verdict(self) -> Verdict:
        """``agrees``, ``explained`` where the row says why not, or ``differs``."""
        _, intervals = self.row.expected()
        allowed = LIKELY + rounding(intervals if self.here[1] else ())
        if abs(self.difference) <= allowed:
            return "agrees"
        return "explained" if self.row.explains else "differs"


def _pieces(number: int) -> str:
    """Intervals, counted.

    >>> _pieces(1), _pieces(2)
    ('one interval', '2 intervals')
    """
    return "one interval" if number == 1 else f"{number} intervals"


def compared(row: Comparison, here: Said) -> Compared:
    """A row with its answer."""
    best, intervals = row.expected()
    return Compared(row, here, difference(here, (best, intervals if here[1] else ())))


def difference(here: Said, other: Said) -> float:
    """Largest difference of the ends in per cent of the width, of the value where there is one."""
    best, pieces = here
    other_best, other_pieces = other
    if pieces and other_pieces:
        if len(pieces) != len(other_pieces):
            return math.nan
        gaps = [_gap(*ends) for ends in zip(pieces, other_pieces, strict=True)]
        return max(gaps, key=lambda gap: math.inf if math.isnan(gap) else abs(gap))
    if best is None or other_best is None:
        return math.nan
    return 100.0 * (best - other_best) / abs(other_best)


def _gap(ours: Ends, theirs: Ends) -> float:
    """The largest difference of the ends that both have, in per cent."""
    low, high = theirs
    known = [end for end in theirs if end is not None]
    width = high - low if low is not None and high is not None else abs(known[0])
    worst = 0.0
    for end, other in zip(ours, theirs, strict=True):
        if other is not None:
            gap = math.nan if end is None else 100.0 * (end - other) / width
            worst = max(worst, gap, key=lambda g: math.inf if math.isnan(g) else abs(g))
    return worst


def rounding(intervals: Sequence[Ends]) -> float:
    """Half a unit of the finest last digit, in per cent of the narrowest width (or the value)."""
    worst = 0.0
    for ends in intervals:
        known = [end for end in ends if end]
        half = min((0.5 * 10.0 ** _last_digit(end) for end in known), default=0.0)
        width = abs(known[-1] - known[0]) if len(known) == 2 else abs(known[0]) if known else 1.0
        worst = max(worst, 100.0 * half / width)
    return worst


def _last_digit(value: float) -> int:
    """Power of ten of the last digit that is written, of four at most.

    >>> _last_digit(0.258), _last_digit(60.0)
    (-3, 0)
    """
    text = f"{value:.4g}"
    mantissa, _, exponent = text.partition("e")
    return int(exponent or 0) - len(mantissa.partition(".")[2])


@cache
def comparisons() -> Mapping[str, Comparison]:
    """All rows that are shipped, by id."""
    text = resources.files(__package__).joinpath("comparisons.toml").read_text(encoding="utf-8")
    rows = tomllib.loads(text)["comparison"]
    return {row["id"]: Comparison(row["id"], Published.of(row["published"]), row) for row in rows}

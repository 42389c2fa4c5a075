"""Interval ends of the likelihood itself: every crossing of the level, found as a root."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import optimize

from scanner.errors import DefinitionError
from scanner.exact.likelihood import Likelihood
from scanner.exact.minimise import Best, Profiled, minimise, sweep
from scanner.exact.walk import REACH, Scale, one_thread
from scanner.statistics import levels

Array = npt.NDArray[np.float64]
Ends = tuple[float | None, float | None]

NODES, NODES_ALONE = 41, 401
"""Places where crossings are looked for; more where nothing has to be minimised at each."""
STARTS = 4
"""Descents from elsewhere at each place: another valley may be lowest there."""
NEAR = 0.02
"""Nearest place beside the minimum, in units of search: what is narrower than twice is not seen."""
DOUBLINGS = 12
"""How often the search doubles its reach where a range has no end."""
PRECISION = 1e-10
"""Of an end, relative to the unit of search."""


@dataclass(frozen=True)
class ExactInterval:
    """Values of one parameter that are allowed at a confidence level.

    Parameters
    ----------
    parameter, unit : str
        What is limited.
    cl, dof, level : float, int, float
        Confidence level, degrees of freedom and the Delta chi2 they stand for.
    best, chi2_min : float
        Where the profiled chi2 is lowest, and its value there.
    reference : float
        chi2 that Delta chi2 is counted from.
    intervals : tuple of pairs
        Disjoint, increasing; an end is None where no limit lies in the range, or, where the range
        has no end, within `searched`.
    searched : pair
        Where crossings were looked for.
    fixed : mapping
        Parameters that were held; the others were minimised over.
    evaluations : int
        Points that were evaluated.
    """

    parameter: str
    unit: str
    cl: float
    dof: int
    level: float
    best: float
    chi2_min: float
    reference: float
    intervals: tuple[Ends, ...]
    searched: tuple[float, float]
    fixed: Mapping[str, float]
    evaluations: int

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings, for JSON."""
        return {
            "parameter": self.parameter,
            "unit": self.unit,
            "cl": self.cl,
            "dof": self.dof,
            "delta_chi2": self.level,
            "best": self.best,
            "chi2_min": self.chi2_min,
            "reference": self.reference,
            "intervals": [list(ends) for ends in self.intervals],
            "searched": list(self.searched),
            "fixed": dict(self.fixed),
            "source": "exact",
            "evaluations": self.evaluations,
        }


@one_thread()
def interval(
    like: Likelihood,
    name: str,
    cl: float = 0.9,
    dof: int = 1,
    *,
    fixed: Mapping[str, float] | None = None,
    reference: float | Best | None = None,
) -> ExactInterval:
    """Allowed values of one parameter, the others minimised over.

    The minimum is found first; then chi2 at some tens of places on both sides of it (hundreds where
    no other parameter is left), and a root between any two of them that lie on different sides of
    the level. An allowed island narrower than their distance may be missed.

    Parameters
    ----------
    reference : float or Best, optional
        What Delta chi2 is counted from; the minimum by default.

    Raises
    ------
    DefinitionError
        As `minimise`; a level that makes no sense.
    """
    try:
        level = levels.delta_chi2(cl, dof)
    except ValueError as error:
        raise DefinitionError(str(error)) from None
    held = dict(fixed or {})
    if name in held:
        raise DefinitionError(f"{name} is asked for and fixed; do one or the other")
    parameter, before = like.parameter(name), like.evaluations
    profiled = Profiled(like, name, held)
    best = _lowest(profiled, minimise(like, None, held))
    zero = best.chi2 if reference is None else _chi2(reference)
    nodes = _searched(profiled, like.scales[name], best, zero + level)
    return ExactInterval(
        parameter=name,
        unit=parameter.unit,
        cl=cl,
        dof=dof,
        level=level,
        best=best.at[name],
        chi2_min=best.chi2,
        reference=zero,
        intervals=_pieces(profiled, like.scales[name], nodes, zero + level),
        searched=(float(nodes[0]), float(nodes[-1])),
        fixed=held,
        evaluations=like.evaluations - before,
    )


def _chi2(reference: float | Best) -> float:
    return reference.chi2 if isinstance(reference, Best) else float(reference)


def _lowest(profiled: Profiled, best: Best) -> Best:
    if not np.isfinite(best.chi2):
        raise DefinitionError("no usable point: give a start or a range where chi2 is finite")
    profiled.found[best.at[profiled.name]] = best
    return best


def _searched(profiled: Profiled, scale: Scale, best: Best, threshold: float) -> Array:
    """Increasing values at which chi2 is known, out to where it stays above the threshold."""
    alone = len(profiled.fixed) + 1 == len(profiled.like.names)
    middle = float(scale.to(best.at[profiled.name]))
    low, high = scale.reach()
    low, high = min(low, middle - REACH), max(high, middle + REACH)
    low, high = max(low, scale.ends[0]), min(high, scale.ends[1])
    even = np.linspace(low, high, NODES_ALONE if alone else NODES)
    near = middle + NEAR * np.outer([-1, 1], 2.0 ** np.arange(6)).ravel()
    places = np.union1d(even, near[(near > low) & (near < high)])
    sweep(profiled, np.unique(scale.back(places)), STARTS)
    for end in (low, high):
        _reach_out(profiled, scale, middle, end, threshold)
    return np.array(sorted(profiled.found))


def _reach_out(
    profiled: Profiled, scale: Scale, middle: float, end: float, threshold: float
) -> None:
    """Go on from the end of the search, where the range does, until chi2 has left for good."""
    for _ in range(DOUBLINGS):
        if end in scale.ends or profiled.found[float(scale.back(end))].chi2 > threshold:
            return
        end = middle + 2.0 * (end - middle)
        end = float(np.clip(end, *scale.ends))
        profiled.at(float(scale.back(end)), STARTS)


def _pieces(profiled: Profiled, scale: Scale, nodes: Array, threshold: float) -> tuple[Ends, ...]:
    """Allowed stretches between neighbouring crossings."""
    allowed = [profiled.found[v].chi2 <= threshold for v in nodes.tolist()]
    cuts = [
        crossing(profiled, scale, float(a), float(b), threshold)
        for a, b, x, y in zip(nodes[:-1], nodes[1:], allowed[:-1], allowed[1:], strict=True)
        if x != y
    ]
    starts: list[float | None] = [None] if allowed[0] else []
    stops: list[float | None] = [None] if allowed[-1] else []
    ends = [*starts, *cuts, *stops]
    return tuple(zip(ends[0::2], ends[1::2], strict=True))


def crossing(profiled: Profiled, scale: Scale, low: float, high: float, threshold: float) -> float:
    """Value between `low` and `high` at which the profiled chi2 is at the threshold.

    The two lie on different sides of it. Where chi2 is missing on one side (an unphysical point)
    the last value that has one, to the precision of the search.
    """
    a, b = float(scale.to(low)), float(scale.to(high))
    # what is known there: searched again it may be another valley
    known = {a: profiled.found.get(low), b: profiled.found.get(high)}

    def above(place: float) -> float:
        chi2 = (known.get(place) or profiled.at(float(scale.back(place)))).chi2
        return chi2 - threshold if np.isfinite(chi2) else abs(threshold) + 1.0

    ends = (_known(profiled, low, threshold), _known(profiled, high, threshold))
    if 0.0 in ends:
        return (low, high)[ends.index(0.0)]
    root = optimize.brentq(above, a, b, xtol=PRECISION, rtol=1e-12, maxiter=200)
    return float(scale.back(root))


def _known(profiled: Profiled, value: float, threshold: float) -> float:
    return profiled.found[value].chi2 - threshold if value in profiled.found else np.nan

"""Minima where a dense grid is hopeless: descents along exact slopes, from many places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import optimize

from scanner.errors import DefinitionError
from scanner.exact.beginnings import beginnings
from scanner.exact.likelihood import Likelihood
from scanner.exact.walk import Walk, one_thread

Array = npt.NDArray[np.float64]

STRIDE = 0.05
"""First step of a descent, in units of search: a longer one jumps over thin valleys."""
FALL = 1e-12
"""Relative fall of chi2 that ends a descent."""
SAME = 1e-3
"""chi2 within which two descents ended in the same depth."""
ON_EDGE = 1e-6
"""Distance from an end of the range, in units of search, that is none."""


@dataclass(frozen=True)
class Best:
    """Lowest chi2 that was found.

    Parameters
    ----------
    chi2 : float
        There; NaN where no start had one.
    at : mapping
        Value of every parameter, in its unit, the fixed ones too.
    fixed : tuple of str
        Parameters that were held.
    on_edge : tuple of str
        Parameters at an end of their range.
    descents, agreeing : int
        How many there were, and how many ended within 1e-3 of the lowest chi2.
    evaluations : int
        Points that were evaluated.
    """

    chi2: float
    at: Mapping[str, float]
    fixed: tuple[str, ...] = ()
    on_edge: tuple[str, ...] = ()
    descents: int = 1
    agreeing: int = 1
    evaluations: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings, for JSON."""
        return {
            "chi2": self.chi2 if np.isfinite(self.chi2) else None,
            "at": dict(self.at),
            "fixed": list(self.fixed),
            "on_edge": list(self.on_edge),
            "descents": self.descents,
            "agreeing": self.agreeing,
            "evaluations": self.evaluations,
        }


@dataclass(frozen=True)
class Curve:
    """chi2 along one parameter, minimised over the others.

    Parameters
    ----------
    values, chi2 : arrays (n,)
        NaN where no descent found a chi2.
    at : mapping from name to array (n,)
        Every parameter at the minimum.
    """

    parameter: str
    values: Array
    chi2: Array
    at: Mapping[str, Array]


@one_thread()
def minimise(
    like: Likelihood,
    start: Mapping[str, float] | None = None,
    fixed: Mapping[str, float] | None = None,
    *,
    starts: int = 8,
    seed: int = 1,
) -> Best:
    """Lowest chi2 over all parameters but the fixed ones.

    Parameters
    ----------
    start : mapping, optional
        Where to begin, some or all parameters; the defaults otherwise.
    fixed : mapping, optional
        Parameters held at a value.
    starts : int
        Descents: one from `start`, the others from the lowest of many drawn places.
    seed : int
        Of the draws.

    Raises
    ------
    DefinitionError
        An unknown name, a value outside its range, a parameter without default or range.
    """
    walk = Walk(like, dict(fixed or {}))
    for name, value in (start or {}).items():
        like.parameter(name).check(np.atleast_1d(np.asarray(value, dtype=np.float64)))
    if starts < 1:
        raise DefinitionError(f"starts = {starts}: give at least 1")
    before = like.evaluations
    places = [walk.place(start or {})]
    if starts > 1 and walk.names:
        places += beginnings(walk, starts - 1, np.random.default_rng(seed))
    return _outcome(walk, [descend(walk, place) for place in places], before)


def descend(walk: Walk, place: Array) -> tuple[float, Array]:
    """Lowest chi2 ever seen on the way down from a place, and where; infinite where there is none.

    A point without chi2 is a wall, from which the line search steps back.
    """
    lowest, best = np.inf, place

    def value_and_slope(strides: Array) -> tuple[float, Array]:
        nonlocal lowest, best
        here = STRIDE * strides
        chi2, slope = walk.value_and_slope(here)
        if not (np.isfinite(chi2) and np.isfinite(slope).all()):
            return (10.0 * abs(lowest) + 1e3 if np.isfinite(lowest) else 1e9), np.zeros(len(here))
        if chi2 < lowest:
            lowest, best = chi2, here.copy()
        return chi2, STRIDE * slope

    if not len(place):
        value_and_slope(place)
        return lowest, best
    optimize.minimize(
        value_and_slope,
        place / STRIDE,
        jac=True,
        bounds=[(low / STRIDE, high / STRIDE) for low, high in (s.ends for s in walk.scales)],
        method="L-BFGS-B",
        options={"ftol": FALL, "gtol": 1e-7, "maxiter": 1000, "maxfun": 3000},
    )
    return lowest, best


def _outcome(walk: Walk, ends: Sequence[tuple[float, Array]], before: int) -> Best:
    chi2, place = min(ends, key=lambda end: end[0])
    edges = tuple(
        s.parameter.name
        for s, u in zip(walk.scales, place, strict=True)
        if min(abs(u - end) for end in s.ends) < ON_EDGE
    )
    return Best(
        chi2=chi2 if np.isfinite(chi2) else float("nan"),
        at=walk.values(place),
        fixed=tuple(walk.fixed),
        on_edge=edges,
        descents=len(ends),
        agreeing=sum(end[0] <= chi2 + SAME for end in ends),
        evaluations=walk.like.evaluations - before,
    )


@dataclass
class Profiled:
    """chi2 along one parameter, minimised over the others: what was found helps what is near.

    Parameters
    ----------
    like : Likelihood
        What is searched.
    name : str
        The parameter that is given.
    fixed : mapping
        Others that are held.
    """

    like: Likelihood
    name: str
    fixed: Mapping[str, float]
    found: dict[float, Best] = field(default_factory=dict)

    def at(self, value: float, starts: int = 0, near: Sequence[Mapping[str, float]] = ()) -> Best:
        """Lowest chi2 at a value of the parameter.

        Parameters
        ----------
        starts : int
            Descents from elsewhere than the minima found nearest below and above.
        near : sequence of mappings
            Further places to descend from.
        """
        walk = Walk(self.like, {**self.fixed, self.name: value})
        before = self.like.evaluations
        places = [walk.place(at) for at in (*self._beside(value), *near)]
        if starts and walk.names:
            places += beginnings(walk, starts, np.random.default_rng(1))
        ends = [descend(walk, place) for place in (places or [walk.place({})])]
        best = _outcome(walk, ends, before)
        known = self.found.get(value)
        if known is None or np.isnan(known.chi2) or best.chi2 < known.chi2:
            self.found[value] = best
        return self.found[value]

    def _beside(self, value: float) -> list[dict[str, float]]:
        """Minima at the nearest values on each side, and at the value itself."""
        known = sorted(v for v, best in self.found.items() if np.isfinite(best.chi2))
        below = [v for v in known if v < value][-1:]
        above = [v for v in known if v > value][:1]
        return [dict(self.found[v].at) for v in (*below, *above)]


@one_thread()
def curve(
    like: Likelihood,
    name: str,
    values: npt.ArrayLike,
    fixed: Mapping[str, float] | None = None,
    *,
    starts: int = 4,
) -> Curve:
    """Lowest chi2 over the other parameters at each value of one.

    From left to right and back, each from its neighbour's minimum, and each by `starts` descents
    from drawn places besides: the lowest valley changes along the way.

    Raises
    ------
    DefinitionError
        As `minimise`; a parameter that is fixed too; values that are not a row of numbers.
    """
    wanted = np.asarray(values, dtype=np.float64)
    if wanted.ndim != 1 or not wanted.size:
        raise DefinitionError(f"values of shape {wanted.shape}: give a row of numbers")
    like.parameter(name).check(wanted)
    if name in (fixed or {}):
        raise DefinitionError(f"{name} is asked for and fixed; do one or the other")
    profiled = Profiled(like, name, dict(fixed or {}))
    sweep(profiled, np.unique(wanted), starts)
    best = [profiled.found[value] for value in wanted.tolist()]
    return Curve(
        name,
        wanted,
        np.array([one.chi2 for one in best]),
        {key: np.array([one.at[key] for one in best]) for key in like.names},
    )


def sweep(profiled: Profiled, values: Array, starts: int) -> None:
    """Minima at increasing values, there and back, with `starts` drawn places at each."""
    ordered = values.tolist()
    alone = len(profiled.fixed) + 1 == len(profiled.like.names)
    for value in ordered:
        profiled.at(value, 0 if alone else starts)
    for value in [] if alone else ordered[-2::-1]:
        profiled.at(value)

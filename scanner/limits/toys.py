"""Toy experiments at a tested point, refitted over all pulls and over the parameters.

The construction of Feldman and Cousins (physics/9711021) with profiled pulls (arXiv:2207.14353):
pulls are at their conditional best fit to the observed data, counts are drawn about that
expectation (Poisson; for a Gaussian likelihood with its own variance), and so are the auxiliary
measurements of the pulls, with unit width, and of the inputs that are profiled with a Gaussian
constraint (an input that is free in its range has none). The statistic is
Delta chi2 = chi2(point) - min chi2, the minimum inside the scanned ranges; for data and toys it is
found in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

import numpy as np
import numpy.typing as npt

from scanner.chi2 import Likelihood
from scanner.errors import DefinitionError
from scanner.limits.board import Board, Fast, Model, fast_of

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Hypothesis:
    """What toys are drawn from: expected signals (n_bins,) and pulls (n_pulls,), by experiment."""

    signals: tuple[Array, ...]
    pulls: tuple[Array, ...]

    @classmethod
    def fitted(cls, signals: Sequence[Array], data: Sequence[Likelihood], where: str) -> Hypothesis:
        """Signals with the pulls that fit the data best.

        Raises
        ------
        DefinitionError
            There is no fit.
        """
        profiles = [one.profile(s[np.newaxis]) for s, one in zip(signals, data, strict=True)]
        if not all(np.isfinite(p.chi2).all() for p in profiles):
            raise DefinitionError(f"no toys at {where}: the likelihood has no fit there")
        return cls(tuple(signals), tuple(p.pulls[0] for p in profiles))

    def drawn(self, data: Sequence[Likelihood], random: np.random.Generator) -> list[Likelihood]:
        """One toy of all experiments."""
        parts = zip(data, self.signals, self.pulls, strict=True)
        return [one.drawn(signal, x, random) for one, signal, x in parts]


@dataclass(frozen=True)
class Trial:
    """The test of one point.

    Parameters
    ----------
    models : sequence of Model
        One per experiment.
    everywhere : Board
        All free parameters: where the minimum is looked for.
    here : Board
        The tested ones held, the others free.
    data : sequence of Likelihood
        Observed.
    """

    models: Sequence[Model]
    everywhere: Board
    here: Board
    data: Sequence[Likelihood]

    def statistic(self, fast: Fast) -> float:
        """Delta chi2 of the tested point; NaN where there is no fit."""
        there, _ = self.here.minimum(fast)
        lowest, _ = self.everywhere.minimum(fast)
        return float(there - min(lowest, there)) if np.isfinite(there) else float("nan")

    @cached_property
    def observed(self) -> float:
        """Delta chi2 of the observed data."""
        return self.statistic(fast_of(self.models, self.data))

    @cached_property
    def hypothesis(self) -> Hypothesis:
        """The tested point with everything else at its conditional best fit."""
        _, place = self.here.minimum(fast_of(self.models, self.data))
        where = ", ".join(f"{name} = {value:.6g}" for name, value in place.items())
        return Hypothesis.fitted(signals_at(self.models, place), self.data, where)

    def toys(self, n: int, random: np.random.Generator) -> Array:
        """Delta chi2 of n toys."""
        drawn = (self.hypothesis.drawn(self.data, random) for _ in range(n))
        return np.array([self.statistic(fast_of(self.models, data)) for data in drawn])


def signals_at(models: Sequence[Model], place: Mapping[str, float]) -> list[Array]:
    """Expected signal (n_bins,) of each experiment at one point."""
    values = {name: np.array([value]) for name, value in place.items()}
    return [np.asarray(model.signal(values)[0]) for model in models]


def generator(*labels: object) -> np.random.Generator:
    """Random numbers that depend on what is drawn, not on who draws it or when.

    >>> one, two = generator("scan", (3, 4), 0), generator("scan", (3, 4), 0)
    >>> bool(one.normal() == two.normal())
    True
    """
    text = "/".join(str(label) for label in labels)
    return np.random.default_rng(np.random.SeedSequence(int(sha256(text.encode()).hexdigest(), 16)))

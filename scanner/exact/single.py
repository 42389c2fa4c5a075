"""One point at a time: the profiled chi2 without the machinery that pays for thousands of points.

A sampler asks for points that lie beside each other, so the Newton iteration starts from the last
pulls: one or two steps of a few small matrix products. chi2 is convex in the pulls: where the
iteration ends, it ends at the minimum. Whatever it does not like (an empty prediction, no end
after a few steps, a signal that drowns everything) is left to the careful way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scanner.statistics.background import CurveLikelihood
from scanner.statistics.gaussian import GaussianLikelihood
from scanner.statistics.parts import PartedPulls
from scanner.statistics.poisson import DECREMENT, PoissonLikelihood
from scanner.statistics.pulls import LinearPulls

Array = npt.NDArray[np.float64]

STEPS = 8
DROWNS = 1e4
"""Signal, relative to all that is seen and expected besides, above which pulls cancel too much."""


@dataclass(frozen=True)
class Fitted:
    """Profiled points.

    Parameters
    ----------
    chi2 : array (n,)
        At the minimum over the pulls; NaN where there is none.
    pulls : array (n, n_pulls)
        In units of their standard deviation.
    prediction : array (n, n_bins)
        Fitted counts.
    """

    chi2: Array
    pulls: Array
    prediction: Array

    @classmethod
    def of_one(cls, chi2: float, pulls: Array, prediction: Array) -> Fitted:
        """One point."""
        return cls(np.array([chi2]), pulls[np.newaxis], prediction[np.newaxis])


class SinglePoisson:
    """A Poisson likelihood, point by point."""

    def __init__(self, likelihood: PoissonLikelihood) -> None:
        self.pulls = likelihood.pulls
        self._observed = likelihood.observed
        self._saturated = float(np.sum(likelihood.saturated))
        self._most = _most(likelihood.pulls, likelihood.observed)
        self._last = np.zeros(likelihood.pulls.n)
        self._unit = np.eye(likelihood.pulls.n)

    def at(self, signal: Array) -> Fitted | None:
        """Profiled point of a signal (n_bins,); None where the careful way is needed."""
        if not signal.sum() < self._most:
            return None
        per_pull = self.pulls.signal * signal + self.pulls.background
        nominal = signal + self.pulls.expected
        x = self._last
        mu = nominal + x @ per_pull
        for _ in range(STEPS):
            if not mu.min() > 0.0:
                return None
            ratio = self._observed / mu
            gradient = per_pull @ (1.0 - ratio) + x
            hessian = (per_pull * (ratio / mu)) @ per_pull.T + self._unit
            step = np.linalg.solve(hessian, gradient)
            x = x - step
            mu = nominal + x @ per_pull
            if gradient @ step < DECREMENT:
                return self._end(x, mu)
        return None

    def _end(self, x: Array, mu: Array) -> Fitted | None:
        if not mu.min() > 0.0:
            return None
        self._last = x
        deviance = 2.0 * (float(np.sum(mu - self._observed * np.log(mu))) + self._saturated)
        return Fitted.of_one(deviance + float(x @ x), x, mu)

    def slope(self, mu: Array) -> Array:
        """Derivative of chi2 by predictions mu (n, n_bins)."""
        return np.asarray(2.0 * (1.0 - self._observed / mu))


class SingleGaussian:
    """A Gaussian likelihood, point by point: one linear system."""

    def __init__(self, likelihood: GaussianLikelihood) -> None:
        self.pulls = likelihood.pulls
        self._observed = likelihood.observed
        self._weight = 1.0 / likelihood.variance
        self._most = _most(likelihood.pulls, likelihood.observed)
        self._unit = np.eye(likelihood.pulls.n)

    def at(self, signal: Array) -> Fitted | None:
        """As `SinglePoisson.at`."""
        if not signal.sum() < self._most:
            return None
        per_pull = self.pulls.signal * signal + self.pulls.background
        weighted = per_pull * self._weight
        residual = self._observed - signal - self.pulls.expected
        matrix = weighted @ per_pull.T + self._unit
        x = np.asarray(np.linalg.solve(matrix, weighted @ residual), dtype=np.float64)
        left = np.asarray(residual - x @ per_pull, dtype=np.float64)
        chi2 = float(np.sum(left**2 * self._weight) + x @ x)
        return Fitted.of_one(chi2, x, self._observed - left)

    def slope(self, mu: Array) -> Array:
        """Derivative of chi2 by predictions mu (n, n_bins)."""
        return np.asarray(-2.0 * (self._observed - mu) * self._weight)


class SingleCurve:
    """A likelihood with a background curve, point by point: it has no way but the careful one."""

    def __init__(self, likelihood: CurveLikelihood) -> None:
        self.pulls: LinearPulls = likelihood.pulls
        self._observed = likelihood.observed
        self._weight = 1.0 / likelihood.variance

    def at(self, signal: Array) -> Fitted | None:
        """None: the careful way is needed."""
        del signal
        return None

    def slope(self, mu: Array) -> Array:
        """Derivative of chi2 by predictions mu (n, n_bins)."""
        return np.asarray(-2.0 * (self._observed - mu) * self._weight)


def _most(pulls: LinearPulls, observed: Array) -> float:
    return DROWNS * float(np.abs(observed).sum() + np.abs(pulls.expected).sum() + 1.0)


Single = SinglePoisson | SingleGaussian | SingleCurve


def has_single(likelihood: object) -> bool:
    """Whether there is a way to fit one point of that likelihood."""
    if not isinstance(likelihood, (PoissonLikelihood, GaussianLikelihood)):
        return False
    return not isinstance(likelihood.pulls, PartedPulls)


def single(likelihood: object) -> Single:
    """The likelihood of an experiment, point by point."""
    if isinstance(likelihood, PoissonLikelihood):
        return SinglePoisson(likelihood)
    if isinstance(likelihood, GaussianLikelihood):
        return SingleGaussian(likelihood)
    if isinstance(likelihood, CurveLikelihood):
        return SingleCurve(likelihood)
    raise TypeError(f"no way to fit one point of a {type(likelihood).__name__}")

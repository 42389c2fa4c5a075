"""The exact likelihood on a line of values around a best fit, with pulls moved one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from scanner import interpolation
from scanner.chi2 import ExperimentModel
from scanner.grid import Axis
from scanner.statistics import postfit
from scanner.statistics.gaussian import GaussianLikelihood
from scanner.statistics.held import held, without
from scanner.statistics.poisson import PoissonLikelihood
from scanner.statistics.pulls import LinearPulls

Array = npt.NDArray[np.float64]

PER_SIGMA = 20
"""Points of the line on each standard deviation."""


@dataclass(frozen=True)
class Impact:
    """One pull: fitted value and post-fit width in units of its prior width, and its impact.

    `postfit` and `prior` are the shifts of the parameter, in its unit, with the pull below and
    above its fitted value by its post-fit and by its prior width.
    """

    pull: str
    experiment: str
    value: float
    width: float
    postfit: tuple[float, float]
    prior: tuple[float, float]

    @property
    def size(self) -> float:
        """Larger shift of the two, by which pulls are ranked."""
        return max(abs(shift) for shift in self.postfit)


class Line:
    """The exact likelihood on a line of values around the best fit."""

    def __init__(self, bound: Sequence[ExperimentModel], axis: Axis, x: Array) -> None:
        self.axis, self.x = axis, x
        self.at_end = False
        values = {axis.name: axis.from_scale(x)}
        self._models = bound
        self._signals = [model.signal(values) for model in bound]
        profiles = [
            model.likelihood.profile(signal)
            for model, signal in zip(bound, self._signals, strict=True)
        ]
        self._chi2 = [profile.chi2 for profile in profiles]
        self._pulls = [profile.pulls for profile in profiles]
        self._total = np.sum(self._chi2, axis=0)
        place, lowest = interpolation.minimum_along(x, self._total)
        self.best, self.lowest = float(place), float(lowest)
        self.sigma = self._width(self._total)

    def in_unit(self, width: float) -> float:
        """A width on the axis scale, at the best fit, in the unit of the parameter."""
        low, high = self.axis.from_scale(np.array([self.best - width, self.best + width]))
        return float(0.5 * (high - low))

    def _width(self, chi2: Array) -> float:
        """Standard deviation by the curvature at the best fit."""
        near = np.argsort(np.abs(self.x - self.best))[: 2 * PER_SIGMA + 1]
        scale = float(np.ptp(self.x[near]))
        terms = np.polynomial.polynomial.polyfit(
            (self.x[near] - self.best) / scale, chi2[near] - self.lowest, 4
        )
        return float(scale / np.sqrt(terms[2])) if terms[2] > 0.0 else float("nan")

    def impacts(self) -> list[Impact]:
        """Of every pull of every experiment."""
        self.at_end = False
        return [self._impact(i, j) for i, m in enumerate(self._models) for j in range(_pulls(m).n)]

    def statistical(self) -> float:
        """Standard deviation with all pulls held."""
        total = np.zeros_like(self.x)
        for model, signals, x in zip(self._models, self._signals, self._pulls, strict=True):
            rest, factor = held(_pulls(model), _between(self.x, x, self.best))
            total += _with_pulls(model, rest).profile(signals * factor).chi2
        return self._width(total)

    def _impact(self, i: int, j: int) -> Impact:
        model = self._models[i]
        along = self._pulls[i]
        value = float(_between(self.x, along, self.best)[j])
        width = self._postfit_width(i, j)
        shifts = {
            size: (self._shift(i, j, value - size), self._shift(i, j, value + size))
            for size in (width, 1.0)
        }
        pull = model.experiment.pulls[j].name
        return Impact(pull, model.experiment.name, value, width, shifts[width], shifts[1.0])

    def _postfit_width(self, i: int, j: int) -> float:
        """Width of a pull with the parameter free: s_j^2 at the best fit + (dx_j/dtheta)^2 s^2."""
        model, experiment = self._models[i], self._models[i].experiment
        signal = _between(self.x, self._signals[i], self.best)
        x = _between(self.x, self._pulls[i], self.best)
        mu = postfit.counts_at(_pulls(model), signal, x)
        weight = postfit.weights(experiment.data, mu, experiment.variance)
        alone = postfit.covariance(_pulls(model), signal, weight)[j, j]
        slope = np.interp(self.best, self.x, np.gradient(self._pulls[i][:, j], self.x))
        return float(np.sqrt(alone + (slope * self.sigma) ** 2))

    def _shift(self, i: int, j: int, value: float) -> float:
        """Shift of the best fit, in the unit of the parameter, with pull j at a value."""
        model = self._models[i]
        rest, factor = without(_pulls(model), j, value)
        chi2 = _with_pulls(model, rest).profile(self._signals[i] * factor).chi2
        place = self._descend(self._total - self._chi2[i] + chi2)
        best, moved = self.axis.from_scale(np.array([self.best, place]))
        return float(moved - best)

    def _descend(self, chi2: Array) -> float:
        """The minimum that lies downhill of the best fit."""
        i = int(np.argmin(np.abs(self.x - self.best)))
        while True:
            near = [k for k in (i - 1, i + 1) if 0 <= k < len(chi2) and chi2[k] < chi2[i]]
            if not near:
                break
            i = min(near, key=lambda k: float(chi2[k]))
        if i in (0, len(chi2) - 1):
            self.at_end = True
            return float(self.x[i])
        part = slice(max(i - 4, 0), i + 5)
        return float(interpolation.minimum_along(self.x[part], chi2[part])[0])


def _between(x: Array, values: Array, at: float) -> Array:
    """Values (n, k) along x at one place, (k,)."""
    i = int(np.clip(np.searchsorted(x, at) - 1, 0, len(x) - 2))
    t = (at - x[i]) / (x[i + 1] - x[i])
    return np.asarray((1.0 - t) * values[i] + t * values[i + 1])


def _likelihood(model: ExperimentModel) -> PoissonLikelihood | GaussianLikelihood:
    found = model.likelihood
    assert isinstance(found, (PoissonLikelihood, GaussianLikelihood))
    return found


def _pulls(model: ExperimentModel) -> LinearPulls:
    return _likelihood(model).pulls


def _with_pulls(
    model: ExperimentModel, pulls: LinearPulls
) -> PoissonLikelihood | GaussianLikelihood:
    return replace(_likelihood(model), pulls=pulls)

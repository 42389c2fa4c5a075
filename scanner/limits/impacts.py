"""Impact of every pull on a parameter: how far the best fit moves with the pull held one width off.

With theta the parameter, x_j a pull and x_j^ +- s_j its fitted value and post-fit width,

    impact(+-) = argmin_theta chi2(theta | x_j = x_j^ +- s_j) - theta^

where chi2 is profiled over all other pulls. `prior` is the same with the width 1 of the prior in
place of s_j. The minimum is the local one that starts at theta^: another solution does not count
as a shift. Everything is the exact likelihood, on a fine line around the best fit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from scanner import interpolation
from scanner.amplitudes import Conventions
from scanner.chi2 import ExperimentModel, models
from scanner.definition import ScanDefinition
from scanner.errors import DefinitionError, unknown
from scanner.grid import Axis
from scanner.known import known_parameters
from scanner.statistics import postfit
from scanner.statistics.gaussian import GaussianLikelihood
from scanner.statistics.poisson import PoissonLikelihood
from scanner.statistics.pulls import LinearPulls

Array = npt.NDArray[np.float64]

WINDOW = 4.0
"""Half width of the line around the best fit, in standard deviations of the parameter."""
PER_SIGMA = 20
"""Points of the line on each standard deviation."""
WIDEST = 5
"""Times that the line is doubled while a shifted minimum lies at its end."""


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


@dataclass(frozen=True)
class Impacts:
    """All pulls, the largest impact first.

    Parameters
    ----------
    parameter, unit : str
        What shifts.
    best, sigma, statistical : float
        Best fit, its standard deviation by the curvature of chi2, and that with all pulls held at
        their fitted values.
    chi2_min : float
        At the best fit.
    experiments : tuple of str
        Combined.
    fixed : mapping
        Axes of the definition held at a value.
    notes : tuple of str
        What a reader of the numbers has to know.
    """

    parameter: str
    unit: str
    best: float
    sigma: float
    statistical: float
    chi2_min: float
    impacts: tuple[Impact, ...]
    experiments: tuple[str, ...]
    fixed: Mapping[str, float]
    notes: tuple[str, ...] = ()

    @property
    def systematic(self) -> float:
        """What the pulls add to the statistical error, in quadrature."""
        return float(np.sqrt(max(self.sigma**2 - self.statistical**2, 0.0)))

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and strings, for JSON."""
        record = asdict(self)
        return {**record, "systematic": self.systematic, "definition": " ".join(_SAID.split())}


_SAID = """shift of the best fit with the pull held at its fitted value minus and plus its post-fit
(or prior) width, profiled over all other pulls"""


def impacts(
    definition: ScanDefinition, parameter: str, *, at: Mapping[str, float] | None = None
) -> Impacts:
    """Impact of every pull of the experiments of a definition on one of its axes.

    Parameters
    ----------
    definition : ScanDefinition
        Its axis says where the best fit is looked for; nothing is stored.
    parameter : str
        An axis.
    at : mapping
        Values of all other axes.

    Raises
    ------
    DefinitionError
        An unknown axis, another axis that is not held, a profiled input, a best fit at the end of
        the axis or one that the data do not determine.
    """
    fixed = dict(at or {})
    axis = _axis(definition, parameter, fixed)
    bound = models(
        definition.scenario,
        definition.experiment_options,
        Conventions(**definition.options),
        {**definition.parameters, **fixed},
        [parameter],
    )
    low, high = (float(x) for x in axis.to_scale(axis.coordinates[[0, -1]]))
    centre, sigma = _around(bound, axis)
    half = WINDOW * sigma
    for _ in range(WIDEST):
        ends = max(centre - half, low), min(centre + half, high)
        points = np.linspace(*ends, 2 * int(half / sigma * PER_SIGMA) + 1)
        line = _Line(bound, axis, points)
        found = line.impacts()
        if not line.at_end or ends == (low, high):
            break
        half *= 2.0
    return Impacts(
        parameter=parameter,
        unit=axis.unit,
        best=float(axis.from_scale(line.best)),
        sigma=line.in_unit(line.sigma),
        statistical=line.in_unit(line.statistical()),
        chi2_min=line.lowest,
        impacts=tuple(sorted(found, key=lambda one: -one.size)),
        experiments=tuple(model.experiment.name for model in bound),
        fixed=fixed,
        notes=(f"a shifted best fit lies at the end of the {axis.name} axis",)
        if line.at_end
        else (),
    )


def _axis(definition: ScanDefinition, parameter: str, at: Mapping[str, float]) -> Axis:
    """The axis of the parameter, once everything else is known to be held."""
    axes = {axis.name: axis for axis in definition.axes}
    for name in (parameter, *at):
        if name not in axes:
            raise DefinitionError(unknown("axis", name, axes))
    if definition.profile:
        raise DefinitionError(
            f"profile.{next(iter(definition.profile))}: impacts are those of pulls; fix the input "
            "under [parameters]"
        )
    if parameter in at:
        raise DefinitionError(f"{parameter} is asked for and held; do one or the other")
    free = [name for name in axes if name != parameter and name not in at]
    if free:
        raise DefinitionError(
            f"axis {free[0]} is free: an impact is that on one parameter; give --at {free[0]}=VALUE"
        )
    known = known_parameters(definition)
    for name, value in at.items():
        known[name].check(value, f"--at {name}")
    return axes[parameter]


def _around(bound: Sequence[ExperimentModel], axis: Axis) -> tuple[float, float]:
    """Best fit on the axis and a first standard deviation, both on the axis scale."""
    x = axis.to_scale(axis.coordinates)
    total = _chi2(bound, axis, x)
    if not np.isfinite(total).any():
        raise DefinitionError(f"no value of {axis.name} can be evaluated: choose another axis")
    place = int(np.nanargmin(total))
    if place in (0, len(x) - 1):
        raise DefinitionError(
            f"the best fit of {axis.name} is the end {axis.coordinates[place]:g} of its axis: a "
            "shift has no meaning there; extend the axis"
        )
    low, high = float(x[place - 1]), float(x[place + 1])
    for _ in range(3):  # each time 16 times finer, as long as chi2 is not flat to rounding
        fine = np.linspace(low, high, 33)
        chi2 = _chi2(bound, axis, fine)
        if np.ptp(chi2) < 1e-6:
            break
        best = int(np.clip(np.argmin(chi2), 1, 31))
        low, high = float(fine[best - 1]), float(fine[best + 1])
    centre, step = 0.5 * (low + high), float(x[place + 1] - x[place - 1])
    for _ in range(60):
        ends = np.clip([centre - step, centre, centre + step], x[0], x[-1])
        below, middle, above = _chi2(bound, axis, ends)
        rise = 0.5 * (below + above) - middle
        if 0.05 < rise < 4.0:
            return centre, step / float(np.sqrt(rise))
        if rise <= 0.05 and step > x[-1] - x[0]:
            break
        step *= 1.5 if rise <= 0.05 else 0.5
    raise DefinitionError(f"{axis.name} is not determined by these experiments on its axis")


def _chi2(bound: Sequence[ExperimentModel], axis: Axis, x: Array) -> Array:
    values = {axis.name: axis.from_scale(x)}
    return np.asarray(sum(model.profile(values).chi2 for model in bound))


class _Line:
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
            held, factor = _held(_pulls(model), _between(self.x, x, self.best))
            total += _with_pulls(model, held).profile(signals * factor).chi2
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
        weight = postfit.weights(experiment.observed, mu, experiment.variance)
        held = postfit.covariance(_pulls(model), signal, weight)[j, j]
        slope = np.interp(self.best, self.x, np.gradient(self._pulls[i][:, j], self.x))
        return float(np.sqrt(held + (slope * self.sigma) ** 2))

    def _shift(self, i: int, j: int, value: float) -> float:
        """Shift of the best fit, in the unit of the parameter, with pull j at a value."""
        model = self._models[i]
        without, factor = _without(_pulls(model), j, value)
        chi2 = _with_pulls(model, without).profile(self._signals[i] * factor).chi2
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


def _without(pulls: LinearPulls, j: int, value: float) -> tuple[LinearPulls, Array]:
    """The other pulls with pull j held at a value, and the factor on the signal (n_bins,).

    S (1 + v D_j + sum x_k D_k) is S' (1 + sum x_k D'_k) with S' = S (1 + v D_j). The prior of the
    held pull is the same everywhere and left out.
    """
    factor = 1.0 + value * pulls.signal[j]
    factor = np.where(factor == 0.0, np.finfo(np.float64).eps, factor)
    others = np.arange(pulls.n) != j
    expected = pulls.expected + value * pulls.background[j]
    return LinearPulls(pulls.signal[others] / factor, pulls.background[others], expected), factor


def _held(pulls: LinearPulls, x: Array) -> tuple[LinearPulls, Array]:
    """All pulls held: one that does nothing is left, as a likelihood has pulls."""
    nothing = np.zeros((1, pulls.signal.shape[1]))
    expected = pulls.expected + x @ pulls.background
    return LinearPulls(nothing, nothing, expected), np.asarray(1.0 + x @ pulls.signal)


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

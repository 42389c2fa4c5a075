"""Gaussian chi2 with a background curve of free parameters, fitted anew for every signal.

A background that no sideband measures is a curve: heights a_l >= 0 of given forms, and numbers
that shape these (a slope, a line's place and width),

    mu_i = S_i + sum_l a_l phi_l,i(theta),
    chi2 = sum_i (n_i - mu_i)^2/V_i + sum_k ((theta_k - mean_k)/sigma_k)^2.

The heights enter linearly and are eliminated: of every set of forms the least squares are solved,
and the best solution without a negative height is the minimum. What is left is a function of the
few shape parameters, minimised by guarded Gauss-Newton steps in their ranges (variable projection:
Golub and Pereyra, SIAM J. Numer. Anal. 10, 413 (1973)), for many signals at once.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from scanner.statistics.lines import Lines
from scanner.statistics.pulls import (
    NOT_CONVERGED,
    NUMERIC,
    OK,
    LinearPulls,
    Profile,
    Status,
    solve_scaled,
)

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

BLOCK = 256
"""Points fitted together."""
POINTS_AT_ONCE = 4096
"""Points of a grid whose signals are made at once."""
MAX_STEPS = 100
TOLERANCE = 1e-9
"""Promised fall of chi2 at which a fit ends."""
ROUNDING = 1e-13
"""The same relative to chi2: no smaller fall can be seen."""
DAMPING, LEAST_DAMPING, MOST_DAMPING = 1e-3, 1e-9, 1e12
"""Of the Gauss-Newton matrix, relative to its diagonal: at first, and its ends."""
SINGULAR = 1e-12
"""Relative pivot below which a set of forms is not independent."""


@dataclass(frozen=True)
class Free:
    """A free number of the background.

    Parameters
    ----------
    name : str
        Unique in the experiment, and beside it in joint fits.
    component : str
        Part of the background that it belongs to.
    nominal, step : float
        Where it is usual, and how far it usually moves: its pull is (value - nominal)/step. They
        decide nothing, unless it is measured.
    low, high : float
        Range.
    measured : bool
        Whether it is known from elsewhere to be nominal +- step.
    """

    name: str
    component: str
    nominal: float
    step: float
    low: float = 0.0
    high: float = math.inf
    measured: bool = False


@dataclass(frozen=True)
class BackgroundCurve:
    """A background with free parameters.

    Parameters
    ----------
    heights : tuple of Free
        Of each form; each is a component of its own.
    shapes : tuple of Free
        Shape parameters theta.
    forms : callable
        ``forms(theta (n, n_shapes))`` -> (n, n_heights, n_bins): counts per unit height, >= 0.
    slopes : callable
        ``slopes(theta (n, n_shapes), heights (n, n_heights))`` -> (n, n_shapes, n_bins):
        derivatives of the whole curve by theta.
    starts : array (n_starts, n_shapes)
        Places where a fit may begin: it begins at the best of them.
    """

    heights: tuple[Free, ...]
    shapes: tuple[Free, ...]
    forms: Callable[[Array], Array]
    slopes: Callable[[Array, Array], Array]
    starts: Array

    @property
    def free(self) -> tuple[Free, ...]:
        """All parameters: heights, then shapes."""
        return (*self.heights, *self.shapes)

    @cached_property
    def nominal(self) -> Array:
        """Usual values of all parameters, (n_free,)."""
        return np.array([f.nominal for f in self.free])

    @cached_property
    def step(self) -> Array:
        """Their usual steps, (n_free,)."""
        return np.array([f.step for f in self.free])

    def values(self, x: Array) -> Array:
        """Parameters (..., n_free) at pulls x of the same shape."""
        return np.asarray(self.nominal + self.step * x)

    def components(self, x: Array) -> dict[str, Array]:
        """Counts (n_bins,) of each form at pulls x (n_free,)."""
        heights, theta = self._split(self.values(x)[np.newaxis])
        counts = heights[0, :, np.newaxis] * self.forms(theta)[0]
        return {free.component: row for free, row in zip(self.heights, counts, strict=True)}

    def curve(self, x: Array) -> Array:
        """Counts (..., n_bins) of all forms at pulls x (..., n_free)."""
        heights, theta = self._split(self.values(np.atleast_2d(x)))
        total = np.einsum("nl,nlb->nb", heights, self.forms(theta))
        return np.asarray(total.reshape(*np.shape(x)[:-1], -1))

    def per_pull(self, x: Array) -> Array:
        """Derivatives (n_free, n_bins) of the curve by the pulls, at x (n_free,)."""
        heights, theta = self._split(self.values(x)[np.newaxis])
        rows = np.concatenate([self.forms(theta)[0], self.slopes(theta, heights)[0]])
        return np.asarray(self.step[:, np.newaxis] * rows)

    def _split(self, values: Array) -> tuple[Array, Array]:
        return values[:, : len(self.heights)], values[:, len(self.heights) :]


@dataclass(frozen=True)
class CurvePulls(LinearPulls):
    """The pulls of a curve: `LinearPulls` about its nominal parameters, exact in `at`."""

    curve: BackgroundCurve

    @classmethod
    def of(cls, curve: BackgroundCurve) -> CurvePulls:
        """Pulls of all parameters of a curve."""
        nominal = np.zeros(len(curve.free))
        per_pull = curve.per_pull(nominal)
        return cls(np.zeros_like(per_pull), per_pull, curve.curve(nominal), curve)

    def at(self, signal: Array, x: Array) -> Array:
        """mu (..., n_bins) of signals at pulls x (..., n_pulls)."""
        return np.asarray(signal + self.curve.curve(x))


@dataclass(frozen=True)
class CurveLikelihood:
    """Observed counts (n_bins,), variance (n_bins,) and a background curve.

    Parameters
    ----------
    observed, variance : array (n_bins,)
        The variance stays as it is where data are exchanged.
    curve : BackgroundCurve
        All that there is beside the signal.
    measured : array (n_free,), optional
        What the measurements of the parameters found, in steps from the nominal value; 0 in the
        real experiment. Only those of measured parameters count.
    """

    observed: Array
    variance: Array
    curve: BackgroundCurve
    measured: Array | None = None

    @cached_property
    def pulls(self) -> CurvePulls:
        """The parameters as pulls."""
        return CurvePulls.of(self.curve)

    def exchanged(self, observed: Array, measured: Array | None = None) -> CurveLikelihood:
        """The same experiment with other data."""
        return replace(self, observed=observed, measured=measured)

    def drawn(self, signal: Array, x: Array, random: np.random.Generator) -> CurveLikelihood:
        """A toy experiment: counts of the likelihood's own variance, measurements of unit width."""
        counts = random.normal(self.pulls.at(signal, x), np.sqrt(self.variance))
        return self.exchanged(counts, random.normal(x))

    def scan(self, templates: Array, lines: Lines) -> tuple[Array, Status]:
        """chi2 and status of a grid, as `GaussianLikelihood.scan`."""
        shape = (len(templates), *lines.shape)
        chi2, status = np.empty(shape), np.empty(shape, np.uint8)
        for part, some in lines.blocks(POINTS_AT_ONCE):
            coefficients = some.coefficients()
            for i, template in enumerate(templates):
                profile = self.profile(coefficients @ template)
                chi2[i, part] = profile.chi2.reshape(chi2[i, part].shape)
                status[i, part] = profile.status.reshape(chi2[i, part].shape)
        return chi2, status

    def profile(self, signal: Array) -> Profile:
        """Minimum over the background for signals of shape (n, n_bins).

        A point is `NUMERIC` when the signal is not finite or its square overflows, `NOT_CONVERGED`
        where the steps do not end.
        """
        blocks = [self._block(signal[i : i + BLOCK]) for i in range(0, len(signal), BLOCK)]
        return Profile(
            np.concatenate([b.chi2 for b in blocks]),
            np.concatenate([b.pulls for b in blocks]),
            np.concatenate([b.status for b in blocks]),
        )

    def covariance(self, x: Array) -> Array:
        """Covariance (n_free, n_free) of the fitted pulls at x, in steps.

        The inverse of half the second derivative of chi2 without that of the curve itself. A
        parameter that the data say nothing about keeps the width of its range.
        """
        rows = self.curve.per_pull(x) / np.sqrt(self.variance)
        known = np.where(self._is_measured, 1.0, 0.0)
        ranges = [(f.high - f.low) / f.step for f in self.curve.free]
        matrix = rows @ rows.T + np.diag(known + 12.0 / np.square(ranges))
        return np.asarray(np.linalg.inv(matrix))

    @cached_property
    def _is_measured(self) -> Mask:
        return np.array([f.measured for f in self.curve.free])

    @cached_property
    def _fit(self) -> _Fit:
        return _Fit(self)

    def _block(self, signal: Array) -> Profile:
        n = len(signal)
        chi2, x = np.full(n, np.nan), np.full((n, len(self.curve.free)), np.nan)
        status = np.full(n, NUMERIC, np.uint8)
        with np.errstate(over="ignore", invalid="ignore"):
            target = (self.observed - signal) / np.sqrt(self.variance)
            usable = np.flatnonzero(np.isfinite(np.sum(target**2, axis=1)))
        if usable.size:
            found, values, arrived = self._fit.minimise(target[usable])
            chi2[usable] = np.where(arrived, found, np.nan)
            x[usable] = (values - self.curve.nominal) / self.curve.step
            status[usable] = np.where(arrived, OK, NOT_CONVERGED)
        return Profile(chi2, x, status)


@dataclass(frozen=True)
class _State:
    """Fits at some shape parameters: chi2 (n,), heights (n, n_heights), residuals, forms in use.

    `residual` (n, n_bins) is in standard deviations, `forms` (n, n_heights, n_bins) too, with zeros
    for those whose height is zero.
    """

    u: Array
    chi2: Array
    heights: Array
    residual: Array
    forms: Array

    def where(self, better: Mask, other: _State) -> _State:
        """The other one where it is better."""
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return _State(*(np.where(better.reshape(-1, *[1] * (a.ndim - 1)), b, a) for a, b in pairs))

    def part(self, index: Mask | npt.NDArray[np.intp]) -> _State:
        """Some of the points."""
        return _State(*(values[index] for values in vars(self).values()))


class _Fit:
    """Minimises over the shapes, in steps u = (theta - nominal)/step."""

    def __init__(self, likelihood: CurveLikelihood) -> None:
        curve = likelihood.curve
        self._curve, self._error = curve, np.sqrt(likelihood.variance)
        n = len(curve.heights)
        self._nominal, self._step = curve.nominal[n:], curve.step[n:]
        ends = np.array([[s.low, s.high] for s in curve.shapes]).reshape(-1, 2)
        self._low, self._high = ((ends.T - self._nominal) / self._step).reshape(2, -1)
        self._known = np.array([s.measured for s in curve.shapes], dtype=np.float64)
        measured = likelihood.measured
        self._mean = np.zeros(len(curve.shapes)) if measured is None else measured[n:]
        self._sets = [
            np.array(chosen, dtype=np.bool_) for chosen in itertools.product((0, 1), repeat=n)
        ]

    def minimise(self, target: Array) -> tuple[Array, Array, Mask]:
        """chi2 (n,), all parameters (n, n_free), and whether the fit arrived."""
        state = self._start(target)
        arrived = np.zeros(len(target), dtype=np.bool_)
        damping = np.full(len(target), DAMPING)
        active = np.arange(len(target))
        for _ in range(MAX_STEPS):
            if not active.size:
                break
            here = state.part(active)
            step, promised = self._newton(here, damping[active])
            there = self._at(here.u + step, target[active])
            better = there.chi2 < here.chi2
            for name, values in vars(here.where(better, there)).items():
                getattr(state, name)[active] = values
            damping[active] *= np.where(better, 0.1, 10.0)
            damping[active] = np.clip(damping[active], LEAST_DAMPING, MOST_DAMPING)
            least = np.maximum(TOLERANCE, ROUNDING * here.chi2)
            # at the largest damping no way leads down: the place is a minimum to rounding
            done = (promised < least) | (damping[active] >= MOST_DAMPING)
            arrived[active[done]] = True
            active = active[~done]
        values = np.concatenate([state.heights, self._theta(state.u)], axis=1)
        return state.chi2, values, arrived

    def _theta(self, u: Array) -> Array:
        return np.asarray(self._nominal + self._step * u)

    def _start(self, target: Array) -> _State:
        """The best of the places where a fit may begin."""
        best: _State | None = None
        for theta in self._curve.starts:
            u = np.tile((theta - self._nominal) / self._step, (len(target), 1))
            there = self._at(u, target)
            best = there if best is None else best.where(there.chi2 < best.chi2, there)
        assert best is not None
        return best

    def _at(self, u: Array, target: Array) -> _State:
        """The heights that fit best at some shapes."""
        forms = self._curve.forms(self._theta(u)) / self._error
        heights = self._heights(forms, target)
        residual = target - np.einsum("nl,nlb->nb", heights, forms)
        prior = np.sum(self._known * (u - self._mean) ** 2, axis=1)
        used = forms * (heights > 0.0)[:, :, np.newaxis]
        return _State(u, np.sum(residual**2, axis=1) + prior, heights, residual, used)

    def _heights(self, forms: Array, target: Array) -> Array:
        """Least squares (n, n_heights) without negative heights: the best set of forms.

        The set of the minimum is among those whose own solution is positive, and no other of these
        explains more of the target.
        """
        gram = forms @ forms.swapaxes(1, 2)
        vector = np.einsum("nlb,nb->nl", forms, target)
        best, most = np.zeros_like(vector), np.zeros(len(vector))
        for chosen in self._sets:
            if not chosen.any():
                continue
            solution = np.zeros_like(vector)
            solved = _solved(gram[:, chosen][:, :, chosen], vector[:, chosen])
            solution[:, chosen] = solved
            explained = np.sum(solution * vector, axis=1)
            better = np.all(solved >= 0.0, axis=1) & (explained > most)
            best[better], most[better] = solution[better], explained[better]
        return np.asarray(best)

    def _newton(self, state: _State, damping: Array) -> tuple[Array, Array]:
        """A damped Gauss-Newton step (n, n_shapes) inside the ranges, and the fall it promises."""
        rows = self._curve.slopes(self._theta(state.u), state.heights)
        rows = rows * self._step[:, np.newaxis] / self._error
        slope = np.einsum("nkb,nb->nk", rows, state.residual)
        slope -= self._known * (state.u - self._mean)
        matrix = rows @ rows.swapaxes(1, 2) - self._followed(rows, state.forms)
        diagonal = np.arange(rows.shape[1])
        matrix[:, diagonal, diagonal] += self._known
        # at the end of its range, and pushed on: such a parameter stays
        held = ((state.u <= self._low) & (slope < 0.0)) | ((state.u >= self._high) & (slope > 0.0))
        slope = np.where(held, 0.0, slope)
        matrix = np.where(held[:, :, np.newaxis] | held[:, np.newaxis, :], 0.0, matrix)
        size = np.maximum(matrix[:, diagonal, diagonal], 0.0)
        size = np.where(size > 0.0, size, 1.0)
        matrix[:, diagonal, diagonal] += damping[:, np.newaxis] * size + np.where(held, size, 0.0)
        matrix[:, diagonal, diagonal] += LEAST_DAMPING * size
        step = solve_scaled(matrix, slope)
        moved = np.clip(state.u + step, self._low, self._high) - state.u
        return moved, np.abs(np.sum(slope * moved, axis=1))

    def _followed(self, rows: Array, forms: Array) -> Array:
        """What the heights that follow take off the curvature, (n, n_shapes, n_shapes)."""
        gram = forms @ forms.swapaxes(1, 2)
        diagonal = np.arange(forms.shape[1])
        unused = gram[:, diagonal, diagonal] == 0.0
        gram[:, diagonal, diagonal] += np.where(unused, 1.0, 0.0)
        mixed = forms @ rows.swapaxes(1, 2)
        scale = 1.0 / np.sqrt(gram[:, diagonal, diagonal])
        scaled = gram * scale[:, :, np.newaxis] * scale[:, np.newaxis, :]
        scaled[:, diagonal, diagonal] += SINGULAR
        mixed = mixed * scale[:, :, np.newaxis]
        return np.asarray(mixed.swapaxes(1, 2) @ np.linalg.solve(scaled, mixed))


def _solved(gram: Array, vector: Array) -> Array:
    """Solutions (n, k) of the normal equations of a few forms; a hair of damping if they agree."""
    scale = 1.0 / np.sqrt(np.maximum(np.einsum("nii->ni", gram), np.finfo(np.float64).tiny))
    scaled = gram * scale[:, :, np.newaxis] * scale[:, np.newaxis, :]
    diagonal = np.arange(scaled.shape[1])
    scaled[:, diagonal, diagonal] += SINGULAR
    solution = np.linalg.solve(scaled, (vector * scale)[..., np.newaxis])[..., 0]
    return np.asarray(solution * scale)

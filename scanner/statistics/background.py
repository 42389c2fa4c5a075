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

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from scanner.statistics.background_fit import CurveFit
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
from scanner.statistics.tangent import Tangent

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

BLOCK = 1024
"""Points fitted together."""
POINTS_AT_ONCE = 4096
"""Points of a grid whose signals are made at once."""
AT_END = 1e-9
"""Of its step, within which a parameter is at the lower end of its range."""


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
        """Derivatives (..., n_free, n_bins) of the curve by the pulls, at x (..., n_free)."""
        heights, theta = self._split(self.values(np.atleast_2d(x)))
        rows = np.concatenate([self.forms(theta), self.slopes(theta, heights)], axis=1)
        rows = self.step[:, np.newaxis] * rows
        return np.asarray(rows.reshape(*np.shape(x), -1))

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
        # several shapes at a time when they have few points each: a round costs as much for one
        at_once = max(1, POINTS_AT_ONCE // (shape[1] * shape[2]))
        for part, some in lines.blocks(POINTS_AT_ONCE):
            coefficients = some.coefficients()
            for i in range(0, shape[0], at_once):
                signal = coefficients @ templates[i : i + at_once]
                profile = self.profile(signal.reshape(-1, signal.shape[-1]))
                where = (slice(i, i + at_once), part)
                chi2[where] = profile.chi2.reshape(chi2[where].shape)
                status[where] = profile.status.reshape(chi2[where].shape)
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

    def tangent(self, signal: Array, moves: Array) -> Tangent:
        """Profiled points of signals (n, n_bins), and chi2 along moves (n, m, n_bins).

        The bend is without that of the curve itself, and the parameters at an end of their range
        stay there.
        """
        found = self.profile(signal)
        good = (found.status == OK)[:, np.newaxis]
        x, sound = np.where(good, found.pulls, 0.0), np.where(good, signal, 0.0)
        error = np.sqrt(self.variance)
        rows = self.curve.per_pull(x) / error * self._is_inside(x)[:, :, np.newaxis]
        moved = moves / error
        diagonal = np.arange(rows.shape[1])
        curvature = rows @ rows.swapaxes(1, 2)
        curvature[:, diagonal, diagonal] += self._is_measured
        curvature[:, diagonal, diagonal] += curvature[:, diagonal, diagonal] == 0.0
        mixed = rows @ moved.swapaxes(1, 2)
        follows = np.empty_like(mixed)
        for k in range(mixed.shape[2]):
            follows[:, :, k] = solve_scaled(curvature, mixed[:, :, k])
        bend = 2.0 * (moved @ moved.swapaxes(1, 2) - mixed.swapaxes(1, 2) @ follows)
        slope = -2.0 * (self.observed - self.pulls.at(sound, x)) / self.variance
        return Tangent(found.chi2, found.status, slope, bend)

    def _is_inside(self, x: Array) -> Mask:
        """Whether each parameter (n, n_free) is free to move to both sides."""
        values, free = self.curve.values(x), self.curve.free
        low, high = (np.array([getattr(f, end) for f in free]) for end in ("low", "high"))
        return np.asarray((values > low + AT_END * self.curve.step) & (values < high))

    def covariance(self, x: Array) -> Array:
        """Covariance (n_free, n_free) of the fitted pulls at x, in steps.

        The inverse of half the second derivative of chi2 without that of the curve itself. A
        parameter that the data say nothing about keeps the width of its range.
        """
        rows = self.curve.per_pull(x) / np.sqrt(self.variance)
        ranges = np.array([(f.high - f.low) / f.step for f in self.curve.free])
        known = np.where(self._is_measured, 1.0, 12.0 / ranges**2)
        matrix = rows @ rows.T + np.diag(known)
        return np.asarray(np.linalg.inv(matrix))

    @cached_property
    def _is_measured(self) -> Mask:
        return np.array([f.measured for f in self.curve.free])

    @cached_property
    def _fit(self) -> CurveFit:
        return CurveFit(self.curve, self.variance, self.measured)

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

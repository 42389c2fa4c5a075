"""Poisson chi2 with Gaussian pulls, profiled for many signals at once.

chi2 = 2 sum_i [mu_i - n_i + n_i ln(n_i/mu_i)] + sum_j x_j^2 (Baker and Cousins, Nucl. Instrum.
Meth. 221, 437 (1984), with the pull terms of Fogli et al., hep-ph/0206162). It is convex in the
pulls, so a guarded Newton iteration finds the one minimum.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.special import xlogy

from scanner.statistics.lines import Lines
from scanner.statistics.pulls import (
    NOT_CONVERGED,
    NUMERIC,
    OK,
    UNPHYSICAL,
    LinearPulls,
    Profile,
    Status,
    solve_scaled,
)
from scanner.statistics.tangent import Tangent, along

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

BLOCK = 128
"""Points evaluated together: their arrays of bins stay in the cache."""
POINTS_AT_ONCE = 16384
"""Points whose coefficients are made at once."""
MAX_STEPS = 60
DECREMENT = 1e-6
"""Squared Newton decrement before the last step; chi2 is then at its minimum to about 1e-12.

(The decrement after a full step is at most its square: Boyd and Vandenberghe, Convex Optimization,
section 9.6, for counts of at least one event.)"""
SAFE_DECREMENT = 0.05
"""Below it a full Newton step descends (self-concordance); above it the step is checked."""
TO_BOUNDARY = 0.99
GUESS_FLOOR, LEAST_SCALE = 0.1, 0.1
"""Events added to every bin, and smallest scale, of the guess that weights the first step."""
EDGE = tuple(10.0**-k for k in range(0, 13, 2))
"""Events put in empty bins, one after the other, by `_descend_to_edge`."""
TINY = float(np.finfo(np.float64).tiny)
"""Stands for an empty prediction in a bin without events, which then has no weight."""


@dataclass(frozen=True)
class PoissonLikelihood:
    """Observed counts (n_bins,) and linear pulls.

    Parameters
    ----------
    observed : array (n_bins,)
        Counts; whole numbers are not asked for (an expectation in their place is Asimov's data).
    pulls : LinearPulls
        Responses.
    measured : array (n_pulls,), optional
        What the auxiliary measurements of the pulls found, in sigma; 0 in the real experiment.
    """

    observed: Array
    pulls: LinearPulls
    measured: Array | None = None

    def exchanged(self, observed: Array, measured: Array | None = None) -> PoissonLikelihood:
        """The same experiment with other data."""
        return replace(self, observed=observed, measured=measured)

    def drawn(self, signal: Array, x: Array, random: np.random.Generator) -> PoissonLikelihood:
        """A toy experiment: counts and auxiliary measurements about a signal and pulls x."""
        mu = np.maximum(self.pulls.at(signal, x), 0.0)
        return self.exchanged(random.poisson(mu).astype(np.float64), random.normal(x))

    @cached_property
    def centre(self) -> Array:
        """Centre (n_pulls,) of the prior of the fitted pulls."""
        return self.pulls.prior(self.measured)

    def profile(self, signal: Array) -> Profile:
        """Minimum over the pulls for signals of shape (n, n_bins), in counts.

        A point is `UNPHYSICAL` when the prediction cannot be made positive where events were seen,
        `NUMERIC` when the signal is not finite, `NOT_CONVERGED` after 60 steps.
        """
        blocks = [self._profile_block(signal[i : i + BLOCK]) for i in range(0, len(signal), BLOCK)]
        return Profile(
            np.concatenate([b.chi2 for b in blocks]),
            np.concatenate([b.pulls for b in blocks]),
            np.concatenate([b.status for b in blocks]),
        )

    def scan(self, templates: Array, lines: Lines) -> tuple[Array, Status]:
        """chi2 and status of a grid, each (n_shapes, n_lines, n_points).

        Parameters
        ----------
        templates : array (n_shapes, n_terms, n_bins)
            Counts per unit coefficient.
        lines : Lines
            Coefficients, the same for every shape.
        """
        shape = (len(templates), *lines.shape)
        chi2, status = np.empty(shape), np.empty(shape, np.uint8)
        # several shapes at a time when they have few points each: blocks stay in the cache
        at_once = max(1, BLOCK // (shape[1] * shape[2]))
        for part, some in lines.blocks(POINTS_AT_ONCE):
            coefficients = some.coefficients()
            for i in range(0, shape[0], at_once):
                signal = coefficients @ templates[i : i + at_once]
                profile = self.profile(signal.reshape(-1, signal.shape[-1]))
                where = (slice(i, i + at_once), part)
                chi2[where] = profile.chi2.reshape(chi2[where].shape)
                status[where] = profile.status.reshape(chi2[where].shape)
        return chi2, status

    def chi2(self, signal: Array, y: Array) -> Array:
        """chi2 (n,) at fitted pulls y (n, n_pulls); infinite where mu <= 0 meets events."""
        return self._chi2(self.pulls.prediction(signal, y), y)

    def _chi2(self, mu: Array, y: Array) -> Array:
        """chi2 (n,) of predictions mu (n, n_bins) at fitted pulls y (n, n_pulls)."""
        impossible = np.any((mu < 0.0) | ((mu == 0.0) & self._seen), axis=1)
        terms = mu - self.observed * np.log(np.maximum(mu, TINY))
        prior = np.sum((y - self.centre) ** 2, axis=1)
        chi2 = 2.0 * np.sum(terms + self.saturated, axis=1) + prior
        return np.where(impossible, np.inf, chi2)

    @cached_property
    def _seen(self) -> npt.NDArray[np.bool_]:
        return np.asarray(self.observed > 0.0)

    @cached_property
    def saturated(self) -> Array:
        """n ln n - n: minus the log-likelihood of a prediction that is the observation."""
        return np.asarray(xlogy(self.observed, self.observed) - self.observed)

    def tangent(self, signal: Array, moves: Array) -> Tangent:
        """Profiled points of signals (n, n_bins), and chi2 along moves (n, m, n_bins)."""
        starts = range(0, len(signal), BLOCK)
        blocks = [self._tangent(signal[i : i + BLOCK], moves[i : i + BLOCK]) for i in starts]
        return Tangent(*(np.concatenate(part) for part in zip(*blocks, strict=True)))

    @np.errstate(over="ignore", invalid="ignore")  # such points end without a chi2
    def _tangent(self, signal: Array, moves: Array) -> tuple[Array, Status, Array, Array]:
        y, chi2, status = self._fit(signal)
        good = (status == OK)[:, np.newaxis]
        y, sound = np.where(good, y, 0.0), np.where(good, signal, 1.0)
        mu = np.maximum(self.pulls.prediction(sound, y), TINY)
        ratio = self.observed / mu
        slope, bend = along(self.pulls, sound, y, 1.0 - ratio, ratio / mu, moves)
        return chi2, status, slope, bend

    @np.errstate(over="ignore", invalid="ignore")  # such points end without a chi2
    def _profile_block(self, signal: Array) -> Profile:
        y, chi2, status = self._fit(signal)
        return Profile(chi2, self.pulls.in_sigma(y), status)

    @np.errstate(over="ignore", invalid="ignore")  # such points end without a chi2
    def _fit(self, signal: Array) -> tuple[Array, Array, Status]:
        """Fitted pulls (n, n_pulls), chi2 and status (n,)."""
        n_points = len(signal)
        y = np.full((n_points, self.pulls.n), np.nan)
        status = np.full(n_points, NUMERIC, dtype=np.uint8)
        usable = np.flatnonzero(np.isfinite(signal).all(axis=1))
        y[usable], status[usable] = self._minimise(signal[usable])
        chi2 = np.full(n_points, np.nan)
        good = np.flatnonzero(status == OK)
        chi2[good] = self.chi2(signal[good], y[good])
        status[good[~np.isfinite(chi2[good])]] = NUMERIC
        return y, chi2, status

    def _minimise(self, signal: Array) -> tuple[Array, Status]:
        """Fitted pulls (n, n_pulls) at the minimum, and a status per point."""
        y, positive = self._start(signal)
        status = np.where(positive, NOT_CONVERGED, UNPHYSICAL).astype(np.uint8)
        for descend in (self._descend, self._descend_to_edge):
            left = np.flatnonzero(status == NOT_CONVERGED)
            if left.size:
                y[left], done = descend(signal[left], y[left])
                status[left[done]] = OK
        return y, status

    def _descend(self, signal: Array, y: Array) -> tuple[Array, Mask]:
        """Newton's way from y to the minimum, and which points arrived."""
        y, arrived = y.copy(), np.zeros(len(y), dtype=np.bool_)
        active, mu = np.arange(len(y)), self.pulls.prediction(signal, y)
        for _ in range(MAX_STEPS):
            if not active.size:
                break
            y[active], mu, done = self._newton(signal, y[active], np.maximum(mu, TINY))
            arrived[active[done]] = True
            if done.any():
                active, signal, mu = active[~done], signal[~done], mu[~done]
        return y, arrived

    def _descend_to_edge(self, signal: Array, y: Array) -> tuple[Array, Mask]:
        """Minimum at mu = 0 of an empty bin, where chi2 has a slope: nearer and nearer to the edge.

        A fraction of an event in the empty bins keeps them from it; at the last one it adds 2e-12.
        """
        nominal = self.pulls.prediction(signal, np.broadcast_to(self.pulls.centre, y.shape))
        empty = (self.observed == 0.0) & np.all(nominal > 0.0, axis=0)
        for events in EDGE:
            nearer = self.exchanged(np.where(empty, events, self.observed), self.measured)
            if events == EDGE[0]:
                y, _ = nearer._start(signal)
            y, arrived = nearer._descend(signal, y)
        return y, arrived

    def _newton(self, signal: Array, y: Array, mu: Array) -> tuple[Array, Array, Mask]:
        """One guarded Newton step for each point: pulls, prediction, whether it was the last."""
        ratio = self.observed / mu
        gradient = self.pulls.gradient(1.0 - ratio, signal) + (y - self.centre)
        step = -solve_scaled(self.pulls.curvature(ratio / mu, signal), gradient)
        decrement = -np.sum(gradient * step, axis=1)
        change = self.pulls.change(signal, step)
        length = _length_inside(mu, change)
        far = np.flatnonzero(decrement > SAFE_DECREMENT)
        if far.size:
            part = (mu[far], change[far], y[far], step[far], decrement[far], length[far])
            length[far] = self._descending(*part)
        stretch = length[:, np.newaxis]
        done = (decrement < DECREMENT) & (length == 1.0)
        return y + stretch * step, mu + stretch * change, done

    def _descending(
        self, mu: Array, change: Array, y: Array, step: Array, decrement: Array, length: Array
    ) -> Array:
        """Halve the length until chi2 falls by a fair part of what the slope promises."""
        before = self._chi2(mu, y)
        for _ in range(MAX_STEPS):
            stretch = length[:, np.newaxis]
            after = self._chi2(mu + stretch * change, y + stretch * step)
            short = ~(after <= before - 1e-4 * length * decrement)
            if not short.any():
                break
            length = np.where(short, 0.5 * length, length)
        return length

    @cached_property
    def weights(self) -> Array:
        """One over a guess of the variance: the expected background scaled to what was seen.

        Nearer to the fitted prediction than the counts themselves, which start the iteration a
        step further away.
        """
        typical = self.pulls.typical
        expected = float(np.sum(typical))
        if expected <= 0.0:
            return 1.0 / (self.observed + 1.0)
        scale = max(float(np.sum(self.observed)) / expected, LEAST_SCALE)
        return np.asarray(1.0 / (scale * np.maximum(typical, 0.0) + GUESS_FLOOR))

    def _start(self, signal: Array) -> tuple[Array, Mask]:
        """Least-squares pulls, drawn back towards a point where all predictions are positive."""
        nominal = np.broadcast_to(self.pulls.centre, (len(signal), self.pulls.n))
        mu = self.pulls.prediction(signal, nominal)
        positive = np.all((mu > 0.0) | ((mu == 0.0) & (self.observed == 0.0)), axis=1)
        mu = np.maximum(mu, TINY)
        residual = self.pulls.rest(self.observed, signal) * self.weights
        vector = self.pulls.gradient(residual, signal) + self.centre
        weights = np.broadcast_to(self.weights, residual.shape)
        fitted = solve_scaled(self.pulls.curvature(weights, signal), vector)
        guess = self.pulls.prediction(signal, fitted)
        fits = np.all((guess > 0.0) | ((guess == 0.0) & (self.observed == 0.0)), axis=1)
        step = fitted - nominal
        length = _length_inside(mu, self.pulls.change(signal, step))
        start = np.where(fits[:, np.newaxis], fitted, nominal + length[:, np.newaxis] * step)
        return start, positive


def _length_inside(mu: Array, change: Array) -> Array:
    """Largest step length, at most 1, that keeps every prediction mu + length x change positive."""
    # -change/mu is one over the length at which a falling bin reaches zero
    worst = np.max(-change / mu, axis=1)
    return np.where(worst < 1.0, 1.0, TO_BOUNDARY / np.maximum(worst, 1.0))

"""Gaussian chi2 with linear pulls: profiled in closed form, from Gram tensors.

chi2 = sum_i (n_i - mu_i)^2/V_i + sum_j x_j^2 is quadratic in the pulls, and for counts
S = sum_k c_k T_k everything that the minimum needs is a polynomial of second degree in c: the sums
over bins are done once per template (the Gram tensors), not once per point.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scanner.statistics.pulls import NUMERIC, OK, LinearPulls, Profile, Status, solve_scaled

Array = npt.NDArray[np.float64]

WORTH_A_GRAM = 16
"""Points that share a template from which on its Gram tensors are cheaper than the bins."""
BLOCK = 1024
"""Points evaluated together bin by bin."""
PAIRS_AT_ONCE = 2**21
"""Products of coefficients kept at once."""
LOST = 1e-10
"""Error of chi2, relative to chi2 or 1, above which terms cancel too much for the Gram tensors."""


@dataclass(frozen=True)
class GaussianLikelihood:
    """Observed counts (n_bins,), variance (n_bins,) and linear pulls."""

    observed: Array
    variance: Array
    pulls: LinearPulls

    @np.errstate(over="ignore", invalid="ignore")  # such points end with the status NUMERIC
    def profile(self, signal: Array) -> Profile:
        """Minimum over the pulls for signals of shape (n, n_bins), bin by bin."""
        weight = np.broadcast_to(1.0 / self.variance, signal.shape)
        residual = self.observed - self.pulls.offset - self.pulls.direct * signal
        square = np.sum(residual**2 * weight, axis=1)
        vector = self.pulls.gradient(residual * weight, signal)
        return self.minimum(square, vector, self.pulls.curvature(weight, signal))

    def scan(self, templates: Array, coefficients: Array) -> tuple[Array, Status]:
        """chi2 and status of a grid, each (n_shapes, n_points).

        Parameters
        ----------
        templates : array (n_shapes, n_terms, n_bins)
            Counts per unit coefficient; term 0 is the constant one.
        coefficients : array (n_points, n_terms)
            The same for every shape; column 0 is 1.
        """
        n_shapes, n_points = len(templates), len(coefficients)
        if n_points >= WORTH_A_GRAM:
            profiles = [GramTensors(self, t).profile(coefficients) for t in templates]
        else:
            at_once = max(1, BLOCK // n_points)
            parts = (templates[i : i + at_once] for i in range(0, n_shapes, at_once))
            profiles = [self.profile(_flat(coefficients @ part)) for part in parts]
        chi2 = np.concatenate([p.chi2 for p in profiles]).reshape(n_shapes, n_points)
        return chi2, np.concatenate([p.status for p in profiles]).reshape(n_shapes, n_points)

    def minimum(self, square: Array, vector: Array, matrix: Array) -> Profile:
        """Minimum of square - 2 y.(vector + centre) + y.matrix.y + centre^2 over y."""
        centre = self.pulls.centre
        finite = np.isfinite(square) & np.isfinite(matrix).all(axis=(1, 2))
        safe = np.where(finite[:, np.newaxis, np.newaxis], matrix, np.eye(self.pulls.n))
        target = np.where(finite[:, np.newaxis], vector + centre, 0.0)
        y = solve_scaled(safe, target)
        chi2 = square + np.sum(centre**2) - np.sum(target * y, axis=1)
        return Profile(
            np.where(finite, chi2, np.nan),
            np.where(finite[:, np.newaxis], self.pulls.in_sigma(y), np.nan),
            np.where(finite, OK, NUMERIC).astype(np.uint8),
        )


def _flat(signal: Array) -> Array:
    return signal.reshape(-1, signal.shape[-1])


class GramTensors:
    """A Gaussian likelihood bound to templates: chi2 without a loop over bins.

    Parameters
    ----------
    likelihood : GaussianLikelihood
        What was measured.
    templates : array (n_terms, n_bins)
        Counts per unit coefficient; term 0 is the constant one (its coefficient is always 1).
    """

    @np.errstate(over="ignore", invalid="ignore")
    def __init__(self, likelihood: GaussianLikelihood, templates: Array) -> None:
        self._likelihood = likelihood
        self._templates = templates
        self._norms = np.sqrt(np.sum(templates**2 / likelihood.variance, axis=1))
        pulls = likelihood.pulls
        self._i, self._j = np.triu_indices(len(templates))
        first = (np.arange(len(templates)) == 0)[:, np.newaxis]
        residual = first * (likelihood.observed - pulls.offset) - pulls.direct * templates
        # change[j, k, bin] = d mu/d y_j per unit coefficient of term k
        d, r = pulls.turned
        change = d[:, np.newaxis] * templates + first * r[:, np.newaxis]
        left, right = np.triu_indices(pulls.n)
        columns = [templates[np.newaxis], residual[np.newaxis], change, change[left]]
        partners = [*columns[:2], np.broadcast_to(residual, change.shape), change[right]]
        self._gram = np.concatenate(
            [self._pair(a, b) for a, b in zip(columns, partners, strict=True)]
        ).T

    def _pair(self, a: Array, b: Array) -> Array:
        """Sum over bins of a_k b_l/V, symmetrised, for k <= l: shape (n, n_pairs)."""
        full = np.einsum("nkb,nlb->nkl", a / self._likelihood.variance, b)
        both = full[:, self._i, self._j] + full[:, self._j, self._i]
        return np.asarray(np.where(self._i == self._j, 0.5, 1.0) * both)

    def profile(self, coefficients: Array) -> Profile:
        """Minimum over the pulls for coefficients (n, n_terms) whose first column is 1.

        Points where the terms cancel so far that chi2 would lose more than 1e-10 are done again
        bin by bin.
        """
        at_once = max(1, PAIRS_AT_ONCE // len(self._i))
        parts = [coefficients[i : i + at_once] for i in range(0, len(coefficients), at_once)]
        profiles = [self._profile(part) for part in parts]
        return Profile(
            np.concatenate([p.chi2 for p in profiles]),
            np.concatenate([p.pulls for p in profiles]),
            np.concatenate([p.status for p in profiles]),
        )

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")
    def _profile(self, coefficients: Array) -> Profile:
        pairs = coefficients[:, self._i] * coefficients[:, self._j]
        sums = pairs @ self._gram
        pulls = self._likelihood.pulls
        square, vector = sums[:, 1], sums[:, 2 : 2 + pulls.n]
        profile = self._likelihood.minimum(square, vector, pulls.unpack(sums[:, 2 + pulls.n :]))
        # rounding of the sums over pairs is epsilon x (sum of the terms' norms)^2; a normalisation
        # pull passes it on in the measure of the counts that it leaves of the signal
        terms = (np.abs(coefficients) @ self._norms) ** 2
        passed_on = pulls.direct + square / np.maximum(sums[:, 0], np.finfo(np.float64).tiny)
        lost = np.finfo(np.float64).eps * terms * passed_on
        again = np.flatnonzero(~(lost < LOST * np.maximum(profile.chi2, 1.0)))
        for i in range(0, len(again), BLOCK):
            part = again[i : i + BLOCK]
            exact = self._likelihood.profile(coefficients[part] @ self._templates)
            profile.chi2[part], profile.pulls[part] = exact.chi2, exact.pulls
            profile.status[part] = exact.status
        return profile

"""Gaussian chi2 with linear pulls: profiled in closed form, along lines without a loop over bins.

chi2 = sum_i (n_i - mu_i)^2/V_i + sum_j x_j^2 is quadratic in the pulls, and mu is linear in the
counts. The pulls that touch backgrounds alone have one curvature for all signals and are profiled
away beforehand: what is left is a chi2 in turned bins, in which a few products of polynomials along
the line (the Gram polynomials) are all that the other pulls need.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from scanner.statistics.lines import Lines
from scanner.statistics.parts import PartedPulls
from scanner.statistics.pulls import NUMERIC, OK, LinearPulls, Profile, Status, fill, solve_scaled
from scanner.statistics.tangent import Tangent, along

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]

WORTH_A_GRAM = 16
"""Points that share a template from which on Gram polynomials are cheaper than the bins."""
WORTH_A_BASIS = 64
"""Lines that share a template from which on its bins are worth being turned to fewer."""
SPANNED = 1e-15
"""Relative size of what a basis may leave out of every template."""
BLOCK = 1024
"""Points evaluated together bin by bin."""
POINTS_AT_ONCE = 8192
"""Points evaluated together along lines: their arrays stay in the cache."""
LOST = 1e-10
"""Error of chi2, relative to chi2 or 1, above which terms cancel too much for Gram polynomials."""


@dataclass(frozen=True)
class GaussianLikelihood:
    """Observed counts (n_bins,), variance (n_bins,) and linear pulls.

    Parameters
    ----------
    observed, variance : array (n_bins,)
        The variance belongs to the likelihood and stays as it is where data are exchanged.
    pulls : LinearPulls
        Responses.
    measured : array (n_pulls,), optional
        What the auxiliary measurements of the pulls found, in sigma; 0 in the real experiment.
    bins : TurnedBins, optional
        Shared by likelihoods that differ in their data only.
    """

    observed: Array
    variance: Array
    pulls: LinearPulls
    measured: Array | None = None
    bins: TurnedBins | None = field(default=None, repr=False, compare=False)

    def exchanged(self, observed: Array, measured: Array | None = None) -> GaussianLikelihood:
        """The same experiment with other data."""
        return replace(self, observed=observed, measured=measured, bins=self._turned)

    def drawn(self, signal: Array, x: Array, random: np.random.Generator) -> GaussianLikelihood:
        """A toy experiment: counts of the likelihood's own variance, auxiliary measurements."""
        counts = random.normal(self.pulls.at(signal, x), np.sqrt(self.variance))
        return self.exchanged(counts, random.normal(x))

    @cached_property
    def centre(self) -> Array:
        """Centre (n_pulls,) of the prior of the fitted pulls."""
        return self.pulls.prior(self.measured)

    @np.errstate(over="ignore", invalid="ignore")  # such points end with the status NUMERIC
    def profile(self, signal: Array) -> Profile:
        """Minimum over the pulls for signals of shape (n, n_bins), bin by bin."""
        y, chi2, status = self._fit(signal)
        return Profile(chi2, self.pulls.in_sigma(y), status)

    @np.errstate(over="ignore", invalid="ignore")  # such points have a status
    def tangent(self, signal: Array, moves: Array) -> Tangent:
        """Profiled points of signals (n, n_bins), and chi2 along moves (n, m, n_bins)."""
        y, chi2, status = self._fit(signal)
        good = (status == OK)[:, np.newaxis]
        y, sound = np.where(good, y, 0.0), np.where(good, signal, 1.0)
        mu = self.pulls.prediction(sound, y)
        weight = np.broadcast_to(1.0 / self.variance, mu.shape)
        slope, bend = along(self.pulls, sound, y, (mu - self.observed) * weight, weight, moves)
        return Tangent(chi2, status, slope, bend)

    def _fit(self, signal: Array) -> tuple[Array, Array, Status]:
        """Fitted pulls (n, n_pulls), chi2 and status (n,)."""
        residual = self.pulls.rest(self.observed, signal)
        weight = np.broadcast_to(1.0 / self.variance, residual.shape)
        square = np.sum(residual**2 * weight, axis=1)
        vector = self.pulls.gradient(residual * weight, signal)
        return self._minimum(square, vector, self.pulls.curvature(weight, signal))

    def scan(self, templates: Array, lines: Lines) -> tuple[Array, Status]:
        """chi2 and status of a grid, each (n_shapes, n_lines, n_points).

        Parameters
        ----------
        templates : array (n_shapes, n_terms, n_bins)
            Counts per unit coefficient.
        lines : Lines
            Coefficients, the same for every shape.
        """
        n_points = lines.shape[0] * lines.shape[1]
        if n_points >= WORTH_A_GRAM and not isinstance(self.pulls, PartedPulls):
            return self._along_lines(templates, lines)
        at_once = max(1, BLOCK // n_points)
        coefficients = lines.coefficients()
        parts = (templates[i : i + at_once] for i in range(0, len(templates), at_once))
        profiles = [self.profile(_flat(coefficients @ part)) for part in parts]
        shape = (len(templates), *lines.shape)
        chi2 = np.concatenate([p.chi2 for p in profiles]).reshape(shape)
        return chi2, np.concatenate([p.status for p in profiles]).reshape(shape)

    @np.errstate(over="ignore", invalid="ignore")  # such points are done again, bin by bin
    def _along_lines(self, templates: Array, lines: Lines) -> tuple[Array, Status]:
        chi2 = np.empty((len(templates), *lines.shape))
        lost = np.empty(chi2.shape, np.bool_)
        features = self._turned.features(templates)
        norms = np.linalg.norm(features[:, :, 0], axis=-1)
        for i, some in enumerate(features):
            data = self._data
            if len(lines.outer) >= WORTH_A_BASIS and np.isfinite(some).all():
                some, data = _in_basis(some, data)
            for part, block in lines.blocks(POINTS_AT_ONCE):
                made = block.contract(some.reshape(len(some), -1))
                vectors = made.reshape(*made.shape[:2], *some.shape[1:])
                chi2[i, part], lost[i, part] = self._turned.chi2(
                    vectors, block.sizes(norms[i]), data, self.centre, block.z
                )
        status = np.full(chi2.shape, OK, np.uint8)
        fill(chi2, status, lost, lambda i, k: self.profile(lines.at(k) @ templates[i]))
        return chi2, status

    @cached_property
    def _turned(self) -> TurnedBins:
        return TurnedBins(self.variance, self.pulls) if self.bins is None else self.bins

    @cached_property
    def _data(self) -> Array:
        return self._turned.data(self.observed, self.centre)

    def _minimum(self, square: Array, vector: Array, matrix: Array) -> tuple[Array, Array, Status]:
        """Minimum of square - 2 y.(vector + centre) + y.matrix.y + centre^2 over y."""
        centre = self.centre
        finite = np.isfinite(square) & np.isfinite(matrix).all(axis=(1, 2))
        safe = np.where(finite[:, np.newaxis, np.newaxis], matrix, np.eye(self.pulls.n))
        target = np.where(finite[:, np.newaxis], vector + centre, 0.0)
        y = solve_scaled(safe, target)
        chi2 = square + np.sum(centre**2) - np.sum(target * y, axis=1)
        return (
            np.where(finite[:, np.newaxis], y, np.nan),
            np.where(finite, chi2, np.nan),
            np.where(finite, OK, NUMERIC).astype(np.uint8),
        )


def _flat(signal: Array) -> Array:
    return signal.reshape(-1, signal.shape[-1])


class TurnedBins:
    """Bins in units of their errors, turned so that the backgrounds' own pulls are profiled away.

    With A_ij = R_ji/sigma_i of the pulls that change backgrounds alone, chi2 at their minimum is
    r.(1 + A A^T)^-1 r of the residuals r: bins are multiplied by the inverse root of 1 + A A^T.

    Parameters
    ----------
    variance : array (n_bins,)
        Of the counts.
    pulls : LinearPulls
        Responses.
    """

    def __init__(self, variance: Array, pulls: LinearPulls) -> None:
        signal, background = pulls.turned
        self._touching = np.flatnonzero(signal.any(axis=1))
        alone = np.flatnonzero(~signal.any(axis=1))
        self._error = np.sqrt(variance)
        rows = background[alone] / self._error
        values, vectors = np.linalg.eigh(np.eye(rows.shape[1]) + rows.T @ rows)
        self._turn = (vectors / np.sqrt(values)) @ vectors.T
        self._relative = signal[self._touching]
        self._direct = pulls.direct
        self._offset, self._alone = pulls.offset, (alone, background[alone])
        self._background = background[self._touching]

    def data(self, observed: Array, centre: Array) -> Array:
        """The data where the pulls that are left are 0, and what these change without a signal.

        Shape (1 + n_signal_pulls, n_turned_bins).

        Parameters
        ----------
        observed : array (n_bins,)
            Counts.
        centre : array (n_pulls,)
            Centre of the prior of all fitted pulls.
        """
        alone, responses = self._alone
        rest = (observed - self._offset - centre[alone] @ responses)[np.newaxis]
        return np.asarray(np.concatenate([rest, self._background]) / self._error @ self._turn)

    def features(self, templates: Array) -> Array:
        """Templates (..., n_bins), and their product with each signal pull's response, turned.

        Shape (..., 1 + n_signal_pulls, n_bins).
        """
        factors = np.concatenate([np.ones((1, self._turn.shape[0])), self._relative])
        scaled = (templates / self._error)[..., np.newaxis, :] * factors
        return np.asarray(scaled @ self._turn)

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")
    def chi2(
        self, vectors: Array, sizes: Array, data: Array, centre: Array, z: Array
    ) -> tuple[Array, npt.NDArray[np.bool_]]:
        """chi2 (n_lines, n_points), and where it has lost more than 1e-10 to cancellation.

        Parameters
        ----------
        vectors : array (n_lines, degree + 1, 1 + n_signal_pulls, n_turned_bins)
            `features` along the lines.
        sizes : array (n_lines, degree + 1)
            Norms of the terms that were added up for the signal.
        data : array (1 + n_signal_pulls, n_turned_bins)
            Of the basis of the vectors.
        centre : array (n_pulls,)
            Centre of the prior of all fitted pulls.
        z : array (n_points,)
            Along the lines.
        """
        n_lines, n_powers, n_vectors, _ = vectors.shape
        made = vectors.copy()
        made[:, 0, 1:] += data[1:]  # d mu/d y_j = D_j S + R_j
        flat = made.reshape(n_lines, n_powers * n_vectors, -1)
        gram = (flat @ flat.swapaxes(1, 2)).reshape(n_lines, n_powers, n_vectors, -1, n_vectors)
        mixed = (flat @ data[0]).reshape(n_lines, n_powers, n_vectors)
        powers = z ** np.arange(2 * n_powers - 1)[:, np.newaxis]
        products = _Products(gram, mixed, powers)
        d, n = self._direct, n_vectors - 1
        square = data[0] @ data[0] - d * (2.0 * products.data(0) - products.of(0, 0))
        prior = centre[self._touching]
        found = square + np.sum(prior**2)
        factor: dict[tuple[int, int], Array] = {}
        solved: list[Array] = []
        for j in range(n):
            value = products.data(j + 1) + prior[j]
            if d:
                value -= d * products.of(j + 1, 0)
            for k in range(j + 1):
                entry = products.of(j + 1, k + 1) + (1.0 if j == k else 0.0)
                for m in range(k):
                    entry -= factor[j, m] * factor[k, m]
                factor[j, k] = np.sqrt(entry) if j == k else entry / factor[k, k]
            for k in range(j):
                value -= factor[j, k] * solved[k]
            solved.append(value / factor[j, j])
            found -= solved[j] ** 2
        # rounding of the sums is epsilon x (sum of the terms' norms)^2; a normalisation pull passes
        # it on in the measure of the counts that it leaves of the signal
        terms = (sizes @ np.abs(powers[:n_powers])) ** 2
        measure = np.maximum(products.of(0, 0), np.finfo(np.float64).tiny)
        lost = np.finfo(np.float64).eps * terms * (d + square / measure)
        return found, ~(lost < LOST * np.maximum(found, 1.0))


class _Products:
    """Scalar products of the vectors at every point: polynomials in z."""

    def __init__(self, gram: Array, mixed: Array, powers: Array) -> None:
        self._gram, self._mixed, self._powers = gram, mixed, powers
        self._n = gram.shape[1]

    def of(self, j: int, k: int) -> Array:
        """Of vectors j and k, (n_lines, n_points)."""
        table = self._gram[:, :, j, :, k]
        sums = np.zeros((len(table), 2 * self._n - 1))
        for d in range(self._n):
            sums[:, d : d + self._n] += table[:, d]
        return np.asarray(sums @ self._powers)

    def data(self, j: int) -> Array:
        """Of vector j and the data."""
        return np.asarray(self._mixed[:, :, j] @ self._powers[: self._n])


def _in_basis(features: Array, data: Array) -> tuple[Array, Array]:
    """Features (n_terms, n, n_bins) and data (n, n_bins) in a basis of the space that they span."""
    rows = np.concatenate([features.reshape(-1, features.shape[-1]), data])
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    _, sizes, basis = np.linalg.svd(rows / np.where(norms > 0.0, norms, 1.0), full_matrices=False)
    basis = basis[sizes > SPANNED * sizes[0]]
    return features @ basis.T, data @ basis.T

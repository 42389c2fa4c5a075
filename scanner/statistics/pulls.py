"""Profiled nuisance parameters that are linear in the counts.

The prediction of signal counts S (bins) at pulls x (in units of their standard deviations) is

    mu = S (1 + sum_j x_j D_j) + B + sum_j x_j R_j

with the relative response D_j of the signal and the response R_j of the backgrounds per unit
pull. A pull whose D_j is the same in all bins is a normalisation; for it the fit runs in
y = x + 1/D_j, whose prior is centred on 1/D_j, so that a huge signal never has to cancel against
itself: mu = S (y D_j + ...) + .... Several normalisations would make the fit singular at a huge
signal; their common prior is round, so they are turned until one of them carries all of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Status = npt.NDArray[np.uint8]

OK, UNPHYSICAL, NOT_CONVERGED, NUMERIC = 1, 3, 4, 5
"""Status of a profiled point, as stored in the cube."""
FILLED_AT_ONCE = 16384
"""Points that `fill` evaluates together: bounds its memory."""


@dataclass(frozen=True)
class LinearPulls:
    """Responses per unit pull.

    Parameters
    ----------
    signal : array (n_pulls, n_bins)
        D_j, dimensionless.
    background : array (n_pulls, n_bins)
        R_j, counts.
    expected : array (n_bins,)
        B, counts at nominal pulls.
    """

    signal: Array
    background: Array
    expected: Array

    @property
    def n(self) -> int:
        """Number of pulls."""
        return len(self.signal)

    @cached_property
    def _normalisations(self) -> npt.NDArray[np.intp]:
        """Pulls that scale the signal alike in all bins."""
        alike = np.all(self.signal == self.signal[:, :1], axis=1) & (self.signal[:, 0] != 0.0)
        return np.flatnonzero(alike)

    @cached_property
    def _turn(self) -> Array:
        """Reflection (n_pulls, n_pulls) of x that gives the first normalisation all of them."""
        j = self._normalisations
        matrix = np.eye(self.n)
        if len(j) > 1:
            axis = self.signal[j, 0] / np.linalg.norm(self.signal[j, 0])
            axis[0] -= 1.0
            matrix[np.ix_(j, j)] -= 2.0 * np.outer(axis, axis) / np.sum(axis**2)
        return matrix

    @cached_property
    def turned(self) -> tuple[Array, Array]:
        """D and R per unit of the fitted pulls, at most one of them a normalisation."""
        j = self._normalisations
        if len(j) < 2:
            return self.signal, self.background
        signal = self.signal.copy()
        signal[j] = 0.0  # exactly: a rest of 1e-17 would come back in a signal of 1e20
        signal[j[0]] = np.linalg.norm(self.signal[j, 0])
        return signal, self._turn @ self.background

    def in_sigma(self, y: Array) -> Array:
        """Pulls x (n, n_pulls), in units of sigma, of fitted pulls y."""
        return np.asarray((y - self.centre) @ self._turn)

    @cached_property
    def centre(self) -> Array:
        """Centre of the prior of y, shape (n_pulls,): 1/D of the normalisation, else 0."""
        centre = np.zeros(self.n)
        for j in self._normalisations[:1]:
            centre[j] = 1.0 / self.turned[0][j, 0]
        return centre

    def prior(self, measured: Array | None) -> Array:
        """Centre of the prior of y (n_pulls,) where auxiliary measurements found x = `measured`."""
        return self.centre if measured is None else self.centre + self._turn @ measured

    def at(self, signal: Array, x: Array) -> Array:
        """mu (n_bins,) of a signal (n_bins,) at pulls x (n_pulls,) in units of sigma."""
        mu = self.expected + x @ self.background + signal * (1.0 + x @ self.signal)
        return np.asarray(mu)

    @cached_property
    def direct(self) -> float:
        """Share of the signal that no pull carries: 0 with a normalisation pull, else 1."""
        return 0.0 if self.centre.any() else 1.0

    @cached_property
    def offset(self) -> Array:
        """Background at y = 0, shape (n_bins,)."""
        return self.expected - self.centre @ self.turned[1]

    @property
    def typical(self) -> Array:
        """All backgrounds (n_bins,) where nothing is pulled: what a first guess weights by."""
        return self.expected

    def prediction(self, signal: Array, y: Array) -> Array:
        """mu (n, n_bins) for signals (n, n_bins) at fitted pulls y (n, n_pulls)."""
        background = y @ self.turned[1] + self.offset
        return np.asarray(background + signal * self.by_signal(y))

    def by_signal(self, y: Array) -> Array:
        """Change of mu per count of the signal at fitted pulls y: (n, n_bins), or (n, 1)."""
        return np.asarray(self.direct + y @ self._relative)

    def rest(self, observed: Array, signal: Array) -> Array:
        """Observed counts (n_bins,) less mu of signals (n, n_bins) at y = 0."""
        return np.asarray(observed - self.offset - self.direct * signal)

    def spread(self, bins: Array) -> Array:
        """What has a value in every bin (n, n_bins), as the signal has it."""
        return bins

    def folded(self, counts: Array) -> Array:
        """Inverse of `spread` for counts, which add up: (n, n_bins)."""
        return counts

    def change(self, signal: Array, step: Array) -> Array:
        """Change of mu (n, n_bins) for a step (n, n_pulls) in the pulls."""
        return np.asarray(step @ self.turned[1] + signal * (step @ self._relative))

    @cached_property
    def _relative(self) -> Array:
        """D of the fitted pulls, as one column where no bin differs from another."""
        d = self.turned[0]
        return d[:, :1] if np.all(d == d[:, :1]) else d

    @cached_property
    def _pairs(self) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        return np.triu_indices(self.n)

    @cached_property
    def _products(self) -> tuple[tuple[npt.NDArray[np.intp], Array], ...]:
        """Of D_i D_j, D_i R_j + R_i D_j, R_i R_j: pairs i <= j that are not zero, (n_bins, n)."""
        i, j = self._pairs
        d, r = self.turned
        rows = (d[i] * d[j], d[i] * r[j] + r[i] * d[j], r[i] * r[j])
        kept = [np.flatnonzero(np.any(row != 0.0, axis=1)) for row in rows]
        return tuple((k, row[k].T.copy()) for k, row in zip(kept, rows, strict=True))

    def gradient(self, residual: Array, signal: Array) -> Array:
        """sum over bins of residual x d mu/d y_j, shape (n, n_pulls)."""
        d, r = self.turned
        return (residual * signal) @ d.T + residual @ r.T

    def gradient_of_signal(self, counts: Array) -> Array:
        """sum over bins of counts x D_j, shape (n, n_pulls)."""
        return np.asarray(counts @ self.turned[0].T)

    def curvature(self, weight: Array, signal: Array) -> Array:
        """1 + sum over bins of weight x d mu/dy_i x d mu/dy_j, shape (n, n_pulls, n_pulls)."""
        weighted = weight * signal
        packed = np.zeros((len(signal), len(self._pairs[0])))
        factors = (weighted * signal, weighted, weight)
        for factor, (pairs, product) in zip(factors, self._products, strict=True):
            packed[:, pairs] += factor @ product
        return self.unpack(packed)

    def unpack(self, packed: Array) -> Array:
        """Symmetric matrices with unit added to the diagonal, from upper triangles (n, n_pairs)."""
        i, j = self._pairs
        full = np.empty((len(packed), self.n, self.n))
        full[:, i, j] = packed
        full[:, j, i] = packed
        diagonal = np.arange(self.n)
        full[:, diagonal, diagonal] += 1.0
        return full


def solve_scaled(matrix: Array, vector: Array) -> Array:
    """Solve symmetric positive definite systems (n, k, k) x = (n, k) after unit-diagonal scaling.

    The scaling keeps a normalisation of 1e12 and a background shape in one well-conditioned matrix.
    """
    scale = 1.0 / np.sqrt(np.einsum("nii->ni", matrix))
    scaled = matrix * scale[:, :, np.newaxis] * scale[:, np.newaxis, :]
    target = (vector * scale)[..., np.newaxis]
    try:
        solution = np.linalg.solve(scaled, target)
    except np.linalg.LinAlgError:  # one singular matrix must not spoil its neighbours
        solution = np.stack([_solve_one(m, t) for m, t in zip(scaled, target, strict=True)])
    return np.asarray(solution[..., 0] * scale)


def _solve_one(matrix: Array, vector: Array) -> Array:
    """Solution, or the shortest best one where the matrix is singular to rounding."""
    try:
        return np.asarray(np.linalg.solve(matrix, vector))
    except np.linalg.LinAlgError:
        return np.asarray(np.linalg.pinv(matrix, hermitian=True) @ vector)


@dataclass(frozen=True)
class Profile:
    """Profiled points.

    chi2 (n,) is NaN where status (n,) is not 1; pulls (n, n_pulls) are in units of sigma.
    """

    chi2: Array
    pulls: Array
    status: Status


@np.errstate(over="ignore", invalid="ignore")  # such points have a status
def fill(
    chi2: Array,
    status: Status,
    left: npt.NDArray[np.bool_],
    profile: Callable[[int, npt.NDArray[np.intp]], Profile],
) -> None:
    """Put in what was left out of a grid (n_shapes, n_lines, n_points), a few points at a time.

    Parameters
    ----------
    chi2, status : array
        Written where `left` is true.
    left : array of bool
        Points to fill.
    profile : callable
        ``profile(shape, points)``, the points counted along the lines one after the other.
    """
    for shape in np.flatnonzero(left.any(axis=(1, 2))):
        points = np.flatnonzero(left[shape])
        for start in range(0, len(points), FILLED_AT_ONCE):
            part = points[start : start + FILLED_AT_ONCE]
            found = profile(int(shape), part)
            chi2[shape].reshape(-1)[part] = found.chi2
            status[shape].reshape(-1)[part] = found.status

"""Linear pulls where backgrounds, too, change from point to point.

An input that is profiled (a shift of the beam's arrival) moves the shape of a background, and a
pull still scales it. Such backgrounds are counts of the point, as the signal is: a point has
several parts S_p, one behind the other, and

    mu = sum_p S_p (1 + sum_j x_j D_pj) + B + sum_j x_j R_j

with the backgrounds B that stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from scanner.statistics.pulls import LinearPulls

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PartedPulls(LinearPulls):
    """Responses per unit pull of counts in several parts, the signal first.

    Parameters
    ----------
    signal : array (n_pulls, n_parts x n_bins)
        D_pj, part by part. Where the others ask for a signal (n, n_bins), here it is all parts
        (n, n_parts x n_bins).
    background, expected : arrays
        Of what does not change from point to point, as in `LinearPulls`.
    moving : array (n_bins,)
        Usual size of the moving backgrounds together.
    """

    moving: Array

    @property
    def n_bins(self) -> int:
        """Number of bins."""
        return len(self.expected)

    @property
    def typical(self) -> Array:
        """All backgrounds (n_bins,) where nothing is pulled: what a first guess weights by."""
        return self.expected + self.moving

    @cached_property
    def _normalisations(self) -> npt.NDArray[np.intp]:
        """Pulls that scale the signal alike in all bins, and no moving background."""
        signal, others = self.signal[:, : self.n_bins], self.signal[:, self.n_bins :]
        alike = np.all(signal == signal[:, :1], axis=1) & (signal[:, 0] != 0.0)
        return np.flatnonzero(alike & ~others.any(axis=1))

    @cached_property
    def turned(self) -> tuple[Array, Array]:
        """D and R per unit of the fitted pulls, at most one of them a normalisation."""
        signal, background = super().turned
        j = self._normalisations
        if len(j) > 1:
            signal[j[0], self.n_bins :] = 0.0
        return signal, background

    @cached_property
    def _direct(self) -> Array:
        """Share of each part that no pull carries, (n_parts x n_bins,)."""
        share = np.ones(self.signal.shape[1])
        share[: self.n_bins] = self.direct
        return share

    def at(self, signal: Array, x: Array) -> Array:
        """mu (n_bins,) of parts (n_parts x n_bins,) at pulls x (n_pulls,) in units of sigma."""
        counts = signal * (1.0 + x @ self.signal)
        return np.asarray(self.expected + x @ self.background + self.folded(counts))

    def prediction(self, signal: Array, y: Array) -> Array:
        """mu (n, n_bins) for parts (n, n_parts x n_bins) at fitted pulls y (n, n_pulls)."""
        background = y @ self.turned[1] + self.offset
        return np.asarray(background + self.folded(signal * self.by_signal(y)))

    def by_signal(self, y: Array) -> Array:
        """Change of mu per count of each part at fitted pulls y, (n, n_parts x n_bins)."""
        return np.asarray(self._direct + y @ self.turned[0])

    def rest(self, observed: Array, signal: Array) -> Array:
        """Observed counts (n_bins,) less mu of parts (n, n_parts x n_bins) at y = 0."""
        return np.asarray(observed - self.offset - self.folded(self._direct * signal))

    def spread(self, bins: Array) -> Array:
        """What has a value in every bin (n, n_bins), once for each part."""
        return np.tile(bins, self.signal.shape[1] // self.n_bins)

    def folded(self, counts: Array) -> Array:
        """Counts of all parts (..., n_parts x n_bins) together, (..., n_bins)."""
        return np.asarray(counts.reshape(*counts.shape[:-1], -1, self.n_bins).sum(axis=-2))

    def change(self, signal: Array, step: Array) -> Array:
        """Change of mu (n, n_bins) for a step (n, n_pulls) in the pulls."""
        d, r = self.turned
        return np.asarray(step @ r + self.folded(signal * (step @ d)))

    def gradient(self, residual: Array, signal: Array) -> Array:
        """sum over bins of residual x d mu/d y_j, shape (n, n_pulls)."""
        d, r = self.turned
        return (self.spread(residual) * signal) @ d.T + residual @ r.T

    def curvature(self, weight: Array, signal: Array) -> Array:
        """1 + sum over bins of weight x d mu/dy_i x d mu/dy_j, shape (n, n_pulls, n_pulls)."""
        d, r = self.turned
        slope = self.folded(signal[:, np.newaxis] * d) + r
        return np.asarray((slope * weight[:, np.newaxis]) @ slope.swapaxes(1, 2) + np.eye(self.n))

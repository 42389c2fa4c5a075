"""What a fit leaves of the freedom of its pulls: post-fit widths from the curvature of chi2."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from scanner.statistics.pulls import LinearPulls

Array = npt.NDArray[np.float64]


def counts_at(pulls: LinearPulls, signal: Array, x: Array) -> Array:
    """Prediction (n_bins,) of a signal (n_bins,) at pulls x (n_pulls,) in units of sigma."""
    return np.asarray(signal * (1.0 + x @ pulls.signal) + pulls.expected + x @ pulls.background)


def covariance(pulls: LinearPulls, signal: Array, weight: Array) -> Array:
    """Covariance (n_pulls, n_pulls) of the fitted pulls, each in units of its prior width.

    The inverse of half the second derivative of chi2 at its minimum,

        H_jk = delta_jk + sum_i w_i J_ji J_ki,   J_ji = S_i D_ji + R_ji,

    so that a pull that the data say nothing about keeps the width 1.

    Parameters
    ----------
    pulls : LinearPulls
        Responses per unit pull.
    signal : array (n_bins,)
        Signal counts at nominal pulls.
    weight : array (n_bins,)
        n/mu^2 of a Poisson bin, 1/V of a Gaussian one.

    Examples
    --------
    >>> one = np.ones((1, 1))
    >>> covariance(LinearPulls(one, 0.0 * one, 0.0 * one[0]), np.array([3.0]), np.array([1 / 3]))
    array([[0.25]])
    """
    slope = signal * pulls.signal + pulls.background
    return np.asarray(np.linalg.inv(np.eye(pulls.n) + (weight * slope) @ slope.T))


def weights(observed: Array, prediction: Array, variance: Array | None) -> Array:
    """Weight (n_bins,) of each bin in the curvature of chi2; see `covariance`."""
    if variance is not None:
        return np.asarray(1.0 / variance)
    return np.asarray(observed / prediction**2)

"""Slope and bend of a profiled chi2 along changes of the signal, from the fit itself.

At the fitted pulls chi2 has no slope along them, so its derivative by the signal is the partial one
(the envelope theorem). The second derivative is that of chi2 at fixed pulls, less what the pulls
take of it when they follow (the Schur complement of their block of the Hessian).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from scanner.statistics.pulls import LinearPulls, Status, solve_scaled

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Tangent:
    """Profiled points and how chi2 changes with the signal there.

    Parameters
    ----------
    chi2 : array (n,)
        NaN where status (n,) is not 1.
    slope : array (n, n_bins)
        Derivative of the profiled chi2 by the signal.
    bend : array (n, m, m)
        Its second derivative along m changes of the signal.
    """

    chi2: Array
    status: Status
    slope: Array
    bend: Array


@runtime_checkable
class Sloped(Protocol):
    """A likelihood that knows its slopes; inputs are profiled by differences where it does not."""

    def tangent(self, signal: Array, moves: Array) -> Tangent:
        """Profiled points of signals (n, n_bins), and chi2 along moves (n, m, n_bins)."""


def along(
    pulls: LinearPulls, signal: Array, y: Array, force: Array, weight: Array, moves: Array
) -> tuple[Array, Array]:
    """Slope (n, n_bins) by the signal and bend (n, m, m) along moves of a profiled chi2.

    Parameters
    ----------
    signal : array (n, n_bins)
        Counts at nominal pulls.
    y : array (n, n_pulls)
        Fitted pulls.
    force, weight : array (n, n_bins)
        First and second derivative of chi2/2 by the prediction.
    moves : array (n, m, n_bins)
        Changes of the signal.
    """
    n, m, _ = moves.shape
    factor = pulls.by_signal(y)
    spread = pulls.spread(force)
    bend = np.empty((n, m, m))
    moved = [pulls.folded(moves[:, i] * factor) for i in range(m)]
    for i in range(m):
        for k in range(i + 1):
            bend[:, i, k] = bend[:, k, i] = np.sum(weight * moved[i] * moved[k], axis=1)
    curvature = pulls.curvature(weight, signal)
    mixed = [
        pulls.gradient(weight * moved[i], signal) + pulls.gradient_of_signal(spread * moves[:, i])
        for i in range(m)
    ]
    for i in range(m):
        follows = solve_scaled(curvature, mixed[i])
        for k in range(m):
            bend[:, i, k] -= np.sum(mixed[k] * follows, axis=1)
    return 2.0 * spread * factor, bend + bend.swapaxes(1, 2)

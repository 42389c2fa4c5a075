"""Pulls held at a value: the same prediction with fewer of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from scanner.statistics.pulls import LinearPulls

Array = npt.NDArray[np.float64]


def without(pulls: LinearPulls, j: int, value: float) -> tuple[LinearPulls, Array]:
    """The other pulls with pull j held at a value, and the factor on the signal (n_bins,).

    S (1 + v D_j + sum x_k D_k) is S' (1 + sum x_k D'_k) with S' = S (1 + v D_j). The prior of the
    held pull is the same everywhere and left out.
    """
    factor = 1.0 + value * pulls.signal[j]
    factor = np.where(factor == 0.0, np.finfo(np.float64).eps, factor)
    others = np.arange(pulls.n) != j
    expected = pulls.expected + value * pulls.background[j]
    return LinearPulls(pulls.signal[others] / factor, pulls.background[others], expected), factor


def held(pulls: LinearPulls, x: Array) -> tuple[LinearPulls, Array]:
    """All pulls held: one that does nothing is left, as a likelihood has pulls."""
    nothing = np.zeros((1, pulls.signal.shape[1]))
    expected = pulls.expected + x @ pulls.background
    return LinearPulls(nothing, nothing, expected), np.asarray(1.0 + x @ pulls.signal)

"""Error bars of counts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import gammaincinv

Array = npt.NDArray[np.float64]

ONE_SIGMA = 0.6826894921370859


def poisson_errors(counts: npt.ArrayLike, cl: float = ONE_SIGMA) -> Array:
    """Lengths (2, n) of the error bars of observed counts, downwards and upwards.

    Central interval of the mean of a Poisson distribution, F. Garwood, Biometrika 28, 437 (1936).

    Raises
    ------
    ValueError
        A count below zero.

    Examples
    --------
    >>> poisson_errors([0, 9]).round(2)
    array([[0.  , 2.94],
           [1.84, 4.11]])
    """
    n = np.asarray(counts, dtype=np.float64)
    if np.any(n < 0.0):
        raise ValueError(f"counts = {n.min():g}: a number of events is at least 0")
    tail = 0.5 * (1.0 - cl)
    low = np.where(n > 0.0, gammaincinv(np.maximum(n, 1.0), tail), 0.0)
    return np.stack([n - low, gammaincinv(n + 1.0, 1.0 - tail) - n])

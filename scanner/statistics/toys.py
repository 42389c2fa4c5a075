"""What toy experiments say: critical values, p-values and when there are enough of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

TIE = 1e-9
"""A toy this little below the observation counts as equal to it: rounding."""


@dataclass(frozen=True)
class Tally:
    """A test of one point by toys.

    Parameters
    ----------
    critical, critical_error : float
        Delta chi2 that a share `cl` of the toys does not exceed, and its binomial standard error;
        the error is infinite where the toys are too few to tell.
    p_value, p_error : float
        Share of the toys at least as extreme as the observation, and its binomial error.
    n_toys : int
        Toys with a value.
    n_failed : int
        Toys without one, left out.
    """

    critical: float
    critical_error: float
    p_value: float
    p_error: float
    n_toys: int
    n_failed: int

    @classmethod
    def of(cls, toys: Array, observed: float, cl: float) -> Tally:
        """Tally of the Delta chi2 of toys (n,), NaN where a fit failed.

        >>> tally = Tally.of(np.arange(100.0), 89.5, 0.9)
        >>> tally.critical, tally.p_value
        (89.0, 0.1)
        """
        found = np.sort(toys[np.isfinite(toys)])
        n = len(found)
        critical, error = quantile(found, cl)
        p = float(np.mean(found >= observed - TIE)) if n else math.nan
        return cls(critical, error, p, _binomial(p, n), n, len(toys) - n)

    def decided(self, cl: float, sigmas: float) -> bool:
        """Whether the p-value is more than `sigmas` binomial errors from 1 - cl."""
        if not self.n_toys:
            return False
        # the error that the count would have at the level itself: never zero
        return abs(self.p_value - (1.0 - cl)) > sigmas * _binomial(cl, self.n_toys)


def quantile(ascending: Array, share: float) -> tuple[float, float]:
    """Value that `share` of the ascending values (n,) do not exceed, and its standard error.

    The error is half the distance of the order statistics one binomial sigma to either side.

    >>> quantile(np.arange(1.0, 101.0), 0.9)
    (90.0, 3.0)
    """
    n = len(ascending)
    if not n:
        return math.nan, math.inf
    position, spread = share * n, math.sqrt(share * (1.0 - share) * n)
    low, middle, high = (math.ceil(position + k * spread - TIE) - 1 for k in (-1, 0, 1))
    if high >= n or low < 0:
        return float(ascending[min(max(middle, 0), n - 1)]), math.inf
    error = 0.5 * float(ascending[high] - ascending[low])
    return float(ascending[middle]), error


def _binomial(p: float, n: int) -> float:
    """Standard error of a share; where none counts, or all do, one in n might have been other."""
    return math.sqrt(max(p * (1.0 - p), 1.0 / n) / n) if n else math.inf

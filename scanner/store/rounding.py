"""Rounding of stored chi2, where it is asked for: fewer bytes, with a bound that holds everywhere.

chi2 is rounded to a multiple of a power of two. The trailing zeros compress away, the values stay
plain float64 for every reader, and no Delta chi2 of one layer is off by more than the step.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt


def rounding_step(largest_error: float) -> float:
    """Largest power of two whose half is at most `largest_error`.

    Examples
    --------
    >>> rounding_step(1e-6) == 2.0**-19
    True
    """
    return math.ldexp(1.0, math.floor(math.log2(2.0 * largest_error)))


def rounded(chi2: npt.NDArray[np.float64], largest_error: float | None) -> npt.NDArray[np.float64]:
    """chi2 to within `largest_error`; unchanged where it is None, NaN, or too large to have it."""
    if largest_error is None:
        return chi2
    step = rounding_step(largest_error)
    # from 2^52 steps on, neighbouring numbers are at least a step apart
    fine = np.abs(chi2) < step * 2.0**52
    return np.where(fine, np.round(np.where(fine, chi2, 0.0) / step) * step, chi2)

"""One-loop mixing of a leptophilic Z' with the photon."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def kinetic_mixing_loop(q2: npt.ArrayLike, mass_a: float, mass_b: float) -> Array:
    """eps_ba(q^2) of L_a - L_b, dimensionless; q2 = |q|^2 and masses in MeV.

    eps_ba = integral_0^1 x(1-x) ln[(m_b^2 + x(1-x) q^2)/(m_a^2 + x(1-x) q^2)] dx, which tends to
    ln(m_b^2/m_a^2)/6 for small q^2. The effective proton charge is +(2 alpha/pi) eps_ba
    (arXiv:2202.11002; arXiv:1902.06765 has the opposite sign).
    """
    s = np.asarray(q2, dtype=np.float64)
    at_zero = np.log(mass_b**2 / mass_a**2) / 6.0
    return np.asarray(at_zero + _polarisation(s / mass_b**2) - _polarisation(s / mass_a**2))


def _polarisation(s: Array) -> Array:
    """Integral of x(1-x) ln(1 + x(1-x) s) over x from 0 to 1, for s >= 0.

    Closed form of the vacuum polarisation; below s = 0.05, where that cancels, its series.
    """
    small = s < 0.05
    t = np.where(small, 1.0, s)
    root = np.sqrt(1.0 + 4.0 / t)
    log = np.log((root + 1.0) ** 2 * t / 4.0)
    closed = -5.0 / 18.0 + 2.0 / (3.0 * t) + (1.0 - 2.0 / t) * root * log / 6.0
    series = s * (
        1 / 30 - s * (1 / 280 - s * (1 / 1890 - s * (1 / 11088 - s * (1 / 60060 - s / 308880))))
    )
    return np.where(small, series, closed)

"""Quenching factors: recoil energy (MeV) to electron-equivalent energy (keVee)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def polynomial_kevee(recoil: npt.ArrayLike, coefficients: tuple[float, ...]) -> Array:
    """Scintillation curve a T + b T^2 + c T^3 + d T^4 of COHERENT CsI, in keVee; T in MeV.

    Source: COHERENT, arXiv:2110.07730 (ancillary scintillation response).
    """
    t = np.asarray(recoil, dtype=np.float64)
    return np.asarray(1e3 * np.polynomial.polynomial.polyval(t, (0.0, *coefficients)))


def linear_kevee(recoil: npt.ArrayLike, *, constant: float, slope_per_kev: float) -> Array:
    """Linear quenching factor, E = (q0 + q1 T) T with T in keVnr; result in keVee, T in MeV.

    Source: COHERENT CENNS-10, arXiv:2006.12659, q0 = 0.246, q1 = 7.8e-4 / keVnr.
    """
    t_kev = 1e3 * np.asarray(recoil, dtype=np.float64)
    return (constant + slope_per_kev * t_kev) * t_kev

"""Quenching factors: recoil energy (MeV) to electron-equivalent energy (keVee)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from scanner.reference import Reference

Array = npt.NDArray[np.float64]

LINDHARD = Reference("Lindhard et al., Mat. Fys. Medd. Dan. Vid. Selsk. 33, 10 (1963)")
"""Paper of `lindhard_kevee`."""


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


def lindhard_kevee(recoil: npt.ArrayLike, *, Z: int, k: float) -> Array:
    """Ionisation yield Q T of a recoil in its own material, in keVee; T in MeV.

    Q = k g/(1 + k g), g = 3 e^0.15 + 0.7 e^0.6 + e, e = 11.5 Z^(-7/3) T with T in keVnr. Source:
    Lindhard et al., Mat. Fys. Medd. Dan. Vid. Selsk. 33, 10 (1963); theory gives k = 0.157 for
    germanium, and analyses take k as free.

    Parameters
    ----------
    Z : int
        Proton number of the nucleus that recoils.
    k : float
        Strength of the electronic stopping, above 0.

    Examples
    --------
    >>> round(float(lindhard_kevee(1e-3, Z=32, k=0.162)), 3)
    0.175
    """
    t_kev = 1e3 * np.asarray(recoil, dtype=np.float64)
    reduced = 11.5 * Z ** (-7.0 / 3.0) * t_kev
    g = 3.0 * reduced**0.15 + 0.7 * reduced**0.6 + reduced
    return np.asarray(k * g / (1.0 + k * g) * t_kev)

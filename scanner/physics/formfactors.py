"""Nuclear form factors F(q^2), normalised to F(0) = 1.

All take the momentum transfer squared q2 = |q|^2 in MeV^2 and radii in fm, broadcast, and return
a dimensionless array. `radius` is the root-mean-square radius of the nucleon distribution, never
the box radius that goes into j1 (trap 8: F = 1 - q^2 radius^2/6 + ...); radii are numbers or arrays
that broadcast with q2.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from scanner.physics.constants import HBARC

Array = npt.NDArray[np.float64]

HELM_SKIN_FM = 0.9
"""Surface thickness s of the Helm form factor (Lewin and Smith 1996; CEvNS literature)."""

YUKAWA_RANGE_FM = 0.7
"""Range a_k of the Klein-Nystrand folding potential (Klein and Nystrand 1999)."""

FERMI_DIFFUSENESS_FM = 0.52
"""Diffuseness a of the symmetrised Fermi distribution (Piekarewicz et al. 2016)."""


def _three_j1_over_x(x: Array) -> Array:
    """3 j1(x)/x; below x = 0.1 by its series, whose next term is under 1e-12."""
    series = 1.0 - x**2 / 10.0 + x**4 / 280.0 - x**6 / 15120.0 + x**8 / 1330560.0
    safe = np.where(x < 0.1, 1.0, x)
    closed = 3.0 * (np.sin(safe) - safe * np.cos(safe)) / safe**3
    return np.where(x < 0.1, series, closed)


def _q_inverse_fm(q2: npt.ArrayLike) -> Array:
    return np.sqrt(np.asarray(q2, dtype=np.float64)) / HBARC


def helm(q2: npt.ArrayLike, radius: npt.ArrayLike, *, skin: float = HELM_SKIN_FM) -> Array:
    """Helm form factor, 3 j1(q R0)/(q R0) exp(-q^2 s^2/2) with R0^2 = 5/3 (R^2 - 3 s^2).

    Source: Helm, Phys. Rev. 104, 1466 (1956); with the rms radius as in arXiv:1710.02730.

    >>> float(helm(0.0, 4.8))
    1.0
    """
    q = _q_inverse_fm(q2)
    box = np.sqrt(5.0 / 3.0 * (np.asarray(radius) ** 2 - 3.0 * skin**2))
    return _three_j1_over_x(q * box) * np.exp(-0.5 * (q * skin) ** 2)


def klein_nystrand(
    q2: npt.ArrayLike, radius: npt.ArrayLike, *, a_k: float = YUKAWA_RANGE_FM
) -> Array:
    """Klein-Nystrand form factor in its rms form, R_A^2 = 5/3 (R^2 - 6 a_k^2).

    F = 3 j1(q R_A)/(q R_A) / (1 + q^2 a_k^2). Source: Klein and Nystrand, Phys. Rev. C 60, 014903
    (1999).
    """
    box = np.sqrt(5.0 / 3.0 * (np.asarray(radius) ** 2 - 6.0 * a_k**2))
    return klein_nystrand_box(q2, box, a_k=a_k)


def klein_nystrand_box(
    q2: npt.ArrayLike, box: npt.ArrayLike, *, a_k: float = YUKAWA_RANGE_FM
) -> Array:
    """Klein-Nystrand form factor of box radius R_A = `box` in fm (1.23 A^(1/3) for COHERENT)."""
    q = _q_inverse_fm(q2)
    return _three_j1_over_x(q * np.asarray(box)) / (1.0 + (q * a_k) ** 2)


def symmetrised_fermi(
    q2: npt.ArrayLike, radius: npt.ArrayLike, *, a: float = FERMI_DIFFUSENESS_FM
) -> Array:
    """Symmetrised Fermi form factor, R^2 = 3/5 c^2 + 7/5 (pi a)^2.

    F = 3/(qc [(qc)^2 + (pi q a)^2]) [pi q a/sinh(pi q a)]
    [pi q a sin(qc)/tanh(pi q a) - qc cos(qc)].
    Source: Piekarewicz, Linero, Giuliani and Chicken, Phys. Rev. C 94, 034316 (2016).
    """
    q, r = _q_inverse_fm(q2), np.asarray(radius, dtype=np.float64)
    c = np.sqrt(5.0 / 3.0 * (r**2 - 7.0 / 5.0 * (np.pi * a) ** 2))
    small = q * r < 3e-2  # below, the closed form cancels; the series is good to 2e-13
    safe = np.where(small, 1.0, q)
    x, y = safe * c, np.pi * safe * a
    closed = (
        3.0 / (x * (x**2 + y**2)) * (y / np.sinh(y)) * (y * np.sin(x) / np.tanh(y) - x * np.cos(x))
    )
    return np.where(small, 1.0 - (q * r) ** 2 / 6.0 + _fourth_moment(c, a) * q**4 / 120.0, closed)


def _fourth_moment(c: Array, a: float) -> Array:
    """<r^4> in fm^4 of the symmetrised Fermi distribution (same paper)."""
    b = (np.pi * a) ** 2
    return np.asarray(3.0 / 7.0 * c**4 + 18.0 / 7.0 * b * c**2 + 31.0 / 7.0 * b**2)

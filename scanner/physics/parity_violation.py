"""Atomic parity violation: the weak charge that electrons feel, and the neutron skin inside it.

The amplitude of an atomic transition between states of like parity is E = K [Z q_p w_p + N q_n w_n]
with the weak charges w of proton and neutron and the integrals q of their densities over the
electron wave function. Theory computes it as K q_p Q_W for neutrons that lie where the protons do;
the neutron skin corrects that by

    delta E/E = (N/Q_W) (1 - q_n/q_p)

(w_n = -1 in it), so that what an experiment determines is Q_W + N (1 - q_n/q_p).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from scanner.physics.constants import FINE_STRUCTURE, SIN2_THETA_W
from scanner.physics.nuclei import Isotope

Array = npt.NDArray[np.float64]

ELECTRON_PROTON, ELECTRON_NEUTRON = -0.0357, 0.495
"""Couplings g_AV^ep (at sin^2 theta_W = 0.23857) and g_AV^en of the Standard Model (PDG)."""
PROTON_CORRECTION, NEUTRON_CORRECTION = 0.00005, 0.00006
"""Small corrections that belong to the atom (PDG)."""

FIELD_MV_PER_CM = 5.14220674763e12
"""Atomic unit of the electric field, |e|/(4 pi epsilon_0 a_B^2), in mV/cm (CODATA 2018)."""


def weak_charge(isotope: Isotope, sin2_theta_w: Any) -> Any:
    """Q_W = -2 [Z (g_ep + 0.00005) + N (g_en + 0.00006)] (1 - alpha/2 pi) of a nucleus.

    g_ep = -0.0357 + 2 (sin^2 theta_W - 0.23857): linear in sin^2 theta_W, which may be a number, an
    array or a polynomial. Source: PDG, as arXiv:2102.06153 takes it.

    >>> from scanner.physics.nuclei import CS133
    >>> round(weak_charge(CS133, 0.23857), 2)
    -73.22
    """
    shift = 2.0 * (sin2_theta_w - SIN2_THETA_W)
    proton = isotope.Z * (ELECTRON_PROTON + PROTON_CORRECTION + shift)
    neutron = isotope.N * (ELECTRON_NEUTRON + NEUTRON_CORRECTION)
    return (proton + neutron) * (-2.0 * (1.0 - FINE_STRUCTURE / (2.0 * np.pi)))


def density_integral(isotope: Isotope, radius: npt.ArrayLike) -> Array:
    """q = 1 - (3/70) (Z alpha)^2 (1 + 5 R^2/R_p^2) of nucleons with rms radius R (fm).

    The electron wave function inside a nucleus of constant charge density, averaged over nucleons
    of constant density. q_p is its value at R = R_p.
    """
    strength = 3.0 / 70.0 * (isotope.Z * FINE_STRUCTURE) ** 2
    ratio = np.asarray(radius, dtype=np.float64) / isotope.proton_radius
    return np.asarray(1.0 - strength * (1.0 + 5.0 * ratio**2))


def skin_correction(isotope: Isotope, radius: npt.ArrayLike) -> Array:
    """N (1 - q_n/q_p): what a neutron rms radius (fm) adds to the weak charge that is measured."""
    protons = density_integral(isotope, isotope.proton_radius)
    return np.asarray(isotope.N * (1.0 - density_integral(isotope, radius) / protons))


def measured_weak_charge(
    isotope: Isotope, *, amplitude_mv_per_cm: float, polarizability: float, theory: float
) -> float:
    """Q_W = N (Im E_PNC/beta)_exp beta/(N Im E_PNC/Q_W)_th of a measured amplitude.

    Parameters
    ----------
    amplitude_mv_per_cm : float
        Im(E_PNC/beta), measured.
    polarizability : float
        Vector transition polarizability beta in a_B^3.
    theory : float
        Im E_PNC in units of |e| a_B Q_W/N.
    """
    return isotope.N * amplitude_mv_per_cm / FIELD_MV_PER_CM * polarizability / theory

"""Coherent elastic neutrino-nucleus scattering on spin-0 nuclei."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from scanner.physics.constants import FERMI_CONSTANT, MEV2_CM2

Array = npt.NDArray[np.float64]


def kinematic_factor(e_nu: npt.ArrayLike, recoil: npt.ArrayLike, mass: float) -> Array:
    """1 - T/E - M T/(2 E^2), exact for vector exchange on spin 0; zero outside the limits.

    Source: Barranco, Miranda and Rashba, hep-ph/0508299, without the T^2/E^2 of spin 1/2. It
    vanishes exactly at the largest recoil 2 E^2/(M + 2 E).
    """
    energy = np.asarray(e_nu, dtype=np.float64)
    t = np.asarray(recoil, dtype=np.float64)
    return np.maximum(1.0 - t / energy - mass * t / (2.0 * energy**2), 0.0)


def unit_cross_section(e_nu: npt.ArrayLike, recoil: npt.ArrayLike, mass: float) -> Array:
    """d sigma/dT for weak charge Q = 1, in cm^2/MeV: G_F^2 M/pi (1 - T/E - M T/(2 E^2)).

    Source: Freedman, Phys. Rev. D 9, 1389 (1974), with Q = g_p Z F_p + g_n N F_n.
    """
    strength = FERMI_CONSTANT**2 * mass / math.pi * MEV2_CM2
    return strength * kinematic_factor(e_nu, recoil, mass)

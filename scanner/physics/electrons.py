"""Neutrino-electron scattering: vector and axial parts of the cross section, bound electrons."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from scanner.errors import unknown
from scanner.physics.constants import ELECTRON_MASS, FERMI_CONSTANT, MEV2_CM2

Array = npt.NDArray[np.float64]

SHELLS: Mapping[str, tuple[tuple[float, int], ...]] = {
    "Cs": (
        (35.985, 2),
        (5.714, 2),
        (5.359, 2),
        (5.012, 4),
        (1.211, 2),
        (1.071, 2),
        (1.003, 4),
        (0.7405, 4),
        (0.7266, 6),
        (0.2323, 2),
        (0.1724, 2),
        (0.1613, 4),
        (0.079, 4),
        (0.077, 6),
        (0.0, 9),
    ),
    "I": (
        (33.169, 2),
        (5.188, 2),
        (4.852, 2),
        (4.557, 4),
        (1.072, 2),
        (0.931, 2),
        (0.875, 4),
        (0.631, 4),
        (0.619, 6),
        (0.186, 2),
        (0.123, 2),
        (0.123, 4),
        (0.0506, 4),
        (0.049, 6),
        (0.0, 7),
    ),
    "Ge": (
        (11.11, 2),
        (1.4146, 2),
        (1.248, 2),
        (1.217, 4),
        (0.1801, 2),
        (0.1249, 2),
        (0.1208, 4),
        (0.0298, 10),
        (0.0, 4),
    ),
}
"""Binding energy (keV) and occupancy of the shells; the outermost electrons count as free.

Sources: X-ray data tables (Thompson et al., X-ray Data Booklet, LBNL/PUB-490), as arXiv:2205.09484
uses them for the effective charge; of germanium the public analysis code of arXiv:2202.10829."""


def effective_charge(symbol: str, recoil: npt.ArrayLike) -> Array:
    """Electrons of an atom that a recoil energy can set free: those bound less tightly than it.

    The step function Z_eff(T_e) of arXiv:2205.09484 for free-electron cross sections.

    Parameters
    ----------
    symbol : str
        Element, one of `SHELLS`.
    recoil : array
        Electron recoil T_e in MeV.

    Returns
    -------
    array, shape of `recoil`
        From the number of free electrons to Z.

    Raises
    ------
    ValueError
        An element without a table.

    Examples
    --------
    >>> effective_charge("Cs", [1e-6, 6e-3, 40e-3]).tolist()
    [9.0, 53.0, 55.0]
    """
    if symbol not in SHELLS:
        raise ValueError(unknown("element with electron shells", symbol, SHELLS))
    kev = 1e3 * np.asarray(recoil, dtype=np.float64)[..., np.newaxis]
    binding, electrons = np.array(SHELLS[symbol]).T
    return np.asarray(np.sum(np.where(kev > binding, electrons, 0.0), axis=-1))


def shell_edges(symbol: str) -> Array:
    """Binding energies in MeV, increasing, without the free electrons."""
    return np.unique([1e-3 * energy for energy, _ in SHELLS[symbol] if energy > 0.0])


def vector_axial_parts(e_nu: npt.ArrayLike, recoil: npt.ArrayLike) -> tuple[Array, Array, Array]:
    """Parts of d sigma/dT on a free electron that go with g_V^2, g_V g_A and g_A^2, in cm^2/MeV.

    d sigma/dT = G_F^2 m_e/(2 pi) [(g_V + g_A)^2 + (g_V - g_A)^2 (1 - T/E)^2
    - (g_V^2 - g_A^2) m_e T/E^2]; for antineutrinos g_A changes sign ('t Hooft, Phys. Lett. B 37,
    195 (1971); Vogel and Engel, Phys. Rev. D 39, 3378 (1989)).

    Parameters
    ----------
    e_nu, recoil : arrays
        Neutrino energy and electron recoil in MeV; they broadcast.

    Returns
    -------
    three arrays
        Zero above the kinematic limit T = 2 E^2/(m_e + 2 E).
    """
    energy = np.asarray(e_nu, dtype=np.float64)
    t = np.asarray(recoil, dtype=np.float64)
    allowed = t <= 2.0 * energy**2 / (ELECTRON_MASS + 2.0 * energy) * (1.0 + 1e-12)
    strength = FERMI_CONSTANT**2 * ELECTRON_MASS / (2.0 * math.pi) * MEV2_CM2 * allowed
    left, mass_term = (1.0 - t / energy) ** 2, ELECTRON_MASS * t / energy**2
    return (
        strength * (1.0 + left - mass_term),
        strength * 2.0 * (1.0 - left),
        strength * (1.0 + left + mass_term),
    )

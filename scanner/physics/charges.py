"""Charges of nucleon and electron: weak ones in the named schemes of the field, scalar, tensor."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from scanner.errors import unknown
from scanner.physics.constants import FERMI_CONSTANT, FINE_STRUCTURE, MEV2_CM2, SIN2_THETA_W

SM_CHARGE_RADIUS: Mapping[str, float] = {"e": -0.83, "mu": -0.48, "tau": -0.30}
"""<r^2> of the neutrinos in the Standard Model, 1e-32 cm^2 (Bernabeu et al., hep-ph/0008114; values
of arXiv:2205.09484)."""

CHARGE_RADIUS_STRENGTH = (
    1e-32 * math.sqrt(2.0) * math.pi * FINE_STRUCTURE / (3.0 * FERMI_CONSTANT * MEV2_CM2)
)
"""sqrt2 pi alpha/(3 G_F) per 1e-32 cm^2: the shift of g_V^p is minus this times <r^2>
(arXiv:2205.09484)."""


@dataclass(frozen=True)
class WeakCouplings:
    """Vector couplings of proton (by neutrino flavour) and neutron, at sin^2 theta_W of the scheme.

    The weak charge of a nucleus is ``Q = g_p Z F_p + g_n N F_n`` (negative for real nuclei).

    Parameters
    ----------
    proton : mapping from flavour to float
        g_V^p.
    neutron : float
        g_V^n.
    electron : mapping from flavour to (g_V, g_A)
        Couplings of neutrino-electron scattering, charged current included.
    source : str
        Where they are from.
    """

    proton: Mapping[str, float]
    neutron: float
    electron: Mapping[str, tuple[float, float]]
    source: str


_TREE_PROTON = 0.5 - 2.0 * SIN2_THETA_W
_CORRECTED_ELECTRON = {"e": (0.9521, 0.4938), "mu": (-0.0397, -0.5062), "tau": (-0.0353, -0.5062)}
_TREE_ELECTRON = {"e": (1.0 - _TREE_PROTON, 0.5)} | dict.fromkeys(
    ("mu", "tau"), (-_TREE_PROTON, -0.5)
)
"""With radiative corrections as in arXiv:2205.09484, and at tree level (2 sin^2 +- 1/2, +-1/2)."""

WEAK_COUPLINGS: Mapping[str, WeakCouplings] = {
    "AC22": WeakCouplings(
        {"e": 0.0382, "mu": 0.0300, "tau": 0.0256},
        -0.5117,
        _CORRECTED_ELECTRON,
        "Atzori Corona et al., arXiv:2202.11002 (radiative corrections of the PDG, flavour radii)",
    ),
    "C20": WeakCouplings(
        {"e": 0.0401, "mu": 0.0318},
        -0.5094,
        _CORRECTED_ELECTRON,
        "Cadeddu et al., arXiv:2005.01645",
    ),
    "tree": WeakCouplings(
        dict.fromkeys(("e", "mu", "tau"), _TREE_PROTON),
        -0.5,
        _TREE_ELECTRON,
        "tree level at sin^2 theta_W = 0.23857, as in Miranda et al., arXiv:2003.12050",
    ),
}


def weak_couplings(scheme: str) -> WeakCouplings:
    """Couplings of the named scheme; ValueError with the known names otherwise.

    >>> weak_couplings("AC22").neutron
    -0.5117
    """
    if scheme not in WEAK_COUPLINGS:
        raise ValueError(unknown("coupling scheme", scheme, WEAK_COUPLINGS))
    return WEAK_COUPLINGS[scheme]


SCALAR_CHARGES: Mapping[str, tuple[float, float]] = {
    "sigma_term": (59.1 / 3.42, 59.1 / 3.42),
    "quark_content": (15.1, 14.0),
}
"""Scalar charge of proton and neutron per unit coupling to each light quark.

``sigma_term``: sigma_piN/m_ud = 59.1 MeV/3.42 MeV = 17.3 (arXiv:2202.11002); ``quark_content``:
15.1 and 14, sum over q of f_Tq m_N/m_q of older tables (arXiv:1710.02730 to 2202.10829)."""

TENSOR_CHARGES: Mapping[str, float] = {"u": 0.54, "d": -0.23}
"""delta_q of the proton; those of the neutron with u and d exchanged (Anselmino et al.,
arXiv:0812.4366, as arXiv:1806.07424 uses them)."""


def tensor_charges(up: float, down: float) -> tuple[float, float]:
    """Tensor charge of proton and neutron for couplings to u and d quarks.

    >>> [round(charge, 12) for charge in tensor_charges(1.0, 1.0)]
    [0.31, 0.31]
    """
    u, d = TENSOR_CHARGES["u"], TENSOR_CHARGES["d"]
    return up * u + down * d, up * d + down * u

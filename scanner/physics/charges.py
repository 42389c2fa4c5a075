"""Weak charges of the nucleon in the named schemes of the field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scanner.errors import unknown
from scanner.physics.constants import SIN2_THETA_W


@dataclass(frozen=True)
class WeakCouplings:
    """Vector couplings of proton (by neutrino flavour) and neutron, at sin^2 theta_W of the scheme.

    The weak charge of a nucleus is ``Q = g_p Z F_p + g_n N F_n`` (negative for real nuclei).
    """

    proton: Mapping[str, float]
    neutron: float
    source: str


WEAK_COUPLINGS: Mapping[str, WeakCouplings] = {
    "AC22": WeakCouplings(
        {"e": 0.0382, "mu": 0.0300, "tau": 0.0256},
        -0.5117,
        "Atzori Corona et al., arXiv:2202.11002 (radiative corrections of the PDG, flavour radii)",
    ),
    "C20": WeakCouplings(
        {"e": 0.0401, "mu": 0.0318},
        -0.5094,
        "Cadeddu et al., arXiv:2005.01645",
    ),
    "tree": WeakCouplings(
        dict.fromkeys(("e", "mu", "tau"), 0.5 - 2.0 * SIN2_THETA_W),
        -0.5,
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

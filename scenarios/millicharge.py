"""Neutrino electric charges: diagonal ones interfere with the weak charge, transition ones do not.

g_V^p -> g_V^p + 2 sqrt2 pi alpha q_aa/(G_F 2 M T) (the photon propagator in place of the radius of
`charge_radius`), and the square of the same with sum_b |q_ab|^2 (Kouzakov and Studenikin,
arXiv:1703.00401; arXiv:2205.09484). The Standard Model's radius stays in. On electrons Z = -1.
"""

import math
from typing import Any

from scanner.physics.constants import FERMI_CONSTANT, FINE_STRUCTURE
from scanner.physics.nuclei import Target
from scanner.scenario import FLAVORS, Coefficient, Parameter, Reference, Scenario

UNIT = 1e-8
"""e; the parameters are in 1e-8 e."""
STRENGTH = UNIT * 2.0 * math.sqrt(2.0) * math.pi * FINE_STRUCTURE / FERMI_CONSTANT
"""MeV^2."""
DIAGONAL = ("q_nue", "q_numu", "q_nutau")
CHANGING = ("q_emu", "q_etau", "q_mutau")


def charge(target: Target, q2: Any) -> Any:
    """Z F_p/q^2 in MeV^-2: photon exchange."""
    return target.Z * target.proton_form_factor(q2) / q2


def coherent(
    initial: str,
    final: str,
    *,
    q_nue: Coefficient,
    q_numu: Coefficient,
    q_nutau: Coefficient,
    q_emu: Coefficient,
    q_etau: Coefficient,
    q_mutau: Coefficient,
) -> dict[str, Coefficient]:
    """2 sqrt2 pi alpha/G_F times the charge, for each pair of flavours."""
    if initial == final:
        charges = {"e": q_nue, "mu": q_numu, "tau": q_nutau}
        return {"charge": STRENGTH * charges[initial]}
    charges = {"emu": q_emu, "etau": q_etau, "mutau": q_mutau}
    return {"charge": STRENGTH * charges["".join(sorted((initial, final), key=FLAVORS.index))]}


def _charge(name: str, latex: str, description: str) -> Parameter:
    return Parameter(
        name, "coupling", unit="1e-8 e", default=0.0, latex=latex, description=description
    )


SCENARIO = Scenario(
    title="Neutrino millicharges",
    formula=(
        "g_V^p -> g_V^p + 2 sqrt2 pi alpha q_aa/(G_F 2 M T); "
        "Q^2 += Z^2 F_p^2 [2 sqrt2 pi alpha/(G_F 2 M T)]^2 sum_b |q_ab|^2"
    ),
    references=(
        Reference("Kouzakov and Studenikin, Phys. Rev. D 95, 055013 (2017)", arxiv="1703.00401"),
        Reference("Atzori Corona et al., JHEP 09, 164 (2022)", arxiv="2205.09484"),
        Reference("Cadeddu et al., Phys. Rev. D 102, 015030 (2020)", arxiv="2005.01645"),
    ),
    parameters=(
        _charge("q_nue", r"q_{\nu_e}", "charge of nu_e"),
        _charge("q_numu", r"q_{\nu_\mu}", "charge of nu_mu"),
        _charge("q_nutau", r"q_{\nu_\tau}", "charge of nu_tau"),
        _charge("q_emu", r"|q_{\nu_{e\mu}}|", "transition charge"),
        _charge("q_etau", r"|q_{\nu_{e\tau}}|", "transition charge"),
        _charge("q_mutau", r"|q_{\nu_{\mu\tau}}|", "transition charge"),
    ),
    charges={"charge": charge},
    coherent=coherent,
    electrons=coherent,
    standard_model=dict.fromkeys((*DIAGONAL, *CHANGING), 0.0),
)

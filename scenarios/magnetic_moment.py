"""Neutrino magnetic moments: effective ones of each flavour, and transition moments.

dsigma/dT += pi alpha^2/m_e^2 (1/T - 1/E) Z^2 F_p^2 (mu_a/mu_B)^2; the helicity flips: no
interference (Vogel and Engel, Phys. Rev. D 39, 3378 (1989); arXiv:2205.09484). For electrons Z = 1.
"""

import math
from typing import Any

from scanner.physics.constants import ELECTRON_MASS, FINE_STRUCTURE, MEV2_CM2
from scanner.physics.kinematics import momentum_transfer_squared
from scanner.physics.nuclei import Target
from scanner.scenario import NOT_TOUCHED, Coefficient, Parameter, Reference, Scenario, Term

UNIT = 1e-10
"""mu_B; the parameters are in 1e-10 mu_B."""
DIAGONAL = {"e": "mu_nue", "mu": "mu_numu", "tau": "mu_nutau"}
TRANSITION = {"mu_emu": ("e", "mu"), "mu_etau": ("e", "tau"), "mu_mutau": ("mu", "tau")}


def cross_section(target: Target, e_nu: Any, recoil: Any) -> Any:
    """pi alpha^2/m_e^2 (1/T - 1/E) Z^2 F_p^2 for a moment of 1e-10 mu_B, in cm^2/MeV."""
    q2 = momentum_transfer_squared(recoil, target.mass)
    charge = target.Z * target.proton_form_factor(q2)
    strength = math.pi * (UNIT * FINE_STRUCTURE / ELECTRON_MASS) ** 2 * MEV2_CM2
    return strength * (1.0 / recoil - 1.0 / e_nu) * charge**2


def coefficient(
    flavor: str,
    *,
    mu_nue: Coefficient,
    mu_numu: Coefficient,
    mu_nutau: Coefficient,
    mu_emu: Coefficient,
    mu_etau: Coefficient,
    mu_mutau: Coefficient,
) -> Coefficient:
    """Square of the effective moment: the sum of |mu_ab|^2 over final flavours b."""
    diagonal = {"e": mu_nue, "mu": mu_numu, "tau": mu_nutau}
    transition = {"mu_emu": mu_emu, "mu_etau": mu_etau, "mu_mutau": mu_mutau}
    total = diagonal[flavor] ** 2
    for name, flavors in TRANSITION.items():
        if flavor in flavors:
            total = total + transition[name] ** 2
    return total


def _moment(name: str, latex: str, description: str) -> Parameter:
    return Parameter(
        name,
        "coupling",
        unit="1e-10 muB",
        default=0.0,
        minimum=0.0,
        latex=latex,
        description=description,
    )


SCENARIO = Scenario(
    title="Neutrino magnetic moments",
    formula="dsigma/dT += pi alpha^2/m_e^2 (1/T - 1/E) Z^2 F_p^2 sum_b |mu_ab/mu_B|^2",
    references=(
        Reference("Vogel and Engel, Phys. Rev. D 39, 3378 (1989)", doi="10.1103/PhysRevD.39.3378"),
        Reference("Atzori Corona et al., JHEP 09, 164 (2022)", arxiv="2205.09484"),
        Reference("Giunti and Studenikin, Rev. Mod. Phys. 87, 531 (2015)", arxiv="1403.6344"),
    ),
    parameters=(
        _moment("mu_nue", r"\mu_{\nu_e}", "effective moment of nu_e"),
        _moment("mu_numu", r"\mu_{\nu_\mu}", "effective moment of nu_mu"),
        _moment("mu_nutau", r"\mu_{\nu_\tau}", "effective moment of nu_tau"),
        _moment(
            "mu_emu", r"|\mu_{\nu_{e\mu}}|", "transition moment, adds to those of nu_e and nu_mu"
        ),
        _moment("mu_etau", r"|\mu_{\nu_{e\tau}}|", "transition moment, adds to that of nu_e"),
        _moment("mu_mutau", r"|\mu_{\nu_{\mu\tau}}|", "transition moment, adds to that of nu_mu"),
    ),
    terms=(Term(cross_section, coefficient, electrons=True),),
    electrons=NOT_TOUCHED,
    standard_model=dict.fromkeys((*DIAGONAL.values(), *TRANSITION), 0.0),
)

"""Light tensor mediator in the coherent form of the older literature.

dsigma/dT += M/(2 pi) C_T^2/(q^2 + M_T^2)^2 (1 - T/(2 T_max) - T/E), T_max = 2 E^2/M, with
C_T = g^2 (delta_p Z F_p + delta_n N F_n): N xi_T of arXiv:1806.07424
is sqrt2 C_T/(G_F (q^2 + M_T^2)).
A tensor current couples to the nuclear spin, so for real nuclei this is an upper estimate.
"""

import math
from typing import Any

import numpy as np

from scanner.physics.charges import tensor_charges
from scanner.physics.constants import MEV2_CM2
from scanner.physics.kinematics import momentum_transfer_squared, propagator
from scanner.physics.nuclei import Nucleus
from scanner.scenario import Coefficient, Parameter, Reference, Scenario, Term


def cross_section(nucleus: Nucleus, e_nu: Any, recoil: Any, *, mass: Any) -> Any:
    """M/(2 pi) (delta_p Z F_p + delta_n N F_n)^2/(q^2 + M_T^2)^2 (1 - T/2T_max - T/E), cm^2/MeV."""
    proton, neutron = tensor_charges(1.0, 1.0)
    q2 = momentum_transfer_squared(recoil, nucleus.mass)
    charge = proton * nucleus.Z * nucleus.proton_form_factor(q2)
    charge = charge + neutron * nucleus.N * nucleus.neutron_form_factor(q2)
    shape = np.maximum(1.0 - nucleus.mass * recoil / (4.0 * e_nu**2) - recoil / e_nu, 0.0)
    strength = nucleus.mass / (2.0 * math.pi) * MEV2_CM2
    return strength * (charge * propagator(q2, mass)) ** 2 * shape


def coefficient(_flavor: str, *, coupling: Coefficient) -> Coefficient:
    """g^4, for every flavour."""
    return coupling**4


SCENARIO = Scenario(
    title="Light tensor mediator",
    formula=(
        "dsigma/dT += M/(2 pi) C_T^2/(q^2 + M_T^2)^2 (1 - T/(2 T_max) - T/E), "
        "C_T = g^2 (delta_p Z F_p + delta_n N F_n), delta_p = delta_n = 0.54 - 0.23"
    ),
    references=(
        Reference(
            "Aristizabal Sierra, De Romeri and Rojas, Phys. Rev. D 98, 075018 (2018)",
            arxiv="1806.07424",
        ),
        Reference("De Romeri et al., JHEP 04, 035 (2023)", arxiv="2211.11905"),
    ),
    parameters=(
        Parameter(
            "mass",
            "shape",
            unit="MeV",
            minimum=0.0,
            latex="M_T",
            description="mass of the mediator",
        ),
        Parameter(
            "coupling",
            "coupling",
            minimum=0.0,
            latex="g_T",
            description="coupling of neutrinos and quarks",
        ),
    ),
    terms=(Term(cross_section, coefficient),),
    standard_model={"coupling": 0.0},
)

"""Generalised neutrino interactions: vector, scalar and tensor coefficients, heavy or light.

L = -(G_F/sqrt2) sum_X C_X [nubar Gamma_X (1 - gamma5) nu] [qbar Gamma_X q], one C_X for u and d
(arXiv:1806.07424, whose N xi_X is C_X times the nucleon charges). A mediator of mass M and coupling
g has C_X = sqrt2 g^2/(G_F M^2), and C_V = 2 eps of the non-standard interactions; with a mass C_X
stands for C_X M^2/(q^2 + M^2). Scalar and tensor interfere at relative order T/E < 1e-3: left out.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from scanner.errors import DefinitionError
from scanner.physics.charges import SCALAR_CHARGES, tensor_charges
from scanner.physics.constants import FERMI_CONSTANT, MEV2_CM2
from scanner.physics.kinematics import momentum_transfer_squared, propagator
from scanner.physics.nuclei import Nucleus
from scanner.scenario import Coefficient, Parameter, Reference, Scenario, Term, Value

SPIN = {"C_A": "an axial", "C_P": "a pseudoscalar"}


def _exchange(q2: Any, mass: Any) -> Any:
    """M^2/(q^2 + M^2), 1 for a heavy mediator."""
    return 1.0 if mass is None else np.asarray(mass) ** 2 * propagator(q2, mass)


def nucleons(nucleus: Nucleus, q2: Any, *, mass: Any = None) -> Any:
    """(3 Z F_p + 3 N F_n)/2: half the number of light valence quarks."""
    protons = nucleus.Z * nucleus.proton_form_factor(q2)
    neutrons = nucleus.N * nucleus.neutron_form_factor(q2)
    return 1.5 * (protons + neutrons) * _exchange(q2, mass)


def coherent(initial: str, final: str, *, C_V: Coefficient) -> dict[str, Coefficient]:
    """C_V, flavour-diagonal: g_V^p and g_V^n shift by 3 C_V/2."""
    return {"nucleons": C_V} if initial == final else {}


def _squared(nucleus: Nucleus, recoil: Any, charges: tuple[float, float], mass: Any) -> Any:
    q2 = momentum_transfer_squared(recoil, nucleus.mass)
    charge = charges[0] * nucleus.Z * nucleus.proton_form_factor(q2)
    charge = charge + charges[1] * nucleus.N * nucleus.neutron_form_factor(q2)
    return (charge * _exchange(q2, mass)) ** 2


def scalar(
    nucleus: Nucleus, e_nu: Any, recoil: Any, *, nucleon_charges: str, mass: Any = None
) -> Any:
    """G_F^2 M/(4 pi) (c_p Z F_p + c_n N F_n)^2 T/T_max, T_max = 2 E^2/M, in cm^2/MeV."""
    strength = FERMI_CONSTANT**2 * nucleus.mass / (4.0 * math.pi) * MEV2_CM2
    charge = _squared(nucleus, recoil, SCALAR_CHARGES[nucleon_charges], mass)
    return strength * charge * nucleus.mass * recoil / (2.0 * e_nu**2)


def tensor(nucleus: Nucleus, e_nu: Any, recoil: Any, *, mass: Any = None) -> Any:
    """G_F^2 M/(4 pi) (delta_p Z F_p + delta_n N F_n)^2 (1 - T/(2 T_max) - T/E), in cm^2/MeV."""
    strength = FERMI_CONSTANT**2 * nucleus.mass / (4.0 * math.pi) * MEV2_CM2
    charge = _squared(nucleus, recoil, tensor_charges(1.0, 1.0), mass)
    shape = np.maximum(1.0 - nucleus.mass * recoil / (4.0 * e_nu**2) - recoil / e_nu, 0.0)
    return strength * charge * shape


def scalar_coefficient(_flavor: str, *, C_S: Coefficient) -> Coefficient:
    """C_S^2."""
    return C_S**2


def tensor_coefficient(_flavor: str, *, C_T: Coefficient) -> Coefficient:
    """C_T^2."""
    return C_T**2


def validate(values: Mapping[str, Value]) -> None:
    """Axial and pseudoscalar currents need spin structure functions, of which none are shipped."""
    for name, kind in SPIN.items():
        if values.get(name, 0.0) != 0.0:
            raise DefinitionError(
                f"parameter {name} = {values[name]}: {kind} current couples to the spin of the "
                "nucleus, and no spin structure functions of Cs-133 and I-127 are shipped (Ar-40 "
                f"has no spin); leave {name} out"
            )


def _coefficient(name: str, kind: str) -> Parameter:
    return Parameter(
        name,
        "coupling",
        default=0.0,
        latex=f"C_{name[-1]}",
        description=f"{kind} coefficient in units of G_F/sqrt2, alike for u and d",
    )


SCENARIO = Scenario(
    title="Generalised neutrino interactions",
    formula=(
        "Q = Q_SM + 3/2 C_V (Z F_p + N F_n); dsigma/dT += G_F^2 M/(4 pi) [C_S^2 (c_p Z F_p + c_n N "
        "F_n)^2 T/T_max + C_T^2 (delta_p Z F_p + delta_n N F_n)^2 (1 - T/(2 T_max) - T/E)]"
    ),
    references=(
        Reference(
            "Aristizabal Sierra, De Romeri and Rojas, Phys. Rev. D 98, 075018 (2018)",
            arxiv="1806.07424",
        ),
        Reference("Lindner, Rodejohann and Xu, JHEP 03, 097 (2017)", arxiv="1612.04150"),
    ),
    parameters=(
        _coefficient("C_V", "vector"),
        _coefficient("C_S", "scalar"),
        _coefficient("C_T", "tensor"),
        _coefficient("C_A", "axial (no spin data: only 0)"),
        _coefficient("C_P", "pseudoscalar (no spin data: only 0)"),
        Parameter(
            "mass",
            "shape",
            unit="MeV",
            minimum=0.0,
            optional=True,
            latex="M_X",
            description="mass of the mediator; without it heavy, C_X constant",
        ),
        Parameter(
            "nucleon_charges",
            "choice",
            default="sigma_term",
            choices=tuple(SCALAR_CHARGES),
            description="scalar charge per nucleon: 17.3 for both, or 15.1 (p) and 14 (n)",
        ),
    ),
    charges={"nucleons": nucleons},
    coherent=coherent,
    terms=(Term(scalar, scalar_coefficient), Term(tensor, tensor_coefficient)),
    validate=validate,
    standard_model={"C_V": 0.0, "C_S": 0.0, "C_T": 0.0},
)

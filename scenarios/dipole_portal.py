"""Dipole portal: upscattering nu + A -> N4 + A into a heavy neutral lepton by a magnetic dipole.

dsigma/dT += pi alpha^2/m_e^2 Z^2 F_p^2 (d_a/mu_B)^2
    [1/T - 1/E - M4^2/(2 E T M) (1 - T/(2E) + M/(2E)) + M4^4 (T - M)/(8 E^2 T^2 M^2)]
inside the limits of 2 -> 2 scattering (Magill et al., arXiv:1803.03262; Brdar, Greljo, Kopp and
Opferkuch, arXiv:2007.15563).
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from scanner.errors import DefinitionError
from scanner.physics.constants import ELECTRON_MASS, FINE_STRUCTURE, MEV2_CM2
from scanner.physics.kinematics import momentum_transfer_squared
from scanner.physics.nuclei import Nucleus
from scanner.scenario import Coefficient, Parameter, Reference, Scenario, Term, Value

UNIT = 1e-10
"""mu_B; the parameters are in 1e-10 mu_B."""
BY_FLAVOR = ("d_e", "d_mu", "d_tau")


def cross_section(nucleus: Nucleus, e_nu: Any, recoil: Any, *, mass: Any) -> Any:
    """The formula of the module for a dipole of 1e-10 mu_B, in cm^2/MeV."""
    m, heavy = nucleus.mass, np.asarray(mass)
    q2 = momentum_transfer_squared(recoil, m)
    charge = nucleus.Z * nucleus.proton_form_factor(q2)
    shape = 1.0 / recoil - 1.0 / e_nu
    shape = shape - heavy**2 / (2.0 * e_nu * recoil * m) * (
        1.0 - recoil / (2.0 * e_nu) + m / (2.0 * e_nu)
    )
    shape = shape + heavy**4 * (recoil - m) / (8.0 * (e_nu * recoil * m) ** 2)
    strength = math.pi * (UNIT * FINE_STRUCTURE / ELECTRON_MASS) ** 2 * MEV2_CM2
    return strength * charge**2 * np.maximum(shape, 0.0)


def coefficient(
    flavor: str,
    *,
    d_e: Coefficient,
    d_mu: Coefficient,
    d_tau: Coefficient,
    d: Coefficient = None,
) -> Coefficient:
    """Square of the dipole of that flavour."""
    own = {"e": d_e, "mu": d_mu, "tau": d_tau}[flavor] if d is None else d
    return own**2


def heavy_mass(*, mass: Any) -> Any:
    """Of the outgoing lepton, MeV."""
    return mass


def validate(values: Mapping[str, Value]) -> None:
    """One dipole for all flavours, or one each."""
    apart = [name for name in BY_FLAVOR if values.get(name, 0.0) != 0.0]
    if "d" in values and apart:
        raise DefinitionError(
            f"parameters d and {apart[0]}: give one dipole for all flavours, or one each"
        )


def _dipole(name: str, latex: str, description: str, *, optional: bool = False) -> Parameter:
    return Parameter(
        name,
        "coupling",
        unit="1e-10 muB",
        default=None if optional else 0.0,
        minimum=0.0,
        latex=latex,
        description=description,
        optional=optional,
    )


SCENARIO = Scenario(
    title="Dipole portal",
    formula=(
        "dsigma/dT += pi alpha^2/m_e^2 Z^2 F_p^2 (d_a/mu_B)^2 [1/T - 1/E - M4^2/(2 E T M) "
        "(1 - T/(2E) + M/(2E)) + M4^4 (T - M)/(8 E^2 T^2 M^2)]"
    ),
    references=(
        Reference("Magill et al., Phys. Rev. D 98, 115015 (2018)", arxiv="1803.03262"),
        Reference("Brdar, Greljo, Kopp and Opferkuch, JCAP 01, 039 (2021)", arxiv="2007.15563"),
    ),
    parameters=(
        Parameter(
            "mass",
            "shape",
            unit="MeV",
            minimum=0.0,
            latex="M_4",
            description="mass of the heavy neutral lepton",
        ),
        _dipole("d_e", "d_e", "dipole of nu_e"),
        _dipole("d_mu", r"d_\mu", "dipole of nu_mu"),
        _dipole("d_tau", r"d_\tau", "dipole of nu_tau"),
        _dipole("d", "d", "dipole of every flavour alike", optional=True),
    ),
    terms=(Term(cross_section, coefficient, heavy_mass=heavy_mass),),
    validate=validate,
    standard_model={**dict.fromkeys(BY_FLAVOR, 0.0), "d": 0.0},
)

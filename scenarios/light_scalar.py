"""Light scalar mediator phi with one coupling to all light quarks.

dsigma/dT += M^2 T/(4 pi E^2) Q_phi^2/(q^2 + M_phi^2)^2, Q_phi = g_nu g_q (c_p Z F_p + c_n N F_n)
(arXiv:2202.11002; older charges as in arXiv:1802.05171). It flips the helicity: no interference.
"""

import math
from collections.abc import Mapping
from typing import Any

from scanner.errors import DefinitionError
from scanner.physics.charges import SCALAR_CHARGES
from scanner.physics.constants import MEV2_CM2
from scanner.physics.kinematics import momentum_transfer_squared, propagator
from scanner.physics.nuclei import Nucleus
from scanner.scenario import Coefficient, Parameter, Reference, Scenario, Term, Value

APART = ("neutrino_coupling", "quark_coupling")


def cross_section(
    nucleus: Nucleus, e_nu: Any, recoil: Any, *, mass: Any, nucleon_charges: str
) -> Any:
    """M^2 T/(4 pi E^2) (c_p Z F_p + c_n N F_n)^2/(q^2 + M_phi^2)^2 for unit couplings, cm^2/MeV."""
    proton, neutron = SCALAR_CHARGES[nucleon_charges]
    q2 = momentum_transfer_squared(recoil, nucleus.mass)
    charge = proton * nucleus.Z * nucleus.proton_form_factor(q2)
    charge = charge + neutron * nucleus.N * nucleus.neutron_form_factor(q2)
    strength = nucleus.mass**2 * recoil / (4.0 * math.pi * e_nu**2) * MEV2_CM2
    return strength * (charge * propagator(q2, mass)) ** 2


def coefficient(
    _flavor: str,
    *,
    coupling: Coefficient = None,
    neutrino_coupling: Coefficient = None,
    quark_coupling: Coefficient = None,
) -> Coefficient:
    """(g_nu g_q)^2, for every flavour."""
    g_nu = coupling if neutrino_coupling is None else neutrino_coupling
    g_q = coupling if quark_coupling is None else quark_coupling
    return (g_nu * g_q) ** 2


def validate(values: Mapping[str, Value]) -> None:
    """One coupling for both, or one for neutrinos and one for quarks."""
    apart = [name for name in APART if name in values]
    if "coupling" in values and apart:
        raise DefinitionError(
            f"parameters coupling and {apart[0]}: give either coupling, or neutrino_coupling with "
            "quark_coupling"
        )
    if "coupling" not in values and len(apart) < 2:
        raise DefinitionError(
            "parameter 'coupling' is missing: scan it under [axes.coupling] or fix it under "
            "[parameters] (or give neutrino_coupling with quark_coupling)"
        )


def _coupling(name: str, latex: str, description: str) -> Parameter:
    return Parameter(
        name, "coupling", minimum=0.0, optional=True, latex=latex, description=description
    )


SCENARIO = Scenario(
    title="Light scalar mediator",
    formula=(
        "dsigma/dT += M^2 T/(4 pi E^2) Q_phi^2/(q^2 + M_phi^2)^2, "
        "Q_phi = g_nu g_q (c_p Z F_p + c_n N F_n)"
    ),
    references=(
        Reference("Atzori Corona et al., JHEP 05, 109 (2022)", arxiv="2202.11002"),
        Reference("Farzan et al., JHEP 05, 066 (2018)", arxiv="1802.05171"),
    ),
    parameters=(
        Parameter(
            "nucleon_charges",
            "choice",
            default="sigma_term",
            choices=tuple(SCALAR_CHARGES),
            description="scalar charge per nucleon: 17.3 for both, or 15.1 (p) and 14 (n)",
        ),
        Parameter(
            "mass",
            "shape",
            unit="MeV",
            minimum=0.0,
            latex=r"M_{\phi}",
            description="mass of the mediator",
        ),
        _coupling("coupling", r"g_{\phi}", "coupling of neutrinos and quarks"),
        _coupling("neutrino_coupling", r"g_\nu", "coupling of neutrinos alone"),
        _coupling("quark_coupling", "g_q", "coupling of quarks alone"),
    ),
    terms=(Term(cross_section, coefficient),),
    validate=validate,
    standard_model={"coupling": 0.0, "neutrino_coupling": 0.0, "quark_coupling": 0.0},
)

"""Light vector mediator Z' with the anomaly-free and universal charges of the field.

Q -> Q_SM + g^2 Q'_l/(sqrt2 G_F (q^2 + M^2)) [(2 Q'_u + Q'_d) Z F_p + (Q'_u + 2 Q'_d) N F_n]
(arXiv:2202.11002); for L_a - L_b the quarks couple through lepton loops only.
"""

import math
from collections.abc import Mapping
from typing import Any

from scanner.errors import DefinitionError
from scanner.physics.constants import (
    ELEMENTARY_CHARGE,
    FERMI_CONSTANT,
    FINE_STRUCTURE,
    LEPTON_MASSES,
)
from scanner.physics.kinematics import propagator
from scanner.physics.loops import kinetic_mixing_loop
from scanner.physics.nuclei import Nucleus
from scanner.scenario import Coefficient, Parameter, Reference, Scenario, Value

# model: charges of the quarks, of e, mu, tau
CHARGES: Mapping[str, tuple[float, float, float, float]] = {
    "universal": (1, 1, 1, 1),
    "B-L": (1 / 3, -1, -1, -1),
    "B-3L_e": (1 / 3, -3, 0, 0),
    "B-3L_mu": (1 / 3, 0, -3, 0),
    "B-2L_e-L_mu": (1 / 3, -2, -1, 0),
    "B-L_e-2L_mu": (1 / 3, -1, -2, 0),
    "L_e-L_mu": (0, 1, -1, 0),
    "L_e-L_tau": (0, 1, 0, -1),
    "L_mu-L_tau": (0, 0, 1, -1),
}
LOOPS = {"L_e-L_mu": ("e", "mu"), "L_e-L_tau": ("e", "tau"), "L_mu-L_tau": ("mu", "tau")}
"""a, b of L_a - L_b: the Z' mixes with the photon through the two charged leptons."""
CUSTOM_ONLY = ("charge_u", "charge_d", "charge_e", "charge_mu", "charge_tau")
APART = ("neutrino_coupling", "quark_coupling")


def proton(nucleus: Nucleus, q2: Any, *, mass: Any) -> Any:
    """Z F_p/(q^2 + M^2) in MeV^-2."""
    return nucleus.Z * nucleus.proton_form_factor(q2) * propagator(q2, mass)


def neutron(nucleus: Nucleus, q2: Any, *, mass: Any) -> Any:
    """N F_n/(q^2 + M^2) in MeV^-2."""
    return nucleus.N * nucleus.neutron_form_factor(q2) * propagator(q2, mass)


def loop(nucleus: Nucleus, q2: Any, *, mass: Any, model: str) -> Any:
    """Proton charge 2 alpha/pi eps_ba(q^2) of the Z'-photon mixing, times Z F_p/(q^2 + M^2)."""
    if model not in LOOPS:
        return 0.0 * q2
    a, b = (LEPTON_MASSES[lepton] for lepton in LOOPS[model])
    mixing = 2.0 * FINE_STRUCTURE / math.pi * kinetic_mixing_loop(q2, a, b)
    return mixing * proton(nucleus, q2, mass=mass)


def coherent(
    initial: str,
    final: str,
    *,
    model: str,
    loop_sign: str,
    kinetic_mixing: Coefficient,
    charge_u: Coefficient,
    charge_d: Coefficient,
    charge_e: Coefficient,
    charge_mu: Coefficient,
    charge_tau: Coefficient,
    coupling: Coefficient = None,
    neutrino_coupling: Coefficient = None,
    quark_coupling: Coefficient = None,
) -> dict[str, Coefficient]:
    """g_nu Q'_l/(sqrt2 G_F) times the coupling of each nucleon charge; flavour-diagonal."""
    if initial != final:
        return {}
    free: tuple[Coefficient, ...] = (charge_u, charge_d, charge_e, charge_mu, charge_tau)
    if model in CHARGES:
        quark, *leptons = CHARGES[model]
        free = (quark, quark, *leptons)
    up, down, *by_lepton = free
    g_nu = coupling if neutrino_coupling is None else neutrino_coupling
    g_q = coupling if quark_coupling is None else quark_coupling
    lepton = by_lepton[("e", "mu", "tau").index(initial)]
    neutrino = g_nu * lepton / (math.sqrt(2.0) * FERMI_CONSTANT)
    coefficients: dict[str, Coefficient] = {
        "proton": neutrino * (g_q * (2 * up + down) + ELEMENTARY_CHARGE * kinetic_mixing),
        "neutron": neutrino * g_q * (up + 2 * down),
    }
    if model in LOOPS:
        coefficients["loop"] = neutrino * g_q * (1.0 if loop_sign == "positive" else -1.0)
    return coefficients


def electrons(
    initial: str,
    final: str,
    *,
    model: str,
    loop_sign: str,
    kinetic_mixing: Coefficient,
    charge_e: Coefficient,
    charge_mu: Coefficient,
    charge_tau: Coefficient,
    coupling: Coefficient = None,
    neutrino_coupling: Coefficient = None,
    quark_coupling: Coefficient = None,
) -> dict[str, Coefficient]:
    """The same for g_V of the electron: its own charge Q'_e, and the photon's part at Z = -1.

    With couplings apart the electron has that of the quarks (model custom).
    """
    if initial != final:
        return {}
    leptons = CHARGES[model][1:] if model in CHARGES else (charge_e, charge_mu, charge_tau)
    g_nu = coupling if neutrino_coupling is None else neutrino_coupling
    g_q = coupling if quark_coupling is None else quark_coupling
    lepton = leptons[("e", "mu", "tau").index(initial)]
    neutrino = g_nu * lepton / (math.sqrt(2.0) * FERMI_CONSTANT)
    # `proton` is Z F_p/(q^2 + M^2): its value at the electron is minus the propagator
    own = -1.0 * (g_q * leptons[0])
    coefficients: dict[str, Coefficient] = {
        "proton": neutrino * (own + ELEMENTARY_CHARGE * kinetic_mixing)
    }
    if model in LOOPS:
        coefficients["loop"] = neutrino * g_q * (1.0 if loop_sign == "positive" else -1.0)
    return coefficients


def validate(values: Mapping[str, Value]) -> None:
    """Free charges belong to the custom model; couplings are given together or apart."""
    model = values["model"]
    if model != "custom":
        for name in (*CUSTOM_ONLY, *APART):
            if values.get(name, 0.0) != 0.0:
                raise DefinitionError(
                    f"parameters.{name} = {values[name]}: model {model!r} fixes it; "
                    'leave it out, or choose model = "custom"'
                )
    apart = [name for name in APART if name in values]
    if "coupling" not in values and len(apart) < 2:
        raise DefinitionError(
            "parameter 'coupling' is missing: scan it under [axes.coupling] or fix it under "
            "[parameters] (model custom also takes neutrino_coupling with quark_coupling)"
        )
    if "coupling" in values and apart:
        raise DefinitionError(
            f"parameters coupling and {apart[0]}: give either coupling, or neutrino_coupling with "
            "quark_coupling"
        )


def _charge(fermion: str, latex: str) -> Parameter:
    return Parameter(
        f"charge_{fermion}",
        "coupling",
        default=0.0,
        latex=rf"Q'_{{{latex}}}",
        description=f"charge of {fermion} (model custom)",
    )


def _coupling(name: str, latex: str, description: str) -> Parameter:
    return Parameter(
        name, "coupling", minimum=0.0, optional=True, latex=latex, description=description
    )


SCENARIO = Scenario(
    title="Light vector mediator",
    formula=(
        "Q = Q_SM + g^2 Q'_l / (sqrt2 G_F (q^2 + M^2)) "
        "[(2 Q'_u + Q'_d) Z F_p + (Q'_u + 2 Q'_d) N F_n]"
    ),
    references=(
        Reference("Atzori Corona et al., JHEP 05, 109 (2022)", arxiv="2202.11002"),
        Reference("Cadeddu et al., JHEP 01, 116 (2021)", arxiv="2008.05022"),
    ),
    parameters=(
        Parameter(
            "model",
            "choice",
            default="universal",
            choices=(*CHARGES, "custom"),
            description="charges of quarks and leptons under the new U(1)",
        ),
        Parameter(
            "mass",
            "shape",
            unit="MeV",
            minimum=0.0,
            latex=r"M_{Z'}",
            description="mass of the mediator",
        ),
        _coupling("coupling", r"g_{Z'}", "gauge coupling of neutrinos and quarks"),
        _coupling("neutrino_coupling", r"g_\nu", "coupling of neutrinos alone (model custom)"),
        _coupling("quark_coupling", "g_q", "coupling of quarks alone (model custom)"),
        _charge("u", "u"),
        _charge("d", "d"),
        _charge("e", "e"),
        _charge("mu", r"\mu"),
        _charge("tau", r"\tau"),
        Parameter(
            "kinetic_mixing",
            "coupling",
            default=0.0,
            latex=r"\epsilon",
            description="tree-level mixing: quark couplings shift by +epsilon e Q_em",
        ),
        Parameter(
            "loop_sign",
            "choice",
            default="positive",
            choices=("positive", "negative"),
            description=(
                "sign of the loop-induced proton charge of L_a - L_b: positive as in "
                "arXiv:2202.11002, negative as in arXiv:1902.06765 and 2008.05022"
            ),
        ),
    ),
    charges={"proton": proton, "neutron": neutron, "loop": loop},
    coherent=coherent,
    electrons=electrons,
    validate=validate,
    standard_model={"coupling": 0.0, "neutrino_coupling": 0.0, "quark_coupling": 0.0},
)

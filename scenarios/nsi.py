"""Neutral-current non-standard interactions with u and d quarks, vector, heavy or light.

g_V^p -> g_V^p + 2 eps_aa^uV + eps_aa^dV, g_V^n -> g_V^n + eps_aa^uV + 2 eps_aa^dV; flavour-changing
ones add |Z F_p (2 eps_ab^uV + eps_ab^dV) + N F_n (eps_ab^uV + 2 eps_ab^dV)|^2 (Barranco, Miranda
and Rashba, hep-ph/0508299). With a mass, eps stands for eps M^2/(q^2 + M^2) (arXiv:1804.03660).
"""

import cmath
from collections.abc import Mapping
from typing import Any

import numpy as np

from scanner.errors import DefinitionError
from scanner.physics.kinematics import propagator
from scanner.physics.nuclei import Nucleus
from scanner.scenario import (
    NOT_TOUCHED,
    Coefficient,
    Parameter,
    Reference,
    Scenario,
    Value,
    takes,
)

QUARKS = ("u", "d")
DIAGONAL = ("ee", "mumu", "tautau")
CHANGING = ("emu", "etau", "mutau")
PAIRS = {
    frozenset(("e",)): "ee",
    frozenset(("mu",)): "mumu",
    frozenset(("tau",)): "tautau",
    frozenset(("e", "mu")): "emu",
    frozenset(("e", "tau")): "etau",
    frozenset(("mu", "tau")): "mutau",
}
LATEX = {
    "ee": "ee",
    "mumu": r"\mu\mu",
    "tautau": r"\tau\tau",
    "emu": r"e\mu",
    "etau": r"e\tau",
    "mutau": r"\mu\tau",
}
STRENGTHS = tuple(f"eps_{pair}_{q}" for q in QUARKS for pair in (*DIAGONAL, *CHANGING))
PHASES = tuple(f"phase_{pair}_{q}" for q in QUARKS for pair in CHANGING)
DIFFERENCES = tuple(f"eps_ee_minus_mumu_{q}" for q in QUARKS)


def _exchange(q2: Any, mass: Any) -> Any:
    """M^2/(q^2 + M^2), 1 for heavy mediators."""
    return 1.0 if mass is None else np.asarray(mass) ** 2 * propagator(q2, mass)


def up(nucleus: Nucleus, q2: Any, *, mass: Any = None) -> Any:
    """2 Z F_p + N F_n: up quarks of the nucleus."""
    protons = nucleus.Z * nucleus.proton_form_factor(q2)
    return (2 * protons + nucleus.N * nucleus.neutron_form_factor(q2)) * _exchange(q2, mass)


def down(nucleus: Nucleus, q2: Any, *, mass: Any = None) -> Any:
    """Z F_p + 2 N F_n: down quarks of the nucleus."""
    protons = nucleus.Z * nucleus.proton_form_factor(q2)
    return (protons + 2 * nucleus.N * nucleus.neutron_form_factor(q2)) * _exchange(q2, mass)


@takes(*STRENGTHS, *PHASES, *DIFFERENCES, positional=("initial", "final"))
def coherent(initial: str, final: str, **values: Coefficient) -> dict[str, Coefficient]:
    """eps_ab^qV, hermitian: modulus and phase off the diagonal."""
    pair = PAIRS[frozenset((initial, final))]
    return {name: _strength(pair, name[0], values) for name in ("up", "down")}


def _strength(pair: str, quark: str, values: Mapping[str, Coefficient]) -> Coefficient:
    if pair == "ee" and f"eps_ee_minus_mumu_{quark}" in values:
        return values[f"eps_ee_minus_mumu_{quark}"] + values[f"eps_mumu_{quark}"]
    strength = values[f"eps_{pair}_{quark}"]
    phase = values.get(f"phase_{pair}_{quark}", 0.0)
    if np.ndim(phase) == 0 and phase == 0.0:
        return strength
    turned = np.exp(1j * phase) if np.ndim(phase) else cmath.exp(1j * float(phase))
    return strength * turned


def validate(values: Mapping[str, Value]) -> None:
    """eps_ee is given itself or by its difference from eps_mumu."""
    for quark in QUARKS:
        difference, itself = f"eps_ee_minus_mumu_{quark}", f"eps_ee_{quark}"
        if difference in values and values.get(itself, 0.0) != 0.0:
            raise DefinitionError(
                f"parameters {difference} and {itself}: they are the same freedom; give one of them"
            )


def _parameter(pair: str, quark: str) -> Parameter:
    return Parameter(
        f"eps_{pair}_{quark}",
        "coupling",
        default=0.0,
        latex=rf"\varepsilon_{{{LATEX[pair]}}}^{{{quark}V}}",
        description=(
            f"vector coupling {pair} to {quark} quarks"
            + (", flavour-changing (modulus where a phase is given)" if pair in CHANGING else "")
        ),
    )


def _phase(pair: str, quark: str) -> Parameter:
    return Parameter(
        f"phase_{pair}_{quark}",
        "shape",
        unit="rad",
        default=0.0,
        minimum=-7.0,
        maximum=7.0,
        latex=rf"\phi_{{{LATEX[pair]}}}^{{{quark}V}}",
        description=f"phase of eps_{pair}_{quark}; only the one between u and d matters",
    )


def _difference(quark: str) -> Parameter:
    return Parameter(
        f"eps_ee_minus_mumu_{quark}",
        "coupling",
        optional=True,
        latex=rf"\varepsilon_{{ee}}^{{{quark}V}} - \varepsilon_{{\mu\mu}}^{{{quark}V}}",
        description=f"in place of eps_ee_{quark}: what oscillations see (LMA-dark near -1)",
    )


SCENARIO = Scenario(
    title="Non-standard interactions",
    formula=(
        "Q_ab = delta_ab Q_SM + (2 eps_ab^uV + eps_ab^dV) Z F_p + (eps_ab^uV + 2 eps_ab^dV) N F_n, "
        "summed as |Q_ab|^2 over b; eps -> eps M^2/(q^2 + M^2) with a mass"
    ),
    references=(
        Reference(
            "Barranco, Miranda and Rashba, JHEP 12, 021 (2005)",
            arxiv="hep-ph/0508299",
        ),
        Reference("Denton, Farzan and Shoemaker, JHEP 07, 037 (2018)", arxiv="1804.03660"),
        Reference("Coloma et al., JHEP 02, 023 (2020)", arxiv="1911.09109"),
    ),
    parameters=(
        *(_parameter(pair, q) for q in QUARKS for pair in (*DIAGONAL, *CHANGING)),
        *(_phase(pair, q) for q in QUARKS for pair in CHANGING),
        *(_difference(q) for q in QUARKS),
        Parameter(
            "mass",
            "shape",
            unit="MeV",
            minimum=0.0,
            optional=True,
            latex="M_X",
            description="mass of the mediator; without it heavy, eps constant",
        ),
    ),
    charges={"up": up, "down": down},
    coherent=coherent,
    electrons=NOT_TOUCHED,
    validate=validate,
    standard_model=dict.fromkeys((*STRENGTHS, *DIFFERENCES), 0.0),
)

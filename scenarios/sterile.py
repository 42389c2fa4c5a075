"""One sterile neutrino (3+1): neutral-current disappearance of each flavour.

P_a = 1 - 4 |U_a4|^2 |U_s4|^2 sin^2(1.267 dm^2_41 L/E) with |U_s4|^2 = 1 - |U_e4|^2 - |U_mu4|^2 -
|U_tau4|^2, averaged over a Gaussian spread of the baseline; dm^2 in eV^2, L in m, E in MeV. The
effective sin^2 2theta_as = 4 |U_a4|^2 |U_s4|^2 may be given instead (Kosmas et al.,
arXiv:1703.00054; Miranda et al., arXiv:2008.02759).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from scanner.errors import DefinitionError
from scanner.physics.oscillation import PHASE, oscillation_probability
from scanner.scenario import (
    NOT_TOUCHED,
    Coefficient,
    Parameter,
    Reference,
    Scenario,
    Transition,
    Value,
)

MIXINGS = ("U_e4_squared", "U_mu4_squared", "U_tau4_squared")
ANGLES = {"e": "sin2_2theta_e", "mu": "sin2_2theta_mu"}
COMMON_ANGLE = "sin2_2theta"


def coefficient(
    flavor: str,
    *,
    U_e4_squared: Coefficient,
    U_mu4_squared: Coefficient,
    U_tau4_squared: Coefficient,
    sin2_2theta: Coefficient = None,
    sin2_2theta_e: Coefficient = None,
    sin2_2theta_mu: Coefficient = None,
) -> Coefficient:
    """sin^2 2theta_as = 4 |U_a4|^2 |U_s4|^2 of that flavour."""
    if sin2_2theta is not None:
        return sin2_2theta
    if sin2_2theta_e is not None or sin2_2theta_mu is not None:
        angle = {"e": sin2_2theta_e, "mu": sin2_2theta_mu, "tau": None}[flavor]
        return 0.0 if angle is None else angle
    mixing = {"e": U_e4_squared, "mu": U_mu4_squared, "tau": U_tau4_squared}
    sterile = 1.0 - (U_e4_squared + U_mu4_squared + U_tau4_squared)
    return 4.0 * (mixing[flavor] * sterile)


def probability(e_nu: Any, baseline_m: float, *, dm2_41: Any, sigma_L: Any) -> Any:
    """sin^2(1.267 dm^2 L/E), averaged over the spread of L."""
    return oscillation_probability(e_nu, baseline_m, dm2_41, sigma_L)


def phase(baseline_m: float, *, dm2_41: Any) -> Any:
    """2 x 1.267 dm^2 L in MeV rad: sin^2 x = (1 - cos 2x)/2."""
    return 2.0 * PHASE * dm2_41 * baseline_m


def physical(*, U_e4_squared: Any, U_mu4_squared: Any, U_tau4_squared: Any) -> Any:
    """Unitarity: the mixings add up to at most 1."""
    return np.asarray(U_e4_squared) + U_mu4_squared + U_tau4_squared <= 1.0


def validate(values: Mapping[str, Value]) -> None:
    """Mixings or effective angles, not both, and in one of the two ways."""
    angles = [name for name in (COMMON_ANGLE, *ANGLES.values()) if name in values]
    mixings = [name for name in MIXINGS if values.get(name, 0.0) != 0.0]
    if angles and mixings:
        raise DefinitionError(
            f"parameters {mixings[0]} and {angles[0]}: give either the mixings |U_a4|^2 or the "
            "effective angles"
        )
    if COMMON_ANGLE in angles and len(angles) > 1:
        raise DefinitionError(
            f"parameters {COMMON_ANGLE} and {angles[1]}: give one angle for all flavours, or one "
            "each"
        )
    if sum(float(values[name]) for name in mixings) > 1.0:
        raise DefinitionError(
            f"parameters {' + '.join(mixings)} = {sum(float(values[n]) for n in mixings):g}: the "
            "mixing matrix is unitary, so they add up to at most 1"
        )


def _number(name: str, latex: str, description: str, *, optional: bool = False) -> Parameter:
    return Parameter(
        name,
        "coupling",
        default=None if optional else 0.0,
        minimum=0.0,
        maximum=1.0,
        latex=latex,
        description=description,
        optional=optional,
    )


SCENARIO = Scenario(
    title="Sterile neutrino (3+1)",
    formula=(
        "P_a = 1 - sin^2 2theta_as sin^2(1.267 dm^2_41 L/E), sin^2 2theta_as = 4 |U_a4|^2 |U_s4|^2"
    ),
    references=(
        Reference("Kosmas et al., Phys. Rev. D 96, 063013 (2017)", arxiv="1703.00054"),
        Reference("Miranda et al., Phys. Rev. D 102, 113014 (2020)", arxiv="2008.02759"),
    ),
    parameters=(
        Parameter(
            "dm2_41",
            "shape",
            unit="eV2",
            minimum=0.0,
            maximum=1e5,
            latex=r"\Delta m^2_{41}",
            description="splitting of the squared masses",
        ),
        _number(MIXINGS[0], "|U_{e4}|^2", "mixing of nu_e with the fourth state"),
        _number(MIXINGS[1], r"|U_{\mu4}|^2", "mixing of nu_mu with the fourth state"),
        _number(MIXINGS[2], r"|U_{\tau4}|^2", "mixing of nu_tau with the fourth state"),
        _number(
            COMMON_ANGLE,
            r"\sin^2 2\theta",
            "effective angle, the same for every flavour",
            optional=True,
        ),
        _number(
            ANGLES["e"], r"\sin^2 2\theta_{es}", "effective angle of nu_e alone", optional=True
        ),
        _number(
            ANGLES["mu"], r"\sin^2 2\theta_{\mu s}", "effective angle of nu_mu alone", optional=True
        ),
        Parameter(
            "sigma_L",
            "shape",
            unit="m",
            default=0.0,
            minimum=0.0,
            maximum=1e3,
            latex=r"\sigma_L",
            description="Gaussian spread of the baseline (size of source and detector)",
        ),
    ),
    electrons=NOT_TOUCHED,
    transition=Transition(coefficient, probability, phase),
    validate=validate,
    physical=physical,
    standard_model={
        **dict.fromkeys(MIXINGS, 0.0),
        COMMON_ANGLE: 0.0,
        **dict.fromkeys(ANGLES.values(), 0.0),
    },
)

"""Neutron rms radii of the target nuclei, common or apart, and the neutron skin R_n - R_p.

The neutron form factor F_n(q^2, R_n) of the weak charge (arXiv:1710.02730, 2303.09360). With the
boundary R_n >= R_p points with a negative skin are unphysical (arXiv:2005.01645).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from scanner.errors import DefinitionError
from scanner.inputs import COMMON_RADIUS, neutron_radius
from scanner.physics.nuclei import AR40, CS133, I127
from scanner.scenario import (
    NOT_TOUCHED,
    Derived,
    Parameter,
    Reference,
    Scenario,
    Value,
    takes,
)

ISOTOPES = {f"R_n_{isotope.symbol}": isotope for isotope in (CS133, I127, AR40)}
BOUND = "proton_radius"


@takes("boundary", *ISOTOPES)
def physical(boundary: str, **radii: Any) -> Any:
    """R_n >= R_p of each nucleus whose radius is given, where that boundary is chosen."""
    sound = np.asarray(True)
    if boundary == BOUND:
        for name, radius in radii.items():
            sound = sound & (np.asarray(radius) >= ISOTOPES[name].proton_radius)
    return sound


def validate(values: Mapping[str, Value]) -> None:
    """There is a radius, and the boundary knows whose it is."""
    given = [name for name in (COMMON_RADIUS.name, *ISOTOPES) if name in values]
    if not given:
        raise DefinitionError(
            f"no radius is given: scan or fix {COMMON_RADIUS.name} (all nuclei of the target) or "
            f"{', '.join(ISOTOPES)}"
        )
    if values["boundary"] == BOUND and COMMON_RADIUS.name in given:
        raise DefinitionError(
            f"parameters.boundary = {BOUND!r} with {COMMON_RADIUS.name}: the proton radii of the "
            "nuclei differ; give R_n_Cs, R_n_I or R_n_Ar"
        )


def _skin(parameter: str, name: str) -> Derived:
    isotope = ISOTOPES[name]
    return Derived(
        f"skin_{isotope.symbol}",
        parameter,
        -isotope.proton_radius,
        isotope.symbol,
        f"neutron skin R_n - R_p of {isotope.symbol}-{isotope.A}, R_p = {isotope.proton_radius} fm",
    )


SCENARIO = Scenario(
    title="Neutron radius",
    formula="Q = g_p Z F_p(q^2, R_p) + g_n N F_n(q^2, R_n)",
    references=(
        Reference("Cadeddu et al., Phys. Rev. Lett. 120, 072501 (2018)", arxiv="1710.02730"),
        Reference("Atzori Corona et al., Eur. Phys. J. C 83, 683 (2023)", arxiv="2303.09360"),
        Reference("Cadeddu et al., Phys. Rev. D 102, 015030 (2020)", arxiv="2005.01645"),
    ),
    parameters=(
        COMMON_RADIUS,
        *(neutron_radius(isotope.symbol) for isotope in ISOTOPES.values()),
        Parameter(
            "boundary",
            "choice",
            default="none",
            choices=("none", BOUND),
            description="whether radii below the proton radius are unphysical",
        ),
    ),
    electrons=NOT_TOUCHED,
    validate=validate,
    physical=physical,
    derived=(
        *(_skin(name, name) for name in ISOTOPES),
        *(_skin(COMMON_RADIUS.name, name) for name in ISOTOPES),
    ),
)

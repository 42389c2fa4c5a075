"""Inputs that every scenario has besides its own parameters.

The weak mixing angle, the neutron radii of the nuclei and what a detector declares: fixed at their
usual values unless a definition fixes, scans or profiles them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from scanner.errors import DefinitionError
from scanner.experiment import Experiment
from scanner.parameter import Parameter
from scanner.physics.constants import SIN2_THETA_W
from scanner.physics.nuclei import Isotope
from scanner.scenario import Scenario

WEAK_MIXING = Parameter(
    "sin2_theta_w",
    "coupling",
    default=SIN2_THETA_W,
    minimum=0.0,
    maximum=1.0,
    latex=r"\sin^2\theta_W",
    description="weak mixing angle at zero momentum transfer; shifts g_V^p by -2 times its change",
    shared=True,
)

SMALLEST_RADIUS, LARGEST_RADIUS = 2.0, 30.0
"""fm; below 1.95 fm the form factors' box radius has no real solution."""


def neutron_radius(symbol: str = "") -> Parameter:
    """rms radius of the neutrons in one element, or in all nuclei of the scan."""
    where = f"_{symbol}" if symbol else ""
    return Parameter(
        f"R_n{where}",
        "shape",
        unit="fm",
        minimum=SMALLEST_RADIUS,
        maximum=LARGEST_RADIUS,
        latex=rf"R_n({{\rm {symbol}}})" if symbol else "R_n",
        description=f"neutron rms radius of {symbol or 'all nuclei of the target alike'}",
        optional=True,
        shared=True,
    )


COMMON_RADIUS = neutron_radius()


def isotopes(experiments: Iterable[Experiment]) -> tuple[Isotope, ...]:
    """Isotopes of all targets, each once."""
    return tuple(dict.fromkeys(i for e in experiments for i in e.target.composition))


def inputs(experiments: Iterable[Experiment]) -> dict[str, Parameter]:
    """Inputs of a scan of these experiments, by name."""
    known = tuple(experiments)
    symbols = dict.fromkeys(isotope.symbol for isotope in isotopes(known))
    found = (
        WEAK_MIXING,
        COMMON_RADIUS,
        *(neutron_radius(symbol) for symbol in symbols),
        *(parameter for experiment in known for parameter in experiment.inputs),
    )
    return {parameter.name: parameter for parameter in found}


def all_parameters(scenario: Scenario, experiments: Iterable[Experiment]) -> dict[str, Parameter]:
    """Parameters of a scenario, then the inputs that it does not have itself."""
    return {p.name: p for p in scenario.parameters} | {
        name: parameter
        for name, parameter in inputs(experiments).items()
        if name not in {p.name for p in scenario.parameters}
    }


def relevant(experiment: Experiment) -> set[str]:
    """Names of the inputs that the counts of this experiment depend on."""
    return set(inputs([experiment]))


def radius_names(isotope: Isotope) -> tuple[str, str]:
    """Inputs that give the neutron radius of an isotope: its own, and the common one."""
    return f"{COMMON_RADIUS.name}_{isotope.symbol}", COMMON_RADIUS.name


def check_radii(given: Iterable[str], experiments: Iterable[Experiment], form_factor: str) -> None:
    """Refuse neutron radii that contradict each other, the targets or the form factor.

    Raises
    ------
    DefinitionError
        Names the parameter and the mend.
    """
    radii = [name for name in given if name.split("_")[:2] == ["R", "n"]]
    if not radii:
        return
    if form_factor == "klein_nystrand":
        raise DefinitionError(
            f'{radii[0]} with options.form_factor = "klein_nystrand": it has the one radius 1.23 '
            'A^(1/3) fm for protons and neutrons; choose "helm", "klein_nystrand_rms" or '
            '"symmetrised_fermi"'
        )
    if COMMON_RADIUS.name not in radii:
        return
    apart = [name for name in radii if name != COMMON_RADIUS.name]
    if apart:
        raise DefinitionError(
            f"{COMMON_RADIUS.name} and {apart[0]}: give one radius for all nuclei, or each apart"
        )
    found = isotopes(experiments)
    unlike = [a for a in found if abs(a.A - found[0].A) > 0.1 * found[0].A]
    if unlike:
        both = [f"{COMMON_RADIUS.name}_{isotope.symbol}" for isotope in (found[0], unlike[0])]
        raise DefinitionError(
            f"{COMMON_RADIUS.name}: one radius for {found[0].symbol}-{found[0].A} and "
            f"{unlike[0].symbol}-{unlike[0].A} makes no sense; give {' and '.join(both)}"
        )


def usual_values(scenario: Scenario, fixed: Mapping[str, Any]) -> dict[str, Any]:
    """Fixed inputs that hold for the Standard Model too: those that are not the scenario's own."""
    own = {p.name for p in scenario.parameters}
    shared = {n: v for n, v in fixed.items() if n not in own}
    return {WEAK_MIXING.name: SIN2_THETA_W} | shared

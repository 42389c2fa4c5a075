"""Nuisance parameters of a described experiment: its own pulls, and fluxes shared by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from scanner.described.backgrounds import SIGNAL
from scanner.described.numbers import listed, positive
from scanner.errors import DefinitionError, unknown
from scanner.experiment import Pull
from scanner.parameter import Constraint, Parameter
from scanner.section import Section

FLUX = "_flux"
"""End of the name of every factor on a flux, so that it is no parameter of a scenario."""
KNOWN_FLUXES: Mapping[str, str] = {
    "sns_flux": "stopped_pion",
    "reactor_flux": "reactor",
    "b8_flux": "solar",
}
"""Factors that experiments of the catalogue name, and the kind of source that each belongs to."""


def read(
    section: Section, experiment: str, backgrounds: Iterable[str], n_bins: int
) -> tuple[Pull, ...]:
    """Pulls of the tables ``[pulls.NAME]``; their names start with the experiment's."""
    known = (SIGNAL, *backgrounds)
    return tuple(
        _pull(table, f"{experiment}_{name}", known, n_bins) for name, table in section.tables()
    )


def _pull(section: Section, name: str, known: Sequence[str], n_bins: int) -> Pull:
    section.allow(("sigma", "acts_on", "change"))
    targets = section.texts("acts_on")
    if not targets:
        section.fail("acts_on", f"name one or more of {', '.join(known)}")
    for i, target in enumerate(targets):
        if target not in known:
            section.fail("acts_on", unknown("signal or background", target, known))
        if target in targets[:i]:
            section.fail("acts_on", f"{target!r} is there twice; name each once")
    change: float | np.ndarray = 1.0
    if "change" in section:
        change = listed(section, "change", "relative changes, one per bin")
        if len(change) != n_bins:
            section.fail("change", f"has {len(change)} numbers; give {n_bins}, one per bin")
    return Pull(
        name,
        positive(section, "sigma"),
        signal=change if SIGNAL in targets else 0.0,
        backgrounds={target: change for target in targets if target != SIGNAL},
    )


@dataclass(frozen=True)
class Shared:
    """A factor on the flux that all experiments which name it have in common."""

    parameter: Parameter
    components: tuple[str, ...]
    constraint: Constraint


def shared(section: Section, components: Sequence[str], kind: str) -> tuple[Shared, ...]:
    """Factors of the tables ``[shared.NAME]`` on the flux, or on some of its components.

    Parameters
    ----------
    components : sequence of str
        Of the flux.
    kind : str
        Of the source.
    """
    for name, table in section.tables():
        _check_source(table, name, kind)
    return tuple(_shared(table, name, components) for name, table in section.tables())


def _check_source(section: Section, name: str, kind: str) -> None:
    """Refuse the flux of another kind of source: it would be one number for both."""
    belongs = KNOWN_FLUXES.get(name, kind)
    if belongs == kind:
        return
    mend = next((flux for flux, other in KNOWN_FLUXES.items() if other == kind), None)
    raise DefinitionError(
        f"{section.where}: {section.key}: is the flux of {belongs} sources, and source.kind = "
        f'"{kind}"; write [shared.{mend}], or a name of its own that ends in {FLUX}'
    )


def _shared(section: Section, name: str, known: Sequence[str]) -> Shared:
    section.allow(("sigma", "components"))
    if not name.isidentifier() or not name.endswith(FLUX):
        raise DefinitionError(
            f"{section.where}: {section.key}: write a name of letters, digits and _ that ends in "
            f"{FLUX}, such as sns_flux"
        )
    chosen = section.texts("components") if "components" in section else []
    for component in chosen:
        if component not in known:
            section.fail("components", unknown("flux component", component, known))
    parameter = Parameter(
        name,
        "coupling",
        default=1.0,
        minimum=0.0,
        maximum=10.0,
        description="factor on the neutrino flux, shared by the experiments that name it",
        shared=True,
    )
    return Shared(parameter, tuple(chosen), Constraint(1.0, positive(section, "sigma")))

"""What is known about a definition's parameters: roles, derived quantities, which do nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scanner import catalog, described
from scanner.definition import ScanDefinition
from scanner.described.pulls import KNOWN_FLUXES
from scanner.errors import DefinitionError
from scanner.experiment import Experiment
from scanner.inputs import all_parameters, isotopes, relevant
from scanner.parameter import Constraint, Parameter
from scanner.scenario import Derived


def loaded_experiments(chosen: ScanDefinition) -> list[Experiment]:
    """The experiments with their choices."""
    return [catalog.experiment(n, chosen.experiment_options[n]) for n in chosen.experiments]


def experiment_title(chosen: ScanDefinition, name: str) -> str:
    """Title of an experiment; its name where the catalogue has lost it: a scan may outlive it."""
    try:
        return catalog.experiment(name, chosen.experiment_options.get(name)).title
    except DefinitionError:
        return name


def combined_title(chosen: ScanDefinition, names: Sequence[str]) -> str:
    """What several experiments together are called, and whether that is a measurement."""
    expected = [name for name in names if name in chosen.sensitivities]
    if not expected:
        return "measurements combined" if chosen.sensitivities else "combined"
    return "combined (expected)" if len(expected) == len(names) else "combined (partly expected)"


def usual_choice(experiment: str, key: str) -> str:
    """Default of an experiment's choice; empty where the catalogue has lost it."""
    try:
        return catalog.experiment_choices(experiment)[key][0]
    except (DefinitionError, KeyError):  # a scan may outlive the experiment it was made with
        return ""


def unusual_choices(chosen: ScanDefinition, names: Sequence[str]) -> list[str]:
    """Choices of these experiments that are not the defaults, those of several told once."""
    owners: dict[str, list[str]] = {}
    for name in names:
        for key, value in chosen.choices.get(name, {}).items():
            if value != usual_choice(name, key):
                owners.setdefault(f"{key}={value}", []).append(name)
    return [f"{' and '.join(whose)}: {made}" for made, whose in owners.items()]


def usual_choices(chosen: ScanDefinition, names: Sequence[str]) -> dict[str, dict[str, str]]:
    """Choices of these experiments that are the defaults."""
    return {
        name: {k: v for k, v in chosen.choices.get(name, {}).items() if v == usual_choice(name, k)}
        for name in names
    }


def sensitivity_notes(
    chosen: ScanDefinition, names: Sequence[str] | None = None
) -> tuple[str, ...]:
    """Say of experiments, all or those named, that are no measurements what their limits are."""
    return tuple(
        f"{name} is no measurement, its limits are sensitivities: {why}"
        for name, why in chosen.sensitivities.items()
        if not names or name in names
    )


def asimov_notes(chosen: ScanDefinition, names: Sequence[str] | None = None) -> tuple[str, ...]:
    """Say where no experiment, or none of those named, has data: what is observed is expected."""
    asked = [e for e in loaded_experiments(chosen) if names is None or e.name in names]
    if not asked or any(e.observed is not None for e in asked):
        return ()
    return (
        f"{' and '.join(e.name for e in asked)}: no data, the limits called observed are those of "
        "Asimov's data (asimov)",
    )


def known_parameters(chosen: ScanDefinition) -> dict[str, Parameter]:
    """Parameters of the scenario and inputs of the experiments, by name."""
    return all_parameters(catalog.scenario(chosen.scenario), loaded_experiments(chosen))


def derived(chosen: ScanDefinition) -> list[Derived]:
    """Quantities that the scenario derives, of elements that are targets."""
    elements = {isotope.symbol for isotope in isotopes(loaded_experiments(chosen))}
    return [d for d in catalog.scenario(chosen.scenario).derived if d.element in elements]


def derived_shifts(chosen: ScanDefinition, parameter: str) -> dict[str, float]:
    """Shift of every quantity derived from a parameter."""
    return {d.name: d.shift for d in derived(chosen) if d.parameter == parameter}


def derived_values(chosen: ScanDefinition) -> dict[str, float]:
    """Value of every quantity derived from a fixed parameter."""
    fixed = chosen.parameters
    return {
        d.name: float(fixed[d.parameter]) + d.shift for d in derived(chosen) if d.parameter in fixed
    }


def idle_notes(names: Sequence[str], experiments: Sequence[Experiment]) -> tuple[str, ...]:
    """Say of parameters that change nothing that they do not, and which flavours there are."""
    beams = "; ".join(
        f"{e.name} has {', '.join(c.name for c in e.flux.components) or 'no neutrinos'}"
        for e in experiments
    )
    return tuple(f"{name} changes no count of these experiments: {beams}" for name in names)


def sharing(chosen: ScanDefinition) -> dict[str, tuple[str, ...]]:
    """Profiled inputs with the experiments that depend on them."""
    loaded = loaded_experiments(chosen)
    return {n: tuple(e.name for e in loaded if n in relevant(e)) for n in chosen.profile}


def profile_notes(chosen: ScanDefinition) -> tuple[str, ...]:
    """Say which inputs are profiled, and which of them jointly."""
    if not chosen.profile:
        return ()
    shared = sharing(chosen)
    said = [f"{n} ({Constraint.of_record(r)})" for n, r in chosen.profile.items()]
    notes = [f"profiled inputs: {', '.join(said)}"]
    for name, owners in shared.items():
        if len(owners) > 1:
            notes.append(
                f"{name} is one number for {' and '.join(owners)}: combined, they are profiled "
                "jointly, and chi2 is not the sum of theirs"
            )
    return (*notes, *lone_flux_notes(chosen))


def lone_flux_notes(chosen: ScanDefinition) -> tuple[str, ...]:
    """Say of a flux that a text shares with no other experiment: its name may be a slip."""
    texts = [n for n, made in chosen.experiment_options.items() if described.is_description(made)]
    return tuple(
        f"{name} is named by {owners[0]} alone; known: {', '.join(KNOWN_FLUXES)}"
        for name, owners in sharing(chosen).items()
        if len(owners) == 1 and owners[0] in texts and name not in KNOWN_FLUXES
    )


def profile_record(chosen: ScanDefinition) -> dict[str, Any]:
    """The same for JSON; nothing where no input is profiled."""
    if not chosen.profile:
        return {}
    jointly = [name for name, owners in sharing(chosen).items() if len(owners) > 1]
    inputs = {name: dict(record) for name, record in chosen.profile.items()}
    alone = list(lone_flux_notes(chosen))
    told = {"profile_notes": alone} if alone else {}
    return {"profiled_inputs": inputs, "profiled_jointly": jointly, **told}

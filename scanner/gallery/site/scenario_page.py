"""The page of a scenario, from the catalogue alone."""

from __future__ import annotations

from collections.abc import Sequence

from scanner import catalog, inventory
from scanner.gallery.site import uses
from scanner.gallery.site.html import (
    bullets,
    code,
    folded,
    formulas,
    linked,
    mixed,
    page,
    section,
    source,
)
from scanner.gallery.site.parts import (
    DEPTH,
    Shown,
    how_to_cite,
    papers,
    parameters,
    pictures,
    typed,
)
from scanner.scenario import NOT_TOUCHED, Scenario


def scenario_page(name: str, shown: Sequence[Shown] = ()) -> str:
    """A whole document: formula, parameters, limitations, definitions, figures, references."""
    form = catalog.scenario(name)
    record = inventory.scenario_record(name, form)
    made = uses.of_scenario(name)
    shown_use = uses.example(made, alone=lambda use: use.scenarios == (name,))
    first, *more = record["about"]
    parts = [
        f'<p class="kind">Scenario {code(name)}</p>\n<h1>{mixed(form.title)}</h1>',
        formulas(form.formula.split("; ")),
        f'<p class="lead">{linked(first)}</p>',
        section("Figures", pictures(shown)),
        section(
            "Parameters", parameters(record["parameters"], "Range or choices") + _inputs(record)
        ),
        section("Conventions and limitations", source(more) + bullets(limitations(form))),
        section("Ready-made scans", uses.commands(made)),
        section("On the command line", typed([f"scanner show {name}"], shown_use)),
        section("References", papers(form.references)),
        section("How to cite", how_to_cite(form.references, shown_use)),
    ]
    return page(form.title, "\n".join(part for part in parts if part), depth=DEPTH)


def _inputs(record: inventory.Record) -> str:
    """Inputs that every scenario takes, folded away."""
    return folded(
        "Inputs of the Standard Model and of the detectors: scanned, fixed or profiled as well",
        parameters(record["inputs"]),
    )


def limitations(form: Scenario) -> list[str]:
    """What a scenario cannot be asked, as HTML: of electrons, and of experiments that refuse it."""
    told = []
    if form.electrons is None:
        told.append(
            "It does not say what it does to electrons: an analysis that counts neutrino-electron "
            f"scattering as signal ({code('electron_scattering=signal')}) is refused."
        )
    elif form.electrons is NOT_TOUCHED and not any(term.electrons for term in form.terms):
        told.append("Neutrino-electron scattering stays as it is in the Standard Model.")
    told += [f"{code(name)} cannot be asked: {linked(why)}." for name, why in _refusing(form)]
    if form.physical is not None:
        told.append(
            f"Points of a grid that make no sense get the status {code('unphysical')} and no chi2."
        )
    told += [
        f"{code(p.name)} has to be given: it has no default."
        for p in form.parameters
        if p.default is None and not p.optional
    ]
    return told


def _refusing(form: Scenario) -> list[tuple[str, str]]:
    """Experiments that cannot be asked for this scenario, and why."""
    found = []
    for name in catalog.experiment_names():
        experiment = catalog.experiment(name)
        if experiment.observable is not None and not form.only_inputs:
            found.append((name, experiment.observable.refusal))
        if experiment.no_transition and form.transition is not None:
            found.append((name, experiment.no_transition))
    return found

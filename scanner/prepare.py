"""A definition becomes an empty scan: chunks from a timed probe, references, labels; its cost."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from scanner import catalog, definition
from scanner.chi2 import Evaluator
from scanner.definition import ScanDefinition
from scanner.execution import plan as planning
from scanner.execution.plan import Plan
from scanner.execution.probe import points_per_second
from scanner.scenario import Reference
from scanner.store.archive import Archive
from scanner.store.stored import StoredScan


def resolve(source: str | Path | ScanDefinition, overrides: Iterable[str] = ()) -> ScanDefinition:
    """Resolved definition of a ready-made name or a file; a resolved one is returned as it is."""
    if isinstance(source, ScanDefinition):
        return source
    return definition.load(source, overrides)


def create(
    chosen: ScanDefinition, store: str | Path | None = None, workers: int | None = None
) -> StoredScan:
    """Empty scan in the store, its chunks about half a second long on this machine.

    Raises
    ------
    StoreError
        The store is not writable or too small; nothing is written.
    """
    grid = planning.make_grid(
        chosen.axes,
        points_per_second=points_per_second(chosen.axes, Evaluator(chosen)),
        workers=workers or os.cpu_count() or 1,
        points_per_chunk=chosen.points_per_chunk,
    )
    labels = {
        p.name: {"long_name": p.description or p.name, "latex": p.latex}
        for p in catalog.scenario(chosen.scenario).parameters
    }
    return Archive(store).create(chosen, grid, references(chosen), labels)


def references(chosen: ScanDefinition) -> tuple[str, ...]:
    """What a result of this definition cites: scenario, then data, in that order, each once."""
    scenario = catalog.scenario(chosen.scenario)
    cited = [citation(reference) for reference in scenario.references]
    for name in chosen.experiments:
        data = catalog.experiment(name, chosen.experiment_options[name]).provenance
        cited.append(citation(Reference(data.citation, data.arxiv, data.doi)))
    return tuple(dict.fromkeys(cited))


def citation(reference: Reference) -> str:
    """One line: citation, arXiv number and DOI where they are known."""
    known = [
        reference.citation,
        f"arXiv:{reference.arxiv}" if reference.arxiv else "",
        f"doi:{reference.doi}" if reference.doi else "",
    ]
    return ", ".join(part for part in known if part)


def plan(
    chosen: ScanDefinition, store: str | Path | None = None, workers: int | None = None
) -> Plan:
    """What a scan costs and what of it is done; computes nothing but a timed probe."""
    rate = points_per_second(chosen.axes, Evaluator(chosen))
    stored = Archive(store).find(chosen)
    grid = (
        stored.grid
        if stored
        else planning.make_grid(
            chosen.axes,
            points_per_second=rate,
            workers=workers or os.cpu_count() or 1,
            points_per_chunk=chosen.points_per_chunk,
        )
    )
    scenario = catalog.scenario(chosen.scenario)
    return planning.estimate(
        grid,
        n_experiments=len(chosen.experiments),
        shape_axes=[a.name for a in chosen.axes if scenario.parameter(a.name).role == "shape"],
        points_per_second=rate,
        done=stored.done() if stored else (),
    )

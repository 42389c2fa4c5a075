"""What there is: records of scenarios, experiments, definitions and scans."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scanner import catalog, definition, described
from scanner.bibliography import citation
from scanner.definition import ScanDefinition
from scanner.errors import CatalogError, ScannerError, unknown
from scanner.inputs import inputs
from scanner.overlays import shelf
from scanner.prepare import references
from scanner.reading import document, resolve
from scanner.scenario import Parameter, Scenario
from scanner.sheet import experiment_record as experiment_record
from scanner.sheet import parameter_record, said
from scanner.store.archive import Archive
from scanner.store.changes import told_apart
from scanner.store.stored import StoredScan
from scanner.store.watching import finished

Record = dict[str, Any]


def scenarios() -> list[Record]:
    """Name and title of every scenario."""
    return [{"name": n, "title": catalog.scenario(n).title} for n in catalog.scenario_names()]


def experiments() -> list[Record]:
    """Name, title and choices of every experiment; of one that is no measurement, why."""
    return [_experiment(name) for name in catalog.experiment_names()]


def _experiment(name: str) -> Record:
    form, choices = catalog.experiment(name), catalog.experiment_choices(name)
    return {
        "name": name,
        "title": form.title,
        "choices": f"illustrative: {form.illustrative}"
        if form.illustrative
        else "; ".join(f"{k}: {' | '.join(v)}" for k, v in choices.items()),
    }


def definitions() -> list[Record]:
    """Name and title of every ready-made definition."""
    return [
        {"name": name, "title": definition.load(name).title} for name in catalog.definition_names()
    ]


def options() -> list[Record]:
    """Name and values of every physics convention, the default first."""
    return [{"name": n, "values": " | ".join(values)} for n, values in resolve.OPTIONS.items()]


def overlays(folder: Path | None = None) -> list[Record]:
    """Name, kind, models and title of every published limit, those of a folder included."""
    return [
        {
            "name": overlay.name,
            "kind": overlay.kind,
            "models": " | ".join(model.text() for model in overlay.models[:1])
            + (f" (+{len(overlay.models) - 1} by rescaling)" if len(overlay.models) > 1 else ""),
            "title": overlay.title + ("" if overlay.regions else " (no numbers)"),
        }
        for overlay in shelf.of_folder(folder).values()
    ]


def differences(definitions: Sequence[ScanDefinition]) -> dict[str, str]:
    """What sets scans of one name apart, by id; empty where no other has the name."""
    alike: dict[str, list[ScanDefinition]] = {}
    for one in definitions:
        alike.setdefault(one.name, []).append(one)
    return {
        one.id: entries
        for same in alike.values()
        for one, entries in zip(same, told_apart(same), strict=True)
    }


def scans(store: str | Path | None = None) -> list[Record]:
    """Id, name, progress, phase, title, and what sets scans of one name apart, of every scan.

    Of one that cannot be opened the title is why.
    """
    found, damaged = Archive(store).survey()
    apart = differences([stored.definition for stored in found])
    records = [
        {
            "id": stored.id,
            "name": stored.definition.name,
            "done": f"{100 * stored.fraction_done:.0f} %",
            "phase": _phase(stored),
            "title": stored.definition.title,
            "apart": apart[stored.id],
        }
        for stored in found
    ]
    records += [
        {"id": name, "name": "-", "done": "-", "phase": "damaged", "title": str(why), "apart": ""}
        for name, why in damaged.items()
    ]
    return sorted(records, key=lambda record: str(record["id"]))


def no_scans(store: str | Path | None = None) -> str:
    """What to say of a store without scans."""
    folder = Archive(store).folder
    if not folder.exists():
        return f"store {folder} does not exist: check --store and $SCANNER_STORE"
    return f"no scans in {folder}"


def _phase(stored: StoredScan) -> str:
    """``running``, ``complete`` or ``incomplete``."""
    if stored.runs.working():
        return "running"
    return "complete" if finished(stored) else "incomplete"


def describe(name: str, store: str | Path | None = None, folder: Path | None = None) -> Record:
    """Record of the scenario, experiment, definition, overlay or scan of that name, in this order.

    Parameters
    ----------
    name : str
        Its name; or a .toml file that describes an experiment, or is a definition.
    folder : Path, optional
        With further overlays.

    Raises
    ------
    CatalogError
        Nothing has that name.
    """
    if name.endswith(described.SUFFIX):
        return _file_record(Path(name))
    if name in catalog.scenario_names() or ":" in name or catalog.JOIN in name:
        return scenario_record(name, catalog.scenario(name))
    if name in catalog.experiment_names():
        return (
            _text_record(catalog.experiment_text(name))
            if name in catalog.text_names()
            else (experiment_record(catalog.experiment(name)))
        )
    if name in catalog.definition_names():
        return definition_record(name)
    limits = shelf.of_folder(folder)
    if name in limits:
        return limits[name].record()
    try:
        return scan_record(Archive(store).open(name))
    except CatalogError as error:
        known = (
            *catalog.scenario_names(),
            *catalog.experiment_names(),
            *catalog.definition_names(),
            *limits,
        )
        raise CatalogError(f"{unknown('name', name, known)}; and {error}") from error


def _file_record(path: Path) -> Record:
    """Record of what a file holds: a definition or an experiment."""
    if "scenario" in described.read(path):
        return definition_record(str(path))
    return _text_record(path)


def _text_record(path: Path) -> Record:
    """What was understood of an experiment as text, with the origin of its numbers."""
    tables = described.read(path)
    form = described.experiment(described.name_of(path), tables, str(path))
    return {
        **experiment_record(form),
        "file": str(path),
        **said({key: tables.get(key) for key in ("description", "origin")}),
    }


def scenario_record(name: str, form: Scenario) -> Record:
    """Formula, what its file says of it, parameters and references of a scenario."""
    return {
        "scenario": name,
        "title": form.title,
        "formula": form.formula,
        "about": catalog.scenario_about(name),
        "parameters": [parameter_record(p) for p in form.parameters],
        "inputs": [parameter_record(p) for p in _common_inputs(form)],
        "references": [citation(r) for r in form.references],
    }


def _common_inputs(form: Scenario) -> list[Parameter]:
    """Inputs that can be scanned, fixed or profiled beside the scenario's own parameters."""
    every = inputs(catalog.experiment(name) for name in catalog.experiment_names())
    own = {parameter.name for parameter in form.parameters}
    return [parameter for name, parameter in every.items() if name not in own]


def definition_record(name: str) -> Record:
    """The resolved definition and what a result of it cites."""
    resolved = definition.load(name)
    return {
        "definition": name,
        "file": str(document.find(name)),
        "id": resolved.id,
        **resolved.to_dict(),
        "references": list(references(resolved)),
    }


def scan_record(stored: StoredScan) -> Record:
    """Provenance and progress of a stored scan."""
    state = stored.state()
    return {
        "scan": stored.id,
        "path": stored.location,
        "computed": f"{100 * state.fraction_done:.1f} % ({state.done} of {state.total} chunks)",
        "status": dict(state.status),
        **stored.cube.attributes,
        "sources_unchanged": _unchanged(stored),
        "summary": stored.summary,
    }


def _unchanged(stored: StoredScan) -> bool | str:
    try:
        stored.definition.check_sources()
    except ScannerError as error:
        return str(error)
    return True

"""What there is: records of scenarios, experiments, definitions and scans."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scanner import catalog, definition, described
from scanner.amplitudes import Conventions
from scanner.bibliography import citation
from scanner.chi2 import STANDARD_MODEL, ExperimentModel
from scanner.errors import CatalogError, ScannerError, unknown
from scanner.experiment import Experiment
from scanner.inputs import inputs
from scanner.overlays import shelf
from scanner.prepare import references
from scanner.reading import document, resolve
from scanner.scenario import Parameter, Scenario
from scanner.store.archive import Archive
from scanner.store.stored import StoredScan

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


def scans(store: Path | None = None) -> list[Record]:
    """Id, name, progress and title of every stored scan."""
    return [
        {
            "id": stored.id,
            "name": stored.definition.name,
            "done": f"{100 * stored.fraction_done:.0f} %",
            "title": stored.definition.title,
        }
        for stored in Archive(store).list()
    ]


def describe(name: str, store: Path | None = None, folder: Path | None = None) -> Record:
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
        "description": tables.get("description", ""),
        "origin": tables.get("origin", {}),
    }


def scenario_record(name: str, form: Scenario) -> Record:
    """Formula, parameters and references of a scenario."""
    return {
        "scenario": name,
        "title": form.title,
        "formula": form.formula,
        "parameters": [_parameter(p) for p in form.parameters],
        "inputs": [_parameter(p) for p in _common_inputs(form)],
        "references": [citation(r) for r in form.references],
    }


def _common_inputs(form: Scenario) -> list[Parameter]:
    """Inputs that can be scanned, fixed or profiled beside the scenario's own parameters."""
    every = inputs(catalog.experiment(name) for name in catalog.experiment_names())
    own = {parameter.name for parameter in form.parameters}
    return [parameter for name, parameter in every.items() if name not in own]


def _parameter(parameter: Parameter) -> Record:
    scanned = parameter.role != "choice"
    return {
        "name": parameter.name,
        "role": parameter.role,
        "unit": parameter.unit,
        "default": "optional" if parameter.optional else parameter.default,
        "range": (
            f"{parameter.minimum:g} .. {parameter.maximum:g}"
            if scanned
            else " | ".join(parameter.choices)
        ),
        "latex": parameter.latex,
        "description": parameter.description,
    }


def experiment_record(form: Experiment) -> Record:
    """Source, target, exposure, bins, backgrounds, pulls and provenance of an experiment."""
    used = Conventions()
    model = ExperimentModel(STANDARD_MODEL, form, used, {}, ())
    signal = model.standard_model()
    return {
        "experiment": form.name,
        "title": form.title,
        "illustrative": form.illustrative,
        **_setting(form),
        "inputs": [_parameter(p) for p in form.inputs],
        "constraints": {name: str(c) for name, c in form.constraints.items()},
        "choices": dict(form.choices),
        "available_choices": {k: list(v) for k, v in _choices(form.name).items()},
        **_said({"remarks": list(catalog.experiment_remarks(form.name))}),
        "statistic": form.statistic,
        "bins": [
            {"observable": b.name, "unit": b.unit, "n": b.n, "from": b.edges[0], "to": b.edges[-1]}
            for b in form.bins
        ],
        "counts": {
            "observed" if form.observed is not None else "expected (Asimov)": float(
                model.experiment.data.sum()
            ),
            f"sm_signal ({used.couplings}, {used.form_factor})": float(signal.sum()),
            **{name: float(b.sum()) for name, b in form.backgrounds.items()},
        },
        "pulls": [
            {
                "name": p.name,
                "sigma": p.sigma,
                "acts_on": [*(["signal"] if _acts(p.signal) else []), *p.backgrounds],
            }
            for p in form.pulls
        ],
        "provenance": {
            "citation": form.provenance.citation,
            "arxiv": form.provenance.arxiv,
            "doi": form.provenance.doi,
            "licence": form.provenance.licence,
            "tables (sha256)": dict(form.provenance.tables),
            "release files (sha256)": dict(form.provenance.release),
        },
    }


def _choices(name: str) -> Mapping[str, tuple[str, ...]]:
    """Choices of an experiment of the catalogue."""
    return catalog.experiment_choices(name) if name in catalog.experiment_names() else {}


def _setting(form: Experiment) -> Record:
    """Source, target and exposure, or the quantity that was measured in place of recoils."""
    if form.observable is not None and form.variance is not None:
        return {
            "observable": form.observable.name,
            "error": float(form.variance[0] ** 0.5),
            "target": form.target.formula,
        }
    return {
        "source": ", ".join(c.name for c in form.flux.components),
        "baseline_m": form.baseline_m,
        "target": f"{form.mass_kg:g} kg {form.target.formula}",
        "exposure": form.exposure,
    }


def _said(record: Record) -> Record:
    """Entries that are not empty."""
    return {key: value for key, value in record.items() if value}


def _acts(response: Any) -> bool:
    return bool(response.any()) if hasattr(response, "any") else response != 0.0


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
        "path": str(stored.path),
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

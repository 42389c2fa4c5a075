"""ScanDefinition: what to scan; TOML and JSON in and out; digest."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import tomli_w

from scanner import catalog
from scanner.errors import CatalogError, MismatchError
from scanner.grid import Axis
from scanner.inputs import all_parameters, inputs, relevant
from scanner.parameter import Constraint
from scanner.reading import document, experiments, resolve, texts
from scanner.reading.axes import axis_entries, read_axes, recorded_axes
from scanner.reading.experiments import (
    Settings,
    modules,
    no_measurements,
    physics,
    recorded,
)
from scanner.scenario import Scenario, Value
from scanner.section import Section

# Counts every change of the machine (physics, statistics, templates, chi2) that changes numbers.
# What lies in the file of a scenario or an experiment is covered by its source hash.
ENGINE_VERSION = 4

KEYS = (
    "name",
    "title",
    "description",
    "scenario",
    "experiments",
    "axes",
    "parameters",
    "options",
    "experiment",
    "profile",
    "chunks",
    "store",
)


@dataclass(frozen=True)
class ScanDefinition:
    """What to scan, with every default filled in.

    Parameters
    ----------
    name : str
        Label of the scan, by which it can be asked for.
    title : str
        One line for people.
    scenario : str
        Catalogue name, or ``module:NAME``.
    experiments : tuple of str
        Their names.
    axes : tuple of Axis
        Scanned parameters, slowest first, in the parameters' own units.
    parameters : mapping
        Every other parameter, in its own unit.
    options : mapping
        Physics conventions.
    experiment_options : mapping from experiment to its settings
        All choices of each experiment; of one that is a text all its tables, so that no file of it
        is needed again.
    profile : mapping from input to ``{"mean": ..., "sigma": ...}`` or ``{"low": ..., "high": ...}``
        Inputs profiled with a Gaussian constraint, or free between two ends.
    sources : mapping
        sha256 of what the numbers depend on besides the engine (`catalog.source_hashes`).
    engine_version : int
        `ENGINE_VERSION` that it was resolved with.
    description : str
        A paragraph for people.
    points_per_chunk : int or None
        Wished number of points per chunk.
    largest_error : float or None
        How far a stored chi2 may be rounded; None keeps every bit.
    joint : bool
        Whether experiments share a profiled input, so that all together are a layer of their own.
    """

    name: str
    title: str
    scenario: str
    experiments: tuple[str, ...]
    axes: tuple[Axis, ...]
    parameters: Mapping[str, float | str]
    options: Mapping[str, str]
    experiment_options: Mapping[str, Settings]
    profile: Mapping[str, Mapping[str, float]]
    sources: Mapping[str, str]
    engine_version: int = ENGINE_VERSION
    description: str = field(default="", kw_only=True)
    points_per_chunk: int | None = field(default=None, kw_only=True)
    largest_error: float | None = field(default=None, kw_only=True)
    joint: bool = field(default=False, kw_only=True)

    @property
    def layers(self) -> tuple[str, ...]:
        """First dimension of the cube: each experiment, and ``joint:A+B`` where they share."""
        together = ("joint:" + "+".join(self.experiments),) if self.joint else ()
        return (*self.experiments, *together)

    @property
    def choices(self) -> dict[str, Mapping[str, str]]:
        """Choices of each experiment; a text has none."""
        own = self._modules
        return {n: made if n in own else {} for n, made in self.experiment_options.items()}

    @property
    def sensitivities(self) -> dict[str, str]:
        """Experiments that are no measurements, and why."""
        return no_measurements(self.experiment_options)

    def __hash__(self) -> int:
        return hash(self.digest)

    @cached_property
    def digest(self) -> str:
        """sha256 (hex) of the resolved physics; labels and chunks do not count."""
        record = self._record()
        for label in ("name", "title", "description", "chunks"):
            record.pop(label, None)
        record["experiment"] = {n: physics(s) for n, s in self.experiment_options.items()}
        # floats as repr: the shortest text that reads back to the same number
        text = json.dumps(record, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return sha256(text.encode()).hexdigest()

    @property
    def id(self) -> str:
        """First 16 characters of the digest: the name of the scan's folder."""
        return self.digest[:16]

    def to_dict(self) -> dict[str, Any]:
        """Record for JSON: the keys of a definition, what it was resolved with, and the digest.

        Axes are a list, slowest first: their order counts, that of a JSON object may be lost.
        """
        return {**self._record(), "digest": self.digest}

    def _record(self) -> dict[str, Any]:
        return {
            **self._labels(),
            "scenario": self.scenario,
            "experiments": list(self.experiments),
            "axes": [{"name": axis.name, **axis_entries(axis)} for axis in self.axes],
            **self._tables(),
            "engine_version": self.engine_version,
            "sources": dict(self.sources),
        }

    def _labels(self) -> dict[str, Any]:
        return {"name": self.name, "title": self.title, "description": self.description}

    def _tables(self) -> dict[str, Any]:
        tables: dict[str, Any] = {
            "parameters": dict(self.parameters),
            "options": dict(self.options),
            "experiment": {name: dict(made) for name, made in self.experiment_options.items()},
            "profile": {name: dict(constraint) for name, constraint in self.profile.items()},
        }
        if self.joint:
            tables["joint"] = True
        if self.points_per_chunk is not None:
            tables["chunks"] = {"points": self.points_per_chunk}
        if self.largest_error is not None:
            tables["store"] = {"largest_error": self.largest_error}
        return tables

    def to_toml(self) -> str:
        """The resolved definition as people write it; it loads back to the same digest."""
        written = {
            **self._labels(),
            "scenario": self.scenario,
            "experiments": list(self.experiments),
            "axes": {axis.name: axis_entries(axis) for axis in self.axes},
            **self._tables(),
        }
        made = {**written}
        made.pop("joint", None)  # follows from the rest
        return tomli_w.dumps({key: value for key, value in made.items() if value not in ("", {})})

    @classmethod
    def from_dict(cls, record: Mapping[str, Any], where: str = "definition") -> ScanDefinition:
        """Definition of a record made by `to_dict`, as it was then: nothing is looked up again.

        Raises
        ------
        DefinitionError
            An entry is missing or of the wrong type.
        MismatchError
            The content is not that of the recorded digest.
        """
        top = Section(where, "", record)
        top.allow((*KEYS, *document.RECORDED))
        definition = cls(
            name=_line(top.text("name")),
            title=_line(top.text("title")),
            scenario=top.text("scenario"),
            experiments=tuple(top.texts("experiments")),
            axes=recorded_axes(top),
            parameters=_values(top.table("parameters")),
            options=top.table("options").all_texts(),
            experiment_options={n: recorded(t) for n, t in top.table("experiment").tables()},
            profile={
                n: {k: t.number(k) for k in t.entries} for n, t in top.table("profile").tables()
            },
            sources=top.table("sources").all_texts(),
            engine_version=top.whole("engine_version"),
            description=top.text("description", ""),
            points_per_chunk=resolve.points_per_chunk(top.table("chunks")),
            largest_error=resolve.largest_error(top.table("store")),
            joint=top.entries.get("joint") is True,
        )
        if top.text("digest", definition.digest) != definition.digest:
            raise MismatchError(
                f"{where}: digest {record['digest'][:16]} belongs to other entries (they give "
                f"{definition.id}); restore the record, or run the changed definition anew"
            )
        return definition

    def check_sources(self) -> None:
        """Compare what the scan was computed with against what is installed.

        Raises
        ------
        MismatchError
            Names what changed.
        """
        changed = self._changed_sources()
        if changed:
            raise MismatchError(
                f"scan {self.id} ({self.name}) was computed with other versions of "
                f"{', '.join(changed)}: run the definition again for a new scan, "
                "or install the version it was computed with"
            )

    @property
    def _modules(self) -> tuple[str, ...]:
        """Experiments whose numbers lie in a module and its tables."""
        return modules(self.experiment_options)

    def _changed_sources(self) -> list[str]:
        changed = []
        if self.engine_version != ENGINE_VERSION:
            changed.append(f"the engine ({self.engine_version}, now {ENGINE_VERSION})")
        try:
            now = catalog.source_hashes(self.scenario, self._modules)
        except CatalogError as error:
            raise MismatchError(f"scan {self.id} ({self.name}): {error}") from error
        labels = {"scenario": f"scenario {self.scenario}"}
        labels |= {f"experiment.{name}": f"experiment {name}" for name in self._modules}
        changed += [text for key, text in labels.items() if self.sources.get(key) != now[key]]
        return changed


def load(
    source: str | Path, overrides: Iterable[str] = (), *, allow_plugins: bool = True
) -> ScanDefinition:
    """Resolved definition of a ready-made name or a .toml or .json file.

    Parameters
    ----------
    source : str or Path
        Name of a ready-made definition, or a file.
    overrides : iterable of str
        Such as ``axes.mass.n=60``, ``parameters.model=B-L``,
        ``experiment.coherent_lar_2020.analysis=energy``; values are TOML, or bare text.
    allow_plugins : bool
        Whether ``module:NAME`` scenarios are accepted.

    Raises
    ------
    DefinitionError
        Names the file, the key, the value and the mend.
    """
    path, overrides = document.find(source), tuple(overrides)
    written = experiments.beside(document.as_written(document.read(path)), path.parent)
    raw = document.override(written, overrides)
    where = f"{path} with {', '.join(overrides)}" if overrides else str(path)
    return from_mapping(raw, where, name=path.stem, allow_plugins=allow_plugins)


def from_mapping(
    raw: Mapping[str, Any],
    where: str,
    *,
    name: str = "",
    allow_plugins: bool = True,
    point: bool = False,
) -> ScanDefinition:
    """Resolved definition of tables as written in TOML or JSON.

    Parameters
    ----------
    raw : mapping
        Tables with the keys of a definition (or a record made by `ScanDefinition.to_dict`, which
        is resolved anew).
    where : str
        What errors call it: the file.
    name : str
        Label if the definition does not give one; else the scenario's name.
    allow_plugins : bool
        Whether ``module:NAME`` scenarios are accepted.
    point : bool
        Whether it is a single point: no axes, every parameter fixed.

    Raises
    ------
    DefinitionError
        Names `where`, the key, the value and the mend.
    """
    top = Section(where, "", document.as_written(raw))
    texts.check(top)
    top.allow(KEYS)
    scenario = resolve.scenario(top, allow_plugins)
    made = experiments.read(top, allow_files=allow_plugins)
    loaded = [catalog.experiment(name, settings) for name, settings in made.items()]
    known = all_parameters(scenario, loaded)
    axes = () if point else read_axes(top.table("axes"), known)
    scanned = [axis.name for axis in axes]
    fixed = top.table("parameters")
    shared = {name: known[name] for name in inputs(loaded)}
    profile = resolve.profile(top.table("profile"), shared, (*scanned, *fixed.entries))
    profile |= resolve.brought(loaded, known, (*scanned, *fixed.entries, *profile))
    parameters = resolve.parameters(fixed, known, scanned, profile)
    options = resolve.options(top.table("options"))
    resolve.check_combination(where, scenario, {**parameters, **_means(profile)}, axes)
    resolve.check_radii(where, (*scanned, *parameters, *profile), loaded, options)
    return ScanDefinition(
        name=resolve.label(top, name),
        title=_line(top.text("title", _title(scenario, parameters))),
        scenario=resolve.scenario_name(top),
        experiments=tuple(made),
        axes=axes,
        parameters=parameters,
        options=options,
        experiment_options=made,
        profile=profile,
        sources=catalog.source_hashes(resolve.scenario_name(top), modules(made)),
        description=top.text("description", ""),
        points_per_chunk=resolve.points_per_chunk(top.table("chunks")),
        largest_error=resolve.largest_error(top.table("store")),
        joint=any(sum(name in relevant(e) for e in loaded) > 1 for name in profile),
    )


def _means(profile: Mapping[str, Mapping[str, float]]) -> dict[str, Value]:
    return {name: Constraint.of_record(record).mean for name, record in profile.items()}


def _line(text: str) -> str:
    """A label in one line: it is printed beside other words of ours."""
    return " ".join(text.split())


def _title(scenario: Scenario, parameters: Mapping[str, Value]) -> str:
    """Title of the scenario with the choices that are not its defaults, and its model."""
    choices = [p for p in scenario.parameters if p.role == "choice"]
    said = [
        str(parameters[p.name])
        for p in choices
        if p.name == "model" or parameters[p.name] != p.default
    ]
    return ": ".join([scenario.title, ", ".join(said)]) if said else scenario.title


def _values(section: Section) -> dict[str, float | str]:
    entries = section.entries
    return {n: v if isinstance(v, str) else section.number(n) for n, v in entries.items()}

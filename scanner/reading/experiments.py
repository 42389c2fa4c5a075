"""The experiments of a definition and what it says of each: choices of a module, or a text."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scanner import catalog, described
from scanner.errors import DefinitionError, unknown
from scanner.section import Section

Settings = Mapping[str, Any]
_TAKEN = ("combined", "joint")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_ .+-]{0,99}")
KEY = "experiments"


def read(top: Section, *, allow_files: bool = True) -> dict[str, Settings]:
    """Settings of every experiment by its name: all known, different and combinable.

    Parameters
    ----------
    top : Section
        A definition. Its list names experiments of the catalogue, files ending in .toml that
        describe one, or experiments described in full by its own table ``[experiment.NAME]``.
    allow_files : bool
        Whether files are read.

    Raises
    ------
    DefinitionError
        Names the key, the value and the mend.
    """
    files = _files(top, allow_files)
    tables = top.table("experiment")
    for name, table in tables.tables():
        if name not in files:
            known = unknown("experiment", name, files)
            raise DefinitionError(
                f"{table.where}{': ' if table.where else ''}{table.key}: {known}; add it to "
                "experiments or remove its table"
            )
    _check(top, files, tables)
    return {name: _settings(tables, name, path) for name, path in files.items()}


def _files(top: Section, allow_files: bool) -> dict[str, Path | None]:
    """File of every experiment by its name; None for one that has no file of its own."""
    written = top.texts(KEY)
    if not written:
        top.fail(KEY, f"give at least one of {', '.join(catalog.experiment_names())}")
    found: dict[str, Path | None] = {}
    for entry in written:
        is_file = entry.endswith(described.SUFFIX)
        if is_file and not allow_files:
            top.fail(KEY, f"{entry}: files are not read here; describe it in [experiment.NAME]")
        name = described.name_of(entry) if is_file else entry
        if name in found:
            top.fail(KEY, f"{name!r} is there twice; name each experiment once")
        found[name] = Path(entry) if is_file else None
    return found


def _check(top: Section, files: Mapping[str, Path | None], tables: Section) -> None:
    known, texts = catalog.experiment_names(), catalog.text_names()
    for name, path in files.items():
        is_text = path is not None or described.is_description(tables.table(name).entries)
        if not is_text and name not in known:
            raise DefinitionError(f"{top.place(KEY)}: {unknown('experiment', name, known)}")
        if is_text and not _NAME.fullmatch(name):
            top.fail(KEY, f"{name[:40]!r}: call it with letters, digits, blanks and _ . + - only")
        if is_text and name in _TAKEN:
            top.fail(KEY, f"{name!r} means all experiments together; give the text another name")
        if is_text and name in known and (path is not None or name not in texts):
            top.fail(KEY, f"{name!r} is an experiment of the catalogue; give the text another name")
    for a, b in itertools.permutations(files, 2):
        if b in catalog.experiment_overlaps(a):
            top.fail(KEY, f"{a!r} holds data of {b!r}; leave one of them out")


def _settings(tables: Section, name: str, path: Path | None) -> Settings:
    """Choices of a module with all defaults, or a text with what the definition changes of it."""
    given = tables.table(name).entries
    if described.is_description(given) and path is None:
        return _text(name, given, f"{tables.where}: {tables.key}.{name}".lstrip(": "))
    if path is None and name in catalog.text_names():
        path = catalog.experiment_text(name)
    if path is not None:
        where = f"{path} with [experiment.{name}] of the definition" if given else str(path)
        return _text(name, merged(described.read(path), given), where)
    try:
        return catalog.resolve_choices(name, given)
    except DefinitionError as error:
        where = f"{tables.where}: " if tables.where else ""
        raise DefinitionError(f"{where}{error}") from error


def _text(name: str, tables: Settings, where: str) -> Settings:
    described.experiment(name, tables, where)  # a mistake is found here, where its file is known
    return dict(tables)


def merged(tables: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Tables with some of their entries replaced, however deep.

    >>> merged({"a": {"b": 1, "c": 2}}, {"a": {"c": 3}})
    {'a': {'b': 1, 'c': 3}}
    """
    made = dict(tables)
    for key, value in changes.items():
        old = made.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        made[key] = merged(old, value) if both else value  # type: ignore[arg-type]
    return made


def beside(raw: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """A definition in which the files of experiments are those beside its own file."""
    listed = raw.get(KEY)
    if not isinstance(listed, list):
        return dict(raw)
    return {**raw, KEY: [_beside(entry, folder) for entry in listed]}


def _beside(entry: Any, folder: Path) -> Any:
    if isinstance(entry, str) and entry.endswith(described.SUFFIX):
        return str(folder / entry)
    return entry


def physics(settings: Settings) -> Settings:
    """What of an experiment's settings changes numbers: all but the labels of a text."""
    return described.physics(settings) if described.is_description(settings) else settings


def recorded(section: Section) -> Settings:
    """Settings of a record: choices, which are texts, or the tables of a described experiment."""
    if described.is_description(section.entries):
        return dict(section.entries)
    return section.all_texts()


def modules(settings: Mapping[str, Settings]) -> tuple[str, ...]:
    """Names of the experiments that are no texts."""
    return tuple(n for n, made in settings.items() if not described.is_description(made))


def no_measurements(settings: Mapping[str, Settings]) -> dict[str, str]:
    """Experiments that are no measurements, and why."""
    texts = {n: made for n, made in settings.items() if described.is_description(made)}
    found = {name: described.no_measurement(tables) for name, tables in texts.items()}
    return {name: why for name, why in found.items() if why}

"""The text of a scan definition, TOML or JSON, and the overrides of the command line."""

from __future__ import annotations

import copy
import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from scanner import catalog, regular
from scanner.errors import DefinitionError

SUFFIXES = (".toml", ".json")

# what a resolved definition records besides its own keys
RECORDED = ("engine_version", "sources", "digest", "joint")
# what the title and the description of a definition tell of
SUBJECT = ("scenario", "experiments", "parameters")


def find(source: str | Path) -> Path:
    """File of a ready-made definition's name, or the path itself if it ends in .toml or .json.

    Raises
    ------
    CatalogError
        There is no ready-made definition of that name.
    """
    path = Path(source)
    if path.suffix in SUFFIXES:
        return path
    if len(path.parts) > 1:
        raise DefinitionError(f"{source}: not a definition; give a file ending in .toml or .json")
    return catalog.definition_path(str(source))


def read(path: Path) -> dict[str, Any]:
    """Tables of a TOML or JSON file.

    Raises
    ------
    DefinitionError
        The file cannot be read, or is not valid (with the line).
    """
    try:
        text = regular.read_text(path)
        return parse_json(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise DefinitionError(
            f"{path}: cannot be read ({error.strerror}); check the path"
        ) from error
    except UnicodeDecodeError as error:
        raise DefinitionError(
            f"{path}: is not UTF-8 text ({error.reason}); save it as UTF-8"
        ) from error
    except (ValueError, RecursionError) as error:
        language = path.suffix[1:].upper()
        raise DefinitionError(f"{path}: not valid {language}: {error}") from error


def parse_json(text: str) -> dict[str, Any]:
    """Tables of a JSON text; a key given twice is refused, as TOML does.

    Raises
    ------
    ValueError
        With the line, where the parser knows it.
    """
    value = json.loads(text, object_pairs_hook=_unique)
    if not isinstance(value, dict):
        raise ValueError("give an object with the keys of a definition")  # noqa: TRY004
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"key {twice!r} is given twice")
    return table


def as_written(raw: Mapping[str, Any]) -> dict[str, Any]:
    """A recorded definition in the form that people write; any other is only copied.

    The record lists its axes, since their order counts and JSON objects have none, and says what
    it was computed with, which is never taken over from an input.
    """
    written = {key: value for key, value in raw.items() if key not in RECORDED}
    axes = written.get("axes")
    if isinstance(axes, list) and all(isinstance(a, Mapping) and "name" in a for a in axes):
        tables = {
            str(axis["name"]): {key: value for key, value in axis.items() if key != "name"}
            for axis in axes
        }
        if len(tables) < len(axes):
            raise DefinitionError("axes: a name is listed twice; list each axis once")
        written["axes"] = tables
    return copy.deepcopy(written)


def override(raw: Mapping[str, Any], overrides: Iterable[str]) -> dict[str, Any]:
    """Tables with overrides such as ``axes.mass.n=60`` put in, in their order.

    Where an override changes the list of experiments, tables of experiments that it leaves out go
    with them; where it changes what is scanned, the title and the description that told of it go.
    """
    result = copy.deepcopy(dict(raw))
    given = set()
    for text in overrides:
        *tables, last = path = _key(text)
        given.add(path[0])
        place = result
        for name in tables:
            place = place.setdefault(name, {})
            if not isinstance(place, dict):
                raise DefinitionError(f"override {text!r}: {name!r} is not a table")
        place[last] = value_of(text.partition("=")[2].strip())
        if path == ["experiments"]:
            _drop_unlisted(result)
    if any(result.get(key) != raw.get(key) for key in SUBJECT):
        for label in {"title", "description"} - given:
            result.pop(label, None)
    return result


def _drop_unlisted(raw: dict[str, Any]) -> None:
    choices, listed = raw.get("experiment"), raw["experiments"]
    if isinstance(choices, dict) and isinstance(listed, list):
        names = {Path(entry).stem if str(entry).endswith(".toml") else entry for entry in listed}
        raw["experiment"] = {name: table for name, table in choices.items() if name in names}


def _key(text: str) -> list[str]:
    """Path of an override's key; quoted parts may hold dots, as in TOML.

    >>> _key('experiment."a.b".analysis=energy')
    ['experiment', 'a.b', 'analysis']
    """
    key, equals, _ = text.partition("=")
    try:
        if not equals or len(text.splitlines()) != 1:
            raise ValueError("one line key=value")
        place: Any = tomllib.loads(f"{key.strip()} = 0")
    except ValueError as error:
        raise DefinitionError(
            f"override {text!r}: write key=value, such as axes.mass.n=60"
        ) from error
    path = []
    while isinstance(place, dict):
        [(name, place)] = place.items()
        path.append(name)
    return path


def value_of(text: str) -> Any:
    """Value of an override: TOML, or the bare text if it is none.

    >>> value_of("60"), value_of("B-L"), value_of('["a", "b"]')
    (60, 'B-L', ['a', 'b'])
    """
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except ValueError:
        return text

"""The text of a described experiment: a TOML file, with the CSV files that it names put in."""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from scanner import regular
from scanner.errors import DefinitionError, unknown

SUFFIX = ".toml"
LABELS = ("title", "description", "illustrative", "reference", "origin")
"""Entries that change no number, and so not the id of a scan."""
_MARKS = ("source", "target")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


def is_description(settings: Mapping[str, Any]) -> bool:
    """Whether the table of an experiment describes it in full, rather than its choices."""
    return all(isinstance(settings.get(mark), Mapping) for mark in _MARKS)


def no_measurement(tables: Mapping[str, Any]) -> str:
    """Why what is described is no measurement; empty where it is one.

    >>> no_measurement({"title": "A"})
    'described without data'
    """
    usual = "" if "observed" in tables else "described without data"
    return str(tables.get("illustrative", usual))


def name_of(path: str | Path) -> str:
    """Name of the experiment that a file describes: that of the file.

    Raises
    ------
    DefinitionError
        It is not made of letters, digits and underscores.
    """
    stem = Path(path).stem
    if not _NAME.fullmatch(stem):
        raise DefinitionError(
            f"{path}: a file's name names its experiment: use letters, digits and _ only, "
            "a letter first"
        )
    return stem


def physics(tables: Mapping[str, Any]) -> dict[str, Any]:
    """The tables without labels, whole numbers as floats: what the id of a scan hangs on.

    >>> physics({"title": "A", "target": {"mass": 1}})
    {'target': {'mass': 1.0}}
    """
    return {key: _plain(value) for key, value in tables.items() if key not in LABELS}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def read(path: Path) -> dict[str, Any]:
    """Tables of a file; columns of CSV files that it names are put in their place.

    Raises
    ------
    DefinitionError
        Names the file, and the line or the key.
    """
    try:
        raw = tomllib.loads(regular.read_text(path))
    except OSError as error:
        raise DefinitionError(
            f"{path}: cannot be read ({error.strerror}); check the path"
        ) from error
    except UnicodeDecodeError as error:
        raise DefinitionError(
            f"{path}: is not UTF-8 text ({error.reason}); save it as UTF-8"
        ) from error
    except (ValueError, RecursionError) as error:
        raise DefinitionError(f"{path}: not valid TOML: {error}") from error
    return _with_columns(raw, path, "")


def _with_columns(tables: Mapping[str, Any], path: Path, key: str) -> dict[str, Any]:
    """Tables in which ``file = "x.csv"`` and ``columns = {energy = "E", ...}`` became lists.

    A table of ``file`` and ``column`` alone is itself a list.
    """
    made: dict[str, Any] = {}
    for name, value in tables.items():
        inner = f"{key}.{name}" if key else name
        if isinstance(value, dict) and set(value) == {"file", "column"}:
            made[name] = _columns(path, inner, value["file"], {"column": value["column"]})["column"]
        else:
            made[name] = _with_columns(value, path, inner) if isinstance(value, dict) else value
    if key and "file" in made:
        return _inlined(made, path, key)
    return made


def _inlined(table: dict[str, Any], path: Path, key: str) -> dict[str, Any]:
    file, columns = table.pop("file"), table.pop("columns", None)
    if not isinstance(columns, dict) or not columns:
        raise DefinitionError(
            f"{path}: {key}.columns: is missing; say which column is what: "
            'columns = { energy = "E" }; in place of one list: column = "N"'
        )
    found = _columns(path, key, file, {f"columns.{entry}": c for entry, c in columns.items()})
    return table | {entry.removeprefix("columns."): values for entry, values in found.items()}


def _columns(path: Path, key: str, file: Any, named: Mapping[str, Any]) -> dict[str, list[float]]:
    """Columns of a CSV file beside a text, by the entry that names each."""

    def fail(entry: str, text: str) -> NoReturn:
        raise DefinitionError(f"{path}: {key}.{entry}: {text}")

    if not isinstance(file, str):
        fail("file", "write the name of a CSV file in quotes")
    try:
        rows = list(csv.DictReader(regular.read_text(path.parent / file).splitlines()))
    except (OSError, UnicodeDecodeError) as error:
        fail("file", f"{file} cannot be read ({error}); check the path beside {path.name}")
    known = list(rows[0]) if rows else []
    found = {}
    for entry, column in named.items():
        if column not in known:
            fail(entry, f"{file}: {unknown('column', str(column), known)}")
        try:
            found[entry] = [float(row[column]) for row in rows]
        except (TypeError, ValueError) as error:
            fail(entry, f"{file}, column {column}: {error}; write numbers only")
    return found

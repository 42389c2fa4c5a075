"""CSV and JSON: numbers as the shortest text that reads back to the same bits.

A CSV file begins with a head of comments, ``# ``, that is TOML: units, CL, degrees of freedom,
reference, scan and digest. Tools that skip ``#`` see one line of names and plain rows
(``pandas.read_csv(path, comment="#")``).
"""

from __future__ import annotations

import csv
import io
import json
import math
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import tomli_w

from scanner.limits.export.limit import Limit, limits_of
from scanner.limits.export.table import Cell, Content, Sheet

COMMENT = "#"


def to_json(content: Content) -> str:
    """The record of the verb that asks the same, with its origin; no NaN, which is no JSON."""
    return dumps(content.record())


def dumps(record: Mapping[str, Any]) -> str:
    """A record of plain values as JSON text."""
    return json.dumps(record, indent=1, allow_nan=False) + "\n"


def to_csv(sheet: Sheet) -> str:
    """Head of comments, names, rows; an empty cell where there is no value."""
    units = {column.name: column.unit for column in sheet.columns if column.unit}
    head = {**sheet.head, "column_units": units}
    lines = tomli_w.dumps(_without_none(head), multiline_strings=False).splitlines()
    out = io.StringIO()
    out.writelines(f"{COMMENT} {line}".rstrip() + "\n" for line in lines)
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([column.name for column in sheet.columns])
    values = [column.values for column in sheet.columns]
    writer.writerows([_text(cell) for cell in row] for row in zip(*values, strict=True))
    return out.getvalue()


def _text(cell: Cell) -> str:
    return "" if cell is None else cell if isinstance(cell, str) else repr(cell)


def _without_none(value: Any) -> Any:
    """TOML has no null: an entry without value is left out, in a list it is NaN."""
    if isinstance(value, Mapping):
        return {k: _without_none(v) for k, v in value.items() if v is not None}
    if isinstance(value, (list, tuple)):
        return [math.nan if v is None else _without_none(v) for v in value]
    return value


def contours_from_json(path: Path) -> tuple[Limit, ...]:
    """Contours of a file by `to_json`, or of the output of `scanner contour --json`."""
    return tuple(limits_of(json.loads(path.read_text())))


def contours_from_csv(path: Path) -> tuple[Limit, ...]:
    """Contours of a file by `to_csv`."""
    head, rows = _parts(path.read_text().splitlines())
    lines: dict[tuple[int, int], dict[str, Any]] = {}
    for row in rows:
        contour, line, encloses = int(row[0]), int(row[3]), row[4]
        entry = lines.setdefault(
            (contour, line),
            {"encloses": None if encloses == "open" else encloses, "vertices": []},
        )
        entry["vertices"].append([float(row[5]), float(row[6])])
    for plane in head["planes"]:
        for entry in plane["contours"]:
            number = entry["number"]
            entry["lines"] = [line for key, line in sorted(lines.items()) if key[0] == number]
    return tuple(limits_of(head))


def _parts(lines: Iterable[str]) -> tuple[dict[str, Any], Iterable[list[str]]]:
    """The head as tables, and the rows after the line of names."""
    lines = list(lines)
    head = [line[1:].removeprefix(" ") for line in lines if line.startswith(COMMENT)]
    rows = csv.reader(line for line in lines if line and not line.startswith(COMMENT))
    next(rows)
    return tomllib.loads("\n".join(head)), rows

"""A record of plain values, and its table: JSON takes the whole, CSV the table below a head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scanner.errors import DefinitionError
from scanner.limits.export import text
from scanner.limits.export.place import put_file
from scanner.limits.export.table import Column, Sheet

Table = tuple[Sequence[str], Sequence[Sequence[float | None]]]

SUFFIXES = (".csv", ".json")


def write_record(record: Mapping[str, Any], table: Table, path: Path) -> None:
    """Write a record as JSON, or its table of columns and rows as CSV, whole or not at all.

    Parameters
    ----------
    record : mapping
        Plain values; those that are one number, text or flag head the CSV file.
    table : columns, rows

    Raises
    ------
    DefinitionError
        Another suffix than .csv or .json.
    StoreError
        The file cannot be written.
    """
    check_record_path(path)
    written = text.dumps(record) if path.suffix == ".json" else text.to_csv(_sheet(record, table))
    put_file(path, lambda file: file.write_text(written))


def check_record_path(path: Path) -> None:
    """DefinitionError for a suffix that `write_record` does not know."""
    if path.suffix not in SUFFIXES:
        raise DefinitionError(f"output {path.name!r}: end the name in {' or '.join(SUFFIXES)}")


def _sheet(record: Mapping[str, Any], table: Table) -> Sheet:
    names, rows = table
    head = {name: v for name, v in record.items() if isinstance(v, str | int | float)}
    values = zip(*rows, strict=True) if rows else ((),) * len(names)
    columns = (Column(n, list(v), "") for n, v in zip(names, values, strict=True))
    return Sheet(head, tuple(columns))

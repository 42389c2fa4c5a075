"""Shipped tables of fluxes: read and checked against their checksums.

`data/<source>/` holds CSV tables and `provenance.toml` with the citation and the sha256 of every
table and of every file that they were made from.
"""

from __future__ import annotations

import csv
import hashlib
import tomllib
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

import numpy as np
import numpy.typing as npt

from scanner.errors import DataError

Array = npt.NDArray[np.float64]
Table = Mapping[str, Array]

DATA = Path(__file__).parent / "data"
MEND = "reinstall cevns-scanner, or rebuild with 'scanner data build'"


def folder(source: str) -> Path:
    """Folder of the shipped tables of one source of fluxes."""
    return DATA / source


def checksums(path: Path) -> Mapping[str, str]:
    """sha256 of each table in a folder; DataError if they cannot be read."""
    try:
        found: dict[str, str] = tomllib.loads((path / "provenance.toml").read_text())["tables"]
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{path.name}: provenance.toml cannot be read ({error}); {MEND}") from error
    return found


def read(source: str, table: str) -> Table:
    """Columns of one shipped table, each (n_rows,), checked against its sha256.

    Raises
    ------
    DataError
        If the table is missing, or differs from its checksum.
    """
    path = folder(source) / table
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(f"{source}: table {table} is missing ({error.strerror}); {MEND}") from error
    found, expected = hashlib.sha256(raw).hexdigest(), checksums(path.parent).get(table)
    if found != expected:
        raise DataError(
            f"{source}: table {table} is damaged (sha256 {found[:12]}..., "
            f"expected {str(expected)[:12]}...); {MEND}"
        )
    rows = list(csv.DictReader(StringIO(raw.decode())))
    return {key: np.array([float(row[key]) for row in rows]) for key in rows[0]}


def verify(source: str) -> tuple[str, ...]:
    """Check all tables of a source; returns their names, DataError at the first bad one."""
    tables = tuple(checksums(folder(source)))
    for table in tables:
        read(source, table)
    return tables

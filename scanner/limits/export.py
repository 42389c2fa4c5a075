"""Profiles as tables for others: JSON records, CSV and NetCDF files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from scanner.errors import DefinitionError, StoreError
from scanner.limits.surface import Surface, plain

Table = tuple[Sequence[str], Sequence[Sequence[float | None]]]

SUFFIXES = (".csv", ".json", ".nc")


def profile_record(surface: Surface) -> dict[str, Any]:
    """Columns and rows of a profiled surface: kept axes, chi2, place of the minimum."""
    mesh = np.meshgrid(*(axis.coordinates for axis in surface.axes), indexing="ij")
    columns = {axis.name: values for axis, values in zip(surface.axes, mesh, strict=True)}
    columns["chi2"] = surface.chi2
    columns |= {f"best_{name}": values for name, values in surface.profiled.items()}
    table = np.stack([np.broadcast_to(v, surface.chi2.shape).ravel() for v in columns.values()], 1)
    return {
        "experiments": list(surface.experiments),
        "fixed": dict(surface.fixed),
        "units": {axis.name: axis.unit for axis in surface.axes},
        "columns": list(columns),
        "rows": [[plain(float(value)) for value in row] for row in table],
    }


def write_profile(surface: Surface, path: Path) -> None:
    """Write a profiled surface, whole or not at all; the suffix says the format.

    Raises
    ------
    DefinitionError
        An unknown suffix.
    StoreError
        The file cannot be written.
    """
    if path.suffix not in SUFFIXES:
        raise DefinitionError(f"output {path.name!r}: end the name in {', '.join(SUFFIXES)}")
    if path.suffix == ".nc":
        _put(path, lambda partial: surface.to_dataset().to_netcdf(partial, engine="scipy"))
    else:
        _put(path, lambda partial: partial.write_text(_text(surface, path.suffix)))


def write_record(record: Mapping[str, Any], table: Table, path: Path) -> None:
    """Write a record as JSON, or its table of columns and rows as CSV, whole or not at all.

    Raises
    ------
    DefinitionError, StoreError
        As `write_profile`.
    """
    check_record_path(path)
    made = json.dumps(record, indent=1, allow_nan=False) if path.suffix == ".json" else _csv(*table)
    _put(path, lambda partial: partial.write_text(made))


def check_record_path(path: Path) -> None:
    """DefinitionError for a suffix that `write_record` does not know."""
    if path.suffix not in SUFFIXES[:2]:
        raise DefinitionError(f"output {path.name!r}: end the name in {', '.join(SUFFIXES[:2])}")


def _put(path: Path, write: Callable[[Path], object]) -> None:
    """Write beside the file, then put it in place."""
    temporary = path.with_name(f".{path.name}.partial")
    try:
        write(temporary)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise StoreError(
            f"{path} cannot be written ({error.strerror}): choose another --output"
        ) from error


def _text(surface: Surface, suffix: str) -> str:
    record = profile_record(surface)
    if suffix == ".json":
        return json.dumps(record, indent=1, allow_nan=False)
    return _csv(record["columns"], record["rows"])


def _csv(columns: Sequence[str], rows: Sequence[Sequence[float | None]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([["" if v is None else repr(v) for v in row] for row in rows])
    return out.getvalue()

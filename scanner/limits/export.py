"""Profiles as tables for others: JSON records, CSV and NetCDF files."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from scanner.errors import DefinitionError, StoreError
from scanner.limits.surface import Surface, plain

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
    temporary = path.with_name(f".{path.name}.partial")
    try:
        if path.suffix == ".nc":
            surface.to_dataset().to_netcdf(temporary, engine="scipy")
        else:
            temporary.write_text(_text(surface, path.suffix))
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
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(record["columns"])
    writer.writerows([["" if v is None else repr(v) for v in row] for row in record["rows"]])
    return out.getvalue()

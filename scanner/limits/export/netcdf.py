"""NetCDF 3, which everything reads: a cube or a profile, with provenance as attributes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from scanner.errors import DefinitionError
from scanner.limits.answers import Answers
from scanner.limits.export.origin import Origin
from scanner.store.layout import CUBE


def cube_dataset(scan: Answers) -> xr.Dataset:
    """The whole cube in memory with its attributes, ready for `write_dataset`.

    Raises
    ------
    DefinitionError
        The cube is too large for that.
    IncompleteScanError
        Chunks are missing and `scan.partial` is not set.
    """
    if scan.spaces.large:
        raise DefinitionError(
            f"scan {scan.id}: {scan.stored.grid.size:.3g} points are too many for one NetCDF file; "
            f"copy {scan.stored.beside(CUBE)}, which is a file format of its own "
            "(xarray.open_zarr), or export a profile"
        )
    return scan.dataset()


def write_dataset(dataset: xr.Dataset, origin: Origin, path: Path) -> None:
    """Write a dataset with the origin among its attributes; tables among them as JSON text."""
    plain = dataset.drop_encoding()
    plain.attrs = {k: _attribute(v) for k, v in {**dataset.attrs, **origin.to_dict()}.items()}
    for variable in plain.variables.values():
        variable.attrs = {k: _attribute(v) for k, v in variable.attrs.items()}
    plain.to_netcdf(path, engine="scipy")


def read_cube(path: Path | str) -> xr.Dataset:
    """chi2 and status of an exported cube, in memory, as the store has them.

    Raises
    ------
    OSError, ValueError
        There is no such file, or it is no NetCDF file.
    """
    with xr.open_dataset(path, engine="scipy") as opened:
        dataset = opened.load()
    for name in ("definition", "versions", "environment", "minimum", "chi2_sm"):
        if isinstance(dataset.attrs.get(name), str):
            dataset.attrs[name] = json.loads(dataset.attrs[name])
    if "status" in dataset:  # NetCDF 3 has no unsigned bytes
        dataset["status"] = dataset["status"].astype(np.uint8)
    return dataset


def _attribute(value: Any) -> Any:
    """Numbers, text and lists of numbers as they are; the rest as JSON."""
    if isinstance(value, (str, int, float)) and not isinstance(value, bool):
        return value
    if isinstance(value, (list, tuple)) and value and all(type(v) in (int, float) for v in value):
        return list(value)
    return json.dumps(value)

"""What a new scan looks like in the store: definition, empty cube, empty ledger.

``<root>/<scan id>/`` holds ``definition.json``, ``definition.toml``, ``cube.zarr``, ``ledger/``;
later ``summary.json``, written when the scan is complete, ``names/``, ``runs/`` (who works on it)
and ``toys/``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import zarr
from zarr.abc.store import Store
from zarr.codecs import BloscCodec, Crc32cCodec
from zarr.core.buffer import Buffer
from zarr.storage import MemoryStore

from scanner.definition import ScanDefinition
from scanner.grid import Grid
from scanner.store.folder import Folder
from scanner.store.provenance import root_attributes

Labels = Mapping[str, Mapping[str, str]]

DEFINITION = "definition.json"
FIGURE = "figure.png"
SUMMARY = "summary.json"
CUBE = "cube.zarr"
LEDGER = "ledger"
NAMES = "names"
RUNS = "runs"

STATUS_MEANINGS = (
    "not_run",
    "ok",
    "refined",
    "unphysical",
    "minimiser_failed",
    "numeric_error",
)
FIRST_WITHOUT_CHI2 = 3  # chi2 is NaN from "unphysical" on
BYTES_PER_POINT = 9  # float64 chi2 and one byte of status, per experiment, uncompressed
_BYTES_PER_CHUNK = 3 * 4096  # two objects and a marker, each rounded up to a disk block


def new_files(
    definition: ScanDefinition, grid: Grid, references: Iterable[str], labels: Labels
) -> dict[str, bytes]:
    """All files of a new scan by relative name: the empty cube, then the definition."""
    held: dict[str, Buffer] = {}
    attributes = root_attributes(definition, list(references))
    create_cube(MemoryStore(held), definition, grid, attributes, labels)
    cube = {f"{CUBE}/{name}": buffer.to_bytes() for name, buffer in held.items()}
    return {**cube, **definition_files(definition)}


def definition_files(definition: ScanDefinition) -> dict[str, bytes]:
    """The resolved definition for people and, last, for programs."""
    return {
        "definition.toml": definition.to_toml().encode(),
        DEFINITION: to_json(definition.to_dict()),
    }


def write_definition(folder: Folder, definition: ScanDefinition) -> None:
    """Put the resolved definition beside the cube."""
    for name, data in definition_files(definition).items():
        folder.write(name, data)


def needed_bytes(grid: Grid, n_experiments: int, chunks: int | None = None) -> int:
    """Upper limit of the disk space of some chunks (as if nothing could be compressed).

    Parameters
    ----------
    grid : Grid
        With its chunks.
    n_experiments : int
        Experiments of the scan.
    chunks : int, optional
        How many of them; by default all.
    """
    count = grid.n_chunks if chunks is None else chunks
    points = min(count * math.prod(grid.chunk_shape), grid.size)
    return points * BYTES_PER_POINT * n_experiments + count * _BYTES_PER_CHUNK


def to_json(value: Mapping[str, Any]) -> bytes:
    """JSON as written to the store; ValueError for a NaN, which is no JSON."""
    return json.dumps(value, indent=2, allow_nan=False).encode() + b"\n"


def create_cube(
    store: Store,
    definition: ScanDefinition,
    grid: Grid,
    attributes: Mapping[str, Any],
    labels: Labels,
) -> None:
    """Write an empty cube: metadata and coordinates, no chunk.

    Parameters
    ----------
    store : zarr store
        What becomes ``cube.zarr``.
    definition : ScanDefinition
        Names the experiments.
    grid : Grid
        Axes and chunk shape.
    attributes : mapping
        Root attributes.
    labels : mapping from axis to mapping
        Further attributes of the coordinates, such as ``long_name`` and ``latex``.
    """
    group = zarr.create_group(store, zarr_format=3, attributes=dict(attributes))
    names = ("experiment", *grid.names)
    shape = (len(definition.layers), *grid.shape)
    chunks = (len(definition.layers), *grid.chunk_shape)
    for variable, dtype, fill in (("chi2", "float64", float("nan")), ("status", "uint8", 0)):
        group.create_array(
            variable,
            shape=shape,
            chunks=chunks,
            dtype=dtype,
            fill_value=fill,
            compressors=compressors(dtype),
            dimension_names=names,
            attributes=_variable_attributes(variable, definition.largest_error),
        )
    _create_coordinates(group, definition, grid, labels)


def compressors(dtype: str) -> list[BloscCodec | Crc32cCodec]:
    """Codecs of chi2 and status (measured in tests/benchmarks/test_storage.py).

    Without the checksum a flipped bit is read as another number, silently.
    """
    itemsize = np.dtype(dtype).itemsize
    shuffled = BloscCodec(cname="lz4", clevel=5, shuffle="shuffle", typesize=itemsize)
    return [shuffled, Crc32cCodec()]


def _create_coordinates(
    group: zarr.Group, definition: ScanDefinition, grid: Grid, labels: Labels
) -> None:
    experiments = np.array(definition.layers, dtype=object)
    array = group.create_array(
        "experiment",
        shape=experiments.shape,
        chunks=experiments.shape,
        dtype=str,
        dimension_names=("experiment",),
        attributes={"long_name": "experiment"},
    )
    array[:] = experiments
    for axis in grid.axes:
        array = group.create_array(
            axis.name,
            shape=(len(axis),),
            chunks=(len(axis),),
            dtype="float64",
            fill_value=float("nan"),
            dimension_names=(axis.name,),
            attributes={
                "units": axis.unit or "1",
                "long_name": axis.name.replace("_", " "),
                "latex": "",
                "spacing": axis.spacing,
                **labels.get(axis.name, {}),
            },
        )
        array[:] = axis.coordinates


def _variable_attributes(variable: str, largest_error: float | None) -> dict[str, Any]:
    if variable == "chi2":
        bound = {} if largest_error is None else {"largest_error": largest_error}
        return {
            "units": "1",
            "long_name": "chi-square, profiled over the pulls",
            "latex": r"$\chi^2$",
            **bound,
        }
    return {
        "units": "1",
        "long_name": "state of the point",
        "flag_values": list(range(len(STATUS_MEANINGS))),
        "flag_meanings": " ".join(STATUS_MEANINGS),
    }

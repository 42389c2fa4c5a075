from __future__ import annotations

import json

import numpy as np
import pytest
import zarr

from scanner.grid import Axis, Grid
from scanner.store.layout import needed_bytes, to_json
from scanner.store.stored import StoredScan


def test_codecs_are_blosc_lz4_and_a_checksum(stored: StoredScan) -> None:
    array = zarr.open_group(stored.cube.folder.zarr_store(read_only=True), mode="r")["chi2"]
    blosc, checksum = array.metadata.to_dict()["codecs"][1:]
    assert blosc["configuration"]["cname"] == "lz4"
    assert blosc["configuration"]["shuffle"] == "shuffle"
    assert checksum["name"] == "crc32c"
    assert array.chunks == (2, 4, 3)
    assert np.isnan(array.fill_value)


def test_labels_go_to_the_coordinates(archive, other, grid) -> None:
    labels = {"mass": {"long_name": "mediator mass", "latex": r"m_{Z'}"}}
    dataset = archive.create(other, grid, labels=labels).dataset()
    assert dataset["mass"].attrs["latex"] == r"m_{Z'}"
    assert dataset["coupling"].attrs["long_name"] == "coupling"


def test_needed_bytes_are_an_upper_limit(filled: StoredScan) -> None:
    used = sum(filled.folder.sizes().values()) - sum(filled.cube.folder.sizes().values())
    used += sum(sum(sizes) for sizes in filled.cube.sizes().values())
    assert used < needed_bytes(filled.grid, 2) < 10**6


def test_needed_bytes_of_some_chunks_are_an_upper_limit_for_any_of_them(grid) -> None:
    whole = needed_bytes(grid, 2)
    per_chunk = (whole - grid.size * 2 * 9) // grid.n_chunks
    for count in range(grid.n_chunks + 1):
        largest = sorted((chunk.size for chunk in grid), reverse=True)[:count]
        assert needed_bytes(grid, 2, count) >= sum(largest) * 2 * 9 + count * per_chunk
        assert needed_bytes(grid, 2, count) <= whole


def test_needed_bytes_of_many_chunks_need_no_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Grid, "chunk")  # a loop over the chunks would ask for them
    axes = tuple(Axis(name, "linear", 0.0, 1.0, 10_000) for name in "ab")
    assert needed_bytes(Grid(axes, (1, 1)), 2) == 10**8 * (2 * 9 + 3 * 4096)


def test_json_has_no_nan() -> None:
    assert json.loads(to_json({"a": [1.5, None]})) == {"a": [1.5, None]}
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json({"a": float("nan")})

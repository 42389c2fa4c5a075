from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import xarray as xr
import zarr

from scanner.errors import MismatchError
from scanner.grid import Axis
from scanner.store.cube import Cube
from scanner.store.folder import Folder
from scanner.store.stored import StoredScan

ON_DISK = pytest.mark.parametrize("root", ["disk"], indirect=True)


def test_opens_in_xarray_with_named_dimensions_and_coordinates(filled: StoredScan) -> None:
    dataset = xr.open_zarr(
        filled.cube.folder.zarr_store(read_only=True), consolidated=False, chunks=None
    )
    assert dataset["chi2"].dims == ("experiment", "mass", "coupling")
    assert dataset["chi2"].dtype == np.float64
    assert dataset["status"].dtype == np.uint8
    assert list(dataset["experiment"].values) == ["first", "second"]
    for axis in filled.grid.axes:
        np.testing.assert_array_equal(dataset[axis.name], axis.coordinates)
    assert dataset["mass"].attrs["units"] == "MeV"
    assert dataset["coupling"].attrs["units"] == "1"
    assert {"long_name", "latex"} <= dataset["mass"].attrs.keys()
    assert dataset.attrs["digest"] == filled.digest
    assert float(dataset["chi2"].sel(experiment="second", coupling=-1.0)[0]) == 12.0


def test_a_chunk_of_nan_is_stored(stored: StoredScan) -> None:
    chunk = stored.grid.chunk(0)
    shape = (2, *chunk.shape)
    stored.commit(chunk, np.full(shape, np.nan), np.full(shape, 3, np.uint8))
    assert stored.cube.sizes().keys() == {0}
    assert stored.done() == {0}


def test_values_survive(filled: StoredScan, block) -> None:
    for chunk in filled.grid:
        for found, expected in zip(filled.cube.read(chunk), block(chunk), strict=True):
            np.testing.assert_array_equal(found, expected)


def test_writing_twice_leaves_the_same_bytes(filled: StoredScan, block) -> None:
    names = list(filled.cube.folder.sizes())
    before = dict(filled.cube.folder.read_many(names))
    assert len(before) > 2 * filled.grid.n_chunks
    for chunk in filled.grid:
        filled.commit(chunk, *block(chunk))
    assert dict(filled.cube.folder.read_many(names)) == before


@pytest.mark.parametrize("variable", ["chi2", "status"])
def test_flipped_byte_is_an_error_that_names_the_chunk(filled: StoredScan, variable: str) -> None:
    _flip(filled.cube.folder, f"{variable}/c/0/1/0")
    with pytest.raises(MismatchError, match=rf"chunk 2 .*resume {filled.id} .*--verify"):
        filled.cube.read(filled.grid.chunk(2))
    with pytest.raises(MismatchError, match="chunk 2"):
        filled.dataset(load=True)
    filled.cube.read(filled.grid.chunk(1))


def test_other_coordinates_are_refused_before_writing(stored: StoredScan, block) -> None:
    _group(stored)["mass"][2] = 7.0
    chunk = stored.grid.chunk(0)
    with pytest.raises(MismatchError, match="coordinate 'mass'"):
        stored.commit(chunk, *block(chunk))
    assert stored.cube.sizes() == {}
    assert not stored.ledger.markers()


@ON_DISK
def test_coordinates_may_differ_by_the_last_bit(stored: StoredScan) -> None:
    array = _group(stored)["mass"]
    array[:] = np.nextafter(array[:], np.inf)
    stored.cube.check()


@ON_DISK
def test_other_digest_is_refused(stored: StoredScan, other) -> None:
    with pytest.raises(MismatchError, match="belongs to another scan"):
        Cube(stored.cube.folder, other).check()


@ON_DISK
def test_other_axis_length_or_experiments_are_refused(stored: StoredScan) -> None:
    _group(stored)["experiment"][1] = "third"
    with pytest.raises(MismatchError, match="experiments first, third"):
        stored.cube.check()
    axes = (Axis("mass", "log", 0.1, 100.0, 7, "MeV"), stored.grid.axes[1])
    longer = dataclasses.replace(stored.definition, axes=axes)
    group = _group(stored)
    group["experiment"][1] = "second"
    group.attrs["digest"] = longer.digest
    with pytest.raises(MismatchError, match=r"in 6, the definition says .* in 7"):
        Cube(stored.cube.folder, longer).check()


def test_damaged_metadata_is_a_mismatch(stored: StoredScan) -> None:
    stored.cube.folder.write("zarr.json", b"{")
    with pytest.raises(MismatchError, match="metadata cannot be read"):
        Cube(stored.cube.folder, stored.definition)


def test_absent_cube_is_a_mismatch(stored: StoredScan) -> None:
    folder = stored.cube.folder
    folder.remove(["zarr.json"])
    with pytest.raises(MismatchError, match=f"remove the folder {stored.location} and run again"):
        Cube(folder, stored.definition)


def test_partial_files_are_not_chunks(filled: StoredScan) -> None:
    filled.cube.folder.write("chi2/c/0/0/1.ab.partial", b"x")
    assert filled.cube.sizes().keys() == {0, 1, 2, 3}


def _group(stored: StoredScan) -> zarr.Group:
    return zarr.open_group(stored.cube.folder.zarr_store(read_only=False), mode="r+")


def _flip(folder: Folder, name: str) -> None:
    data = bytearray(folder.read(name) or b"")
    data[len(data) // 2] ^= 1
    folder.write(name, bytes(data))


@ON_DISK
def test_a_region_is_that_part_of_the_whole(filled) -> None:
    chi2, status = (filled.dataset(load=True)[name].to_numpy() for name in ("chi2", "status"))
    region = (slice(3, 5), slice(1, 4))
    found = filled.cube.read_region(region)
    np.testing.assert_array_equal(found[0], chi2[:, 3:5, 1:4])
    np.testing.assert_array_equal(found[1], status[:, 3:5, 1:4])
    chunk = filled.grid.chunk(1)
    np.testing.assert_array_equal(filled.cube.read_status(chunk), filled.cube.read(chunk)[1])

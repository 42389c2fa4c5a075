from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from scanner.errors import MismatchError
from scanner.grid import Axis, Grid
from scanner.store.archive import Archive
from scanner.store.compare import compare_cubes
from scanner.store.stored import StoredScan

ON_DISK = pytest.mark.parametrize("root", ["disk"], indirect=True)


def fill(stored: StoredScan, chi2: np.ndarray) -> StoredScan:
    status = np.where(np.isnan(chi2), 3, 1).astype(np.uint8)
    for chunk in stored.grid:
        region = (slice(None), *chunk.slices)
        stored.commit(
            chunk, np.ascontiguousarray(chi2[region]), np.ascontiguousarray(status[region])
        )
    return stored


@pytest.fixture
def chi2(grid: Grid) -> np.ndarray:
    return np.random.default_rng(5).normal(50.0, 9.0, (2, *grid.shape))


@ON_DISK
def test_the_same_values_in_other_chunks_are_the_same(
    archive: Archive, definition, other, grid: Grid, chi2: np.ndarray
) -> None:
    chi2[1, 3, 2] = np.nan
    one = fill(archive.create(definition, grid), chi2)
    two = fill(archive.create(other, Grid(grid.axes, (6, 2))), chi2)
    found = compare_cubes(one, two)
    assert found is not None
    assert found.same
    assert (found.points, found.different, found.one_sided) == (chi2.size - 1, 0, 0)
    assert (found.largest, found.at, found.chi2) == (0.0, {}, None)


def test_the_largest_difference_and_where(
    archive: Archive, definition, other, grid: Grid, chi2: np.ndarray
) -> None:
    changed = chi2.copy()
    changed[0, 1, 1] += 1e-9
    changed[1, 4, 3] -= 2.5
    changed[0, 5, 4] += 1.5
    changed[0, 0, 0] = np.nan
    one = fill(archive.create(definition, grid), chi2)
    two = fill(archive.create(other, Grid(grid.axes, (2, 5))), changed)
    for left, right in ((one, two), (two, one)):
        found = compare_cubes(left, right)
        assert found is not None
        assert not found.same
        assert (found.different, found.one_sided) == (3, 1)
        assert found.largest == abs(chi2[1, 4, 3] - changed[1, 4, 3])
        mass, coupling = (axis.coordinates for axis in grid.axes)
        assert found.at == {"mass": mass[4], "coupling": coupling[3]}
        assert found.experiment == "second"
        assert found.chi2 is not None
        assert sorted(found.chi2) == sorted([chi2[1, 4, 3], changed[1, 4, 3]])


@ON_DISK
def test_only_shared_experiments_over_the_same_axes_are_compared(
    archive: Archive, definition, grid: Grid, chi2: np.ndarray
) -> None:
    one = fill(archive.create(definition, grid), chi2)
    alone = dataclasses.replace(definition, experiments=("second",), experiment_options={})
    found = compare_cubes(one, fill(archive.create(alone, grid), chi2[1:]))
    assert found is not None
    assert (found.experiments, found.points, found.same) == (("second",), chi2[1].size, True)
    axes = (grid.axes[0], Axis("coupling", "linear", -1.0, 1.5, 5))
    moved = dataclasses.replace(definition, axes=axes)
    assert compare_cubes(one, archive.create(moved, Grid(axes, (6, 5)))) is None


@ON_DISK
def test_chunks_that_are_not_computed_are_one_sided(
    archive: Archive, definition, other, grid: Grid, chi2: np.ndarray
) -> None:
    one = fill(archive.create(definition, grid), chi2)
    found = compare_cubes(one, archive.create(other, grid))
    assert found is not None
    assert (found.points, found.one_sided, found.same) == (0, chi2.size, False)


def test_a_damaged_chunk_is_told(
    archive: Archive, definition, other, grid: Grid, chi2: np.ndarray
) -> None:
    one = fill(archive.create(definition, grid), chi2)
    two = fill(archive.create(other, grid), chi2)
    name = "cube.zarr/chi2/c/0/0/0"
    two.folder.write(name, (two.folder.read(name) or b"")[:-3])
    with pytest.raises(MismatchError, match="chunk 0 cannot be read"):
        compare_cubes(one, two)

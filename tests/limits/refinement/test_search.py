"""The search on formulas: references, islands, missing points, raster."""

import numpy as np
import pytest
from refined_toys import dense, linear, points, searched

from scanner.limits.reference import Minimum
from scanner.limits.refinement.bound import crossed_cells
from scanner.limits.refinement.mesh import Mesh
from scanner.limits.refinement.near import nodes_of

AXES = (linear(17), linear(17, "y"))


def bowl(x, y):
    return 200.0 * ((x - 0.43) ** 2 + (y - 0.61) ** 2)


def test_every_crossed_cell_has_evaluated_corners_and_a_ring_of_guards():
    mesh = Mesh(AXES, (4, 3))
    search = searched(mesh, bowl)
    crossed = crossed_cells(search.chi2[0], 4.6)
    assert np.array_equal(crossed, crossed_cells(dense(mesh, bowl), 4.6))
    around = np.zeros_like(crossed)
    around[1:-1, 1:-1] = True
    assert (search.status[0][nodes_of(crossed & around)] == 1).all()
    assert points(search) == (search.status[0] == 1).sum()


def test_an_island_smaller_than_a_coarse_cell_is_found_around_the_minimum():
    zero = Minimum(0.0, {"x": 0.4312, "y": 0.6088})

    def pit(x, y):
        """A plateau but for a narrow pit: no coarse node tells of it."""
        distance = (x - zero.at["x"]) ** 2 + (y - zero.at["y"]) ** 2
        return 30.0 * (1.0 - np.exp(-distance / 2e-5))

    mesh = Mesh(AXES, (6, 6))
    truth = crossed_cells(dense(mesh, pit), 4.6)
    assert truth.sum() > 4
    found = crossed_cells(searched(mesh, pit, zero=zero).chi2[0], 4.6)
    assert np.array_equal(found, truth)


def test_a_lower_point_becomes_the_reference():
    mesh = Mesh(AXES, (4, 4))
    search = searched(mesh, bowl, zero=Minimum(1.5, {"x": 0.1, "y": 0.1}))
    zero = search.wanted["0"].zero
    assert zero.chi2 == pytest.approx(0.0, abs=0.01)
    assert zero.at == pytest.approx({"x": 0.43, "y": 0.61}, abs=0.01)
    assert search.lowered["0"] == pytest.approx(1.5 - zero.chi2)
    truth = crossed_cells(dense(mesh, bowl) - zero.chi2, 4.6)
    assert np.array_equal(crossed_cells(search.chi2[0] - zero.chi2, 4.6), truth)


def test_missing_points_cut_the_line_and_nothing_else():
    def cut(x, y):
        return np.where(x > 0.4, bowl(x, y), np.nan)

    mesh = Mesh(AXES, (4, 4))
    search = searched(mesh, cut)
    truth = crossed_cells(dense(mesh, cut), 4.6)
    assert truth.any()
    assert np.array_equal(crossed_cells(search.chi2[0], 4.6), truth)


def test_raster_counts_from_the_lowest_value_of_each_line():
    def valley(x, y):
        return 40.0 * x + 900.0 * (y - 0.3 - 0.2 * x) ** 2

    mesh = Mesh(AXES, (4, 4))
    search = searched(mesh, valley, zero=None)

    def raster(plane):
        return plane - plane.min(axis=1, keepdims=True)

    truth = crossed_cells(raster(dense(mesh, valley)), 4.6)
    assert np.array_equal(crossed_cells(raster(search.chi2[0]), 4.6), truth)
    assert points(search) < 0.25 * truth.size


def test_two_sets_of_experiments_are_refined_at_once():
    mesh = Mesh(AXES, (4, 4))
    other = lambda x, y: bowl(y, x)  # noqa: E731
    search = searched(mesh, bowl, other)
    for row, formula in enumerate((bowl, other)):
        truth = crossed_cells(dense(mesh, formula), 4.6)
        assert np.array_equal(crossed_cells(search.chi2[row], 4.6), truth)

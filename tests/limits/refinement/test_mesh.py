"""A mesh keeps the coarse nodes, and what it fills in lies between its neighbours."""

import numpy as np
import pytest

from scanner.grid import Axis
from scanner.limits.refinement.mesh import Mesh, halved_axis

MASS = Axis("mass", "log", 0.1, 1e4, 7, "MeV")
EPS = Axis("eps", "linear", -0.5, 0.7, 5)
LISTED = Axis("length", "list", 1.0, 100.0, 4, "m", (1.0, 3.0, 20.0, 100.0))


@pytest.mark.parametrize("axis", [MASS, EPS, LISTED])
@pytest.mark.parametrize("times", [0, 1, 3])
def test_halved_axes_keep_their_nodes(axis, times):
    fine = halved_axis(axis, times)
    assert len(fine) == (len(axis) - 1) * 2**times + 1
    assert fine.coordinates[:: 2**times] == pytest.approx(axis.coordinates, rel=1e-14)
    assert fine.logarithmic == axis.logarithmic
    widths = np.diff(fine.to_scale(fine.coordinates)).reshape(len(axis) - 1, -1)
    assert np.ptp(widths, axis=1).max() < 1e-12


def test_levels_halve_each_axis_until_it_is_fine_enough():
    mesh = Mesh((MASS, EPS), (3, 1))
    assert mesh.shape == (49, 9)
    assert [mesh.strides(level) for level in range(4)] == [(8, 2), (4, 1), (2, 1), (1, 1)]
    assert mesh.cells(0) == pytest.approx((5 / 6, 0.3))
    assert mesh.cells(3) == pytest.approx((5 / 48, 0.15))


def test_children_of_a_cell():
    mesh = Mesh((MASS, EPS), (2, 1))
    cells = np.zeros((6, 4), bool)
    cells[1, 2] = True
    finer = mesh.children(cells, 1)
    assert finer.shape == (12, 8)
    assert finer[2:4, 4:6].all()
    assert finer.sum() == 4
    assert mesh.children(finer, 2).shape == (24, 8)


def test_what_is_filled_in_lies_between_its_neighbours_and_says_so():
    mesh = Mesh((MASS, EPS), (2, 2))
    rng = np.random.default_rng(1)
    chi2, status = np.full((2, *mesh.shape), np.nan), np.zeros((2, *mesh.shape), np.uint8)
    mesh.view(chi2, 0)[...] = coarse = rng.random((2, 7, 5))
    mesh.view(status, 0)[...] = 1
    chi2[:, 3, 3], status[:, 3, 3] = 7.0, 1
    for level in (1, 2):
        mesh.fill(chi2, status, level)
    assert np.array_equal(mesh.view(chi2, 0), coarse)
    assert (chi2[:, 3, 3] == 7.0).all()
    assert (status == 1).sum() == 2 * (35 + 1)
    assert ((status == 1) | (status == 2)).all()
    cell = chi2[:, 8:13, 8:13]
    assert cell.max() <= coarse[:, 2:4, 2:4].max()
    assert cell.min() >= coarse[:, 2:4, 2:4].min()


def test_beside_a_missing_point_nothing_is_filled_in():
    mesh = Mesh((MASS, EPS), (1, 1))
    chi2, status = np.full((1, *mesh.shape), np.nan), np.zeros((1, *mesh.shape), np.uint8)
    mesh.view(chi2, 0)[...], mesh.view(status, 0)[...] = 1.0, 1
    chi2[0, 4, 4], status[0, 4, 4] = np.nan, 3
    mesh.fill(chi2, status, 1)
    assert np.isnan(chi2[0, 3:6, 3:6]).all()
    assert (status[0, 3:6, 3:6] == 3).all()
    assert np.isnan(chi2).sum() == 9

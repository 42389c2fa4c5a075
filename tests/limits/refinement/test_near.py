"""The rule "near the level": what is crossed is found, strips between the points as well."""

import numpy as np
import pytest
from refined_toys import dense, linear, points, searched

from scanner.limits.refinement.bound import crossed_cells
from scanner.limits.refinement.mesh import Mesh
from scanner.limits.refinement.near import grown, near_cells, nodes_of

LEVEL = 4.6


def mediator(depth, shift=0.0):
    """Delta chi2 of counts that go as (1 - x)^2: x = 2 is the Standard Model once more."""

    def delta(mass, coupling):
        x = 10.0 ** (2.0 * (coupling + shift)) / (1.0 + 10.0 ** (2.0 * mass))
        return depth**2 * ((1.0 - x) ** 2 - 1.0) ** 2

    return delta


def test_cells_that_the_level_crosses_are_near():
    plane = np.add.outer(np.arange(6.0) ** 2, np.zeros(4))
    near = near_cells(plane, [2.5**2])
    assert near[2].all()
    assert not near[[0, 1, 3, 4]].any()


def test_a_strip_between_two_nodes_is_near_though_no_node_is_below():
    root = 8.0 * np.abs(np.arange(9.0) - 4.5)  # the nodes beside have Delta chi2 = 16
    plane = np.tile(root**2, (4, 1))
    assert (plane > LEVEL).all()
    near = near_cells(plane, [LEVEL])
    assert near[:, 4].all()
    assert not near[:, [0, 1, 7]].any()


def test_missing_corners_leave_the_others_to_judge():
    plane = np.tile(np.arange(6.0), (4, 1))
    plane[:2] = np.nan
    near = near_cells(plane, [2.5])
    assert not near[0].any()
    assert near[1:, 2].all()


def test_bands_are_seamless(monkeypatch):
    plane = dense(Mesh((linear(40), linear(30, "y")), (0, 0)), lambda x, y: 40 * (x - y * y) ** 2)
    whole = near_cells(plane, [1.0, 4.6])
    monkeypatch.setattr("scanner.limits.refinement.near._BAND", 100)
    assert np.array_equal(near_cells(plane, [1.0, 4.6]), whole)


def test_rings_and_corners():
    cells = np.zeros((5, 5), bool)
    cells[2, 2] = True
    assert grown(cells).sum() == 9
    assert nodes_of(cells).sum() == 4
    assert nodes_of(cells)[2:4, 2:4].all()


@pytest.mark.parametrize("shift", np.linspace(0.0, 0.13, 6))
@pytest.mark.parametrize("depth", [15.0, 40.0, 150.0])
def test_degenerate_strips_are_found_from_a_coarse_grid(shift, depth):
    """The strip is 0.01 to 0.06 wide, the coarse cell 0.13: no node need lie in it."""
    formula = mediator(depth, shift)
    axes = (linear(32, "mass", -2.0, 2.0), linear(32, "coupling", -2.0, 2.0))
    mesh = Mesh(axes, (4, 4))
    truth = crossed_cells(dense(mesh, formula), LEVEL)
    search = searched(mesh, formula, level=LEVEL)
    assert not (truth & ~crossed_cells(search.chi2[0], LEVEL)).any()
    assert not (crossed_cells(search.chi2[0], LEVEL) & ~truth).any()
    assert points(search) < 0.15 * truth.size


def test_the_sign_alone_misses_strips():
    """What the rule is for: cells with corners on both sides of the level are not enough."""
    formula = mediator(150.0, 0.05)
    axes = (linear(32, "mass", -2.0, 2.0), linear(32, "coupling", -2.0, 2.0))
    coarse = dense(Mesh(axes, (0, 0)), formula)
    by_sign, by_range = crossed_cells(coarse, LEVEL), near_cells(coarse, [LEVEL])
    mesh = Mesh(axes, (5, 5))
    truth = crossed_cells(dense(mesh, formula), LEVEL).reshape(31, 32, 31, 32).any(axis=(1, 3))
    assert (truth & ~by_sign).sum() > 10
    assert not (truth & ~by_range).any()


@pytest.mark.parametrize("angle", np.linspace(0.05, np.pi - 0.1, 7))
def test_thin_strips_of_any_direction_are_found(angle):
    def strip(x, y):
        return (300.0 * ((x - 0.47) * np.sin(angle) - (y - 0.53) * np.cos(angle))) ** 2

    mesh = Mesh((linear(32), linear(32, "y")), (4, 4))
    truth = crossed_cells(dense(mesh, strip), LEVEL)
    search = searched(mesh, strip, level=LEVEL)
    assert np.array_equal(crossed_cells(search.chi2[0], LEVEL), truth)

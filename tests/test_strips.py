"""Strips and beads that the grid cannot carry are counted; good planes count nothing."""

import numpy as np
import pytest

from scanner.strips import beads, narrow_points

N = 60
X, Y = np.meshgrid(np.arange(N, dtype=float), np.arange(N, dtype=float), indexing="ij")


def strip(slope: float, half_width: float) -> np.ndarray:
    """Delta chi2 = 4 at `half_width` cells (vertically) from a line."""
    return 4.0 * ((Y - 10.3 - slope * X) / half_width) ** 2


@pytest.mark.parametrize("radius", [3.0, 5.0, 7.3, 13.0, 20.0])
@pytest.mark.parametrize("centre", [29.5, 30.0, 30.2])
def test_a_round_region_is_resolved(radius: float, centre: float) -> None:
    distance = (X - centre) ** 2 + (Y - 0.4 - centre) ** 2
    assert narrow_points(4.0 * distance / radius**2, 4.0) == 0
    assert narrow_points(8.0 - 4.0 * distance / radius**2, 4.0) == 0  # excluded inside


@pytest.mark.parametrize("slope", [0.0, 0.3, 0.7])
def test_a_strip_of_many_cells_is_resolved(slope: float) -> None:
    assert narrow_points(strip(slope, 3.0), 4.0) == 0


@pytest.mark.parametrize("slope", [0.0, 0.3, 0.7])
@pytest.mark.parametrize("half_width", [0.2, 0.5, 0.7])
def test_a_thin_strip_is_counted_even_where_no_point_is_allowed(
    slope: float, half_width: float
) -> None:
    assert narrow_points(strip(slope, half_width), 4.0) > 10


def test_one_allowed_point_is_a_bead() -> None:
    plane = np.full((N, N), 50.0)
    plane[20, 30] = 1.0
    assert narrow_points(plane, 4.0) >= 1


def test_a_missing_or_flat_plane_counts_nothing() -> None:
    assert narrow_points(np.full((N, N), np.nan), 4.0) == 0
    assert narrow_points(np.full((N, N), 9.0), 4.0) == 0
    assert narrow_points(np.zeros((N, N)), 4.0) == 0


@pytest.mark.parametrize("layer", [0.3, 1.0, 1.8])
@pytest.mark.parametrize("side", [1.0, -1.0])
def test_a_layer_along_the_edge_is_the_border_of_something_wider(layer: float, side: float) -> None:
    """A region that nearly fills the plane: its one line is well placed, nothing is narrow."""
    bump = 4.0 + side * (Y - (N - 1 - layer))
    assert narrow_points(bump, 4.0) == 0
    assert narrow_points(bump.T, 4.0) == 0
    slanted = 4.0 + side * (Y - (N - 1 - layer) + 0.02 * (X - N / 2))
    assert narrow_points(slanted, 4.0) == 0


def test_a_strip_that_leaves_the_plane_stays_narrow() -> None:
    assert narrow_points(4.0 * ((Y - 2.4 - 0.9 * X) / 0.6) ** 2, 4.0) > 30
    assert narrow_points(4.0 * ((X - 30.2) / 0.6) ** 2, 4.0) > 30


def test_a_layer_along_missing_points_is_not_narrow_and_a_strip_between_them_is() -> None:
    plane = np.where(X < 31.5, 9.0, 1.0)
    plane[X > 32.5] = np.nan
    assert narrow_points(plane, 4.0) == 0
    strip_ = strip(0.3, 0.6)
    strip_[30, 20] = np.nan
    assert narrow_points(strip_, 4.0) > 10


def test_islands_of_a_cell_are_counted_on_the_scale_of_their_axes():
    x, y = np.linspace(0.0, 6.0, 13), np.linspace(-2.0, 2.0, 41)
    angle = np.linspace(0.0, 2.0 * np.pi, 30)
    round_one = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    cell = np.array([x[1] - x[0], y[1] - y[0]])
    small = [
        np.array([1.2, 0.3]) + 0.7 * cell * round_one,
        np.array([4.0, -1.0]) + cell * round_one,
    ]
    wide = np.array([3.0, 0.0]) + np.array([4.0, 0.5]) * cell * round_one
    tall = np.array([3.0, 0.0]) + np.array([0.5, 4.0]) * cell * round_one
    assert beads([], (x, y)) == 0
    assert beads([small[0], wide, tall], (x, y)) == 1
    assert beads([0.99 * (small[1] - small[1].mean(0)) + small[1].mean(0)], (x, y)) == 1

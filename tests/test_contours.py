"""Golden shapes: where the lines run, what they enclose, and what they may not invent."""

import itertools

import numpy as np
import pytest
from scipy import ndimage

from scanner.contours import Contour, contours, excluded_polygons
from scanner.grid import Axis
from scanner.statistics.levels import delta_chi2

LEVEL = delta_chi2(0.9, 2)
AXES = (Axis("a", "linear", -3.0, 3.0, 60), Axis("b", "linear", -3.0, 3.0, 61))
A, B = np.meshgrid(AXES[0].coordinates, AXES[1].coordinates, indexing="ij")
R = np.hypot(A, B)
CELL = 6.0 / 59.0


def contour(plane: np.ndarray, axes: tuple[Axis, Axis] = AXES) -> Contour:
    (found,) = contours(plane, axes, [0.9], dof=2)
    return found


def area(ring: np.ndarray) -> float:
    """Signed: positive where it runs anticlockwise."""
    x, y = ring.T
    return 0.5 * float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))


def test_a_parabola_gives_its_circle_to_rounding() -> None:
    found = contour(R**2)
    (line,) = found.lines
    assert line.closed
    assert line.encloses == "allowed"
    np.testing.assert_allclose(np.hypot(*line.vertices.T), np.sqrt(LEVEL), atol=1e-12)
    np.testing.assert_array_equal(line.vertices[0], line.vertices[-1])
    assert (found.axes, found.level, found.coverage) == (("a", "b"), LEVEL, 1.0)
    assert not found.under_resolved


@pytest.mark.parametrize(("power", "cells"), [(4, 1e-5), (8, 1e-3)])
def test_steep_planes_are_placed_well_inside_a_cell(power: int, cells: float) -> None:
    (line,) = contour(R**power).lines
    worst = np.abs(np.hypot(*line.vertices.T) - LEVEL ** (1.0 / power)).max()
    assert worst < cells * CELL


def test_the_vertices_are_columns_of_the_first_and_second_axis() -> None:
    (line,) = contour((A / 0.5) ** 2 + (B / 1.2) ** 2).lines
    assert np.abs(line.vertices).max(axis=0) == pytest.approx(
        [0.5 * np.sqrt(LEVEL), 1.2 * np.sqrt(LEVEL)], rel=1e-2
    )


def test_log_axes_are_contoured_in_log() -> None:
    axes = (Axis("mass", "log", 1.0, 1e4, 41), Axis("coupling", "log", 1e-6, 1e-2, 51))
    m, g = np.meshgrid(*(np.log10(axis.coordinates) for axis in axes), indexing="ij")
    (line,) = contour((m - 2.0) ** 2 * 3.0 + (g + 4.0) ** 2 * 4.0, axes).lines
    u, v = np.log10(line.vertices).T
    np.testing.assert_allclose(3.0 * (u - 2.0) ** 2 + 4.0 * (v + 4.0) ** 2, LEVEL, atol=1e-10)


def test_a_circle_clipped_by_the_edge_is_open_and_ends_on_it() -> None:
    (line,) = contour((A - 3.0) ** 2 + B**2).lines
    assert not line.closed
    assert line.encloses is None
    np.testing.assert_allclose(line.vertices[[0, -1], 0], 3.0)
    np.testing.assert_allclose(np.abs(line.vertices[[0, -1], 1]), np.sqrt(LEVEL), atol=1e-12)


def test_a_ring_has_an_outer_line_and_a_hole() -> None:
    lines = sorted(contour(25.0 * (R - 1.8) ** 2).lines, key=lambda line: line.is_hole)
    assert [line.encloses for line in lines] == ["allowed", "excluded"]
    width = np.sqrt(LEVEL) / 5.0
    for line, radius in zip(lines, (1.8 + width, 1.8 - width), strict=True):
        np.testing.assert_allclose(np.hypot(*line.vertices.T), radius, atol=2e-3)


def test_two_solutions_are_two_islands() -> None:
    lines = contour(8.0 * (R**2 - 2.0 * A**2 + 1.0) ** 2 + 8.0 * (2.0 * A * B) ** 2).lines
    assert [line.encloses for line in lines] == ["allowed", "allowed"]
    assert np.sign([line.vertices[:, 1].mean() for line in lines]).sum() == 0.0 or np.sign(
        [line.vertices[:, 0].mean() for line in lines]
    ).sum() == pytest.approx(0.0)


def test_a_thin_strip_inside_the_excluded_region_is_two_lines() -> None:
    half = 2.5 * CELL
    found = contour(LEVEL * ((B - 0.21 - 0.3 * A) / half) ** 2)
    assert len(found.lines) == 2
    offsets = sorted(
        float(np.mean(line.vertices[:, 1] - 0.3 * line.vertices[:, 0])) for line in found.lines
    )
    assert offsets == pytest.approx([0.21 - half, 0.21 + half], abs=1e-9)
    assert not found.under_resolved


def test_a_strip_narrower_than_two_cells_says_so() -> None:
    assert contour(LEVEL * ((B - 0.21 - 0.3 * A) / (0.4 * CELL)) ** 2).under_resolved


@pytest.mark.parametrize(("n_mass", "n_coupling"), [(200, 400), (400, 400)])
def test_the_strip_of_a_universal_mediator_does_not_fall_into_beads(
    n_mass: int, n_coupling: int
) -> None:
    """The outer edge and the two sides of the strip, although it climbs 2.5 points per column."""
    axes = (
        Axis("mass", "log", 0.1, 1e4, n_mass, "MeV"),
        Axis("coupling", "log", 1e-6, 1e-2, n_coupling),
    )
    m, g = np.meshgrid(*(axis.coordinates for axis in axes), indexing="ij")
    charge = 1.0 - (g / 6e-5) ** 2 / (1.0 + (m / 50.0) ** 2)
    found = contour(60.0 * (charge**2 - 0.97) ** 2, axes)
    long = [line for line in found.lines if len(line.vertices) > 50]
    assert len(long) == 3
    for line in long:
        mass, coupling = line.vertices.T
        rate = (1.0 - (coupling / 6e-5) ** 2 / (1.0 + (mass / 50.0) ** 2)) ** 2
        assert np.median(np.abs(60.0 * (rate - 0.97) ** 2 / LEVEL - 1.0)) < 0.1


def test_a_plateau_at_the_level_is_allowed_and_makes_no_scribble() -> None:
    plane = np.where(A > 0.0, 50.0, LEVEL)
    (line,) = contour(plane).lines
    assert np.ptp(line.vertices[:, 0]) < CELL
    assert contour(np.full(A.shape, LEVEL)).lines == ()
    assert contour(np.zeros(A.shape)).lines == ()


def test_a_missing_plane_has_no_line_and_no_coverage() -> None:
    found = contour(np.full(A.shape, np.nan))
    assert (found.lines, found.coverage) == ((), 0.0)


def test_a_hole_of_missing_points_opens_the_line_and_invents_nothing() -> None:
    plane = R**2
    missing = (A > 0.0) & (np.abs(B) < 0.5)
    plane[missing] = np.nan
    found = contour(plane)
    (line,) = found.lines
    assert not line.closed
    assert found.coverage == pytest.approx(1.0 - missing.mean())
    inside = (line.vertices[:, 0] > 0.0) & (np.abs(line.vertices[:, 1]) < 0.5)
    assert not inside.any()
    np.testing.assert_allclose(np.hypot(*line.vertices.T), np.sqrt(LEVEL), atol=1e-3)


def test_infinities_are_missing() -> None:
    plane = R**2
    plane[0, 0] = np.inf
    found = contour(plane)
    assert found.coverage == pytest.approx(1.0 - 1.0 / plane.size)
    assert len(found.lines) == 1


def test_every_edge_is_crossed_where_the_sign_changes_and_nowhere_else() -> None:
    """Slow twin: count the sign changes of a random plane, edge by edge."""
    plane = LEVEL + ndimage.gaussian_filter(np.random.default_rng(3).normal(size=A.shape), 5.0)
    above = plane > LEVEL
    changes = sum(
        int(above[i, j] != above[i + 1, j]) for i, j in itertools.product(range(59), range(61))
    ) + sum(int(above[i, j] != above[i, j + 1]) for i, j in itertools.product(range(60), range(60)))
    assert not contour(plane).under_resolved
    vertices = sum(len(line.vertices) - int(line.closed) for line in contour(plane).lines)
    assert vertices == changes > 100


def test_excluded_polygons_have_the_lines_as_edges() -> None:
    ((outer, hole),) = excluded_polygons(R**2, AXES, LEVEL)
    assert area(outer) == pytest.approx(36.0)
    assert area(hole) == pytest.approx(-np.pi * LEVEL, rel=5e-3)
    np.testing.assert_allclose(np.hypot(*hole.T), np.sqrt(LEVEL), atol=1e-12)


def test_excluded_polygons_keep_islands() -> None:
    rings = excluded_polygons(25.0 * (R - 1.8) ** 2, AXES, LEVEL)
    assert sorted(len(polygon) for polygon in rings) == [1, 2]
    assert excluded_polygons(np.zeros(A.shape), AXES, LEVEL) == ()


def test_one_contour_for_each_level() -> None:
    inner, outer = contours(R**2, AXES, [0.6827, 0.9545], dof=2)
    assert inner.level < outer.level
    assert (inner.cl, outer.cl) == (0.6827, 0.9545)


def test_to_dict_is_plain() -> None:
    found = contour(25.0 * (R - 1.8) ** 2).to_dict()
    assert found["axes"] == ["a", "b"]
    assert (found["cl"], found["dof"], found["coverage"]) == (0.9, 2, 1.0)
    assert {line["encloses"] for line in found["lines"]} == {"allowed", "excluded"}
    assert all(isinstance(x, float) for x in found["lines"][0]["vertices"][0])


def test_a_plane_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(61, 60\).*\(a, b\).*\(60, 61\)"):
        contour(A.T)


def test_a_saddle_at_the_level_is_two_lines_that_do_not_cross() -> None:
    """a b = 0 crosses itself; just above and below, the lines turn the one or the other way."""
    for shift, turns in ((0.3, 1.0), (-0.3, -1.0)):
        found = contour(LEVEL + A * B + shift)
        assert len(found.lines) == 2
        for line in found.lines:
            assert line.encloses is None
            a, b = line.vertices.T
            np.testing.assert_allclose(a * b, -shift, atol=1e-3)
            assert np.all(np.sign(a * b) == -turns)
            assert np.ptp(np.sign(a)) == np.ptp(np.sign(b)) == 0.0  # stays in its quadrant
    exact = contour(LEVEL + A * B)
    assert sum(len(line.vertices) for line in exact.lines) >= 2 * 59
    for line in exact.lines:
        np.testing.assert_allclose(line.vertices.prod(axis=1), 0.0, atol=1e-9)


def test_a_saddle_between_two_solutions_joins_or_parts_them() -> None:
    """Two wells at +-1.5 with a pass of height 5.0625 k between them."""
    wells = (A**2 - 2.25) ** 2 + 4.0 * B**2
    apart = contour(wells * (1.05 * LEVEL / 2.25**2))
    joined = contour(wells * (0.95 * LEVEL / 2.25**2))
    assert [line.encloses for line in apart.lines] == ["allowed", "allowed"]
    assert [line.encloses for line in joined.lines] == ["allowed"]


def test_an_island_in_a_hole_of_an_island() -> None:
    """Allowed below 0.7, excluded to 1.4, allowed to 2.1: three circles, one inside the other."""
    wave = LEVEL + 4.0 * np.sin(np.pi * (R - 0.7) / 0.7)
    found = contour(np.where(R < 2.45, wave, LEVEL + 4.0))
    lines = sorted(found.lines, key=lambda line: float(np.ptp(line.vertices[:, 0])))
    assert [line.encloses for line in lines] == ["allowed", "excluded", "allowed"]
    for line, radius in zip(lines, (0.7, 1.4, 2.1), strict=True):
        np.testing.assert_allclose(np.hypot(*line.vertices.T), radius, atol=0.02)


def test_a_corner_cut_off_is_open_and_ends_on_both_edges() -> None:
    (line,) = contour((A - 3.0) ** 2 + (B - 3.0) ** 2).lines
    ends = line.vertices[[0, -1]]
    assert line.encloses is None
    assert sorted(np.isclose(ends, 3.0).any(axis=1)) == [True, True]
    np.testing.assert_allclose(np.sort(ends.min(axis=1)), 3.0 - np.sqrt(LEVEL), atol=1e-9)


def test_a_plateau_just_above_or_below_the_level_has_its_own_edge_only() -> None:
    for height, n in ((LEVEL * (1.0 + 1e-9), 1), (LEVEL * (1.0 - 1e-9), 0)):
        found = contour(np.where(R < 1.0, 0.0, height))
        assert len(found.lines) == n
        assert all(line.encloses == "allowed" for line in found.lines)


def test_a_failed_point_opens_the_line_beside_it_and_nowhere_else() -> None:
    whole, far, on = R**2, R**2, R**2
    far = far.copy()
    far[3, 4] = np.nan
    (line,), (same,) = contour(whole).lines, contour(far).lines
    np.testing.assert_array_equal(line.vertices, same.vertices)
    near = np.unravel_index(np.argmin(np.abs(R - np.sqrt(LEVEL))), R.shape)
    on = on.copy()
    on[near] = np.nan
    found = contour(on)
    assert [line.encloses for line in found.lines] == [None]
    left = np.hypot(*(found.lines[0].vertices - [A[near], B[near]]).T)
    gap = np.linalg.norm(found.lines[0].vertices[0] - found.lines[0].vertices[-1])
    assert left.min() > 0.9 * CELL  # no vertex on an edge of the failed point
    assert gap < 4.0 * CELL
    np.testing.assert_allclose(np.hypot(*found.lines[0].vertices.T), np.sqrt(LEVEL), atol=1e-3)


def test_a_band_of_missing_points_parts_the_plane() -> None:
    plane = R**2
    plane[np.abs(A) < 0.3] = np.nan
    found = contour(plane)
    assert [line.encloses for line in found.lines] == [None, None]
    assert sorted(float(np.sign(line.vertices[0, 0])) for line in found.lines) == [-1.0, 1.0]


def test_every_shape_comes_back_from_its_record() -> None:
    for plane in (R**2, 25.0 * (R - 1.8) ** 2, (A - 3.0) ** 2 + B**2, np.zeros(A.shape)):
        found = contour(plane)
        back = Contour.from_dict(found.to_dict())
        assert back.to_dict() == found.to_dict()
        for one, other in zip(found.lines, back.lines, strict=True):
            assert one.vertices.tobytes() == other.vertices.tobytes()

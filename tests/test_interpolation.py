"""The limited cubic: exact on parabolas, quiet at bends, honest about what is missing."""

import numpy as np
import pytest

from scanner import interpolation

X = np.linspace(0.0, 1.0, 11)
UNEVEN = np.array([0.0, 0.1, 0.15, 0.4, 0.55, 0.8, 1.0])


def parabola(x: np.ndarray) -> np.ndarray:
    return 100.0 * (x - 0.437) ** 2 - 3.0


def powered(u: np.ndarray | float) -> np.ndarray:
    """A curve that rises like g^8 and saturates at 100, over u = log10 g."""
    strength = (10.0 ** np.asarray(u) / 3e-5) ** 8
    return 100.0 * strength / (1.0 + strength)


@pytest.mark.parametrize("x", [X, UNEVEN])
@pytest.mark.parametrize("at", [0.02, 0.437, 0.5, 0.97, 0.0, 1.0])
def test_a_parabola_is_exact_on_even_and_uneven_nodes(x: np.ndarray, at: float) -> None:
    assert interpolation.interpolate(x, parabola(x), at) == pytest.approx(parabola(at), abs=1e-12)


@pytest.mark.parametrize("x", [X, UNEVEN])
def test_minimum_and_crossings_of_a_parabola_are_exact(x: np.ndarray) -> None:
    place, value = interpolation.minimum_along(x, parabola(x))
    assert (float(place), float(value)) == pytest.approx((0.437, -3.0), abs=1e-12)
    assert interpolation.crossings(x, parabola(x), 1.0) == pytest.approx([0.237, 0.637], abs=1e-12)


def test_a_saturating_eighth_power_does_not_ring() -> None:
    u = np.linspace(-6.0, -2.0, 25)
    y = powered(u)
    dense = np.array([interpolation.interpolate(u, y, at) for at in np.linspace(-6.0, -2.0, 2001)])
    assert np.all(np.diff(dense) >= -1e-9)
    assert dense.max() <= 100.0 + 1e-9


@pytest.mark.parametrize(("n", "tolerance"), [(40, 5e-2), (80, 1e-2), (160, 4e-3)])
def test_the_crossing_of_a_steep_curve_converges(n: int, tolerance: float) -> None:
    u = np.linspace(-6.0, -2.0, n)
    exact = np.log10(3e-5 * (4.6 / 95.4) ** (1.0 / 8.0))
    (found,) = interpolation.crossings(u, powered(u), 4.6)
    assert abs(found - exact) < tolerance * (u[1] - u[0])


def test_a_dip_between_two_nodes_is_crossed_twice() -> None:
    y = parabola(X) + 3.0
    assert y.min() > 0.1
    low, high = interpolation.crossings(X, y, 0.05)
    assert 0.4 < low < 0.437 < high < 0.5


def test_a_node_on_the_level_counts_once() -> None:
    assert interpolation.crossings(X, X, 0.5) == pytest.approx([0.5])


def test_a_constant_curve_has_no_crossing() -> None:
    assert interpolation.crossings(X, np.full(11, 2.0), 2.0) == []
    assert interpolation.crossings(X, np.full(11, 2.0), 1.0) == []


def test_missing_nodes_blank_their_two_cells_and_no_others() -> None:
    y = parabola(X)
    y[7] = np.nan
    assert np.isnan(interpolation.interpolate(X, y, 0.65))
    assert np.isnan(interpolation.interpolate(X, y, 0.75))
    for at in (0.55, 0.6, 0.85):
        assert interpolation.interpolate(X, y, at) == pytest.approx(parabola(at), abs=1e-9)


def test_two_nodes_are_a_straight_line() -> None:
    assert interpolation.interpolate(X[:2], np.array([1.0, 3.0]), 0.05) == pytest.approx(2.0)


def test_nothing_is_extrapolated() -> None:
    with pytest.raises(ValueError, match=r"1\.1 is outside 0 \.\. 1"):
        interpolation.interpolate(X, X, 1.1)


def test_minimum_is_never_above_the_lowest_node_whatever_the_data() -> None:
    random = np.random.default_rng(7)
    y = random.normal(size=(200, 11)).cumsum(axis=1)
    y[random.random(y.shape) < 0.2] = np.nan
    place, value = interpolation.minimum_along(X, y)
    lowest = np.nanmin(y, axis=1)
    assert np.all(value <= lowest)
    for at, low, line in zip(place, value, y, strict=True):
        assert interpolation.interpolate(X, line, at) == pytest.approx(low, abs=1e-12)


def test_the_minimum_may_lie_far_from_the_lowest_node() -> None:
    """A dip between two high nodes, as a thin strip makes it, below the plateau elsewhere."""
    y = 400.0 * (X - 0.35) ** 2
    y[-3:] = 0.9
    assert y.argmin() == 8
    place, value = interpolation.minimum_along(X, y)
    assert float(place) == pytest.approx(0.35, abs=1e-9)
    assert float(value) < 0.9


def test_many_places_at_once_are_those_one_by_one() -> None:
    y = np.random.default_rng(5).normal(size=11).cumsum()
    y[8] = np.nan
    places = np.array([0.01, 0.25, 0.44, 0.61, 0.75, 0.85, 0.93])
    singly = [float(interpolation.interpolate(X, y, at)) for at in places]
    np.testing.assert_array_equal(interpolation.along(X, y, places), singly)


def test_slopes_of_a_cubic_are_exact_on_uneven_nodes() -> None:
    slope = interpolation.slopes(UNEVEN, 2.0 * UNEVEN + UNEVEN**3)
    np.testing.assert_allclose(slope[2:-2], 2.0 + 3.0 * UNEVEN[2:-2] ** 2, atol=1e-12)


def test_minimum_of_missing_lines_and_of_minima_on_the_edge() -> None:
    y = np.stack([np.full(11, np.nan), X, -X])
    place, value = interpolation.minimum_along(X, y)
    np.testing.assert_array_equal(place, [np.nan, 0.0, 1.0])
    np.testing.assert_array_equal(value, [np.nan, 0.0, -1.0])


def test_minimum_of_one_node_is_the_node() -> None:
    place, value = interpolation.minimum_along(np.array([2.0]), np.array([[5.0], [7.0]]))
    np.testing.assert_array_equal((place, value), ([2.0, 2.0], [5.0, 7.0]))


def test_windowed_minimum_equals_the_whole_interpolant_searched_densely() -> None:
    x = np.linspace(0.0, 3.0, 13)
    y = np.sin(3.0 * x) + 0.3 * x
    place, value = interpolation.minimum_along(x, y)
    dense = np.linspace(0.0, 3.0, 30001)
    curve = np.array([interpolation.interpolate(x, y, at) for at in dense[15000:18000]])
    assert float(value) == pytest.approx(curve.min(), abs=1e-7)
    assert float(place) == pytest.approx(dense[15000 + curve.argmin()], abs=1e-3)


@pytest.mark.parametrize("n", [1, 2, 5, 40])
def test_minima_do_not_depend_on_the_lines_searched_together(
    n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(n)
    x = np.sort(random.random(n))
    y = random.normal(size=(7, 60, n)).cumsum(axis=-1)
    y[random.random(y.shape) < 0.2] = np.nan
    y[3] = np.round(y[3])  # plateaus
    together = interpolation.minimum_along(x, y)
    monkeypatch.setattr(interpolation, "_TOGETHER", 3 * n)
    apart = interpolation.minimum_along(x, y)
    for one, other in zip(together, apart, strict=True):
        assert one.tobytes() == other.tobytes()
    assert one[0, 0].tobytes() == interpolation.minimum_along(x, y[0, 0])[1].tobytes()


def test_a_node_needs_no_other_node() -> None:
    x = np.log10(np.geomspace(0.1, 1e4, 11))
    for i, at in enumerate(x):
        assert interpolation.window(x, float(at)) == slice(i, i + 1)
        assert interpolation.on_node(x, float(at) + 1e-15) == at
        assert interpolation.interpolate(x[i : i + 1], np.array([[7.0]]), float(at)) == 7.0
    assert interpolation.on_node(x, 0.1) == 0.1
    assert interpolation.window(x, 0.1) == slice(0, 6)


@pytest.mark.parametrize("ratio", [1.3, 2.0, 4.0, 10.0, 100.0])
@pytest.mark.parametrize("reverse", [False, True])
def test_a_curve_that_saturates_does_not_dip_in_its_last_cell(ratio, reverse):
    """Excluded points at the end of an axis must not come out below both of their nodes."""
    y = 1.0 + ratio ** -np.arange(8.0)
    y = y[::-1] if reverse else y
    x = np.arange(8.0)
    slope = interpolation.slopes(x, y)
    for i in range(7):
        coefficients = interpolation.cubic(y[i], y[i + 1], slope[i], slope[i + 1])
        inside = np.polynomial.polynomial.polyval(np.linspace(0.0, 1.0, 101), coefficients)
        assert inside.min() >= min(y[i], y[i + 1]) - 1e-12
        assert inside.max() <= max(y[i], y[i + 1]) + 1e-12


@pytest.mark.parametrize("place", [0.3, 1.7, 5.1, 6.9])
def test_a_parabola_keeps_its_minimum_in_any_cell(place):
    x = np.arange(8.0)
    slope = interpolation.slopes(x, 3.0 * (x - place) ** 2)
    np.testing.assert_allclose(slope, 6.0 * (x - place), atol=1e-12)

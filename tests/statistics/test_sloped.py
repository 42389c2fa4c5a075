"""Minimum along exact slopes: closed forms, ends, flat inputs, and the twin by differences."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from scanner.statistics.constrained import minimise, starting_places
from scanner.statistics.sloped import Slopes, descend

WIDE = 5.0


def ends(m, high=WIDE, low=None):
    return np.full(m, -high if low is None else low), np.full(m, high)


class Quadratics:
    """sum_ij (u - c)_i A_ij (u - c)_j of each point, and how often it is asked."""

    def __init__(self, rng, n, m, reach=2.5):
        root = rng.normal(size=(n, m, m)) * np.sqrt(3.0)
        self.matrix = np.einsum("nij,nkj->nik", root, root)
        self.centre = rng.uniform(-reach, reach, (n, m))
        self.asked = 0

    def value(self, points, u):
        self.asked += len(points)
        d = u - self.centre[points]
        return np.einsum("ni,nij,nj->n", d, self.matrix[points], d)

    def slopes(self, points, u):
        d = u - self.centre[points]
        gradient = 2.0 * np.einsum("nij,nj->ni", self.matrix[points], d)
        return Slopes(self.value(points, u), gradient, 2.0 * self.matrix[points])


def of_one(function, slope, bend):
    """A function of one input, the same for all points, and its slopes."""

    def value(points, u):
        return function(u[:, 0])

    def slopes(points, u):
        x = u[:, 0]
        return Slopes(function(x), slope(x)[:, np.newaxis], bend(x)[:, np.newaxis, np.newaxis])

    return value, slopes


@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_quadratics_in_closed_form(m):
    some = Quadratics(np.random.default_rng(m), 200, m)
    found = descend(some.value, some.slopes, 200, *ends(m), np.ones(m))
    # one Newton step behind the starts, and a fit to see that it has arrived
    assert some.asked <= 200 * (1 + 2 * m + 8)
    target = np.einsum("nij,nj->ni", some.matrix, some.centre)
    expected = np.linalg.solve(some.matrix + np.eye(m), target[..., np.newaxis])[..., 0]
    inside = np.all(np.abs(expected) < WIDE, axis=1)
    assert inside.mean() > 0.9
    # the iteration ends where chi2 would fall by 1e-8
    np.testing.assert_allclose(found.u[inside], expected[inside], atol=1e-4)
    value = some.value(np.arange(200), expected) + np.sum(expected**2, axis=1)
    np.testing.assert_allclose(found.value[inside], value[inside], rtol=0, atol=1.1e-8)


@pytest.mark.parametrize("weight", [[1.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
def test_the_twin_by_differences_finds_the_same(weight):
    rng = np.random.default_rng(3)
    some, (low, high) = Quadratics(rng, 100, 2, reach=4.0), ends(2, 1.5)
    found = descend(some.value, some.slopes, 100, low, high, np.array(weight))
    twin = minimise(some.value, 100, low, high, np.array(weight))
    np.testing.assert_allclose(found.value, twin.value, rtol=0, atol=2e-5)
    at_end = np.any(np.isclose(np.abs(found.u), 1.5), axis=1)
    assert 0.2 < at_end.mean() < 1.0


def test_an_input_that_is_free_in_its_range():
    value, slopes = of_one(
        lambda x: 0.02 * (x - 1.2) ** 2, lambda x: 0.04 * (x - 1.2), lambda x: np.full(len(x), 0.04)
    )
    free = descend(value, slopes, 2, *ends(1, 2.0), np.zeros(1))
    np.testing.assert_allclose(free.u[:, 0], 1.2, atol=1e-6)
    np.testing.assert_allclose(free.value, 0.0, atol=1e-12)
    bound = descend(value, slopes, 2, *ends(1, 1.0), np.zeros(1))
    np.testing.assert_allclose(bound.u[:, 0], 1.0, rtol=1e-12)
    # with a constraint the same curve hardly moves it
    held = descend(value, slopes, 2, *ends(1, 2.0), np.ones(1))
    np.testing.assert_allclose(held.u[:, 0], 0.02 * 1.2 / 1.02, atol=1e-7)


def test_nothing_that_the_data_say_leaves_it_where_it_is():
    nothing = of_one(np.zeros_like, np.zeros_like, np.zeros_like)
    found = descend(*nothing, 3, *ends(1, 2.0), np.zeros(1))
    np.testing.assert_array_equal(found.value, np.zeros(3))
    assert np.all(np.isfinite(found.u))


def test_no_inputs_and_no_points():
    def value(points, u):
        return 2.0 + points

    found = descend(value, None, 3, *ends(0), np.empty(0))
    np.testing.assert_array_equal(found.value, [2.0, 3.0, 4.0])
    assert descend(value, None, 0, *ends(2), np.ones(2)).u.shape == (0, 2)


@pytest.mark.parametrize(
    ("low", "high", "centre", "u"),
    [
        (-5.0, 1.0, 4.0, 1.0),
        (-0.5, 5.0, -4.0, -0.5),
        (0.5, 5.0, 0.0, 0.5),  # the mean itself lies outside
        (-5.0, 1.0, 0.5, 0.375),
        (0.9, 1.1, 3.0, 1.1),
    ],
)
def test_minimum_at_an_end(low, high, centre, u):
    def inside(x):
        assert np.all((x >= low) & (x <= high))
        return 3.0 * (x - centre) ** 2

    value, slopes = of_one(inside, lambda x: 6.0 * (x - centre), lambda x: np.full(len(x), 6.0))
    found = descend(value, slopes, 1, np.array([low]), np.array([high]), np.ones(1))
    assert found.u[0, 0] == pytest.approx(u, abs=1e-9)
    assert found.value[0] == pytest.approx(3.0 * (u - centre) ** 2 + u**2, abs=1e-10)


def test_the_lower_of_two_minima():
    value, slopes = of_one(
        lambda x: 0.75 * (x**2 - 4.0) ** 2 + 2.0 * x,
        lambda x: 3.0 * x * (x**2 - 4.0) + 2.0,
        lambda x: 9.0 * x**2 - 12.0,
    )
    found = descend(value, slopes, 1, *ends(1), np.ones(1))
    expected = min(
        minimize(lambda u: value([0], u[np.newaxis])[0] + u[0] ** 2, [s], tol=1e-12).fun
        for s in (-2.0, 2.0)
    )
    assert found.value[0] == pytest.approx(expected, abs=1e-8)
    assert found.u[0, 0] < -1.5


def test_a_bend_the_other_way_is_walked_downhill():
    value, slopes = of_one(
        lambda x: -6.0 * np.exp(-2.0 * (x - 1.5) ** 2),
        lambda x: 24.0 * (x - 1.5) * np.exp(-2.0 * (x - 1.5) ** 2),
        lambda x: (24.0 - 96.0 * (x - 1.5) ** 2) * np.exp(-2.0 * (x - 1.5) ** 2),
    )
    found = descend(value, slopes, 1, *ends(1), np.ones(1))
    grid = np.linspace(-5, 5, 200_001)
    assert found.value[0] == pytest.approx(np.min(value([0], grid[:, None]) + grid**2), abs=1e-7)


def test_wrong_slopes_never_lead_uphill():
    some = Quadratics(np.random.default_rng(6), 50, 2)

    def wrong(points, u):
        right = some.slopes(points, u)
        return Slopes(right.value, -right.gradient, right.hessian)

    def total(points, u):
        return some.value(points, u) + np.sum(u**2, axis=1)

    _, starts = starting_places(total, 50, *ends(2))
    found = descend(some.value, wrong, 50, *ends(2), np.ones(2))
    assert np.all(found.value <= starts + 1e-9)


def test_points_and_regions_without_a_value():
    def value(points, u):
        x = u[:, 0]
        return np.where((points == 1) | (x > 1.5), np.nan, 4.0 * (x - 1.25) ** 2)

    def slopes(points, u):
        bend = np.full((len(u), 1, 1), 8.0)
        return Slopes(value(points, u), 8.0 * (u - 1.25), bend)

    found = descend(value, slopes, 3, *ends(1), np.ones(1))
    np.testing.assert_allclose(found.u[[0, 2], 0], 1.0, atol=1e-7)
    assert np.isnan(found.value[1])
    assert np.isnan(found.u[1, 0])

"""Minimum over constrained inputs: quadratics in closed form, random functions against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import lsq_linear, minimize

from scanner.statistics.constrained import Minimum, minimise

WIDE = 5.0


def ends(m, high=WIDE, low=None):
    return np.full(m, -high if low is None else low), np.full(m, high)


class Counted:
    """A function of (points, u) that counts how often it is asked for a value."""

    def __init__(self, function):
        self.function = function
        self.calls = 0

    def __call__(self, points, u):
        assert u.shape == (len(points), u.shape[1])
        self.calls += len(points)
        return self.function(points, u)


def quadratics(rng, n, m, strength=3.0, reach=2.5):
    """n positive definite matrices (n, m, m) and centres (n, m)."""
    root = rng.normal(size=(n, m, m)) * np.sqrt(strength)
    return np.einsum("nij,nkj->nik", root, root), rng.uniform(-reach, reach, (n, m))


def of_quadratics(matrix, centre):
    def function(points, u):
        d = u - centre[points]
        return np.einsum("ni,nij,nj->n", d, matrix[points], d)

    return function


@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_quadratics_in_closed_form(m):
    # correlated ones, with the constraint: (A + 1) u = A c
    rng = np.random.default_rng(m)
    matrix, centre = quadratics(rng, 200, m)
    found = minimise(of_quadratics(matrix, centre), 200, *ends(m))
    u = np.linalg.solve(matrix + np.eye(m), np.einsum("nij,nj->ni", matrix, centre)[..., None])
    expected = u[..., 0]
    inside = np.all(np.abs(expected) < WIDE, axis=1)
    assert inside.mean() > 0.9
    value = of_quadratics(matrix, centre)(np.arange(200), expected) + np.sum(expected**2, axis=1)
    np.testing.assert_allclose(found.value[inside], value[inside], rtol=0, atol=1e-8)
    np.testing.assert_allclose(found.u[inside], expected[inside], atol=1e-4)


def test_one_input_takes_few_steps():
    centre = np.linspace(-3.0, 3.0, 101)
    asked = Counted(lambda points, u: 4.0 * (u[:, 0] - centre[points]) ** 2)
    found = minimise(asked, 101, *ends(1))
    np.testing.assert_allclose(found.u[:, 0], 0.8 * centre, atol=1e-6)
    # a quadratic is done in one Newton step: 3 starts, 3 places and a trial, and once more to see
    # that nothing lies lower
    assert asked.calls < 20 * 101


def test_no_inputs():
    found = minimise(lambda points, u: 2.0 + points, 3, np.empty(0), np.empty(0))
    np.testing.assert_array_equal(found.value, [2.0, 3.0, 4.0])
    assert found.u.shape == (3, 0)


def test_no_points():
    found = minimise(lambda points, u: np.empty(len(points)), 0, *ends(2))
    assert found.value.shape == (0,)
    assert found.u.shape == (0, 2)


def test_points_are_told_apart():
    centre = np.array([0.0, 1.0, -2.0])
    found = minimise(lambda points, u: 1e3 * (u[:, 0] - centre[points]) ** 2, 3, *ends(1))
    np.testing.assert_allclose(found.u[:, 0], centre, atol=3e-3)


# --- ends of the range ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high", "centre", "u"),
    [
        (-5.0, 1.0, 4.0, 1.0),
        (-0.5, 5.0, -4.0, -0.5),
        (0.0, 5.0, -1.0, 0.0),
        (0.5, 5.0, 0.0, 0.5),  # the mean itself lies outside
        (-5.0, 1.0, 0.5, 0.375),
        (0.9, 1.1, 3.0, 1.1),
    ],
)
def test_minimum_of_one_input_at_an_end(low, high, centre, u):
    found = minimise(
        lambda points, v: 3.0 * (v[:, 0] - centre) ** 2, 1, np.array([low]), np.array([high])
    )
    assert found.u[0, 0] == pytest.approx(u, abs=1e-6)
    assert found.value[0] == pytest.approx(3.0 * (u - centre) ** 2 + u**2, abs=1e-8)


def test_nothing_is_asked_outside_the_range():
    low, high = np.array([-0.3, -5.0]), np.array([0.2, 0.7])

    def function(points, u):
        assert np.all(u >= low - 1e-12)
        assert np.all(u <= high + 1e-12)
        return 5.0 * (u[:, 0] - 2.0) ** 2 + 5.0 * (u[:, 1] - 2.0) ** 2 + u[:, 0] * u[:, 1]

    found = minimise(function, 2, low, high)
    np.testing.assert_allclose(found.u, [[0.2, 0.7]] * 2, atol=1e-8)


@pytest.mark.parametrize("m", [2, 3])
def test_uncorrelated_quadratics_at_the_ends(m):
    rng = np.random.default_rng(8)
    weight, centre = rng.uniform(0.5, 5.0, (100, m)), rng.uniform(-4, 4, (100, m))
    low, high = ends(m, 1.0)
    found = minimise(
        lambda points, u: np.sum(weight[points] * (u - centre[points]) ** 2, axis=1), 100, low, high
    )
    expected = np.clip(weight * centre / (weight + 1.0), low, high)
    np.testing.assert_allclose(found.u, expected, atol=1e-5)


def test_a_correlated_quadratic_at_an_end():
    # by hand: at x = 1 the slope in y is 6 (1 - 3) + 8 (y - 1) + 2 y = 0
    def function(points, u):
        x, y = u[:, 0] - 3.0, u[:, 1] - 1.0
        return 4.0 * x**2 + 6.0 * x * y + 4.0 * y**2

    found = minimise(function, 1, np.array([-5.0, -5.0]), np.array([1.0, 5.0]))
    np.testing.assert_allclose(found.u, [[1.0, 2.0]], atol=1e-4)
    np.testing.assert_allclose(found.value, [13.0], atol=1e-6)


def test_an_input_is_not_held_at_an_end_that_it_only_passes():
    # by hand: y = 1/2 is held, and 10 (x + 2) + 8 (y - 4) + x = 0 gives x = 8/11; the unbounded
    # step goes to x < -1 and y > 1/2
    def function(points, u):
        x, y = u[:, 0] + 2.0, u[:, 1] - 4.0
        return 10.0 * x**2 + 16.0 * x * y + 10.0 * y**2

    found = minimise(function, 1, np.array([-1.0, -2.0]), np.array([1.0, 0.5]))
    u = np.array([[8.0 / 11.0, 0.5]])
    np.testing.assert_allclose(found.u, u, atol=1e-4)
    expected = function(np.zeros(1, int), u) + np.sum(u**2, axis=1)
    np.testing.assert_allclose(found.value, expected, atol=1e-6)


@pytest.mark.parametrize("m", [2, 3])
def test_correlated_quadratics_at_the_ends(m):
    # against bounded least squares: A u^2 + constraint = |R u - R c|^2 + |u|^2
    rng = np.random.default_rng(9)
    matrix, centre = quadratics(rng, 100, m, reach=4.0)
    low, high = ends(m, 1.0)
    found = minimise(of_quadratics(matrix, centre), 100, low, high)
    expected = np.empty(100)
    for i in range(100):
        root = np.linalg.cholesky(matrix[i] + 1e-12 * np.eye(m)).T
        rows = np.vstack([root, np.eye(m)])
        target = np.concatenate([root @ centre[i], np.zeros(m)])
        best = lsq_linear(rows, target, bounds=(low, high), tol=1e-14)
        expected[i] = 2 * best.cost
    np.testing.assert_allclose(found.value, expected, rtol=0, atol=1e-5)


# --- NaN ------------------------------------------------------------------------------------------


def test_points_without_a_value():
    def function(points, u):
        value = (u[:, 0] - 1.0) ** 2
        return np.where(points == 1, np.nan, value)

    found = minimise(function, 3, *ends(1))
    assert isinstance(found, Minimum)
    np.testing.assert_allclose(found.value[[0, 2]], 0.5, atol=1e-8)
    assert np.isnan(found.value[1])
    assert np.all(np.isnan(found.u[1]))
    assert np.all(np.isfinite(found.u[[0, 2]]))


def test_a_region_without_a_value_is_walked_around():
    # NaN above 1.5: the minimum at 1 is found, from starts of which one lies in the region
    def function(points, u):
        return np.where(u[:, 0] > 1.5, np.nan, 4.0 * (u[:, 0] - 1.25) ** 2)

    found = minimise(function, 1, *ends(1))
    assert found.u[0, 0] == pytest.approx(1.0, abs=1e-4)


def test_no_value_at_the_mean_but_elsewhere():
    def function(points, u):
        return np.where(np.abs(u[:, 0]) < 1.0, np.nan, (u[:, 0] - 2.2) ** 2)

    found = minimise(function, 1, *ends(1))
    assert found.u[0, 0] == pytest.approx(1.1, abs=1e-3)


# --- functions that are no quadratics -------------------------------------------------------------


def scipy_minimum(function, i, low, high, starts):
    """Lowest of bounded descents from several places."""

    def f(u):
        return float(function(np.array([i]), u[np.newaxis])[0] + np.sum(u**2))

    found = [
        minimize(f, start, bounds=list(zip(low, high, strict=True)), method="L-BFGS-B", tol=1e-13)
        for start in starts
    ]
    return min(result.fun for result in found)


def smooth(rng, n, m):
    """Random convex functions like profiled Poisson chi2: 2 (mu - n log mu) of exponentials."""
    slope = rng.normal(scale=0.25, size=(n, 6, m))
    count = rng.poisson(40.0, (n, 6)).astype(float) + 1.0

    def function(points, u):
        log_mu = np.log(40.0) + np.einsum("nbm,nm->nb", slope[points], u)
        return 2.0 * np.sum(np.exp(log_mu) - count[points] * log_mu, axis=1)

    return function


@pytest.mark.parametrize("m", [1, 2, 3])
def test_random_convex_functions_against_scipy(m):
    rng = np.random.default_rng(20 + m)
    n = 40
    function, (low, high) = smooth(rng, n, m), ends(m)
    found = minimise(function, n, low, high)
    expected = [scipy_minimum(function, i, low, high, [np.zeros(m)]) for i in range(n)]
    np.testing.assert_allclose(found.value, expected, rtol=0, atol=1e-5)


def test_random_convex_functions_with_ends_against_scipy():
    rng = np.random.default_rng(31)
    n, low, high = 60, np.array([-0.2, -5.0]), np.array([0.5, 0.3])
    function = smooth(rng, n, 2)
    found = minimise(function, n, low, high)
    expected = [scipy_minimum(function, i, low, high, [np.zeros(2)]) for i in range(n)]
    assert np.mean(np.any(np.isclose(found.u, low) | np.isclose(found.u, high), axis=1)) > 0.3
    np.testing.assert_allclose(found.value, expected, rtol=0, atol=1e-5)


def test_the_lower_of_two_minima():
    # a double well with unlike depths: the descent begins at the lowest of its starts
    def function(points, u):
        x = u[:, 0]
        return 3.0 * (x**2 - 4.0) ** 2 / 4.0 + 2.0 * x

    found = minimise(function, 1, *ends(1))
    expected = scipy_minimum(function, 0, *ends(1), [[-2.0], [2.0]])
    assert found.value[0] == pytest.approx(expected, abs=1e-6)
    assert found.u[0, 0] < -1.5


def test_a_sharp_minimum_far_from_the_mean():
    # data that know the input 30 times better than the constraint, 4 standard deviations away
    found = minimise(lambda points, u: 900.0 * (u[:, 0] - 4.0) ** 2, 1, *ends(1))
    expected = 900.0 * 4.0 / 901.0
    assert found.u[0, 0] == pytest.approx(expected, abs=1e-4)
    assert found.value[0] == pytest.approx(900.0 / 901.0 * 16.0, abs=1e-6)


def test_data_that_bend_the_other_way():
    # f is flat at its start and concave beside it: the guard keeps the step downhill
    found = minimise(lambda points, u: -6.0 * np.exp(-2.0 * (u[:, 0] - 1.5) ** 2), 1, *ends(1))
    grid = np.linspace(-5, 5, 200_001)
    lowest = np.min(-6.0 * np.exp(-2.0 * (grid - 1.5) ** 2) + grid**2)
    assert found.value[0] == pytest.approx(lowest, abs=1e-6)

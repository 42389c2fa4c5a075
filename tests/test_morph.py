"""Counts between template nodes: interpolation exact for polynomials, its accuracy for inputs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from scanner import catalog
from scanner.amplitudes import Conventions
from scanner.chi2 import ExperimentModel
from scanner.morph import BEND, NODES, SLOPE, Chebyshev, Morph, Spline

CSI, LAR = "coherent_csi_2021", "coherent_lar_2020"


def test_nothing_to_morph():
    morph = Morph({})
    assert morph.n == 1
    assert morph.nodes() == {}
    np.testing.assert_array_equal(morph.weights({}), [[1.0]])


@pytest.mark.parametrize("ends", [(-1.0, 1.0), (4.0, 6.0), (0.2, 0.21)])
def test_polynomials_below_the_number_of_nodes_are_exact(ends):
    morph = Morph({"x": ends})
    nodes, x = morph.nodes()["x"], np.linspace(*ends, 50)
    weights = morph.weights({"x": x})
    middle, half = np.mean(ends), 0.5 * (ends[1] - ends[0])
    for power in range(NODES):
        expected = ((x - middle) / half) ** power
        found = weights @ ((nodes - middle) / half) ** power
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    # and the next one is not
    found = weights @ ((nodes - middle) / half) ** NODES
    assert np.abs(found - ((x - middle) / half) ** NODES).max() > 1e-3


def test_nodes_lie_inside_and_give_themselves_back():
    morph = Morph({"x": (2.0, 5.0)})
    nodes = morph.nodes()["x"]
    assert len(nodes) == morph.n == NODES
    assert nodes.min() > 2.0
    assert nodes.max() < 5.0
    np.testing.assert_array_equal(morph.weights({"x": nodes}), np.eye(NODES))
    # beside a node, too, nothing divides by zero
    beside = morph.weights({"x": np.nextafter(nodes, 10.0)})
    np.testing.assert_allclose(beside, np.eye(NODES), rtol=0, atol=1e-12)


def test_several_inputs_are_interpolated_in_all_combinations():
    ranges = {"x": (0.0, 1.0), "y": (-2.0, 3.0), "z": (5.0, 6.0)}
    morph = Morph(ranges)
    nodes = morph.nodes()
    assert morph.n == NODES**3
    rng = np.random.default_rng(1)
    values = {n: rng.uniform(*ends, 20) for n, ends in ranges.items()}

    def f(x, y, z):
        return x**3 * y - 2 * y**2 * z + x * y * z**4

    weights = morph.weights(values)
    assert weights.shape == (20, morph.n)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(weights @ f(**nodes), f(**values), rtol=1e-10)


def test_slow_twin_is_lagrange():
    morph = Morph({"x": (1.0, 4.0)})
    nodes = morph.nodes()["x"]
    for x in (1.0, 1.7, 3.3, 4.0):
        slow = [np.prod([(x - b) / (a - b) for b in nodes if b != a]) for a in nodes.tolist()]
        np.testing.assert_allclose(morph.weights({"x": np.array([x])})[0], slow, rtol=1e-11)


@pytest.mark.parametrize(
    ("experiment", "name", "ends", "total", "chi2"),
    [  # measured: the largest deviations of the sum of the counts and of chi2
        (CSI, "R_n_Cs", (5.09 - 1.5, 5.09 + 1.5), 1.1e-7, 3.4e-6),
        (CSI, "R_n", (5.06 - 1.5, 5.06 + 1.5), 2.7e-7, 6.2e-6),
        (LAR, "R_n_Ar", (3.55 - 1.5, 3.55 + 1.5), 7.4e-8, 4.4e-7),
        (CSI, "csi_quenching_pc0", (-3.0, 3.0), 1.0e-11, 5.8e-10),
        (CSI, "csi_quenching_pc1", (-3.0, 3.0), 2.8e-11, 1.1e-9),
        (LAR, "lar_quenching_constant", (0.216, 0.276), 8.1e-11, 8.0e-8),
        (LAR, "lar_quenching_slope", (3.3e-4, 12.3e-4), 3.1e-10, 4.5e-6),
    ],
)
def test_accuracy_over_ten_standard_deviations(experiment, name, ends, total, chi2):
    """Radii of 0.3 fm, quenching as released: seven nodes against a fold at every value."""
    loaded = catalog.experiment(experiment)
    model = ExperimentModel(catalog.scenario("standard_model"), loaded, Conventions(), {}, (name,))
    morph, values = Morph({name: ends}), np.linspace(*ends, 41)
    exact = model.signal({name: values})
    found = morph.weights({name: values}) @ model.signal(morph.nodes())
    assert np.abs(found.sum(axis=1) / exact.sum(axis=1) - 1.0).max() < 1.5 * total
    assert (
        np.abs(
            found / exact.max(axis=1, keepdims=True) - exact / exact.max(axis=1, keepdims=True)
        ).max()
        < 1e-6
    )
    profiled = model.likelihood.profile
    assert np.abs(profiled(found).chi2 - profiled(exact).chi2).max() < 1.5 * chi2
    # the input matters much more than that
    assert np.ptp(profiled(exact).chi2) > 1e3 * chi2


def test_two_inputs_at_once():
    ranges = {"R_n_Cs": (4.0, 6.0), "csi_quenching_pc0": (-3.0, 3.0)}
    model = ExperimentModel(
        catalog.scenario("standard_model"),
        catalog.experiment(CSI),
        Conventions(),
        {},
        tuple(ranges),
    )
    morph = Morph(ranges)
    rng = np.random.default_rng(0)
    values = {n: rng.uniform(*ends, 15) for n, ends in ranges.items()}
    found = morph.weights(values) @ model.signal(morph.nodes())
    exact = model.signal(values)
    np.testing.assert_allclose(found, exact, rtol=1e-6, atol=1e-6 * exact.max())


# --- derivatives, and an interpolation of its own for each input ----------------------------------


@pytest.mark.parametrize(
    "rule", [Chebyshev(2.0, 5.0), Chebyshev(2.0, 5.0, 4), Chebyshev(0.2, 0.21)]
)
def test_derivatives_of_polynomials_are_exact(rule):
    x = np.linspace(rule.low, rule.high, 41)
    middle, half = 0.5 * (rule.low + rule.high), 0.5 * (rule.high - rule.low)
    for power in range(rule.n):
        t, nodes = (x - middle) / half, (rule.nodes - middle) / half
        slope = power * t ** max(power - 1, 0) / half
        bend = power * (power - 1) * t ** max(power - 2, 0) / half**2
        found = rule.weights(x, SLOPE) @ nodes**power
        np.testing.assert_allclose(found * half, slope * half, rtol=0, atol=1e-10)
        found = rule.weights(x, BEND) @ nodes**power
        np.testing.assert_allclose(found * half**2, bend * half**2, rtol=0, atol=1e-8)


def test_derivatives_on_a_node_are_those_beside_it():
    rule = Chebyshev(-1.0, 1.0)
    for order in (SLOPE, BEND):
        on = rule.weights(rule.nodes, order)
        np.testing.assert_allclose(on, rule.weights(rule.nodes + 1e-9, order), atol=1e-5)


def test_a_spline_through_given_nodes():
    rule = Spline((-3.0, -2.0, 0.0, 0.5, 1.0, 3.0))
    x = np.linspace(-3.0, 3.0, 61)
    np.testing.assert_array_equal(rule.nodes, rule.at)
    np.testing.assert_allclose(rule.weights(rule.nodes), np.eye(6), atol=1e-14)
    for order, cubic in ((0, x**3 - x), (SLOPE, 3 * x**2 - 1), (BEND, 6 * x)):
        found = rule.weights(x, order) @ (rule.nodes**3 - rule.nodes)
        np.testing.assert_allclose(found, cubic, atol=1e-11)
    # against scipy's spline of other values
    values = np.cos(rule.nodes)
    np.testing.assert_allclose(
        rule.weights(x) @ values, CubicSpline(rule.nodes, values)(x), rtol=1e-12
    )


def test_each_input_has_its_own_nodes():
    ranges = {"x": (0.0, 1.0), "y": (-1.0, 1.0), "z": (-3.0, 3.0)}
    morph = Morph(ranges, {"y": 3, "z": (-3.0, -1.0, 0.0, 2.0, 3.0)})
    assert morph.n == NODES * 3 * 5
    nodes, rng = morph.nodes(), np.random.default_rng(4)
    values = {n: rng.uniform(*ends, 30) for n, ends in ranges.items()}

    def f(x, y, z):
        return x**5 * y**2 - 2.0 * y * z**3 + x * z

    weights = morph.weights(values)
    np.testing.assert_allclose(weights @ f(**nodes), f(**values), rtol=1e-9, atol=1e-11)
    slope = morph.weights(values, {"x": 1, "z": 1}) @ f(**nodes)
    np.testing.assert_allclose(slope, np.ones(30), rtol=1e-8)
    bend = morph.weights(values, {"y": 2}) @ f(**nodes)
    np.testing.assert_allclose(bend, 2.0 * values["x"] ** 5, rtol=1e-8, atol=1e-10)

"""The joint fit of inputs: counts at nodes one by one, and slopes by differences."""

import numpy as np
import pytest

from scanner.definition import from_mapping
from scanner.limits.bench import Bench, Question
from scanner.limits.input_fit import Member, Rows
from scanner.morph import Morph
from scanner.statistics.pulls import NOT_CONVERGED

CSI, LAR = "coherent_csi_2021", "coherent_lar_2020"


@pytest.fixture(scope="module")
def bench() -> Bench:
    """Two experiments with a common flux, one of which has a quenching of its own besides."""
    raw = {
        "scenario": "nsi",
        "experiments": [CSI, LAR],
        "axes": {"eps_ee_u": {"spacing": "linear", "start": -0.1, "stop": 0.5, "n": 5}},
        "profile": {"csi_quenching_pc0": {"mean": 0.0, "sigma": 1.0}},
        "experiment": {name: {"flux_error": "shared"} for name in (CSI, LAR)},
    }
    return Bench(Question(from_mapping(raw, "test"), ("eps_ee_u",)))


def test_counts_are_sums_over_terms_and_nodes():
    random = np.random.default_rng(2)
    sizes = [(3, 4), (2, 5)]
    members = [Member(Morph({"a": (0.0, 1.0)}, {"a": n}), bins, bins) for n, bins in sizes]
    templates = random.normal(size=(2, 3, sum(n * bins for n, bins in sizes)))
    index, coefficients = np.array([0, 1, 1, 0]), random.normal(size=(4, 3))
    rows, points = Rows(members, templates, index, coefficients), np.array([3, 1, 2])
    first = 0
    for i, (n, bins) in enumerate(sizes):
        weights = random.normal(size=(3, 2, n))
        wanted = np.zeros((3, 2, bins))
        for k, point in enumerate(points):
            for factor in range(2):
                for term in range(3):
                    for node in range(n):
                        for b in range(bins):
                            at_node = templates[index[point], term, first + node * bins + b]
                            weight = coefficients[point, term] * weights[k, factor, node]
                            wanted[k, factor, b] += weight * at_node
        np.testing.assert_allclose(rows.counts(i, points, weights), wanted, rtol=1e-12)
        first += n * bins


def test_slopes_of_two_experiments_are_those_of_differences(bench: Bench):
    [fit] = bench.data
    [model] = bench.models
    assert fit.inputs.names == ("csi_quenching_pc0", "sns_flux")
    rows = fit._alone(model.signal({"eps_ee_u": np.array([0.05, 0.3])}))
    points, u = np.arange(2), np.array([[0.4, -0.7], [-1.1, 0.2]])
    found = fit._slopes(rows, points, u)
    step = 1e-3
    for j in range(2):
        up, down = (fit._slopes(rows, points, u + s * np.eye(2)[j]) for s in (step, -step))
        slope = (up.value - down.value) / (2.0 * step)
        bend = (up.gradient - down.gradient) / (2.0 * step)
        np.testing.assert_allclose(found.gradient[:, j], slope, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(found.hessian[:, j], bend, rtol=1e-4, atol=1e-4)


def test_data_of_all_experiments_are_exchanged_each_with_its_own(bench: Bench):
    [fit] = bench.data
    observed = np.concatenate([one.observed + 1.0 for one in fit.plain])
    measured = np.arange(fit.pulls.n, dtype=float)
    made = fit.exchanged(observed, measured)
    for before, after in zip(fit.plain, made.plain, strict=True):
        np.testing.assert_array_equal(after.observed, before.observed + 1.0)
    own = np.concatenate([one.measured for one in made.plain])
    np.testing.assert_array_equal(np.concatenate([own, made.measured]), measured)
    assert not fit.exchanged(observed).measured.any()


def test_a_point_without_a_fit_says_so(bench: Bench):
    [fit] = bench.data
    [model] = bench.models
    signal = model.signal({"eps_ee_u": np.array([0.1, 0.1])})
    signal[1] = np.nan
    found = fit.profile(signal)
    assert np.isfinite(found.chi2[0])
    assert np.isnan(found.chi2[1])
    assert found.status[1] == NOT_CONVERGED
    assert found.pulls.shape == (2, fit.pulls.n)

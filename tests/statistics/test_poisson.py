"""Profiled Poisson chi2 against a scalar twin with sixty digits, scipy, and closed forms."""

from __future__ import annotations

from decimal import Decimal, localcontext

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import poisson

from scanner.statistics.lines import Lines
from scanner.statistics.poisson import BLOCK, PoissonLikelihood
from scanner.statistics.pulls import NUMERIC, OK, UNPHYSICAL, LinearPulls

# --- the slow twin ----------------------------------------------------------------------------


def twin(observed, signal, pulls, edge=False):
    """chi2 profiled by damped Newton steps, one number at a time, in the textbook's own pulls.

    With `edge`, empty bins hold the fit off mu = 0 with 1, 1e-2, ... 1e-18 events.
    """
    with localcontext() as context:
        context.prec = 60
        n, s, b = (list(map(Decimal, v.tolist())) for v in (observed, signal, pulls.expected))
        jacobian = [
            [si * Decimal(d) + Decimal(r) for si, d, r in zip(s, ds, rs, strict=True)]
            for ds, rs in zip(pulls.signal.tolist(), pulls.background.tolist(), strict=True)
        ]
        start = [si + bi for si, bi in zip(s, b, strict=True)]
        x = [Decimal(0)] * len(jacobian)
        for events in [Decimal(10) ** -k for k in range(0, 20, 2)] if edge else [Decimal(0)]:
            x = _descend([max(ni, events) for ni in n], start, jacobian, x)
        return float(_chi2(n, _mu(start, jacobian, x), x))


def _descend(n, start, jacobian, x):
    for _ in range(200):
        mu = _mu(start, jacobian, x)
        gradient = [
            xj + sum((1 - ni / mi) * ji for ni, mi, ji in zip(n, mu, row, strict=True) if mi)
            for xj, row in zip(x, jacobian, strict=True)
        ]
        weights = [ni / mi**2 if mi else 0 for ni, mi in zip(n, mu, strict=True)]
        hessian = [
            [
                (i == j) + sum(w * p * q for w, p, q in zip(weights, a, c, strict=True))
                for j, c in rows
            ]
            for rows in [list(enumerate(jacobian))]
            for i, a in rows
        ]
        step = _solve(hessian, [-g for g in gradient])
        slope = -sum(g * d for g, d in zip(gradient, step, strict=True))
        if slope < Decimal("1e-35"):
            return x
        length = Decimal(1)
        before = _chi2(n, mu, x)
        while True:
            trial = [xj + length * d for xj, d in zip(x, step, strict=True)]
            after = _chi2(n, _mu(start, jacobian, trial), trial)
            if after is not None and after <= before - slope * length / 1000:
                break
            length /= 2
        x = trial
    raise AssertionError("the twin did not converge")


def _mu(start, jacobian, x):
    rows = zip(*jacobian, strict=True)
    return [
        m + sum(j * xj for j, xj in zip(row, x, strict=True))
        for m, row in zip(start, rows, strict=True)
    ]


def _chi2(n, mu, x):
    total = sum(xj * xj for xj in x)
    for ni, mi in zip(n, mu, strict=True):
        if mi < 0 or (mi == 0 and ni > 0):
            return None
        total += 2 * (mi - ni + (ni * (ni / mi).ln() if ni else 0))
    return total


def _solve(matrix, vector):
    rows = [[*row, v] for row, v in zip(matrix, vector, strict=True)]
    for k in range(len(rows)):
        for i in range(k + 1, len(rows)):
            f = rows[i][k] / rows[k][k]
            rows[i] = [p - f * q for p, q in zip(rows[i], rows[k], strict=True)]
    x = [Decimal(0)] * len(rows)
    for k in reversed(range(len(rows))):
        known = sum(rows[k][j] * x[j] for j in range(k + 1, len(rows)))
        x[k] = (rows[k][-1] - known) / rows[k][k]
    return x


def case(seed, level=20.0, n_bins=12):
    """A likelihood of random shape and a signal: three backgrounds, a normalisation, a tilt."""
    rng = np.random.default_rng(seed)
    backgrounds = (
        rng.dirichlet(np.ones(n_bins), 3) * np.array([[1.0], [0.3], [2.0]]) * level * n_bins / 3
    )
    response = np.zeros((5, n_bins))
    response[1:4] = backgrounds * np.array([[0.25], [0.35], [0.02]])
    shape = np.vstack(
        [np.full(n_bins, 0.12), np.zeros((3, n_bins)), 0.1 * np.linspace(-1, 1, n_bins)[None]]
    )
    expected = backgrounds.sum(axis=0)
    observed = rng.poisson(expected + 1e-12).astype(float)
    signal = rng.dirichlet(np.ones(n_bins)) * level * n_bins / 4
    return PoissonLikelihood(observed, LinearPulls(shape, response, expected)), signal


def agree(found, expected):
    assert found == pytest.approx(expected, abs=1e-9 * max(expected, 1.0))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("level", [3.0, 20.0, 2000.0])
@pytest.mark.parametrize("scale", [0.0, 1e-6, 1.0, 30.0, 1e3, 1e6, 1e12, 1e20])
def test_against_the_twin(seed, level, scale):
    likelihood, signal = case(seed, level)
    found = likelihood.profile(scale * signal[np.newaxis])
    assert found.status.tolist() == [OK]
    agree(found.chi2[0], twin(likelihood.observed, scale * signal, likelihood.pulls))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("scale", [0.0, 1.0, 1e3, 1e12])
def test_sparse_bins_at_the_edge_of_an_empty_one(seed, scale):
    # hardly any events: a large signal is pulled until an empty bin has mu = 0
    likelihood, signal = case(seed, level=0.2)
    assert np.sum(likelihood.observed == 0) > 6
    found = likelihood.profile(scale * signal[np.newaxis])
    assert found.status.tolist() == [OK]
    agree(found.chi2[0], twin(likelihood.observed, scale * signal, likelihood.pulls, edge=True))


@pytest.mark.parametrize("scale", [0.0, 1.0, 1e6, 1e12, 1e20])
def test_two_normalisations_are_one_of_their_width_in_quadrature(scale):
    likelihood, signal = case(6)
    pulls = likelihood.pulls
    n_bins = signal.size
    both = np.vstack([np.full((1, n_bins), 0.05), pulls.signal[1:], np.full((1, n_bins), 0.12)])
    split = LinearPulls(both, np.vstack([pulls.background, np.zeros(n_bins)]), pulls.expected)
    joined = pulls.signal.copy()
    joined[0] = 0.13
    one = LinearPulls(joined, pulls.background, pulls.expected)
    found = PoissonLikelihood(likelihood.observed, split).profile(scale * signal[np.newaxis])
    other = PoissonLikelihood(likelihood.observed, one).profile(scale * signal[np.newaxis])
    agree(found.chi2[0], other.chi2[0])
    assert found.pulls[0, 0] / 0.05 == pytest.approx(found.pulls[0, -1] / 0.12, rel=1e-9)
    assert found.pulls[0, 0] == pytest.approx(other.pulls[0, 0] * 0.05 / 0.13, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_without_a_normalisation_pull(seed):
    likelihood, signal = case(seed)
    pulls = LinearPulls(
        likelihood.pulls.signal[1:], likelihood.pulls.background[1:], likelihood.pulls.expected
    )
    for scale in (0.0, 1.0, 100.0):
        found = PoissonLikelihood(likelihood.observed, pulls).profile(scale * signal[np.newaxis])
        agree(found.chi2[0], twin(likelihood.observed, scale * signal, pulls))


@pytest.mark.parametrize("scale", [1.0, 1e4, 1e8])
def test_signal_in_one_bin_without_background(scale):
    likelihood, signal = case(1)
    pulls = likelihood.pulls
    expected = pulls.expected.copy()
    response = pulls.background.copy()
    expected[4], response[:, 4] = 0.0, 0.0
    lone = np.zeros_like(signal)
    lone[4] = scale
    observed = likelihood.observed.copy()
    observed[4] = 2.0
    bare = PoissonLikelihood(observed, LinearPulls(pulls.signal, response, expected))
    agree(bare.profile(lone[np.newaxis]).chi2[0], twin(observed, lone, bare.pulls))


# --- outside checks ---------------------------------------------------------------------------


def test_terms_against_scipy():
    likelihood, signal = case(7, level=3.0)
    assert (likelihood.observed == 0).any()
    x = np.array([[0.5, -1.0, 0.3, 2.0, -0.4]])
    found = likelihood.chi2(signal[np.newaxis], x + likelihood.pulls.centre)[0]
    mu = signal * (1 + x @ likelihood.pulls.signal) + likelihood.pulls.expected
    mu = (mu + x @ likelihood.pulls.background)[0]
    n = likelihood.observed
    saturated = poisson.logpmf(n, np.maximum(n, 1e-300))
    assert found == pytest.approx(
        -2 * np.sum(poisson.logpmf(n, mu) - saturated) + np.sum(x**2), rel=1e-12
    )


@pytest.mark.parametrize("n_bins", [2, 50])
def test_a_common_pull_acts_on_all_bins_at_once(n_bins):
    # N identical bins with one pull are one bin of N times the counts, not N bins with a pull each
    s, b, n = 4.0, 6.0, 15.0

    def profiled(copies, factor):
        pulls = LinearPulls(
            np.full((1, copies), 0.3), np.zeros((1, copies)), np.full(copies, factor * b)
        )
        likelihood = PoissonLikelihood(np.full(copies, factor * n), pulls)
        return likelihood.profile(np.full((1, copies), factor * s)).chi2[0]

    assert profiled(n_bins, 1.0) == pytest.approx(profiled(1, float(n_bins)), rel=1e-11)
    assert profiled(n_bins, 1.0) < 0.9 * n_bins * profiled(1, 1.0)


def test_one_bin_one_pull_by_root_search():
    s, b, n, width = 4.0, 6.0, 15.0, 0.3
    likelihood = PoissonLikelihood(
        np.array([n]), LinearPulls(np.array([[width]]), np.zeros((1, 1)), np.array([b]))
    )
    found = likelihood.profile(np.array([[s]]))

    def slope(x):
        return width * s * (1 - n / (s * (1 + width * x) + b)) + x

    x = brentq(slope, -3, 10, xtol=1e-15)
    mu = s * (1 + width * x) + b
    assert found.pulls[0, 0] == pytest.approx(x, abs=1e-8)
    assert found.chi2[0] == pytest.approx(2 * (mu - n + n * np.log(n / mu)) + x**2, rel=1e-13)


@pytest.mark.parametrize("seed", range(3))
def test_asimov_is_zero_at_the_truth_and_convex(seed):
    likelihood, signal = case(seed)
    asimov = PoissonLikelihood(signal + likelihood.pulls.expected, likelihood.pulls)
    strength = np.linspace(0.2, 3.0, 57)[:, np.newaxis]
    chi2 = asimov.profile(strength * signal).chi2
    at_truth = asimov.profile(signal[np.newaxis]).chi2[0]
    assert abs(at_truth) < 1e-12
    assert np.all(chi2 > -1e-12)
    assert np.all(np.diff(chi2[strength[:, 0] <= 1.0]) < 0)
    assert np.all(np.diff(chi2[strength[:, 0] >= 1.0]) > 0)


def test_stored_pulls_reproduce_the_stored_chi2():
    likelihood, signal = case(5)
    found = likelihood.profile(np.array([[0.5], [1.0], [3.0]]) * signal)
    again = likelihood.chi2(
        np.array([[0.5], [1.0], [3.0]]) * signal, found.pulls + likelihood.pulls.centre
    )
    np.testing.assert_allclose(again, found.chi2, rtol=1e-12)


# --- many bins, many points, bad points -------------------------------------------------------


def test_a_thousand_bins_do_not_underflow():
    likelihood, signal = case(2, level=50.0, n_bins=1000)
    found = likelihood.profile(np.array([[0.0], [1.0], [1e6]]) * signal)
    assert found.status.tolist() == [OK] * 3
    assert np.all(np.isfinite(found.chi2))
    assert found.chi2[2] > 500.0


def test_points_do_not_feel_their_neighbours():
    likelihood, signal = case(2)
    strengths = np.concatenate([np.geomspace(1e-6, 1e12, 2 * BLOCK + 1), [np.nan, -1e3]])
    together = likelihood.profile(np.random.default_rng(0).permutation(strengths)[:, None] * signal)
    order = np.random.default_rng(0).permutation(len(strengths))
    for i in (0, 5, BLOCK - 1, BLOCK, 2 * BLOCK + 2):
        alone = likelihood.profile(strengths[order][i : i + 1, None] * signal)
        assert alone.status[0] == together.status[i]
        np.testing.assert_allclose(alone.chi2[0], together.chi2[i], rtol=1e-12)


def test_scan_is_profile_on_a_grid():
    likelihood, signal = case(4)
    rng = np.random.default_rng(1)
    templates = rng.uniform(0, 2, (3, 2, signal.size)) * signal
    for n_lines, n_points in ((1, 1), (3, 1), (1, 7), (3, BLOCK + 3)):
        lines = Lines(
            rng.uniform(0, 3, (n_lines, 2)), np.array([0, 1]), rng.uniform(0, 2, n_points)
        )
        coefficients = lines.coefficients()
        chi2, status = (found.reshape(3, -1) for found in likelihood.scan(templates, lines))
        for shape in range(3):
            direct = likelihood.profile(coefficients @ templates[shape])
            np.testing.assert_allclose(chi2[shape], direct.chi2, rtol=1e-12)
            np.testing.assert_array_equal(status[shape], direct.status)


@pytest.mark.parametrize(
    ("signal", "status"),
    [(-5.0, UNPHYSICAL), (np.nan, NUMERIC), (np.inf, NUMERIC), (-np.inf, NUMERIC), (-1.0, OK)],
)
def test_status_of_bad_signals(signal, status):
    pulls = LinearPulls(np.full((1, 2), 0.1), np.zeros((1, 2)), np.array([2.0, 3.0]))
    found = PoissonLikelihood(np.array([1.0, 4.0]), pulls).profile(np.array([[signal, 1.0]]))
    assert found.status.tolist() == [status]
    assert np.isfinite(found.chi2[0]) == (status == OK)


def test_events_where_nothing_is_expected_are_unphysical():
    pulls = LinearPulls(np.full((1, 2), 0.1), np.zeros((1, 2)), np.array([0.0, 3.0]))
    found = PoissonLikelihood(np.array([1.0, 4.0]), pulls).profile(np.array([[0.0, 1.0]]))
    assert found.status.tolist() == [UNPHYSICAL]
    assert np.isnan(found.chi2[0])


def test_empty_bins_with_nothing_expected_add_nothing():
    pulls = LinearPulls(np.full((1, 2), 0.1), np.zeros((1, 2)), np.array([0.0, 3.0]))
    bare = LinearPulls(np.full((1, 1), 0.1), np.zeros((1, 1)), np.array([3.0]))
    signal = np.array([[0.0, 1.0]])
    with_empty = PoissonLikelihood(np.array([0.0, 4.0]), pulls).profile(signal)
    without = PoissonLikelihood(np.array([4.0]), bare).profile(signal[:, 1:])
    assert with_empty.chi2[0] == pytest.approx(without.chi2[0], rel=1e-13)

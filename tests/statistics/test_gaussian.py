"""Profiled Gaussian chi2 against the covariance matrix in exact fractions, and closed forms."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from scipy.optimize import minimize

from scanner.statistics.gaussian import WORTH_A_BASIS, WORTH_A_GRAM, GaussianLikelihood
from scanner.statistics.lines import Lines
from scanner.statistics.pulls import NUMERIC, OK, LinearPulls


def twin(likelihood, signal):
    """r^T (V + J J^T)^-1 r with the rational numbers that the floats are."""
    pulls = likelihood.pulls
    s, n, v, b = (
        list(map(Fraction, a.tolist()))
        for a in (signal, likelihood.observed, likelihood.variance, pulls.expected)
    )
    jacobian = [
        [si * Fraction(d) + Fraction(r) for si, d, r in zip(s, ds, rs, strict=True)]
        for ds, rs in zip(pulls.signal.tolist(), pulls.background.tolist(), strict=True)
    ]
    residual = [ni - si - bi for ni, si, bi in zip(n, s, b, strict=True)]
    bins = range(len(s))
    rows = [
        [sum(j[p] * j[q] for j in jacobian) + (v[p] if p == q else 0) for q in bins] + [residual[p]]
        for p in bins
    ]
    for k in bins:
        for i in range(k + 1, len(rows)):
            f = rows[i][k] / rows[k][k]
            rows[i] = [a - f * c for a, c in zip(rows[i], rows[k], strict=True)]
    solution = [Fraction(0)] * len(rows)
    for k in reversed(bins):
        known = sum(rows[k][j] * solution[j] for j in range(k + 1, len(rows)))
        solution[k] = (rows[k][-1] - known) / rows[k][k]
    return float(sum(r * x for r, x in zip(residual, solution, strict=True)))


def case(seed, n_bins=7):
    """A likelihood of random shape and a signal: a normalisation and tilts."""
    rng = np.random.default_rng(seed)
    background = rng.uniform(1, 30, n_bins)
    shape = np.vstack([np.full(n_bins, 0.13), rng.normal(0, 0.1, n_bins), np.zeros((2, n_bins))])
    response = np.vstack([np.zeros((2, n_bins)), 0.3 * background, rng.normal(0, 2, n_bins)])
    observed = rng.poisson(background).astype(float)
    likelihood = GaussianLikelihood(
        observed, observed + rng.uniform(1, 5, n_bins), LinearPulls(shape, response, background)
    )
    return likelihood, rng.uniform(0, 6, n_bins)


def along(likelihood, templates, z):
    """chi2 at T_0 + z T_1 + ..., from enough points that Gram polynomials make them."""
    rows = np.ones((1, len(templates)))
    filled = np.concatenate([np.atleast_1d(z), np.zeros(WORTH_A_GRAM)])
    line = Lines(rows, np.arange(len(templates)), filled)
    chi2, status = likelihood.scan(templates[np.newaxis], line)
    assert np.all(status == OK)
    return chi2[0, 0, : np.size(z)]


def agree(found, expected):
    assert found == pytest.approx(expected, abs=1e-9 * max(expected, 1.0))


SCALES = (0.0, 1e-6, 1.0, 30.0, 1e3, 1e6, 1e12, 1e20, -0.5, -1e3)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("scale", SCALES)
def test_against_the_covariance_matrix(seed, scale):
    likelihood, signal = case(seed)
    expected = twin(likelihood, scale * signal)
    found = likelihood.profile(scale * signal[np.newaxis])
    assert found.status.tolist() == [OK]
    agree(found.chi2[0], expected)
    agree(along(likelihood, np.stack([np.zeros_like(signal), signal]), scale)[0], expected)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("scale", [0.0, 1.0, 100.0])
def test_without_a_normalisation_pull(seed, scale):
    likelihood, signal = case(seed)
    pulls = LinearPulls(
        likelihood.pulls.signal[1:], likelihood.pulls.background[1:], likelihood.pulls.expected
    )
    bare = GaussianLikelihood(likelihood.observed, likelihood.variance, pulls)
    expected = twin(bare, scale * signal)
    agree(bare.profile(scale * signal[np.newaxis]).chi2[0], expected)
    agree(along(bare, np.stack([np.zeros_like(signal), signal]), scale)[0], expected)


@pytest.mark.parametrize("scale", [0.0, 1.0, 1e8, 1e20])
def test_two_normalisations_that_also_move_a_background(scale):
    likelihood, signal = case(5)
    pulls = likelihood.pulls
    shape = np.vstack([pulls.signal, np.full(signal.size, 0.05)])
    response = np.vstack([pulls.background, 0.1 * pulls.expected])
    split = LinearPulls(shape, response, pulls.expected)
    both = GaussianLikelihood(likelihood.observed, likelihood.variance, split)
    expected = twin(both, scale * signal)
    agree(both.profile(scale * signal[np.newaxis]).chi2[0], expected)
    agree(along(both, np.stack([np.zeros_like(signal), signal]), scale)[0], expected)


def test_against_a_minimiser():
    likelihood, signal = case(1)
    pulls = likelihood.pulls

    def chi2(x):
        mu = signal * (1 + x @ pulls.signal) + pulls.expected + x @ pulls.background
        return np.sum((likelihood.observed - mu) ** 2 / likelihood.variance) + np.sum(x**2)

    best = minimize(chi2, np.zeros(4), tol=1e-12)
    found = likelihood.profile(signal[np.newaxis])
    assert found.chi2[0] == pytest.approx(best.fun, rel=1e-9)
    assert chi2(found.pulls[0]) == pytest.approx(found.chi2[0], rel=1e-12)
    np.testing.assert_allclose(found.pulls[0], best.x, atol=1e-5)


@pytest.mark.parametrize("n_bins", [1, 2, 100])
def test_identical_bins_with_one_common_pull(n_bins):
    # (V + (sigma S)^2 ones)^-1 summed: N r^2/(V + N (sigma S)^2)
    s, b, n, v, sigma = 4.0, 6.0, 15.0, 9.0, 0.3
    pulls = LinearPulls(np.full((1, n_bins), sigma), np.zeros((1, n_bins)), np.full(n_bins, b))
    likelihood = GaussianLikelihood(np.full(n_bins, n), np.full(n_bins, v), pulls)
    residual = n - s - b
    expected = n_bins * residual**2 / (v + n_bins * (sigma * s) ** 2)
    assert likelihood.profile(np.full((1, n_bins), s)).chi2[0] == pytest.approx(expected, rel=1e-12)


def _dip(signal):
    """Templates of a signal that cancels at coefficient 1: T (1 - 2 c + c^2), nearly."""
    tilt = 1 + 1e-3 * np.linspace(-1, 1, signal.size)
    return np.stack([signal, -2 * signal * tilt, signal * tilt**2])


def test_gram_polynomials_at_an_interference_dip():
    likelihood, signal = case(2)
    templates = _dip(30.0 * signal)
    c = np.concatenate([np.linspace(0.99, 1.01, 41), np.geomspace(1e-3, 1e6, 41)])
    coefficients = np.stack([np.ones_like(c), c, c**2], axis=1)
    for row, found in zip(coefficients, along(likelihood, templates, c), strict=True):
        # the bins themselves, from the floats: cancellation is the point
        agree(found, twin(likelihood, row @ templates))


@pytest.mark.parametrize("n_lines", [1, 3, WORTH_A_BASIS])
@pytest.mark.parametrize("n_points", [1, WORTH_A_GRAM - 1, WORTH_A_GRAM, 100])
def test_scan_is_profile_on_a_grid(n_lines, n_points):
    likelihood, signal = case(3)
    templates = np.stack([_dip(k * signal) for k in (1.0, 5.0)])
    outer = np.random.default_rng(1).uniform(0.5, 1.5, (n_lines, 3))
    lines = Lines(outer, np.arange(3), np.linspace(0.0, 2.0, n_points))
    chi2, status = likelihood.scan(templates, lines)
    assert chi2.shape == status.shape == (2, n_lines, n_points)
    assert np.all(status == OK)
    for found, template in zip(chi2, templates, strict=True):
        direct = likelihood.profile(lines.coefficients() @ template)
        np.testing.assert_allclose(found.ravel(), direct.chi2, rtol=1e-11)


@pytest.mark.parametrize("seed", range(3))
def test_asimov_is_zero_at_the_truth_and_convex(seed):
    likelihood, signal = case(seed)
    pulls = likelihood.pulls
    asimov = GaussianLikelihood(signal + pulls.expected, likelihood.variance, pulls)
    strength = np.linspace(0.2, 3.0, 57)[:, np.newaxis]
    chi2 = asimov.profile(strength * signal).chi2
    assert abs(asimov.profile(signal[np.newaxis]).chi2[0]) < 1e-11
    assert np.all(np.diff(chi2[strength[:, 0] <= 1.0]) < 0)
    assert np.all(np.diff(chi2[strength[:, 0] >= 1.0]) > 0)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_signal_that_is_not_finite_has_its_status(bad):
    likelihood, signal = case(1)
    broken = signal.copy()
    broken[2] = bad
    found = likelihood.profile(np.stack([signal, broken, signal]))
    assert found.status.tolist() == [OK, NUMERIC, OK]
    assert np.isnan(found.chi2).tolist() == [False, True, False]
    templates = np.stack([np.zeros_like(signal), broken])
    chi2, status = likelihood.scan(
        templates[np.newaxis], Lines(np.ones((1, 2)), np.arange(2), np.ones(WORTH_A_GRAM))
    )
    assert np.all(status == NUMERIC)
    assert np.all(np.isnan(chi2))

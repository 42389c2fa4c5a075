"""A background curve of free parameters: against scipy, at its bounds, and as a likelihood."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import least_squares, nnls

from scanner.experiments import dresden_ii_2022
from scanner.statistics.background import BackgroundCurve, CurveLikelihood, Free
from scanner.statistics.background_fit import CurveFit
from scanner.statistics.lines import Lines
from scanner.statistics.pulls import NUMERIC, OK

X = np.linspace(0.05, 2.0, 40)


def forms(theta):
    (slope,) = theta.T[..., np.newaxis]
    return np.stack([np.ones((len(theta), len(X))), np.exp(-slope * X)], axis=1)


def slopes(theta, heights):
    (slope,) = theta.T[..., np.newaxis]
    return (-heights[:, 1:] * X * np.exp(-slope * X))[:, np.newaxis]


CURVE = BackgroundCurve(
    heights=(Free("flat", "flat", 20.0, 2.0), Free("steep", "steep", 50.0, 5.0)),
    shapes=(Free("slope", "steep", 2.0, 0.3, 0.1, 20.0, measured=True),),
    forms=forms,
    slopes=slopes,
    starts=np.array([[2.0], [0.5], [8.0]]),
)


def toy(seed, curve=CURVE):
    random = np.random.default_rng(seed)
    mu = curve.curve(np.zeros(len(curve.free)))
    return CurveLikelihood(random.normal(mu, np.sqrt(mu)), mu, curve)


def dresden(**choices):
    experiment = dresden_ii_2022.load(**choices)
    return CurveLikelihood(experiment.data, experiment.variance, experiment.background_curve)


def chi2_at(likelihood, signal, values):
    """chi2 of a signal (n_bins,) at parameters (n_free,), term by term."""
    curve = likelihood.curve
    x = (np.asarray(values) - curve.nominal) / curve.step
    mean = np.zeros(len(x)) if likelihood.measured is None else likelihood.measured
    prediction = signal + curve.curve(x)
    chi2 = sum(
        (n - mu) ** 2 / v
        for n, mu, v in zip(likelihood.observed, prediction, likelihood.variance, strict=True)
    )
    return chi2 + sum(
        (a - m) ** 2 for a, m, f in zip(x, mean, curve.free, strict=True) if f.measured
    )


def twin(likelihood, signal, start):
    """The minimum by scipy, all parameters alike, from one start."""
    curve = likelihood.curve
    known = np.array([f.measured for f in curve.free])
    mean = np.zeros(len(known)) if likelihood.measured is None else likelihood.measured

    def residuals(values):
        x = (values - curve.nominal) / curve.step
        pulled = (x - mean)[known]
        data = likelihood.observed - signal - curve.curve(x)
        return np.concatenate([data / np.sqrt(likelihood.variance), pulled])

    low, high = (np.array([getattr(f, end) for f in curve.free]) for end in ("low", "high"))
    inside = np.clip(start, low + 1e-9, np.where(np.isinf(high), 1e12, high - 1e-9))
    found = least_squares(
        residuals,
        inside,
        bounds=(low, high),
        x_scale=5.0 * curve.step,
        ftol=1e-14,
        xtol=1e-14,
        gtol=1e-14,
        max_nfev=2000,
    )
    return 2.0 * found.cost


def random_signals(n, size, seed):
    """Signals of many forms that fall like those of light mediators, or look like a background."""
    random = np.random.default_rng(seed)
    energy = np.linspace(0.205, 1.495, 130)
    shapes = np.stack(
        [energy**-k for k in (1, 2, 4)]
        + [np.exp(-energy / k) for k in (0.05, 0.3)]
        + [np.exp(-0.5 * ((energy - c) / 0.07) ** 2) for c in (0.6, 1.29)]
        + [np.ones(130)]
    )
    weights = random.exponential(size=(n, len(shapes))) * (random.random((n, len(shapes))) < 0.5)
    weights[:, 0] += 1e-3
    made = weights @ (shapes / shapes.sum(axis=1, keepdims=True))
    return made / made.sum(axis=1, keepdims=True) * 10.0 ** random.uniform(1.0, size, (n, 1))


# --- the fit --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_small_fits_against_scipy(seed):
    likelihood = toy(seed)
    random = np.random.default_rng(seed)
    signals = random.exponential(10.0, (20, len(X))) * random.random((20, 1))
    found = likelihood.profile(signals)
    assert np.all(found.status == OK)
    for signal, chi2 in zip(signals, found.chi2, strict=True):
        best = min(twin(likelihood, signal, (20.0, 50.0, s)) for s in (0.5, 2.0, 8.0))
        assert chi2 == pytest.approx(best, abs=1e-6)


@pytest.mark.parametrize("choices", [{}, {"rho_prior": "relative"}], ids=str)
def test_dresden_against_scipy(choices):
    likelihood = dresden(**choices)
    signals = random_signals(12, 4.7, seed=3)
    found = likelihood.profile(signals)
    assert np.all(found.status == OK)
    starts = [(14.0, 140.0, 80.0, slope, 1.292, 0.07, 0.16) for slope in (1.5, 4.0, 20.0)]
    for signal, chi2, x in zip(signals, found.chi2, found.pulls, strict=True):
        own = likelihood.curve.values(x)
        best = min(twin(likelihood, signal, start) for start in (own, *starts))
        assert chi2 == pytest.approx(best, abs=1e-6)


def test_chi2_is_that_of_the_fitted_parameters():
    likelihood = dresden()
    signals = random_signals(30, 5.0, seed=4)
    found = likelihood.profile(signals)
    for signal, chi2, x in zip(signals, found.chi2, found.pulls, strict=True):
        expected = chi2_at(likelihood, signal, likelihood.curve.values(x))
        assert chi2 == pytest.approx(expected, rel=1e-9)


def test_no_neighbour_is_lower():
    likelihood = dresden()
    signals = random_signals(10, 5.0, seed=5)
    found = likelihood.profile(signals)
    low = np.array([f.low for f in likelihood.curve.free])
    high = np.array([f.high for f in likelihood.curve.free])
    for signal, chi2, x in zip(signals, found.chi2, found.pulls, strict=True):
        values = likelihood.curve.values(x)
        assert np.all(values >= low - 1e-12)
        assert np.all(values <= high + 1e-12)
        for move in np.vstack([np.eye(7), -np.eye(7)]) * 0.03 * likelihood.curve.step:
            near = np.clip(values + move, low, high)
            assert chi2_at(likelihood, signal, near) >= chi2 - 1e-7 * max(chi2, 1.0)


@pytest.mark.parametrize("seed", range(4))
def test_heights_are_those_of_nonnegative_least_squares(seed):
    random = np.random.default_rng(seed)
    fit = CurveFit(dresden().curve, np.ones(130), None)
    rows, targets = random.random((6, 3, 130)), random.normal(0.0, 1.0, (6, 130))
    vector = np.einsum("nlb,nb->nl", rows, targets)
    heights, explained = fit._heights(rows @ rows.swapaxes(1, 2), vector)
    for row, target, found, gain in zip(rows, targets, heights, explained, strict=True):
        expected, norm = nnls(row.T, target)
        np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9)
        assert target @ target - gain == pytest.approx(norm**2, rel=1e-9)


def test_what_is_a_curve_and_a_signal_fits_exactly():
    likelihood = toy(0)
    signal = 30.0 * np.exp(-0.5 * ((X - 1.0) / 0.1) ** 2)
    values = np.array([15.0, 70.0, 2.0])
    x = (values - CURVE.nominal) / CURVE.step
    exact = likelihood.exchanged(signal + CURVE.curve(x))
    found = exact.profile(signal[np.newaxis])
    assert found.chi2[0] == pytest.approx(0.0, abs=1e-9)
    np.testing.assert_allclose(CURVE.values(found.pulls[0]), values, rtol=1e-5)


# --- signals of all sizes -------------------------------------------------------------------------


def test_every_signal_ends_with_a_status():
    likelihood = dresden()
    total = likelihood.observed.sum()
    shapes = random_signals(40, 1.0, seed=6)
    shapes /= shapes.sum(axis=1, keepdims=True)
    sizes = total * np.append(0.0, np.logspace(-6, 10, 33))
    signals = (sizes[:, np.newaxis, np.newaxis] * shapes).reshape(-1, 130)
    found = likelihood.profile(signals)
    assert np.all(found.status == OK)
    assert np.all(np.isfinite(found.chi2))
    assert np.all(np.isfinite(found.pulls))
    # a signal far above the data leaves no room for a background
    huge = signals[-40:]
    alone = np.sum((likelihood.observed - huge) ** 2 / likelihood.variance, axis=1)
    np.testing.assert_allclose(found.chi2[-40:], alone, rtol=1e-9)


def test_no_signal_at_all():
    likelihood = dresden()
    zero = likelihood.profile(np.zeros((3, 130)))
    assert np.ptp(zero.chi2) == 0.0
    assert zero.chi2[0] == pytest.approx(110.69, abs=0.01)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e200])
def test_numbers_that_cannot_be_fitted(bad):
    likelihood = dresden()
    signals = np.zeros((3, 130))
    signals[1, 5] = bad
    found = likelihood.profile(signals)
    assert found.status.tolist() == [OK, NUMERIC, OK]
    assert np.isnan(found.chi2[1])
    assert found.chi2[0] == found.chi2[2]


def test_a_point_does_not_depend_on_its_neighbours():
    likelihood = dresden()
    signals = random_signals(300, 5.0, seed=7)
    together = likelihood.profile(signals)
    for i in (0, 17, 299):
        alone = likelihood.profile(signals[i : i + 1])
        assert alone.chi2[0] == pytest.approx(together.chi2[i], abs=1e-8, rel=1e-11)


# --- as a likelihood ------------------------------------------------------------------------------


def test_a_grid_is_its_points():
    likelihood = dresden()
    templates = random_signals(6, 3.5, seed=8).reshape(2, 3, 130)
    lines = Lines.of_couplings(((0,), (2,), (4,)), [], np.linspace(0.0, 3.0, 7))
    chi2, status = likelihood.scan(templates, lines)
    assert chi2.shape == status.shape == (2, 1, 7)
    for i, template in enumerate(templates):
        expected = likelihood.profile(lines.coefficients() @ template)
        np.testing.assert_allclose(chi2[i, 0], expected.chi2, rtol=1e-11)
        np.testing.assert_array_equal(status[i, 0], expected.status)


def test_toys_are_drawn_about_the_curve():
    likelihood = dresden()
    signal = random_signals(1, 4.0, seed=9)[0]
    x = np.array([0.5, -0.5, 1.0, 2.0, -1.0, 0.3, 0.8])
    random = np.random.default_rng(1)
    toys = [likelihood.drawn(signal, x, random) for _ in range(400)]
    mean = np.mean([toy.observed for toy in toys], axis=0)
    error = np.sqrt(likelihood.variance / 400)
    expected = signal + likelihood.curve.curve(x)
    assert np.all(np.abs(mean - expected) < 5.0 * error)
    measured = np.array([toy.measured[-1] for toy in toys])
    assert measured.mean() == pytest.approx(0.8, abs=0.25)
    assert measured.std() == pytest.approx(1.0, abs=0.15)
    np.testing.assert_array_equal(toys[0].variance, likelihood.variance)


def test_what_was_measured_moves_the_prior():
    likelihood = toy(1)
    signal = np.zeros((1, len(X)))
    moved = likelihood.exchanged(likelihood.observed, np.array([9.0, 9.0, 2.0]))
    found, other = likelihood.profile(signal), moved.profile(signal)
    assert other.pulls[0, 2] > found.pulls[0, 2]
    assert other.chi2[0] == pytest.approx(twin(moved, signal[0], (20.0, 50.0, 2.0)), abs=1e-6)


def test_prediction_at_pulls_is_exact_far_from_the_nominal_curve():
    pulls = toy(2).pulls
    x = np.array([[3.0, -2.0, 5.0], [0.0, 0.0, 0.0]])
    signal = np.outer([1.0, 2.0], X)
    for s, y, found in zip(signal, x, pulls.at(signal, x), strict=True):
        flat, steep, slope = CURVE.values(y)
        np.testing.assert_allclose(found, s + flat + steep * np.exp(-slope * X), rtol=1e-12)
    assert pulls.n == 3
    np.testing.assert_allclose(pulls.at(signal[0], x[0]), pulls.at(signal, x)[0], rtol=1e-14)
    np.testing.assert_allclose(pulls.expected, CURVE.curve(np.zeros(3)), rtol=1e-14)


def test_slopes_along_the_signal_are_derivatives():
    likelihood = dresden()
    signals = random_signals(12, 4.0, seed=11)
    moves = random_signals(24, 3.5, seed=12).reshape(12, 2, 130)
    found = likelihood.tangent(signals, moves)
    np.testing.assert_allclose(found.chi2, likelihood.profile(signals).chi2, rtol=1e-12)
    h = 0.02
    for k in range(2):
        ahead, behind = (likelihood.profile(signals + s * h * moves[:, k]).chi2 for s in (1, -1))
        along = np.einsum("nb,nb->n", found.slope, moves[:, k])
        np.testing.assert_allclose(along, (ahead - behind) / (2 * h), rtol=1e-3, atol=2e-4)
        bend = (ahead - 2 * found.chi2 + behind) / h**2
        # without the bend of the curve itself
        np.testing.assert_allclose(found.bend[:, k, k], bend, rtol=0.15, atol=2e-3)
    np.testing.assert_allclose(found.bend, found.bend.swapaxes(1, 2), rtol=1e-9)


def test_a_signal_above_the_data_bends_alone():
    likelihood = dresden()
    signals = np.full((2, 130), 1e12)
    signals[1, 3] = np.nan
    found = likelihood.tangent(signals, np.ones((2, 1, 130)))
    assert found.status.tolist() == [OK, NUMERIC]
    assert found.bend[0, 0, 0] == pytest.approx(2.0 * np.sum(1.0 / likelihood.variance))
    assert np.isnan(found.chi2[1])
    assert np.all(np.isfinite(found.slope))


def test_a_slope_without_moves_is_that_of_chi2_alone():
    likelihood, signals = dresden(), random_signals(3, 4.0, seed=11)
    found = likelihood.tangent(signals, np.empty((3, 0, 130)))
    assert found.bend.shape == (3, 0, 0)
    np.testing.assert_array_equal(found.chi2, likelihood.profile(signals).chi2)


def test_covariance_is_the_curvature_of_chi2():
    likelihood = toy(3)
    found = likelihood.profile(np.zeros((1, len(X))))
    # data without noise: no part of the curvature is left out
    exact = likelihood.exchanged(likelihood.curve.curve(found.pulls[0]), found.pulls[0])
    values = CURVE.values(found.pulls[0])
    n, h = 3, 1e-3 * CURVE.step

    def chi2(move):
        return chi2_at(exact, np.zeros(len(X)), values + move)

    half = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            a, b = np.eye(n)[i] * h, np.eye(n)[j] * h
            half[i, j] = (chi2(a + b) - chi2(a - b) - chi2(b - a) + chi2(-a - b)) / 8e-6
    np.testing.assert_allclose(exact.covariance(found.pulls[0]), np.linalg.inv(half), rtol=2e-3)


def test_a_parameter_without_influence_keeps_the_width_of_its_range():
    likelihood = dresden()
    gone = (0.0 - likelihood.curve.nominal) / likelihood.curve.step
    x = np.where([True, True, True, False, False, False, False], gone, 0.0)
    widths = np.sqrt(np.diag(likelihood.covariance(x)))
    assert widths[3] == pytest.approx(59.5 / 0.12 / np.sqrt(12.0))
    assert widths[6] == pytest.approx(1.0, rel=1e-3)

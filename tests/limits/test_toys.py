"""Toys against exact constructions: a Gaussian mean with a boundary, and coverage with a pull."""

import importlib
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import norm

from scanner.errors import DefinitionError
from scanner.grid import Axis
from scanner.limits.toys import generator
from scanner.statistics.toys import Tally

sys.path.insert(0, str(Path(__file__).parent))
toy_models = importlib.import_module("toy_models")
bounded_gaussian, counting = toy_models.bounded_gaussian, toy_models.counting
measured_mean, trial = toy_models.measured_mean, toy_models.trial

AXIS = Axis("mu", "linear", 0.0, 8.0, 41)


def exact_critical(mu: float, cl: float) -> float:
    """Delta chi2 of the acceptance interval of physics/9711021 sec. IV B, by root search."""

    def delta(x: float) -> float:
        return (x - mu) ** 2 if x > 0.0 else mu**2 - 2.0 * mu * x

    def ends(level: float) -> tuple[float, float]:
        low = mu - level**0.5
        return (low if low > 0.0 else (mu**2 - level) / (2.0 * mu)), mu + level**0.5

    def content(level: float) -> float:
        low, high = ends(level)
        assert delta(low) == pytest.approx(delta(high))
        return float(norm.cdf(high - mu) - norm.cdf(low - mu)) - cl

    return float(brentq(content, 1e-9, 20.0))


@pytest.mark.parametrize(("x", "mu"), [(-1.0, 0.81), (0.0, 1.64)])
def test_ends_of_the_table_of_feldman_and_cousins(x: float, mu: float):
    # Table X of physics/9711021: [0, 0.81] at x0 = -1 and [0, 1.64] at x0 = 0, both at 90 %
    tested = trial(bounded_gaussian(x), mu, AXIS)
    assert tested.observed == pytest.approx(exact_critical(mu, 0.9), rel=0.02)
    tally = Tally.of(tested.toys(1000, generator(x)), tested.observed, 0.9)
    assert abs(tally.p_value - 0.1) < 4.0 * tally.p_error
    assert abs(tally.critical - exact_critical(mu, 0.9)) < 4.0 * tally.critical_error
    assert tally.n_toys == 1000
    assert tally.n_failed == 0


def test_far_from_the_boundary_wilks_holds():
    tested = trial(bounded_gaussian(4.0), 4.0, AXIS)
    tally = Tally.of(tested.toys(1000, generator("far")), tested.observed, 0.9)
    assert abs(tally.critical - norm.ppf(0.95) ** 2) < 4.0 * tally.critical_error
    assert tested.observed == pytest.approx(0.0, abs=1e-6)
    assert tally.p_value == 1.0


def test_near_the_boundary_wilks_covers_too_much():
    tested = trial(bounded_gaussian(0.3), 0.3, AXIS)
    tally = Tally.of(tested.toys(1000, generator("near")), tested.observed, 0.9)
    assert exact_critical(0.3, 0.9) < 2.0
    assert abs(tally.critical - exact_critical(0.3, 0.9)) < 4.0 * tally.critical_error


@pytest.mark.parametrize("mu", [0.0, 2.0])
def test_coverage_with_a_boundary_and_a_background_pull(mu: float):
    # of experiments, 90 % have the truth in their interval: 39 toys make ranks of 1/40
    random, n, toys = generator("coverage", mu), 100, 39
    truth = measured_mean(0.0, background_error=0.7)
    covered = 0
    for _ in range(n):
        data = truth.likelihood.drawn(mu * np.ones(1), np.zeros(1), random)
        tested = trial(replace(truth, likelihood=data), mu, AXIS)
        extreme = np.sum(tested.toys(toys, random) >= tested.observed - 1e-9)
        covered += (1 + extreme) / (1 + toys) > 0.1
    assert abs(covered / n - 0.9) < 3.0 * np.sqrt(0.9 * 0.1 / n)


def test_poisson_toys_are_whole_numbers_about_the_fit():
    tested = trial(counting(12.0), 5.0, Axis("mu", "linear", 0.0, 40.0, 21))
    (signal,), (pull,) = tested.hypothesis.signals, tested.hypothesis.pulls
    # 12 seen, 8 expected: the background is drawn up until the slope of chi2 is zero
    assert pull[0] == pytest.approx(0.9 * (12.0 / (8.0 + 0.9 * pull[0]) - 1.0), rel=1e-6)
    random = generator("poisson")
    drawn = [tested.hypothesis.drawn(tested.data, random)[0] for _ in range(400)]
    counts = np.array([one.observed[0] for one in drawn])
    measured = np.array([one.measured[0] for one in drawn])
    mean = signal[0] + 3.0 * (1.0 + 0.3 * pull[0])
    assert np.array_equal(counts, counts.round())
    assert abs(counts.mean() - mean) < 4.0 * np.sqrt(mean / 400)
    assert abs(measured.mean() - pull[0]) < 4.0 / np.sqrt(400)
    assert abs(np.corrcoef(counts, measured)[0, 1]) < 0.2


def test_a_point_without_a_fit_is_refused():
    tested = trial(counting(5.0, background=-1.0), 0.0, AXIS)
    with pytest.raises(DefinitionError, match="no fit"):
        _ = tested.hypothesis


def test_tally_stops_far_from_the_level_and_not_at_it():
    toys = np.linspace(0.0, 10.0, 101)
    assert not Tally.of(toys, 9.0, 0.9).decided(0.9, 3.0)
    assert Tally.of(toys, 2.0, 0.9).decided(0.9, 3.0)
    assert not Tally.of(np.array([np.nan]), 2.0, 0.9).decided(0.9, 3.0)
    assert Tally.of(np.array([1.0, np.nan]), 2.0, 0.9).n_failed == 1

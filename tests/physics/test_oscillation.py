"""Oscillation into a sterile state: against the evolution of two states, limits, averages."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.linalg import expm
from scipy.stats import norm

from scanner.physics.constants import HBARC
from scanner.physics.oscillation import PHASE, oscillation_phase, oscillation_probability


def test_constant_from_hbar_c():
    # eV^2 m/MeV: 1e-12 MeV^2 x 1e15 fm/(4 hbar c)
    assert pytest.approx(1e3 / (4 * HBARC), rel=1e-4) == PHASE


@pytest.mark.parametrize("angle", [0.2, 0.7])
@pytest.mark.parametrize("dm2", [0.3, 5.0])
def test_evolution_of_two_states(dm2, angle):
    energy, length = 31.0, 19.3
    mixing = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    # phases dm^2 L/(2 E) = 2 x 1.267 ... of the heavier state
    phase = np.diag([0.0, 2 * PHASE * dm2 * length / energy])
    amplitude = mixing @ expm(-1j * phase) @ mixing.T
    lost = math.sin(2 * angle) ** 2 * float(oscillation_probability(energy, length, dm2))
    assert abs(amplitude[0, 1]) ** 2 == pytest.approx(lost, rel=1e-12)
    assert abs(amplitude[0, 0]) ** 2 == pytest.approx(1 - lost, rel=1e-12)


def test_limits():
    assert oscillation_probability(30.0, 20.0, 0.0) == 0.0
    assert oscillation_probability(30.0, 0.0, 5.0) == 0.0
    # small phases: x^2, without the cancellation of 1 - cos
    x = 1.267 * 1e-8 * 20.0 / 30.0
    assert float(oscillation_probability(30.0, 20.0, 1e-8)) == pytest.approx(x**2, rel=1e-12)
    assert float(oscillation_probability(30.0, 20.0, 1e-8, 0.0)) == pytest.approx(x**2, rel=1e-12)
    # the first maximum
    dm2 = math.pi / 2 * 30.0 / 20.0 / 1.267
    assert float(oscillation_probability(30.0, 20.0, dm2)) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("spread", [0.1, 1.0, 3.0])
@pytest.mark.parametrize("dm2", [0.5, 3.0])
def test_spread_of_the_baseline_against_the_integral(dm2, spread):
    energy, length = 27.0, 19.3

    def weighted(distance):
        x = 1.267 * dm2 * distance / energy
        return norm.pdf(distance, length, spread) * math.sin(x) ** 2

    ends = length - 9 * spread, length + 9 * spread
    expected = quad(weighted, *ends, limit=400, epsabs=1e-12)[0]
    found = oscillation_probability(energy, length, dm2, spread)
    assert float(found) == pytest.approx(expected, rel=1e-8)


def test_a_wide_spread_averages_out():
    rng = np.random.default_rng(0)
    energy, dm2 = rng.uniform(10, 50, 30), 10 ** rng.uniform(1, 4, 30)
    np.testing.assert_allclose(oscillation_probability(energy, 20.0, dm2, 100.0), 0.5, rtol=1e-12)


def test_probability_is_one_and_broadcasts():
    rng = np.random.default_rng(5)
    energy = rng.uniform(1, 60, (7, 1))
    dm2, spread = 10 ** rng.uniform(-3, 4, 11), rng.uniform(0, 3, (5, 1, 1))
    found = oscillation_probability(energy, 19.3, dm2, spread)
    assert found.shape == (5, 7, 11)
    assert np.all((found >= 0.0) & (found <= 1.0))
    one = oscillation_probability(energy[2, 0], 19.3, dm2[4], spread[3, 0, 0])
    assert float(one) == pytest.approx(found[3, 2, 4], rel=1e-14)
    assert oscillation_phase(energy, 19.3, dm2).shape == (7, 11)

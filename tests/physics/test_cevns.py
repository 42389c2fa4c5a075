"""Standard Model cross section: kinematics of spin 0 (trap 16) and closed-form totals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad

from scanner.physics.cevns import kinematic_factor, unit_cross_section
from scanner.physics.kinematics import maximum_recoil

MASSES = pytest.mark.parametrize("mass", [37_200.0, 123_800.0])


def _textbook(energy, recoil, mass):
    return 1.0 - mass * recoil / (2.0 * energy**2)


@pytest.mark.parametrize(
    ("mass", "bound"), [(118_200.0, 1e-3), (123_800.0, 1e-3), (37_200.0, 3e-3)]
)
def test_exact_kinematics_against_the_textbook_at_50_mev(mass, bound):
    # the textbook form leaves out T/E, at most 2 E/M: below 1e-3 for I and Cs, 2.7e-3 for Ar
    t = np.linspace(0.0, float(maximum_recoil(50.0, mass)), 101)
    difference = np.abs(kinematic_factor(50.0, t, mass) - _textbook(50.0, t, mass))
    assert difference.max() < bound
    np.testing.assert_allclose(difference, t / 50.0, rtol=1e-9, atol=1e-15)


@MASSES
def test_spin_zero_from_the_amplitude(mass):
    energy, t = 50.0, 0.3 * float(maximum_recoil(50.0, mass))
    k, k_out = energy, energy - t
    q2 = 2 * mass * t
    p_sum = mass + (mass + t)
    cos = (k**2 + k_out**2 - (t**2 + 2 * mass * t)) / (2 * k * k_out)
    # leptonic tensor on P = p + p': 2 (k.P)(k'.P) - (k.k') P^2
    recoil = math.sqrt(t**2 + 2 * mass * t)
    k_dot_p = k * p_sum - k * (k - k_out * cos)
    k_out_dot_p = k_out * p_sum - (k * k_out * cos - k_out**2)
    square = 2 * k_dot_p * k_out_dot_p - (q2 / 2) * (p_sum**2 - recoil**2)
    assert square / (8 * mass**2 * energy**2) == pytest.approx(
        float(kinematic_factor(energy, t, mass)), rel=1e-9
    )


@MASSES
def test_vanishes_at_and_beyond_the_largest_recoil(mass):
    end = float(maximum_recoil(30.0, mass))
    assert kinematic_factor(30.0, end, mass) == pytest.approx(0.0, abs=1e-12)
    assert kinematic_factor(30.0, 1.01 * end, mass) == 0.0
    assert kinematic_factor(30.0, 0.0, mass) == 1.0


def test_total_for_unit_charge():
    # integral over T of G_F^2 M/pi (1 - T/T_max) = G_F^2 M T_max/(2 pi); at low E: G_F^2 E^2/pi
    mass, energy = 123_800.0, 1.0
    total = quad(
        lambda t: float(unit_cross_section(energy, t, mass)), 0, maximum_recoil(energy, mass)
    )[0]
    expected = 1.1663787e-11**2 * energy**2 / math.pi * 3.893793721e-22
    assert total == pytest.approx(expected, rel=1e-4)
    # the familiar 4.2e-45 cm^2 N^2 (E/MeV)^2 with Q = N/2
    assert total / 4 == pytest.approx(4.2e-45, rel=0.01)

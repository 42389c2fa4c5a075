"""Weak charge of an atom and its neutron skin."""

from __future__ import annotations

import math

import numpy as np
import pytest

from scanner.physics.nuclei import CS133
from scanner.physics.parity_violation import (
    density_integral,
    measured_weak_charge,
    skin_correction,
    weak_charge,
)
from scanner.polynomial import Polynomial


def test_weak_charge_of_caesium_in_the_standard_model():
    # apv-qw: SM -73.23 +- 0.01
    assert weak_charge(CS133, 0.23857) == pytest.approx(-73.23, abs=0.01)


def test_weak_charge_term_by_term():
    factor = 1 - 1 / 137.036 / (2 * math.pi)
    protons = 55 * (-0.0357 + 2 * (0.25 - 0.23857) + 0.00005)
    neutrons = 78 * (0.495 + 0.00006)
    assert weak_charge(CS133, 0.25) == pytest.approx(-2 * (protons + neutrons) * factor, rel=1e-12)


def test_weak_charge_is_linear_in_the_angle_also_as_a_polynomial():
    found = weak_charge(CS133, Polynomial.variable("s", ("s",)))
    assert set(found.terms) == {(0,), (1,)}
    for s in (0.2, 0.3):
        value = found.terms[(0,)] + s * found.terms[(1,)]
        assert value == pytest.approx(weak_charge(CS133, s), rel=1e-12)
    assert found.terms[(1,)] == pytest.approx(-4 * 55 * 0.99884, rel=1e-4)


def _integral_over_constant_density(radius):
    """Average over nucleons of 1 - (Z alpha)^2 (x^2/2 - x^4/10 + x^6/150), x = r/R_charge.

    The electron wave function inside a nucleus of constant charge density, continued beyond it.
    """
    box = math.sqrt(5 / 3)
    r = (np.arange(100_000) + 0.5) / 100_000 * box * radius
    x = r / (box * CS133.proton_radius)
    inside = x**2 / 2 - x**4 / 10 + x**6 / 150
    return 1 - (55 / 137.036) ** 2 * np.sum(r**2 * inside) / np.sum(r**2)


def test_density_integral_is_that_of_constant_densities_about_equal_radii():
    radius, step = CS133.proton_radius, 0.05
    assert 1 - density_integral(CS133, radius) == pytest.approx(
        1 - _integral_over_constant_density(radius), rel=0.02
    )
    closed = np.diff(density_integral(CS133, np.array([radius - step, radius + step])))[0]
    whole = _integral_over_constant_density(radius + step) - _integral_over_constant_density(
        radius - step
    )
    assert closed == pytest.approx(whole, rel=0.04)
    assert closed < 0.0


def test_skin_takes_from_the_modulus_of_what_is_measured():
    assert skin_correction(CS133, CS133.proton_radius) == pytest.approx(0.0, abs=1e-12)
    thick = skin_correction(CS133, CS133.proton_radius + 0.13)
    # delta E/E = (N/Q_W) (1 - q_n/q_p): -0.2 % for the skin of antiprotonic atoms
    assert float(thick) / weak_charge(CS133, 0.23857) == pytest.approx(-0.002, abs=2e-4)
    radii = np.array([[4.8], [5.5]])
    assert skin_correction(CS133, radii).shape == (2, 1)
    assert np.all(np.diff(skin_correction(CS133, np.linspace(4.0, 7.0, 31))) > 0.0)


def test_measured_charge_in_atomic_units():
    # 1 mV/cm = 1.945e-13 atomic units of the field
    found = measured_weak_charge(CS133, amplitude_mv_per_cm=-1.0, polarizability=10.0, theory=1e-11)
    assert found == pytest.approx(-78 * 1.9447e-13 * 10.0 / 1e-11, rel=1e-4)

"""Recoil limits, momentum transfer, propagator: limits and inverses."""

from __future__ import annotations

import numpy as np
import pytest

from scanner.physics.kinematics import (
    maximum_recoil,
    minimum_energy,
    momentum_transfer_squared,
    propagator,
)

MASSES = pytest.mark.parametrize("mass", [37_200.0, 123_800.0])


@MASSES
def test_minimum_energy_inverts_maximum_recoil(mass):
    energy = np.geomspace(0.1, 1e4, 50)
    np.testing.assert_allclose(
        minimum_energy(maximum_recoil(energy, mass), mass), energy, rtol=1e-12
    )


@MASSES
def test_limits(mass):
    # light: 2 E^2/M; ultra-relativistic: all of the energy
    assert maximum_recoil(1e-3, mass) == pytest.approx(2e-6 / mass, rel=1e-6)
    assert maximum_recoil(1e9, mass) == pytest.approx(1e9, rel=1e-3)
    assert minimum_energy(0.0, mass) == 0.0


@MASSES
def test_backscattering_conserves_energy_and_momentum(mass):
    energy = 50.0
    t = float(maximum_recoil(energy, mass))
    momentum = np.sqrt(t**2 + 2 * mass * t)
    assert momentum == pytest.approx(energy + (energy - t), rel=1e-12)


def test_momentum_transfer():
    assert momentum_transfer_squared(0.01, 123_800.0) == pytest.approx(2476.0)


def test_propagator_limits():
    q2 = np.array([0.5, 10.0, 2500.0])
    np.testing.assert_array_equal(propagator(q2, 0.0), 1.0 / q2)
    np.testing.assert_allclose(propagator(q2, 1e7) * 1e14, 1.0, rtol=1e-10)
    assert propagator(q2, np.array([[1.0], [2.0]])).shape == (2, 3)

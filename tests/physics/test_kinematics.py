"""Recoil limits, momentum transfer, propagator: limits and inverses."""

from __future__ import annotations

import numpy as np
import pytest

from scanner.physics.kinematics import (
    maximum_recoil,
    minimum_energy,
    momentum_transfer_squared,
    propagator,
    upscattering_minimum_energy,
    upscattering_recoils,
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


# --- nu + A -> N4 + A -----------------------------------------------------------------------------


def recoils_over_angles(energy, mass, heavy, cosines):
    """Recoils from four-momenta: two bodies in the centre of mass, boosted to the lab."""
    s = mass**2 + 2 * mass * energy
    root = np.sqrt(s)
    after = np.sqrt((s - (mass + heavy) ** 2) * (s - (mass - heavy) ** 2)) / (2 * root)
    nucleus_energy = np.sqrt(mass**2 + after**2)
    gamma, gamma_beta = (energy + mass) / root, energy / root
    return gamma * nucleus_energy - gamma_beta * after * cosines - mass


@MASSES
@pytest.mark.parametrize("heavy", [0.0, 1.0, 10.0, 30.0, 45.0])
def test_recoils_of_an_upscattering_are_the_ends_of_all_angles(mass, heavy):
    energy = 50.0
    limits = upscattering_recoils(energy, mass, heavy)
    assert limits is not None
    low, high = limits
    t = recoils_over_angles(energy, mass, heavy, np.linspace(-1.0, 1.0, 20_001))
    # differences of energies of 1e5 MeV keep some 1e-10 MeV
    assert high == pytest.approx(t.max(), abs=1e-9)
    assert low == pytest.approx(t.min(), abs=1e-9)
    assert 0.0 <= low < high
    assert high <= float(maximum_recoil(energy, mass)) * (1 + 1e-12)


@MASSES
@pytest.mark.parametrize("heavy", [1e-3, 1.0, 20.0])
def test_smallest_energy_of_an_upscattering(mass, heavy):
    # at either end of the recoils of an energy, that energy is the smallest one for the recoil
    energy = 40.0
    limits = upscattering_recoils(energy, mass, heavy)
    assert limits is not None
    found = upscattering_minimum_energy(np.array(limits), mass, heavy)
    np.testing.assert_allclose(found, energy, rtol=1e-7)
    inside = np.sqrt(limits[0] * limits[1])
    assert float(upscattering_minimum_energy(inside, mass, heavy)) < energy
    # a scan of the energy: the recoil is possible above the smallest energy and not below
    smallest = float(upscattering_minimum_energy(inside, mass, heavy))
    for e, possible in ((smallest * 1.0001, True), (smallest * 0.9999, False)):
        ends = upscattering_recoils(e, mass, heavy)
        assert (ends is not None and ends[0] <= inside <= ends[1]) == possible


@MASSES
def test_threshold_of_an_upscattering(mass):
    heavy = 25.0
    threshold = heavy + heavy**2 / (2 * mass)
    assert upscattering_recoils(threshold * (1 - 1e-9), mass, heavy) is None
    just_above = upscattering_recoils(threshold * (1 + 1e-9), mass, heavy)
    assert just_above is not None
    # both at rest in the centre of mass: one recoil
    assert just_above[0] == pytest.approx(just_above[1], rel=1e-3)
    assert just_above[1] == pytest.approx(heavy**2 / (2 * (mass + heavy)), rel=1e-3)


@MASSES
def test_a_light_lepton_has_the_limits_of_elastic_scattering(mass):
    for energy in (1.0, 30.0):
        limits = upscattering_recoils(energy, mass, 0.0)
        assert limits is not None
        assert limits[0] == 0.0
        assert limits[1] == pytest.approx(float(maximum_recoil(energy, mass)), rel=1e-9)
    t = np.geomspace(1e-6, 0.1, 20)
    np.testing.assert_allclose(
        upscattering_minimum_energy(t, mass, 0.0), minimum_energy(t, mass), rtol=1e-9
    )


@MASSES
def test_smallest_recoil_keeps_its_precision(mass):
    # M4^4/(8 M E^2) for a light lepton: 1e-16 of the largest one, no difference of large numbers
    limits = upscattering_recoils(50.0, mass, 1e-2)
    assert limits is not None
    assert limits[0] == pytest.approx(1e-8 / (8 * mass * 50.0**2), rel=1e-2)

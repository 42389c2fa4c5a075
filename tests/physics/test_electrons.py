"""Neutrino-electron scattering: closed forms, totals, bound electrons (trap 14)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad

from scanner.physics.charges import WEAK_COUPLINGS
from scanner.physics.constants import ELECTRON_MASS, FERMI_CONSTANT, MEV2_CM2
from scanner.physics.electrons import SHELLS, effective_charge, shell_edges, vector_axial_parts

UNIT = FERMI_CONSTANT**2 * ELECTRON_MASS / (2 * math.pi) * MEV2_CM2
COUPLINGS = pytest.mark.parametrize(
    ("v", "a"), [(0.9521, 0.4938), (-0.0397, -0.5062), (0.5, 0.5), (0.3, -0.3), (0.7, 0.0)]
)


def cross_section(v, a, energy, recoil):
    vector, mixed, axial = vector_axial_parts(energy, recoil)
    return v**2 * vector + v * a * mixed + a**2 * axial


@COUPLINGS
def test_differential_cross_section_from_four_momenta(v, a):
    """g_L^2 (k.p)^2 + g_R^2 (k'.p)^2 - g_L g_R m^2 (k.k'), 't Hooft's form, at random points."""
    rng = np.random.default_rng(1)
    left, right, m = (v + a) / 2, (v - a) / 2, ELECTRON_MASS
    for energy in 10 ** rng.uniform(-2, 2, 20):
        recoil = rng.uniform(0, 1) * 2 * energy**2 / (m + 2 * energy)
        k, p = np.array([energy, 0, 0, energy]), np.array([m, 0, 0, 0])
        momentum = math.sqrt(recoil**2 + 2 * m * recoil)
        cos = recoil * (energy + m) / (energy * momentum)
        electron = np.array([m + recoil, momentum * math.sqrt(1 - cos**2), 0, momentum * cos])
        out = k + p - electron
        assert out @ (out * [1, -1, -1, -1]) == pytest.approx(0.0, abs=1e-9 * energy**2)

        def dot(x, y):
            return x[0] * y[0] - x[1:] @ y[1:]

        square = left**2 * dot(k, p) ** 2 + right**2 * dot(out, p) ** 2
        square -= left * right * m**2 * dot(k, out)
        expected = UNIT * 4 * square / (m * energy) ** 2
        assert float(cross_section(v, a, energy, recoil)) == pytest.approx(expected, rel=1e-7)


@COUPLINGS
@pytest.mark.parametrize("energy", [0.05, 1.0, 30.0])
def test_total_cross_section(v, a, energy):
    m = ELECTRON_MASS
    top = 2 * energy**2 / (m + 2 * energy)
    total = quad(lambda t: float(cross_section(v, a, energy, t)), 0, top, epsrel=1e-11)[0]
    closed = (
        (v + a) ** 2 * top
        + (v - a) ** 2 * energy / 3 * (1 - (1 - top / energy) ** 3)
        - (v**2 - a**2) * m * top**2 / (2 * energy**2)
    )
    assert total == pytest.approx(UNIT * closed, rel=1e-9)


@pytest.mark.parametrize(
    ("flavor", "sign", "known"),
    [("e", 1, 9.5e-42), ("mu", 1, 1.55e-42), ("e", -1, 4.0e-42), ("mu", -1, 1.33e-42)],
)
def test_totals_at_high_energy(flavor, sign, known):
    # the familiar cross sections per GeV; for antineutrinos the axial coupling changes sign
    v, a = WEAK_COUPLINGS["tree"].electron[flavor]
    energy = 1e3
    total = quad(lambda t: float(cross_section(v, sign * a, energy, t)), 0, energy, limit=200)[0]
    assert total == pytest.approx(known, rel=0.03)


@COUPLINGS
def test_limits(v, a):
    # no recoil: g_V^2 + g_A^2 on a particle at rest, as for a nucleus of weak charge g_V
    at_rest = float(cross_section(v, a, 30.0, 1e-12))
    assert at_rest == pytest.approx(UNIT * 2 * (v**2 + a**2), rel=1e-9)
    # beyond the largest recoil: nothing
    energy = np.array([0.1, 1.0, 30.0])
    top = 2 * energy**2 / (ELECTRON_MASS + 2 * energy)
    assert np.all(cross_section(v, a, energy, 1.001 * top) == 0.0)
    assert np.all(cross_section(v, a, energy, top) >= 0.0)
    assert np.all(cross_section(0.5, 0.5, energy, top) > 0.0)


def test_a_left_handed_current_is_flat_and_a_right_handed_one_vanishes_backwards():
    t = np.linspace(1e-3, 29.0, 50)
    np.testing.assert_allclose(cross_section(0.5, 0.5, 30.0, t), UNIT, rtol=1e-12)
    right = cross_section(0.5, -0.5, 30.0, t)
    np.testing.assert_allclose(right, UNIT * (1 - t / 30.0) ** 2, rtol=1e-12)


def test_parts_broadcast():
    energy, recoil = np.linspace(1.0, 50.0, 4)[:, np.newaxis], np.geomspace(1e-4, 1e-2, 5)
    parts = vector_axial_parts(energy, recoil)
    for part in parts:
        assert part.shape == (4, 5)
        assert part[2, 3] != part[2, 2]
    alone = vector_axial_parts(float(energy[2, 0]), float(recoil[3]))
    np.testing.assert_allclose([p[2, 3] for p in parts], alone, rtol=1e-14)


# --- bound electrons ------------------------------------------------------------------------------

ELEMENTS = pytest.mark.parametrize(("symbol", "z"), [("Cs", 55), ("I", 53)])


@ELEMENTS
def test_shells_hold_all_electrons(symbol, z):
    assert sum(electrons for _, electrons in SHELLS[symbol]) == z
    energies = [energy for energy, _ in SHELLS[symbol]]
    assert energies == sorted(energies, reverse=True)
    assert energies[-1] == 0.0


@ELEMENTS
def test_effective_charge_counts_electrons_one_by_one(symbol, z):
    rng = np.random.default_rng(2)
    recoils = np.concatenate([10 ** rng.uniform(-6, 0, 60), shell_edges(symbol)])
    found = effective_charge(symbol, recoils)
    for recoil, charge in zip(recoils, found, strict=True):
        slow = 0
        for energy, electrons in SHELLS[symbol]:
            if recoil * 1e3 > energy:  # an electron as tightly bound as the recoil stays
                slow += electrons
        assert charge == slow
    assert effective_charge(symbol, 1.0) == z
    assert effective_charge(symbol, recoils[:60].reshape(20, 3)).shape == (20, 3)


@ELEMENTS
def test_effective_charge_jumps_at_the_edges_and_nowhere_else(symbol, z):
    edges = shell_edges(symbol)
    assert np.all(np.diff(edges) > 0)
    assert edges[-1] == pytest.approx(1e-3 * SHELLS[symbol][0][0])
    below, above = (effective_charge(symbol, edges * (1 + s)) for s in (-1e-9, 1e-9))
    assert np.all(above > below)
    np.testing.assert_array_equal(above[:-1], below[1:])
    assert above[-1] == z


def test_unknown_element():
    with pytest.raises(ValueError, match="unknown element with electron shells 'Xe'"):
        effective_charge("Xe", 1.0)

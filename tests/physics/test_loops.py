"""Z'-photon mixing loop against numerical integration."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad

from scanner.physics.constants import ELECTRON_MASS, MUON_MASS, TAU_MASS
from scanner.physics.loops import kinetic_mixing_loop

PAIRS = [(ELECTRON_MASS, MUON_MASS), (ELECTRON_MASS, TAU_MASS), (MUON_MASS, TAU_MASS)]
NODES = np.polynomial.legendre.leggauss(300)


def _integral(q2, a, b):
    # x = u^4/2 and, by symmetry, twice the lower half: smooth even where y q^2 = m^2 at tiny x
    u, w = 0.5 * (NODES[0] + 1.0), 0.5 * NODES[1]
    x = 0.5 * u**4
    y = x * (1.0 - x)
    return float(np.sum(w * 4.0 * u**3 * y * np.log((b**2 + y * q2) / (a**2 + y * q2))))


def test_the_quadrature_itself():
    expected = quad(lambda x: x * (1 - x) * math.log((9 + x * (1 - x)) / (1 + x * (1 - x))), 0, 1)[
        0
    ]
    assert _integral(1.0, 1.0, 3.0) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_closed_form(a, b):
    q2 = np.concatenate([np.geomspace(1e-6, 1e10, 40), 0.05 * np.array([a**2, b**2]) * 1.0001])
    found = kinetic_mixing_loop(q2, a, b)
    np.testing.assert_allclose(found, [_integral(s, a, b) for s in q2], rtol=1e-12, atol=5e-13)


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_at_zero_it_is_the_logarithm(a, b):
    assert float(kinetic_mixing_loop(0.0, a, b)) == pytest.approx(
        math.log(b**2 / a**2) / 6, rel=1e-14
    )


@pytest.mark.parametrize("mass", [ELECTRON_MASS, MUON_MASS])
def test_no_step_where_the_series_begins(mass):
    s = 0.05 * mass**2
    below, above = kinetic_mixing_loop(np.array([s * (1 - 1e-13), s * (1 + 1e-13)]), mass, TAU_MASS)
    assert abs(below - above) < 1e-13


def test_antisymmetric_in_the_flavours():
    q2 = np.geomspace(1.0, 1e4, 5)
    np.testing.assert_allclose(
        kinetic_mixing_loop(q2, MUON_MASS, TAU_MASS), -kinetic_mixing_loop(q2, TAU_MASS, MUON_MASS)
    )

"""Germanium: share of recoils inside a window, against the error function one by one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import brentq

from scanner.experiments._germanium import LINDHARD_K, Window
from scanner.physics.quenching import lindhard_kevee


def test_share_inside_a_window_one_by_one():
    window = Window(0.162, (0.18, 0.16, 0.17), 0.8, 0.02)
    recoils = np.geomspace(1e-5, 3e-2, 40)
    expected = []
    for recoil in recoils:
        energy = float(lindhard_kevee(recoil, Z=32, k=0.162))
        sigma = math.sqrt(0.02**2 + 0.11 * 2.96e-3 * energy)

        def beyond(edge, energy=energy, sigma=sigma):
            return 0.5 * math.erfc((edge - energy) / (sigma * math.sqrt(2.0)))

        expected.append(sum(beyond(t) for t in window.thresholds) / 3.0 - beyond(0.8))
    found = window(recoils)
    assert found.shape == (1, 40)
    np.testing.assert_allclose(found[0], expected, rtol=1e-10, atol=1e-15)
    assert found.min() >= 0.0
    assert found.max() <= 1.0


def test_half_is_accepted_at_the_threshold():
    recoil = brentq(lambda t: float(lindhard_kevee(t, Z=32, k=0.157)) - 1.5, 1e-3, 1e-2)
    assert Window(0.157, (1.5,), 8.5, 0.064)(np.array([recoil]))[0, 0] == pytest.approx(0.5)


def test_k_has_no_default_of_its_own():
    assert LINDHARD_K.optional
    assert LINDHARD_K.default is None
    assert LINDHARD_K.minimum < 0.157 < 0.27 < LINDHARD_K.maximum

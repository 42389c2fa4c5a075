"""The running of the weak mixing angle."""

import numpy as np
import pytest

from scanner.physics import running
from scanner.physics.constants import FINE_STRUCTURE, MUON_MASS, SIN2_THETA_W
from scanner.physics.running import W_MASS, Z_MASS, sin2_theta_w


def test_it_begins_at_zero_momentum_and_ends_near_the_z():
    assert sin2_theta_w(0.1) == pytest.approx(SIN2_THETA_W, rel=1e-14)
    # PDG 2022, MS-bar: what one loop leaves out is 2e-4
    assert sin2_theta_w(Z_MASS) == pytest.approx(0.23122, abs=3e-4)
    scales = np.geomspace(1.0, W_MASS, 200)
    assert np.all(np.diff(sin2_theta_w(scales)) < 0.0)
    assert sin2_theta_w(1.01 * Z_MASS) > sin2_theta_w(Z_MASS)


def test_where_cevns_is_measured_it_does_not_matter():
    assert np.ptp(sin2_theta_w(np.geomspace(1.0, 100.0, 50))) < 5e-4


def test_electrons_alone_run_below_the_muon():
    """Below the muon sin^2 - 1/4 goes as alpha: the vector coupling of the electron."""
    alpha = 1.0 / (1.0 / FINE_STRUCTURE - 2.0 / (3.0 * np.pi) * np.log(50.0 / 0.51099895))
    ratio = alpha / FINE_STRUCTURE
    assert sin2_theta_w(50.0) - 0.25 == pytest.approx(ratio * (SIN2_THETA_W - 0.25), rel=1e-12)


def test_between_muon_and_charm_it_follows_alpha():
    """Erler and Ramsey-Musolf: sin^2(b) = a sin^2(a) + lambda_1 (1 - a), lambda_1 = 3/8 here."""
    scales = np.array([2.0 * MUON_MASS, 1000.0])
    particles = [*running._LEPTONS, *running._light_quarks()]
    charge, _ = running._inverse(particles, scales)
    ratio = charge[0] / charge[1]
    low, high = sin2_theta_w(scales)
    assert high == pytest.approx(ratio * low + 3.0 / 8.0 * (1.0 - ratio), rel=1e-12)


def test_alpha_arrives_at_its_value_at_the_z_and_the_light_quarks_are_light():
    particles = [*running._LEPTONS, *running._light_quarks(), *running._HEAVY, running._W]
    charge, _ = running._inverse(particles, np.array(Z_MASS))
    assert 1.0 / charge == pytest.approx(running.ALPHA_AT_Z, rel=1e-12)
    assert 50.0 < running._light_quarks()[0].mass < 300.0

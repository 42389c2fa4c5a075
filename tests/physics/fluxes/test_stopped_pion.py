"""Pion decay at rest: spectra (trap 1), fluence, and arrival times against convolutions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import exponnorm

from scanner.physics.fluxes import stopped_pion

FLUX = stopped_pion.stopped_pion_flux(neutrinos_per_proton=0.08, protons=1e23, baseline_m=20.0)
FLUENCE = 0.08 * 1e23 / (4 * math.pi * 2000.0**2)
PULSE = {"mean": 0.44, "sigma": 0.15}
MEANS = {"nu_mu": 29.79, "nu_e": 31.70, "nubar_mu": 36.98}
END_POINTS = {"nu_mu": 29.79, "nu_e": 52.83, "nubar_mu": 52.83}


@pytest.mark.parametrize("component", FLUX.components, ids=lambda c: c.name)
def test_fluence_mean_energy_and_end_point(component):
    energies, weights = component.nodes(np.array([0.0]))
    total = weights.sum()
    assert total == pytest.approx(FLUENCE, rel=1e-13)
    assert float((weights * energies).sum() / total) == pytest.approx(
        MEANS[component.name], abs=0.006
    )
    assert component.e_max == pytest.approx(END_POINTS[component.name], abs=0.005)


def test_flavours():
    assert {c.name: c.flavor for c in FLUX.components} == {
        "nu_mu": "mu",
        "nu_e": "e",
        "nubar_mu": "mu",
    }
    assert stopped_pion.DELAYED == ("nu_e", "nubar_mu")


@pytest.mark.parametrize("lower", [0.0, 13.0, 29.7, 45.0, 52.8])
def test_michel_spectra_above_a_threshold(lower):
    densities = {
        "nu_e": lambda e, m: 192 * e**2 / m**3 * (1 / 2 - e / m),
        "nubar_mu": lambda e, m: 64 * e**2 / m**3 * (3 / 4 - e / m),
    }
    for component in FLUX.components[1:]:
        density = densities[component.name]
        expected = quad(lambda e, f=density: f(e, 105.6583755), lower, component.e_max)[0]
        energies, weights = component.nodes(np.array([lower]))
        assert weights.sum() / FLUENCE == pytest.approx(expected, rel=1e-10)
        squared = quad(lambda e, f=density: f(e, 105.6583755) / e**2, lower, component.e_max)[0]
        assert (weights / energies**2).sum() / FLUENCE == pytest.approx(squared, rel=1e-10)


def test_prompt_arrival_against_scipy():
    t = np.linspace(-0.5, 10.0, 500)
    expected = exponnorm.cdf(t, 0.026033 / 0.15, loc=0.44, scale=0.15)
    np.testing.assert_allclose(stopped_pion.prompt_arrival_cdf(t, **PULSE), expected, atol=1e-12)


@pytest.mark.parametrize("time", [-0.1, 0.2, 0.44, 0.7, 1.65, 4.9, 9.0])
def test_delayed_arrival_is_prompt_folded_with_the_muon_decay(time):
    def integrand(wait):
        prompt = float(stopped_pion.prompt_arrival_cdf(time - wait, **PULSE))
        return math.exp(-wait / 2.1969811) / 2.1969811 * prompt

    points = np.clip([time - 0.8, time - 0.44, time], 0.0, 12.0)
    expected = quad(integrand, 0.0, 12.0, points=points, epsabs=1e-13, limit=400)[0]
    assert float(stopped_pion.delayed_arrival_cdf(time, **PULSE)) == pytest.approx(
        expected, abs=1e-10
    )


def test_arrival_is_monotone_and_normalised():
    t = np.linspace(-3.0, 60.0, 20_001)
    for cdf in (stopped_pion.prompt_arrival_cdf, stopped_pion.delayed_arrival_cdf):
        values = cdf(t, **PULSE)
        assert np.all(np.diff(values) > -1e-15)
        assert values[0] < 1e-15
        assert values[-1] == pytest.approx(1.0, abs=1e-11)


def test_mean_waiting_times():
    # the area above the distribution is the mean: pulse + tau_pi (+ tau_mu)
    for cdf, wait in (
        (stopped_pion.prompt_arrival_cdf, 0.026033),
        (stopped_pion.delayed_arrival_cdf, 0.026033 + 2.1969811),
    ):
        area = quad(
            lambda t, f=cdf: 1 - float(f(t, **PULSE)), 0, 100, points=[0.4, 1, 5], limit=400
        )[0]
        below = quad(lambda t, f=cdf: float(f(t, **PULSE)), -2, 0)[0]
        assert area - below == pytest.approx(0.44 + wait, rel=1e-7)


def test_a_very_short_pulse_does_not_overflow():
    t = np.array([-1.0, 0.0, 1.0, 5.0])
    narrow = stopped_pion.delayed_arrival_cdf(t, mean=0.5, sigma=1e-4)
    wait = np.maximum(t - 0.5, 0.0)
    mu, pi = 2.1969811, 0.026033
    expected = 1 - (mu * np.exp(-wait / mu) - pi * np.exp(-wait / pi)) / (mu - pi)
    np.testing.assert_allclose(narrow, expected, atol=1e-8)

"""Lines and spectra: exact quadrature above any threshold (trap 20)."""

from __future__ import annotations

import numpy as np
import pytest

from scanner.physics.fluxes.flux import Line, Spectrum, gauss_legendre
from scanner.physics.fluxes.stopped_pion import stopped_pion_flux

LINE = Line("nu_mu", "mu", 29.79, 3e14)


@pytest.mark.parametrize("seed", range(5))
def test_a_line_counts_once_on_any_grid(seed):
    lower = np.random.default_rng(seed).uniform(0.0, 60.0, 1000)
    energies, weights = LINE.nodes(lower)
    assert np.all(energies == 29.79)
    np.testing.assert_array_equal(weights.sum(axis=0), np.where(lower <= 29.79, 3e14, 0.0))


def test_a_line_on_the_threshold_still_counts():
    _, weights = LINE.nodes(np.array([29.79, np.nextafter(29.79, 30.0)]))
    np.testing.assert_array_equal(weights[0], [3e14, 0.0])


def test_a_spectrum_integrates_polynomials_exactly():
    spectrum = Spectrum("nu_e", "e", lambda e: 3 * e**2 / 50.0**3, 50.0, 2.0, n_nodes=4)
    lower = np.array([0.0, 10.0, 49.0, 50.0, 60.0])
    energies, weights = spectrum.nodes(lower)
    below = np.minimum(lower, 50.0)
    np.testing.assert_allclose(
        weights.sum(axis=0), 2 * (1 - (below / 50) ** 3), rtol=1e-13, atol=1e-15
    )
    fourth = np.sum(weights * energies**4, axis=0)
    np.testing.assert_allclose(
        fourth, 2 * 3 / 7 / 50**3 * (50**7 - below**7), rtol=1e-13, atol=1e-6
    )


def test_gauss_legendre_on_the_unit_interval():
    x, w = gauss_legendre(5)
    assert np.all((x > 0) & (x < 1))
    for power in range(10):
        assert np.sum(w * x**power) == pytest.approx(1 / (power + 1), rel=1e-14)


# --- integrands that oscillate --------------------------------------------------------------------

MICHEL = stopped_pion_flux(neutrinos_per_proton=0.08, protons=1e23, baseline_m=20.0).components[1:]


def dense(component, lower, phase, panels=4000):
    """Integral of cos(phase/E) over the flux above `lower`: many short panels, even in 1/E."""
    x, w = np.polynomial.legendre.leggauss(10)
    edges = np.linspace(1 / component.e_max, 1 / lower, panels + 1)
    half = 0.5 * np.diff(edges)[:, np.newaxis]
    u = edges[:-1, np.newaxis] + half * (x + 1.0)
    rate = component.density(1 / u) * np.cos(phase * u) / u**2
    return component.fluence * np.sum(half * w * rate)


@pytest.mark.parametrize("component", MICHEL, ids=lambda c: c.name)
@pytest.mark.parametrize("phase", [1.0, 50.0, 1e3, 2e4])
def test_panels_follow_an_oscillation(component, phase):
    lower = np.array([5.0, 12.0, 30.0, 52.0])
    energies, weights = component.nodes(lower, phase)
    found = np.sum(weights * np.cos(phase / energies), axis=0)
    expected = [dense(component, low, phase) for low in lower]
    # relative to the flux that there is
    np.testing.assert_allclose(found, expected, atol=1e-9 * component.fluence, rtol=0.0)
    # the same nodes integrate what does not oscillate
    plain = np.sum(component.nodes(lower)[1], axis=0)
    np.testing.assert_allclose(weights.sum(axis=0), plain, rtol=1e-12)


def test_nodes_that_do_not_know_the_phase_are_not_enough():
    component, lower = MICHEL[0], np.array([12.0])
    energies, weights = component.nodes(lower)
    found = float(np.sum(weights * np.cos(1e3 / energies)))
    assert abs(found - dense(component, 12.0, 1e3)) > 1e-3 * component.fluence


def test_panels_cover_each_range_once():
    component = MICHEL[1]
    lower = np.array([1.0, 20.0, 52.0, component.e_max, 60.0])
    energies, weights = component.nodes(lower, 300.0)
    assert np.all(energies >= np.minimum(lower, component.e_max) * (1 - 1e-12))
    assert np.all(energies <= component.e_max * (1 + 1e-12))
    assert np.all(np.diff(energies[:, 0]) > 0)
    np.testing.assert_array_equal(weights[:, 3:], 0.0)


def test_a_line_does_not_care_about_the_phase():
    lower = np.array([10.0, 40.0])
    for with_phase, without in zip(LINE.nodes(lower, 1e4), LINE.nodes(lower), strict=True):
        np.testing.assert_array_equal(with_phase, without)


def test_antineutrinos_are_marked():
    flux = stopped_pion_flux(neutrinos_per_proton=0.08, protons=1e23, baseline_m=20.0)
    marked = {c.name: c.antineutrino for c in flux.components}
    assert marked == {"nu_mu": False, "nu_e": False, "nubar_mu": True}

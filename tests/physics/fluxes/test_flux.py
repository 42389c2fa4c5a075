"""Lines and spectra: exact quadrature above any threshold (trap 20)."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from scanner.physics.fluxes.flux import Line, Spectrum, Tabulated, gauss_legendre
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


# --- tables ---------------------------------------------------------------------------------------


def table(seed=0, n=12):
    random = np.random.default_rng(seed)
    energies = np.sort(random.uniform(0.5, 8.0, n))
    return Tabulated("nubar_e", "e", energies, random.uniform(0.1, 2.0, n), antineutrino=True)


@pytest.mark.parametrize("seed", range(3))
def test_a_table_integrates_its_straight_lines_exactly(seed):
    flux = table(seed)
    lower = np.array([0.0, flux.energies[0], flux.energies[4], 3.3, flux.e_max, 9.0])
    energies, weights = flux.nodes(lower)
    for power in (0, 1, 2, 5):
        for i, low in enumerate(lower):
            ends = np.unique(np.clip(np.append(flux.energies, low), low, None))
            x, w = np.polynomial.legendre.leggauss(20)
            half = 0.5 * np.diff(ends)[:, np.newaxis]
            e = ends[:-1, np.newaxis] + half * (x + 1.0)
            inside = (e >= flux.energies[0]) & (e <= flux.e_max)
            f = np.where(inside, np.interp(e, flux.energies, flux.density), 0.0) * e**power
            # a lower end below the table begins a stretch without flux
            keep = slice(1 if flux.energies[0] > 0.0 and low < flux.energies[0] else 0, None)
            expected = np.sum((half * w * f)[keep])
            found = np.sum(weights[:, i] * energies[:, i] ** power)
            assert found == pytest.approx(expected, rel=1e-12, abs=1e-300)


def test_a_table_follows_an_oscillation():
    flux, phase = table(1), 400.0
    energies, weights = flux.nodes(np.array([1.0]), phase)
    found = np.sum(weights * np.cos(phase / energies))
    low = np.maximum(flux.energies, 1.0)
    x, w = np.polynomial.legendre.leggauss(10)
    total = 0.0
    for a, b in itertools.pairwise(np.unique(low)):
        edges = np.linspace(a, b, 2001)
        half = 0.5 * np.diff(edges)[:, np.newaxis]
        e = edges[:-1, np.newaxis] + half * (x + 1.0)
        f = np.interp(e, flux.energies, flux.density) * np.cos(phase / e)
        total += np.sum(half * w * f)
    assert found == pytest.approx(total, rel=1e-9)


@pytest.mark.parametrize(
    ("energies", "density", "said"),
    [
        ([1.0, 1.0], [1.0, 1.0], "energies of x: give two or more, increasing"),
        ([1.0], [1.0], "energies of x: give two or more, increasing"),
        ([1.0, 2.0], [1.0, -1.0], "density of x: give one number above or at 0"),
        ([1.0, 2.0], [1.0], "density of x: give one number above or at 0"),
    ],
)
def test_a_table_that_is_none(energies, density, said):
    with pytest.raises(ValueError, match=said):
        Tabulated("x", "e", np.array(energies), np.array(density))

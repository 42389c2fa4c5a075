"""Lines and spectra: exact quadrature above any threshold (trap 20)."""

from __future__ import annotations

import numpy as np
import pytest

from scanner.physics.fluxes.flux import Line, Spectrum, gauss_legendre

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

"""Form factors: normalisation, rms radius (trap 8), series against closed forms, densities."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from scanner.physics import formfactors
from scanner.physics.constants import HBARC

RADIUS = 4.8
RMS_FORMS = (formfactors.helm, formfactors.klein_nystrand, formfactors.symmetrised_fermi)


def _q2(q_fm):
    """|q|^2 in MeV^2 for q in 1/fm."""
    return (np.asarray(q_fm) * HBARC) ** 2


@pytest.mark.parametrize("form", RMS_FORMS)
@pytest.mark.parametrize("radius", [3.448, 4.8, 5.5])
def test_rms_radius_is_the_slope_at_zero(form, radius):
    assert form(0.0, radius) == 1.0
    q = 3e-3
    assert float(1.0 - form(_q2(q), radius)) == pytest.approx(q**2 * radius**2 / 6.0, rel=1e-4)


@pytest.mark.parametrize("form", RMS_FORMS)
def test_series_meets_the_closed_form(form):
    # a step at a switch stands out against neighbours a thousandth apart
    q = np.linspace(1e-4, 0.4, 40_001)
    f = form(_q2(q), RADIUS)
    assert np.max(np.abs(np.diff(f, 3))) < 3e-12
    assert np.all(np.diff(f) < 0.0)


def test_klein_nystrand_box_and_rms_form_agree():
    rms = np.sqrt(0.6 * 6.2**2 + 6 * 0.7**2)
    q2 = _q2(np.linspace(0.0, 1.0, 7))
    np.testing.assert_allclose(
        formfactors.klein_nystrand(q2, rms), formfactors.klein_nystrand_box(q2, 6.2), rtol=1e-12
    )


def test_klein_nystrand_box_has_no_hidden_rms_radius():
    q, box = 0.5, 6.2
    j1 = np.sin(q * box) / (q * box) ** 2 - np.cos(q * box) / (q * box)
    expected = 3 * j1 / (q * box) / (1 + (0.7 * q) ** 2)
    assert float(formfactors.klein_nystrand_box(_q2(q), box)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("q", [0.05, 0.3, 0.8])
def test_helm_is_a_sphere_folded_with_a_gaussian(q):
    box = np.sqrt(5 / 3 * (RADIUS**2 - 3 * 0.9**2))
    sphere = quad(lambda r: r * np.sin(q * r), 0, box)[0] / q / (box**3 / 3)
    assert float(formfactors.helm(_q2(q), RADIUS)) == pytest.approx(
        sphere * np.exp(-0.5 * (0.9 * q) ** 2), rel=1e-10
    )


@pytest.mark.parametrize("q", [0.01, 0.3, 0.8])
def test_symmetrised_fermi_is_the_transform_of_its_density(q):
    a = formfactors.FERMI_DIFFUSENESS_FM
    c = np.sqrt(5 / 3 * (RADIUS**2 - 7 / 5 * (np.pi * a) ** 2))

    def density(r):
        return np.sinh(c / a) / (np.cosh(r / a) + np.cosh(c / a))

    norm = quad(lambda r: r**2 * density(r), 0, 40, epsabs=0, epsrel=1e-12, limit=200)[0]
    wave = quad(
        lambda r: r * np.sin(q * r) / q * density(r), 0, 40, epsabs=0, epsrel=1e-12, limit=200
    )[0]
    assert float(formfactors.symmetrised_fermi(_q2(q), RADIUS)) == pytest.approx(
        wave / norm, rel=1e-9
    )


def test_broadcasts():
    q2 = _q2(np.linspace(0, 1, 6)).reshape(2, 3)
    for form in RMS_FORMS:
        assert form(q2, RADIUS).shape == (2, 3)

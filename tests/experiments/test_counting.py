"""One-bin experiments: what they have in common, and their counts against plain integration."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq

from scanner import catalog, tables
from scanner.amplitudes import Conventions
from scanner.chi2 import ExperimentModel, likelihood
from scanner.definition import from_mapping
from scanner.errors import CatalogError
from scanner.evaluate import Evaluator
from scanner.experiments import _counting, _tables
from scanner.parameter import Constraint
from scanner.physics import constants
from scanner.physics.fluxes.flux import Line, Spectrum, Tabulated

NAMES = (
    "conus_plus_2025",
    "conus_2021",
    "texono_2024",
    "coherent_ge_2024",
    "coherent_ge_2026",
)
WINDOWS = {
    "conus_plus_2025": ((0.180, 0.160, 0.170), 0.8, 0.020, 0.162),
    "conus_2021": ((0.3,), 1.0, 0.030, 0.18),
    "texono_2024": ((0.2,), 0.8, 0.030, 0.162),
    "coherent_ge_2024": ((1.5,), 8.5, 0.064, 0.157),
    "coherent_ge_2026": ((1.5,), 8.5, 0.064, 0.157),
}
"""Thresholds, end and noise in keVee, and k, as the modules' docstrings say them."""
G_V = {"e": 0.0382, "mu": 0.0300}
G_V_NEUTRON = -0.5117


# --- a scalar twin: one recoil at a time ------------------------------------------------------


def helm(q2, radius):
    s = 0.9
    q = math.sqrt(q2) / 197.3269804
    box = math.sqrt(5.0 / 3.0 * (radius**2 - 3.0 * s**2))
    x = q * box
    if x < 1e-3:
        return (1.0 - x**2 / 10.0) * math.exp(-0.5 * (q * s) ** 2)
    j1 = math.sin(x) / x**2 - math.cos(x) / x
    return 3.0 * j1 / x * math.exp(-0.5 * (q * s) ** 2)


def accepted(recoil, window, k=None):
    thresholds, end, noise, own = window
    k = own if k is None else k
    t_kev = 1e3 * recoil
    e = 11.5 * 32 ** (-7 / 3) * t_kev
    g = 3 * e**0.15 + 0.7 * e**0.6 + e
    energy = t_kev * k * g / (1 + k * g)
    sigma = math.sqrt(2.0 * (noise**2 + 0.11 * 2.96e-3 * energy))
    parts = [
        0.5 * (math.erfc((low - energy) / sigma) - math.erfc((end - energy) / sigma))
        for low in thresholds
    ]
    return sum(parts) / len(parts)


def beam(component, e_min, n=20001):
    """Energies and weights (cm^-2) above e_min: trapezoids on a fine grid, or the line."""
    if isinstance(component, Line):
        inside = component.energy > e_min
        return np.array([component.energy]), np.array([component.fluence * inside])
    energies = np.linspace(e_min, component.e_max, n)
    if isinstance(component, Tabulated):
        density = np.interp(energies, component.energies, component.density)
    else:
        assert isinstance(component, Spectrum)
        density = component.fluence * component.density(energies)
    weights = np.full(n, energies[1] - energies[0])
    weights[[0, -1]] *= 0.5
    return energies, weights * density


def rate(recoil, isotope, component, g2=0.0, mediator=1.0, moment=0.0):
    """Recoils per nucleus and MeV with a universal vector mediator and a magnetic moment."""
    m = isotope.mass
    q2 = 2.0 * m * recoil
    e_min = 0.5 * (recoil + math.sqrt(recoil * (recoil + 2.0 * m)))
    if e_min >= component.e_max:
        return 0.0
    energies, weights = beam(component, e_min)
    protons = isotope.Z * helm(q2, isotope.proton_radius)
    neutrons = isotope.N * helm(q2, isotope.neutron_radius)
    charge = G_V[component.flavor] * protons + G_V_NEUTRON * neutrons
    fermi = constants.FERMI_CONSTANT
    charge += g2 * 3.0 * (protons + neutrons) / (math.sqrt(2.0) * fermi * (q2 + mediator**2))
    weak = fermi**2 * m / math.pi * constants.MEV2_CM2
    kinematics = 1.0 - recoil / energies - m * recoil / (2.0 * energies**2)
    flips = math.pi * (constants.FINE_STRUCTURE / constants.ELECTRON_MASS * moment) ** 2
    flips *= constants.MEV2_CM2 * protons**2 if component.flavor == "e" else 0.0
    per_energy = weak * charge**2 * kinematics + flips * (1.0 / recoil - 1.0 / energies)
    return float(np.sum(weights * per_energy))


def twin(name, k=None, **new):
    """Counts: quadrature in sqrt(T), stretch by stretch, over the rates of every isotope."""
    experiment = catalog.experiment(name)
    total = 0.0
    for component in experiment.flux.components:
        for isotope, share in experiment.target.composition.items():
            end = math.sqrt(2.0 * component.e_max**2 / (isotope.mass + 2.0 * component.e_max))
            nuclei = share * 6.02214076e26 / experiment.target.molar_mass * experiment.mass_kg

            def integrand(u, isotope=isotope, component=component):
                counted = accepted(u * u, WINDOWS[name], k)
                return 2.0 * u * counted * rate(u * u, isotope, component, **new)

            edges = np.linspace(1e-4 * end, end * (1.0 - 1e-9), 13)
            for low, high in itertools.pairwise(edges):
                if accepted(high**2, WINDOWS[name], k) > 1e-13 or low > 0.1 * end:
                    total += nuclei * quad(integrand, low, high, epsrel=1e-7, limit=100)[0]
    return total


def counts(name, scenario="standard_model", **values):
    form = catalog.scenario(scenario)
    fixed = {p.name: p.default for p in form.parameters if p.default is not None} | values
    model = ExperimentModel(form, catalog.experiment(name), Conventions(), fixed, ())
    (signal,) = model.signal({})
    return float(signal.sum())


SCENARIOS = [
    ("standard_model", {}, {}),
    ("standard_model", {"ge_lindhard_k": 0.2}, {"k": 0.2}),
    ("light_vector", {"mass": 5.0, "coupling": 3e-5}, {"g2": 9e-10, "mediator": 5.0}),
    ("magnetic_moment", {"mu_nue": 20.0}, {"moment": 2e-9}),
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("scenario", "values", "new"), SCENARIOS)
def test_counts_against_plain_integration(name, scenario, values, new):
    # measured: 1e-8 at reactors, 9e-6 at the SNS, where the threshold is sharper than the nodes
    assert counts(name, scenario, **values) == pytest.approx(twin(name, **new), rel=2e-5)


# --- what they have in common -----------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_one_bin_without_tables(name):
    experiment = catalog.experiment(name)
    assert experiment.n_bins == 1
    assert all(share.tolist() == [1.0] for share in experiment.timing.values())
    assert _tables.verify(name) == ()
    assert experiment.provenance.licence == "no data release; published numbers"
    with pytest.raises(CatalogError, match="nothing to build"):
        tables.build(name, Path())


@pytest.mark.parametrize("name", NAMES)
def test_k_that_is_left_out_is_that_of_the_analysis(name):
    own = WINDOWS[name][-1]
    assert counts(name) == pytest.approx(counts(name, ge_lindhard_k=own), rel=1e-14)
    assert counts(name, ge_lindhard_k=own + 0.01) > counts(name)


def test_one_k_for_all_germanium():
    axis = {"spacing": "list", "values": [0.15, 0.2]}
    made = from_mapping(
        {
            "scenario": "standard_model",
            "experiments": ["conus_plus_2025", "texono_2024"],
            "axes": {"ge_lindhard_k": axis},
        },
        "test",
    )
    evaluator = Evaluator(made)
    for model in evaluator.models:
        found = model.signal({"ge_lindhard_k": np.array([0.15, 0.2])})[:, 0]
        expected = [counts(model.experiment.name, ge_lindhard_k=k) for k in (0.15, 0.2)]
        np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("name", ["conus_2021", "texono_2024"])
@pytest.mark.parametrize(("limit", "chi2"), [("two_sided", 2.7055), ("one_sided", 1.6424)])
def test_a_limit_is_a_quantile_of_a_gaussian_about_zero(name, limit, chi2):
    # 85 events (conus2021-limit), 4.7 times the SM (texono-ratio)
    published = {"conus_2021": 85.0, "texono_2024": 4.7}[name]
    found = likelihood(catalog.experiment(name, {"limit": limit}))
    profile = found.profile(np.array([[0.0], [published]]))
    np.testing.assert_allclose(profile.chi2, [0.0, chi2], atol=1e-4)


def test_errors_that_inputs_carry_are_taken_out_in_quadrature():
    half = _counting.Apart(_counting.SNS_FLUX, Constraint(1.0, 0.06), 0.06)
    (whole,) = _counting.signal_pull("a", 0.10)
    (left,) = _counting.signal_pull("a", 0.10, [half])
    assert (whole.sigma, whole.signal) == (0.10, 1.0)
    assert left.sigma == pytest.approx(0.08)
    assert _counting.signal_pull("a", 0.06, [half]) == ()
    with pytest.raises(ValueError, match="a: the errors"):
        _counting.signal_pull("a", 0.05, [half])


@pytest.mark.parametrize(("count", "errors"), [(20.6, (7.1, 6.3)), (124.0, (14.0, 12.0))])
def test_equivalent_background_gives_the_error_of_a_fitted_count(count, errors):
    observed, background = _counting.poisson_equivalent(count, errors)
    n, b = float(observed[0]), float(background[0])

    def chi2(s):
        return 2.0 * (s + b - n + n * math.log(n / (s + b)))

    assert chi2(count) == pytest.approx(0.0, abs=1e-12)
    upper = brentq(lambda s: chi2(s) - 1.0, count, 2.0 * count) - count
    lower = count - brentq(lambda s: chi2(s) - 1.0, 0.0, count)
    mean = 0.5 * sum(errors)
    # to second order sigma + 1/3 and sigma - 1/3
    assert upper == pytest.approx(mean + 1.0 / 3.0, abs=0.02)
    assert lower == pytest.approx(mean - 1.0 / 3.0, abs=0.02)


def test_errors_below_those_of_poisson_are_refused():
    with pytest.raises(ValueError, match=r"100 counts cannot have the errors \(9, 9\)"):
        _counting.poisson_equivalent(100, (9, 9))


def test_spectrum_without_its_end():
    (whole,) = _counting.antineutrinos("bestiole", 1.0).components
    (cut,) = _counting.antineutrinos("bestiole_to_8_mev", 1.0).components
    assert (whole.e_max, cut.e_max) == (pytest.approx(12.5, abs=0.1), 8.0)
    below = [c.nodes(np.array([5.0]))[1].sum() for c in (whole, cut)]
    beyond = whole.nodes(np.array([8.0]))[1].sum()
    assert below[0] - beyond == pytest.approx(below[1], rel=1e-12)
    assert beyond == pytest.approx(1.05e-4, rel=0.01)


def test_shared_flux_multiplies_the_signal():
    for name, flux in (("conus_plus_2025", "reactor_flux"), ("coherent_ge_2026", "sns_flux")):
        shared = catalog.experiment(name, {"flux_error": "shared"})
        form = catalog.scenario("standard_model")
        model = ExperimentModel(form, shared, Conventions(), {flux: 1.2}, ())
        assert model.signal({})[0, 0] == pytest.approx(1.2 * counts(name), rel=1e-13)
        assert flux not in {p.name for p in catalog.experiment(name).inputs}

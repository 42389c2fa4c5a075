"""Dresden-II 2022: tables of the release, response, published rates and limits, brute force."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy.special import erf

from scanner import catalog, fold
from scanner.amplitudes import Conventions
from scanner.chi2 import ExperimentModel
from scanner.definition import from_mapping, load
from scanner.errors import DataError, DefinitionError
from scanner.exact.build import likelihood
from scanner.experiments import _tables
from scanner.experiments import dresden_ii_2022 as dresden
from scanner.limits.impacts import impacts
from scanner.physics.fluxes import reactor
from scanner.point import explain
from scanner.spectra import spectra
from scanner.statistics.pulls import OK

TREE = Conventions("tree", "klein_nystrand")
"""Of the author's code, which has a box of 1.2 A^(1/3) fm for 1.23 and one mean nucleus."""
RATES = {"fef": 119.25, "ybe": 63.91}
"""Events per day in the 130 bins, arXiv:2202.10829 (table of the public code)."""
MOMENTS = ("mu_numu", "mu_nutau", "mu_emu", "mu_etau", "mu_mutau")
VECTOR = {
    "model": "universal",
    "loop_sign": "positive",
    "kinetic_mixing": 0.0,
    **{f"charge_{fermion}": 0.0 for fermion in ("u", "d", "e", "mu", "tau")},
}


def model(scenario="standard_model", fixed=None, scanned=(), conventions=TREE, **choices):
    return ExperimentModel(
        catalog.scenario(scenario), dresden.load(**choices), conventions, fixed or {}, scanned
    )


def moment(**choices):
    return model("magnetic_moment", dict.fromkeys(MOMENTS, 0.0), ("mu_nue",), **choices)


@cache
def per_day(quenching, spectrum="mvhe"):
    counts = model(quenching=quenching, electron_scattering="signal", spectrum=spectrum)
    return {name: bins / dresden.DAYS for name, bins in counts.component_bins().items()}


def upper(axis, chi2, delta):
    """Where chi2 has risen by delta above its minimum, to the right of it."""
    best = int(np.argmin(chi2))
    return float(np.interp(chi2[best] + delta, chi2[best:], axis[best:]))


def lower(axis, chi2, delta):
    return -upper(-axis[::-1], chi2[::-1], delta)


# --- tables -----------------------------------------------------------------------------------


def test_rebuilt_tables_equal_the_shipped_ones_byte_for_byte(releases):
    built = dresden.build(releases)
    shipped = _tables.provenance(dresden.NAME)
    assert set(built.tables) == set(shipped.tables) == set(_tables.verify(dresden.NAME))
    assert dict(built.release) == dict(shipped.release)
    for name, table in built.tables.items():
        assert _tables.encode(table) == (_tables.folder(dresden.NAME) / name).read_bytes(), name
    for file, expected in shipped.release.items():
        assert hashlib.sha256((releases / file).read_bytes()).hexdigest() == expected


def test_the_release_in_counts(releases):
    centre, on, error, _, _ = np.loadtxt(releases / dresden.RATES, unpack=True)
    experiment = dresden.load()
    edges = experiment.bins[0].edges
    np.testing.assert_allclose(0.5 * (edges[1:] + edges[:-1]), centre, atol=1e-9)
    np.testing.assert_allclose(experiment.observed, on * 96.4, rtol=1e-12)
    np.testing.assert_allclose(experiment.variance, (error * 96.4) ** 2, rtol=1e-12)
    assert experiment.n_bins == 130
    assert experiment.provenance == _tables.provenance(dresden.NAME)


def test_a_missing_or_malformed_release_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"data_release\.txt not found"):
        dresden.build(tmp_path)
    (tmp_path / dresden.NAME).mkdir()
    (tmp_path / dresden.RATES).write_text("1 2 3\n")
    with pytest.raises(DataError, match=r"data_release\.txt does not have 5 columns"):
        dresden.build(tmp_path)


@pytest.mark.parametrize("quenching", dresden.CHOICES["quenching"])
def test_quenching_of_the_release(releases, quenching):
    kev, fef, ybe = np.loadtxt(releases / dresden.QUENCHING, unpack=True)
    expected = kev * {"fef": fef, "ybe": ybe}[quenching]
    np.testing.assert_allclose(
        dresden.ionisation(1e-3 * kev, quenching=quenching), expected, rtol=1e-9, atol=1e-15
    )
    least = dresden.least_recoil(quenching)
    made = dresden.ionisation(np.array([least]), quenching=quenching)
    assert made[0] == pytest.approx(0.00296, rel=1e-6)


# --- response ---------------------------------------------------------------------------------


def test_response_column_by_column():
    recoil = 1e-3 * np.array([0.005, 0.05, 0.3, 0.7, 1.5, 3.0])
    response = dresden.response("fef")(recoil)
    assert response.shape == (130, 6)
    table = _tables.read(dresden.NAME, "quenching.csv")
    edges = np.linspace(0.2, 1.5, 131)
    for column, t in zip(response.T, 1e3 * recoil, strict=True):
        energy = t * np.interp(t, table["recoil_kevnr"], table["fef"])
        sigma = math.sqrt(0.0685**2 + 0.11 * 0.00296 * energy)
        above_zero = 2.0 / (1.0 + erf(energy / (math.sqrt(2.0) * sigma)))
        below = 0.5 * (1.0 + erf((edges - energy) / (math.sqrt(2.0) * sigma)))
        expected = above_zero * np.diff(below) if energy >= 0.00296 else np.zeros(130)
        np.testing.assert_allclose(column, expected, rtol=1e-9, atol=1e-15)
    sums = dresden.response("ybe")(np.linspace(1e-7, 2e-3, 500)).sum(axis=0)
    assert np.all(sums <= 1.0 + 1e-12)


def test_electrons_are_not_quenched_and_bound_in_shells():
    electrons = dresden.load(electron_scattering="signal").electrons
    centre = electrons.response(np.array([1e-3]))[:, 0]
    assert np.argmax(centre) in (79, 80)
    free = electrons.per_nucleus["Ge"](1e-3 * np.array([0.02, 0.1, 0.15, 1.0, 1.3, 2.0, 12.0]))
    assert free.tolist() == [4.0, 14.0, 20.0, 22.0, 28.0, 30.0, 32.0]


# --- the Standard Model -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quenching", "first"), [("fef", 22.23), ("ybe", 15.37)], ids=["fef", "ybe"]
)
def test_published_rates(quenching, first):
    # events per day in the 130 bins; the author's nucleus and spectrum differ by 1 %
    rate = per_day(quenching)["nubar_e"]
    assert rate.sum() == pytest.approx(RATES[quenching], rel=0.02)
    assert rate[0] == pytest.approx(first, rel=0.02)
    # the spectrum of the author's code, linear between the points of its table
    table = per_day(quenching, "mueller")["nubar_e"]
    assert table.sum() == pytest.approx(RATES[quenching], rel=0.005)


def test_published_rate_on_electrons():
    # physics.md: 0.0319 per day published, 0.0314 in an independent calculation
    assert per_day("fef")["nubar_e on electrons"].sum() == pytest.approx(0.0319, rel=0.02)


def test_neutrons_captured_on_uranium_do_not_matter():
    hard = dresden.load().flux.components[0]
    at = np.array([1.3])
    (more,) = reactor.reactor_flux(
        thermal_power_gw=2.96,
        distance_m=10.0,
        seconds=dresden.DAYS * 86400.0,
        fractions=dresden.FISSION_FRACTIONS,
        captures_per_fission=0.6,
    ).components
    # the quoted flux holds them, the normalised spectrum does not: that much more above 1.3 MeV
    excess = hard.nodes(at)[1].sum() / more.nodes(at)[1].sum()
    assert excess == pytest.approx(1.2, abs=0.05)


def test_brute_force_counts():
    # a plain sum over recoils and energies of the mean nucleus, bin by bin
    experiment = dresden.load()
    (flux,) = experiment.flux.components
    energies = np.linspace(0.01, 8.0, 8000)
    density = np.interp(energies, flux.energies, flux.density)
    recoils = np.linspace(math.sqrt(6e-6), math.sqrt(1.95e-3), 1500) ** 2
    total = np.zeros(130)
    for isotope, share in experiment.target.composition.items():
        m, radius = isotope.mass, 1.23 * isotope.A ** (1 / 3) / 197.3269804
        weak = isotope.Z * (0.5 - 2 * 0.23857) - 0.5 * isotope.N
        spectrum = np.empty_like(recoils)
        for i, t in enumerate(recoils):
            q = math.sqrt(2 * m * t)
            x = q * radius
            form = 3 * (math.sin(x) - x * math.cos(x)) / x**3
            form /= 1 + (0.7 * q / 197.3269804) ** 2
            kinematic = np.maximum(1 - t / energies - m * t / (2 * energies**2), 0.0)
            cross = 1.1663787e-11**2 * m / math.pi * (weak * form) ** 2 * kinematic
            spectrum[i] = np.trapezoid(cross * density, energies) * (197.3269804e-13) ** 2
        atoms = 2.924 * 6.02214076e26 / experiment.target.molar_mass * share
        folded = spectrum * dresden.response("fef")(recoils)
        total += atoms * np.trapezoid(folded, recoils, axis=1)
    found = model().standard_model()
    np.testing.assert_allclose(found[:40], total[:40], rtol=2e-3)


# --- steep spectra ----------------------------------------------------------------------------


def counts_of(scenario, fixed, mass, choice, panels):
    experiment = dresden.load(electron_scattering=choice)
    scanned = ("mass", "coupling") if mass is not None else ("mu_nue",)
    with pytest.MonkeyPatch.context() as patch:
        if panels > 1:
            usual = fold._recoil_nodes
            patch.setattr(fold, "_recoil_nodes", lambda a, b, n: usual(a, b, n * panels))
        bound = ExperimentModel(catalog.scenario(scenario), experiment, TREE, fixed, scanned)
        return bound.fold({} if mass is None else {"mass": np.array([mass])}).counts


@pytest.mark.parametrize("choice", dresden.CHOICES["electron_scattering"])
@pytest.mark.parametrize("mass", [1e-6, 1e-4, 1e-2, 1.0, None])
def test_light_mediators_and_moments_are_integrated_down_to_the_threshold(choice, mass):
    scenario, fixed = ("light_vector", VECTOR)
    if mass is None:
        scenario, fixed = "magnetic_moment", dict.fromkeys(MOMENTS, 0.0)
    usual = counts_of(scenario, fixed, mass, choice, 1)
    fine = counts_of(scenario, fixed, mass, choice, 6)
    for row, expected in zip(usual, fine, strict=True):
        np.testing.assert_allclose(row, expected, rtol=2e-5, atol=2e-5 * np.abs(expected).max())


@pytest.mark.parametrize("mass", [1e-6, 1e-4, 1e-2, 1.0])
def test_light_scalars_are_integrated_down_to_the_threshold(mass):
    fixed = {"nucleon_charges": "sigma_term"}
    usual = counts_of("light_scalar", fixed, mass, "ignored", 1)
    fine = counts_of("light_scalar", fixed, mass, "ignored", 6)
    np.testing.assert_allclose(usual[:, 0, :40], fine[:, 0, :40], rtol=2e-5)


def test_no_quadrature_across_the_least_ionisation():
    bound = model("light_vector", VECTOR, ("mass", "coupling"))
    blind = ExperimentModel(
        catalog.scenario("light_vector"),
        replace(dresden.load(), response_steps=()),
        TREE,
        VECTOR,
        ("mass", "coupling"),
    )
    shapes = {"mass": np.array([1e-3])}
    right, wrong = bound.fold(shapes).counts, blind.fold(shapes).counts
    # without the step the fold misses by more than it is allowed to
    assert np.max(np.abs(wrong[2, 0, :20] / right[2, 0, :20] - 1.0)) > 1e-4


# --- background and chi2 ----------------------------------------------------------------------


def test_the_curve_term_by_term():
    experiment = dresden.load()
    curve = experiment.background_curve
    x = np.array([0.3, -1.0, 2.0, 0.5, 1.0, -2.0, 1.5])
    n, a, h, b, c, w, rho = curve.values(x)
    energy = np.arange(0.205, 1.5, 0.01)

    def line(height, centre, width):
        return height * np.exp(-((energy - centre) ** 2) / (2 * width**2))

    expected = n + a * np.exp(-b * energy) + line(h, c, w) + line(0.008 * h, 1.142, w)
    expected += line(rho * h * w / 0.0685, 0.158, 0.0685)
    np.testing.assert_allclose(curve.curve(x), 96.4 * expected, rtol=1e-9)
    parts = curve.components(x)
    assert list(parts) == list(experiment.backgrounds) == ["constant", "exponential", "lines"]
    np.testing.assert_allclose(sum(parts.values()), curve.curve(x), rtol=1e-12)


def test_slopes_of_the_curve_are_its_derivatives():
    curve = dresden.load().background_curve
    x = np.array([0.3, -1.0, 2.0, 0.5, 1.0, -2.0, 1.5])
    for i, row in enumerate(curve.per_pull(x)):
        move = np.where(np.arange(7) == i, 1e-4, 0.0)
        numeric = (curve.curve(x + move) - curve.curve(x - move)) / 2e-4
        np.testing.assert_allclose(row, numeric, rtol=1e-6, atol=1e-6 * np.abs(numeric).max())


def test_pulls_name_the_parameters_and_respond_like_them():
    experiment = dresden.load()
    curve = experiment.background_curve
    assert [p.name for p in experiment.pulls] == [f.name for f in curve.free]
    responses = curve.per_pull(np.zeros(7))
    for pull, expected in zip(experiment.pulls, responses, strict=True):
        found = sum(pull.sigma * r * experiment.backgrounds[z] for z, r in pull.backgrounds.items())
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("choices", "nothing", "sm"),
    [
        ({"quenching": "fef"}, 110.7, 103.8),
        ({"quenching": "ybe"}, 110.7, 105.7),
        ({"rho_prior": "relative"}, 111.3, None),
    ],
    ids=["fef", "ybe", "relative"],
)
def test_chi2_without_signal_and_of_the_standard_model(choices, nothing, sm):
    # physics.md, section 8
    bound = model(electron_scattering="signal", **choices)
    counts = bound.standard_model()
    found = bound.likelihood.profile(np.stack([0.0 * counts, counts]))
    assert np.all(found.status == OK)
    assert found.chi2[0] == pytest.approx(nothing, abs=0.06)
    if sm is not None:
        assert found.chi2[1] == pytest.approx(sm, abs=0.06)


def test_conventions_and_spectra_hardly_move_chi2():
    for change in (
        {"spectrum": "bestiole"},
        {"spectrum": "huber_mueller"},
        {"spectrum": "mueller"},
    ):
        bound = model(**change)
        chi2 = bound.likelihood.profile(bound.standard_model()[np.newaxis]).chi2[0]
        assert chi2 == pytest.approx(103.84, abs=0.25)


@pytest.mark.parametrize(
    ("quenching", "electrons", "limit"),
    [("fef", "signal", 2.28), ("fef", "ignored", 2.53), ("ybe", "signal", 3.37)],
)
def test_magnetic_moment(quenching, electrons, limit):
    # 90 %, 1 dof: independent calculation of physics.md, section 8 (2.13 in arXiv:2205.09484)
    axis = np.linspace(0.0, 5.0, 251)
    found = moment(quenching=quenching, electron_scattering=electrons).profile({"mu_nue": axis})
    assert upper(axis, found.chi2, 2.706) == pytest.approx(limit, rel=0.02)


@pytest.mark.parametrize(
    ("quenching", "best", "plus", "minus"),
    [("fef", 0.226, 0.051, 0.062), ("ybe", 0.292, 0.071, 0.089)],
)
def test_weak_mixing_angle(quenching, best, plus, minus):
    # independent calculation of physics.md, section 8 (0.219 +.06 -.05, 0.286 +.08 -.07 published)
    axis = np.linspace(0.05, 0.5, 451)
    bound = model("weak_mixing_angle", {}, ("sin2_theta_w",), quenching=quenching)
    chi2 = bound.profile({"sin2_theta_w": axis}).chi2
    found = float(axis[np.argmin(chi2)])
    assert found == pytest.approx(best, abs=0.002)
    assert upper(axis, chi2, 1.0) - found == pytest.approx(plus, abs=0.003)
    assert found - lower(axis, chi2, 1.0) == pytest.approx(minus, abs=0.003)


# --- what cannot be asked -----------------------------------------------------------------------


def test_scenarios_that_say_nothing_of_electrons():
    with pytest.raises(DefinitionError, match='choose "ignored"'):
        model(
            "light_scalar",
            {"mass": 1.0, "coupling": 0.0, "nucleon_charges": "sigma_term"},
            electron_scattering="signal",
        )
    assert dresden.load().choices["electron_scattering"] == "ignored"


def test_impacts_of_a_free_background_are_refused():
    with pytest.raises(DefinitionError, match=r"impacts of dresden_ii_2022.*leave the experiment"):
        impacts(load("weak_mixing_angle_dresden"), "sin2_theta_w")


# --- what is made of the likelihood ---------------------------------------------------------------


def test_a_point_and_its_spectra_are_those_of_the_fitted_curve():
    raw = {
        "scenario": "magnetic_moment",
        "experiments": ["dresden_ii_2022"],
        "parameters": {"mu_nue": 6.0},
        "options": {"couplings": "tree", "form_factor": "klein_nystrand"},
    }
    asked = from_mapping(raw, "a test", name="a test", point=True)
    point = explain(asked).experiments[dresden.NAME]
    found = spectra(asked)[dresden.NAME].point
    bound = moment()
    signal = bound.signal({"mu_nue": np.array([6.0])})
    profile = bound.likelihood.profile(signal)
    assert point.chi2 == found.chi2 == pytest.approx(profile.chi2[0], rel=1e-12)
    curve = bound.experiment.background_curve.curve(profile.pulls[0])
    np.testing.assert_allclose(found.total, signal[0] + curve, rtol=1e-9)
    assert point.counts_fitted["total"] == pytest.approx(found.total.sum(), rel=1e-9)
    # far from the nominal background, where its linear responses would not do
    assert max(abs(x) for x in point.pulls.values()) > 3.0
    assert list(point.pulls.values()) == pytest.approx(profile.pulls[0].tolist())
    assert all(0.0 < width < 3.0 for width in found.widths.values())


def test_the_exact_likelihood_and_its_slope():
    like = likelihood(
        "magnetic_moment",
        [dresden.NAME],
        free={"mu_nue": (0.0, 8.0)},
        options={"couplings": "tree", "form_factor": "klein_nystrand"},
    )
    axis = np.array([0.5, 2.0, 5.0])
    expected = moment().profile({"mu_nue": axis}).chi2
    np.testing.assert_allclose(like.chi2(mu_nue=axis), expected, atol=1e-6)
    h = 1e-3
    numeric = (like.chi2(mu_nue=axis + h) - like.chi2(mu_nue=axis - h)) / (2 * h)
    np.testing.assert_allclose(like.gradient(mu_nue=axis)["mu_nue"], numeric, rtol=1e-4, atol=1e-5)
    assert like.pulls(mu_nue=2.0)[dresden.NAME].keys() >= {"dresden_slope", "dresden_m_to_l1"}


def test_toys_of_the_background_alone_follow_chi2():
    # 130 bins and a measured ratio, less seven fitted numbers
    bound = model()
    sm = bound.standard_model()
    random = np.random.default_rng(5)
    toys = [bound.likelihood.drawn(sm, np.zeros(7), random) for _ in range(60)]
    chi2 = np.array([toy.profile(sm[np.newaxis]).chi2[0] for toy in toys])
    assert chi2.mean() == pytest.approx(124.0, abs=5.0 * math.sqrt(2 * 124.0 / 60))

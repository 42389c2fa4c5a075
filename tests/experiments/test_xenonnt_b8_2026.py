"""XENONnT 2026: sums of the release, response, prediction, flux interval, profiled yields."""

from __future__ import annotations

import io
import tarfile
from dataclasses import replace

import h5py
import numpy as np
import pytest
import yaml
from scipy.interpolate import CubicSpline

from scanner import catalog
from scanner.amplitudes import Conventions
from scanner.chi2 import ExperimentModel
from scanner.definition import from_mapping
from scanner.errors import DefinitionError
from scanner.evaluate import Evaluator
from scanner.experiments import _tables, _xenon_tables
from scanner.experiments import xenonnt_b8_2026 as xenon
from scanner.physics.constants import AVOGADRO, FERMI_CONSTANT, MEV2_CM2, SIN2_THETA_W
from scanner.physics.fluxes.flux import Flux
from scanner.physics.isotopes import element
from scanner.physics.kinematics import maximum_recoil
from scanner.physics.nuclei import nucleus

LIGHT, CHARGE = "xenon_light_yield", "xenon_charge_yield"
PER_RUN = (3, 81)


def model(experiment=None, scenario="standard_model", values=(), **conventions):
    return ExperimentModel(
        catalog.scenario(scenario),
        experiment or xenon.load(),
        Conventions(**conventions),
        dict(values),
        (),
    )


def evaluator(axes, choices=(), scenario="standard_model", **more):
    raw = {"scenario": scenario, "experiments": [xenon.NAME], "axes": axes, **more}
    return Evaluator(from_mapping({**raw, "experiment": {xenon.NAME: dict(choices)}}, "test"))


def released(releases, run, recoil, light=0.0, charge=0.0):
    """Template of the release for one recoil, (81,), read straight from its archive."""
    name = f"mono_{recoil:.3f}_cevns_tly_{light:.1f}_tqy_{charge:.1f}.h5"
    with tarfile.open(releases / _xenon_tables.RECOIL_ARCHIVES[run]) as archive:
        [member] = [m for m in archive.getmembers() if m.name.endswith(name)]
        raw = archive.extractfile(member).read()
    with h5py.File(io.BytesIO(raw), "r") as file:
        return file["templates/template"][...].ravel()


# --- the release ------------------------------------------------------------------------------


def test_events_of_each_run():
    observed = xenon.load().observed.reshape(PER_RUN).sum(axis=1)
    np.testing.assert_array_equal(observed, [9, 28, 25])


def test_events_in_their_bins(releases):
    observed = xenon.load().observed.reshape(3, 3, 3, 3, 3)
    expected = np.zeros_like(observed)
    for run, name in enumerate(_xenon_tables.RUNS):
        edges = yaml.safe_load((releases / _xenon_tables.BINNINGS[name]).read_text())
        head, *lines = (releases / _xenon_tables.EVENTS[name]).read_text().splitlines()
        columns = head.split(",")
        for line in lines:
            event = dict(zip(columns, line.split(","), strict=True))
            place = [
                max(i for i in range(3) if edges[o][i] <= float(event[o])) for o in columns[1:]
            ]
            expected[run, *place] += 1
    np.testing.assert_array_equal(observed, expected)


def test_expected_backgrounds():
    per_tonne_year = {
        name: counts.reshape(PER_RUN).sum(axis=1) / xenon.EXPOSURES_T_YR
        for name, counts in xenon.load().backgrounds.items()
    }
    np.testing.assert_allclose(per_tonne_year["accidental"], [6.37, 7.58, 4.57], atol=0.006)
    np.testing.assert_allclose(per_tonne_year["electronic"], [0.107, 0.234, 0.161], atol=6e-4)
    np.testing.assert_allclose(per_tonne_year["neutron"], [0.146, 0.173, 0.054], atol=6e-4)
    sums = [counts.sum() for counts in xenon.load().backgrounds.values()]
    np.testing.assert_allclose(sums, [40.1, 1.2, 0.75], atol=0.02)


def test_common_norms_give_the_error_of_the_paper_on_its_runs():
    # arXiv:2408.02877, SR0 and SR1: 26.4 +1.4 -1.3 expected without a signal
    experiment = xenon.load()
    parts = {n: b.reshape(PER_RUN)[:2].sum() for n, b in experiment.backgrounds.items()}
    assert sum(parts.values()) == pytest.approx(26.4, abs=0.2)
    error = np.hypot.reduce([xenon.BACKGROUND_WIDTHS[n] * b for n, b in parts.items()])
    assert 1.25 < error < 1.4


def test_axes_are_those_of_the_templates():
    experiment = xenon.load()
    assert [axis.n for axis in experiment.bins] == [9, 3, 3, 3]
    assert experiment.n_bins == 243
    table = _tables.read(xenon.NAME, "bins.csv")
    # C order: cS2 slowest within a run, the score of S2 fastest
    low = {n: table[f"{n}_low"].reshape(3, 3, 3, 3, 3) for n in _xenon_tables.OBSERVABLES}
    for i, values in enumerate(low.values()):
        assert np.all(np.diff(values, axis=1 + i) > 0.0)
        assert all(np.ptp(values, axis=a).max() == 0.0 for a in range(1, 5) if a != 1 + i)


def test_edges_of_the_templates_are_those_of_the_binning(releases):
    for run in _xenon_tables.RUNS:
        edges = yaml.safe_load((releases / _xenon_tables.BINNINGS[run]).read_text())
        for kind in _xenon_tables.BACKGROUNDS.values():
            with h5py.File(releases / _xenon_tables._background_file(run, kind), "r") as file:
                for i, own in enumerate(edges.values()):
                    np.testing.assert_allclose(file[f"bins/{i}"][...], own, rtol=1e-6)


# --- response ---------------------------------------------------------------------------------


def selected(recoil, light=0.0, charge=0.0):
    """Probability (243, n) that a recoil (MeV) is selected in each bin."""
    return xenon.selected(**{LIGHT: light, CHARGE: charge}).T @ xenon.response(np.asarray(recoil))


@pytest.mark.parametrize(
    ("run", "recoil", "light", "charge"),
    [("sr0", 1.0, 0.0, 0.0), ("sr1", 2.3, -1.0, 2.0), ("sr2", 0.5, 3.0, 0.0)],
)
def test_response_at_a_tabulated_recoil(releases, run, recoil, light, charge):
    i = _xenon_tables.RUNS.index(run)
    share = xenon.EXPOSURES_T_YR[i] / xenon.EXPOSURES_T_YR.sum()
    made = selected([1e-3 * recoil], light, charge)
    found = made.reshape(PER_RUN)[i]
    expected = share * released(releases, run, recoil, light, charge)
    # three significant digits
    np.testing.assert_allclose(found, expected, rtol=5.1e-3, atol=1e-16)
    assert found.sum() == pytest.approx(expected.sum(), rel=1e-3)


def test_response_is_a_probability_and_none_outside_the_table():
    recoil = np.linspace(0.0, 8e-3, 400)
    inside = (recoil >= 0.5e-3) & (recoil <= 5e-3)
    for light in (-3.0, -2.5, 0.0, 0.3, 3.0):
        for charge in (-3.0, 1.7):
            found = selected(recoil, light, charge)
            assert found.shape == (243, 400)
            assert np.all(found >= 0.0)
            assert found.sum(axis=0).max() < 0.2
            assert np.all(found[:, ~inside] == 0.0)
            assert np.all(found[:, inside].sum(axis=0) > 0.0)


def test_response_is_linear_between_recoils():
    ends = selected([1.4e-3, 1.5e-3])
    [middle] = selected([1.43e-3]).T
    np.testing.assert_allclose(middle, ends @ [0.7, 0.3], rtol=1e-10)


def test_response_between_yields_is_a_spline_in_each():
    values = xenon.YIELDS
    recoil = np.array([2e-3])
    rows = [[selected(recoil, a, b)[:, 0] for b in values] for a in values]
    spline = CubicSpline(values, CubicSpline(values, np.array(rows), axis=1)(0.4))(-1.3)
    found = selected(recoil, -1.3, 0.4)[:, 0]
    np.testing.assert_allclose(found, np.maximum(spline, 0.0), rtol=1e-9, atol=1e-12)


def test_more_yield_is_more_signal():
    nominal = model().standard_model().sum()
    for name in (LIGHT, CHARGE):
        up, down = (model(values={name: s}).standard_model().sum() for s in (1.0, -1.0))
        assert down < nominal < up
        assert 0.12 < 0.5 * (up - down) / nominal < 0.25


# --- Standard Model ---------------------------------------------------------------------------


def b8(found):
    parts = found.standard_model_bins()
    return sum(counts for name, counts in parts.items() if name.endswith("8B"))


def test_events_of_the_standard_model():
    # stated beside the release: 2.88 / 2.66 / 2.31 per t yr, 17.1 in all, summed in steps of
    # 0.1 keV with couplings that are not named: those of nu_e in AC22, or tree level, 0.4 % lower
    for counts in (b8(model(couplings="tree")), b8(model(_all_electron()))):
        rates = counts.reshape(PER_RUN).sum(axis=1) / xenon.EXPOSURES_T_YR
        np.testing.assert_allclose(rates, [2.88, 2.66, 2.31], rtol=5e-3)
        assert counts.sum() == pytest.approx(17.1, rel=5e-3)


def _all_electron():
    """The experiment with as many neutrinos, all of them nu_e."""
    flux = xenon.load().flux
    return replace(xenon.load(), flux=Flux(tuple(replace(c, flavor="e") for c in flux.components)))


def test_radiative_corrections_by_flavour_give_a_little_more():
    # g_V^p of nu_mu and nu_tau is lower in AC22, and it takes from the neutrons
    assert b8(model()).sum() == pytest.approx(17.48, abs=0.03)
    assert b8(model()).sum() > 1.015 * b8(model(_all_electron())).sum()


def test_hep_adds_two_per_cent():
    parts = model().standard_model_bins()
    assert sum(c.sum() for n, c in parts.items() if n.endswith("hep")) == pytest.approx(
        0.284, abs=0.003
    )


def test_expected_and_observed():
    experiment = xenon.load()
    expected = model().standard_model().sum() + sum(
        b.sum() for b in experiment.backgrounds.values()
    )
    assert 59.0 < expected < 60.5
    assert experiment.observed.sum() == 62


def test_events_against_a_slow_twin_and_the_sum_of_the_release():
    """dR/dE x probability, recoil by recoil and isotope by isotope, tree level and Helm."""
    found = model(couplings="tree")
    counts = found.standard_model()
    fine = np.linspace(0.5, 5.0, 226)
    rates = np.array([_rate_per_tonne_year_kev(found.experiment, kev) for kev in fine])
    table = _tables.read(xenon.NAME, "recoils.csv.gz")
    nominal = (table["light_yield"] == 0.0) & (table["charge_yield"] == 0.0)
    own = np.stack([table[f"{kev:.1f}"][nominal] for kev in xenon.RECOILS_KEV])
    own *= np.repeat(xenon.EXPOSURES_T_YR, 81)
    between = np.stack([np.interp(fine, xenon.RECOILS_KEV, column) for column in own.T])
    np.testing.assert_allclose(np.trapezoid(between * rates, fine), counts, rtol=2e-3)
    # the recipe of the release, in steps of 0.1 keV
    summed = 0.1 * rates[::5] @ own
    assert summed.sum() == pytest.approx(counts.sum(), rel=5e-3)
    by_cs2 = (c.reshape(9, 27).sum(axis=1) for c in (summed, counts))
    np.testing.assert_allclose(*by_cs2, rtol=1e-2)


def _rate_per_tonne_year_kev(experiment, kev):
    """Scalar twin: G_F^2 M/pi (1 - T/E - M T/(2 E^2)) Q^2 over all neutrinos of one year."""
    recoil, rate = 1e-3 * kev, 0.0
    molar_mass = sum(share * i.atomic_mass_u for i, share in element("Xe"))
    for isotope, share in element("Xe"):
        target = nucleus(isotope, "helm")
        q2 = 2.0 * target.mass * recoil
        charge = (0.5 - 2.0 * SIN2_THETA_W) * target.Z * target.proton_form_factor(q2)
        charge = charge - 0.5 * target.N * target.neutron_form_factor(q2)
        unit = FERMI_CONSTANT**2 * target.mass / np.pi * MEV2_CM2 * float(charge) ** 2
        for component in experiment.flux.components:
            if recoil > maximum_recoil(component.e_max, target.mass):
                continue
            energies = np.linspace(0.5, component.e_max, 4001)
            factor = 1.0 - recoil / energies - target.mass * recoil / (2.0 * energies**2)
            density = np.interp(energies, component.energies, component.density)
            folded = np.trapezoid(density * np.maximum(factor, 0.0), energies)
            rate += share * AVOGADRO * 1e6 / molar_mass * unit * folded * 1e-3
    return rate


def test_flux_averaged_cross_section_goes_with_the_published_flux():
    """arXiv:2408.02877 has 4.7e6 per cm^2 and s, and 1.1e-39 cm^2 for the flux of 5.46e6."""
    flux = [c for c in xenon.load().flux.components if c.name.endswith("8B")]
    found = 0.0
    for isotope, share in element("Xe"):
        recoils = np.linspace(1e-6, maximum_recoil(16.0, isotope.mass), 400)
        density = [_cross_section(isotope, flux, recoil) for recoil in recoils]
        found += share * np.trapezoid(density, recoils)
    assert found == pytest.approx(1.218e-39, rel=2e-3)
    assert found * 4.7 / 5.46 == pytest.approx(1.1e-39, abs=0.06e-39)


def _cross_section(isotope, components, recoil):
    """Cross section per recoil energy averaged over the 8B flux, cm^2/MeV."""
    target = nucleus(isotope, "helm")
    q2 = 2.0 * target.mass * recoil
    charge = (0.5 - 2.0 * SIN2_THETA_W) * target.Z * target.proton_form_factor(q2)
    charge = float(charge - 0.5 * target.N * target.neutron_form_factor(q2))
    unit = FERMI_CONSTANT**2 * target.mass / np.pi * MEV2_CM2 * charge**2
    above = below = 0.0
    for c in components:
        factor = 1.0 - target.mass * recoil / (2.0 * np.maximum(c.energies, 1e-3) ** 2)
        above += np.trapezoid(c.density * np.maximum(factor, 0.0), c.energies)
        below += np.trapezoid(c.density, c.energies)
    return unit * above / below


# --- chi2 -------------------------------------------------------------------------------------


def test_choices():
    assert set(xenon.load().constraints) == {"b8_flux", LIGHT, CHARGE}
    assert set(xenon.load("nominal").constraints) == {"b8_flux"}
    assert len(xenon.load().pulls) == 3
    per_run = xenon.load(background_errors="per_run")
    assert [p.name for p in per_run.pulls[:3]] == [
        f"xenonnt_accidental_{run}" for run in ("sr0", "sr1", "sr2")
    ]
    for common, own in zip(xenon.load().pulls, np.split(np.array(per_run.pulls), 3), strict=True):
        [name] = common.backgrounds
        assert {p.sigma for p in own} == {common.sigma}
        assert all(set(p.backgrounds) == {name} for p in own)
        np.testing.assert_array_equal(sum(p.backgrounds[name] for p in own), 1.0)


def interval(choices, delta=1.0, **options):
    """Best 8B flux and its ends, in 1e6 per cm^2 and s."""
    axis = {"b8_flux": {"spacing": "linear", "start": 0.0, "stop": 5.0, "n": 101}}
    found = evaluator(axis, choices, options=options)
    flux = np.linspace(0.0, 5.0, 101)
    curve = CubicSpline(flux, found.chi2_at({"b8_flux": flux})[0])
    fine = np.linspace(0.0, 5.0, 50001)
    chi2 = curve(fine)
    inside = fine[chi2 < chi2.min() + delta]
    best = fine[chi2.argmin()]
    return 5.46 * np.array([best, inside[0], inside[-1]]), chi2[0] - chi2.min()


def test_flux_interval_holds_the_published_one_and_the_solar_model():
    (best, low, high), none = interval({})
    # our own numbers, two runs more than arXiv:2408.02877: 4.7 +3.6 -2.3
    np.testing.assert_allclose([best, low, high], [5.07, 3.00, 8.01], atol=0.03)
    assert low < 4.7 < high
    assert low < 5.46 < high
    assert 2.4 < best < 8.3
    # twice the events, a narrower interval
    assert high - low < 8.3 - 2.4
    assert none == pytest.approx(10.56, abs=0.05)


def test_yields_widen_the_interval():
    (best, low, high), _ = interval({"yields": "nominal"})
    np.testing.assert_allclose([best, low, high], [5.13, 3.26, 7.25], atol=0.03)


def test_norms_of_each_run_hardly_matter():
    (best, low, high), _ = interval({"yields": "nominal", "background_errors": "per_run"})
    np.testing.assert_allclose([best, low, high], [5.15, 3.30, 7.25], atol=0.03)


def test_standard_model_fits():
    found = model()
    profile = found.likelihood.profile(found.standard_model()[np.newaxis])
    # sparse: 62 events in 243 bins
    assert profile.chi2[0] == pytest.approx(177.13, abs=0.05)
    assert np.all(np.abs(profile.pulls) < 0.5)


def test_flux_scales_8b_alone():
    parts = model(values={"b8_flux": 2.0}).component_bins()
    usual = model().component_bins()
    for name, counts in parts.items():
        factor = 2.0 if name.endswith("8B") else 1.0
        np.testing.assert_allclose(counts, factor * usual[name], rtol=1e-12)


def test_yields_between_the_nodes_of_the_profile():
    """The interpolation that profiles the yields, against the response at those yields."""
    ranges = {LIGHT: (-3.0, 3.0), CHARGE: (-3.0, 3.0)}
    bound = ExperimentModel(
        catalog.scenario("standard_model"), xenon.load(), Conventions(), {}, (), ranges
    )
    templates = bound.templates(np.empty((1, 0)))
    for light, charge in ((0.0, 0.0), (0.5, -0.5), (-1.3, 0.4), (2.6, 2.4), (-2.5, -2.7)):
        at = {LIGHT: np.array([light]), CHARGE: np.array([charge])}
        found = bound.morph.weights(at)[0] @ templates.counts[0, 0]
        exact = model(values={LIGHT: light, CHARGE: charge}).standard_model()
        # the same spline, but for probabilities below zero, which the response cuts off; there are
        # 2135 recoils above 0.5 keV
        cut = np.einsum(
            "ijrb,i,j->rb", xenon._probabilities(), xenon._spline()(light), xenon._spline()(charge)
        )
        largest = max(-cut.min(), 0.0)
        assert 2.2e3 * largest < 2e-4  # events
        np.testing.assert_allclose(found, exact, rtol=1e-9, atol=2.2e3 * largest)


def test_masses_and_yields_together_are_each_pair_by_itself():
    """Some monomials depend on the mass, that of the Standard Model does not."""
    form = catalog.scenario("light_vector")
    fixed = {p.name: p.default for p in form.parameters if p.default is not None}
    ranges = {LIGHT: (-3.0, 3.0), CHARGE: (-3.0, 3.0)}
    masses = np.array([[0.1], [3.0], [50.0]])
    fixed["model"] = "universal"
    scanned = ("mass", "coupling")
    both = ExperimentModel(form, xenon.load(), Conventions(), fixed, scanned, ranges)
    found = both.templates(masses)
    for i, mass in enumerate(masses):
        alone = both._maker.fold({"mass": mass[:, np.newaxis], **both.morph.nodes()})
        assert found.exponents == alone.exponents
        np.testing.assert_allclose(found.counts[:, i], alone.counts[:, 0], rtol=1e-12)
    spread = np.ptp(found.counts, axis=1).max(axis=(-1, -2))
    assert spread[0] == 0.0
    assert spread[1:].min() > 0.0


def test_a_sterile_neutrino_is_refused():
    axis = {"dm2_41": {"spacing": "log", "start": 0.1, "stop": 10.0, "n": 3, "unit": "eV2"}}
    with pytest.raises(DefinitionError, match="xenonnt_b8_2026: matter in the Sun"):
        evaluator(axis, scenario="sterile", parameters={"U_mu4_squared": 0.1})


@pytest.mark.parametrize(
    ("scenario", "values"),
    [
        ("light_vector", {"model": "B-L", "mass": 1.0, "coupling": 1e-4}),
        ("light_scalar", {"mass": 1.0, "coupling": 1e-4}),
        ("magnetic_moment", {"mu_nutau": 50.0}),
    ],
)
def test_new_physics_of_any_flavour_adds_events(scenario, values):
    form = catalog.scenario(scenario)
    fixed = {p.name: p.default for p in form.parameters if p.default is not None} | values
    usual, found = model(), model(scenario=scenario, values=fixed)
    assert found.signal({}).sum() > 2.0 * usual.standard_model().sum()

"""COHERENT CsI 2017: counts of the release, response, both analyses, never beside 2021."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest

from scanner import catalog, definition
from scanner.amplitudes import Conventions
from scanner.chi2 import ExperimentModel
from scanner.errors import DataError, DefinitionError
from scanner.evaluate import Evaluator
from scanner.experiments import _tables
from scanner.experiments import coherent_csi_2017 as csi
from scanner.experiments import coherent_csi_2021 as later
from scanner.experiments._csi_quenching import COMPONENTS
from scanner.limits.combinable import check_combinable
from scanner.statistics.pulls import LinearPulls

QUENCHINGS = pytest.mark.parametrize("quenching", csi.CHOICES["quenching"])


def model(analysis="energy", quenching="flat_2017", **conventions):
    return ExperimentModel(
        catalog.scenario("standard_model"),
        csi.load(analysis, quenching),
        Conventions(**conventions),
        {},
        (),
    )


# --- tables -----------------------------------------------------------------------------------


def test_rebuilt_tables_equal_the_shipped_ones_byte_for_byte(releases):
    built = csi.build(releases)
    provenance = _tables.provenance(csi.NAME)
    assert set(built.tables) == set(provenance.tables)
    assert dict(built.release) == dict(provenance.release)
    for name, table in built.tables.items():
        assert _tables.encode(table) == (_tables.folder(csi.NAME) / name).read_bytes(), name


@pytest.fixture
def release(releases, tmp_path):
    """A copy of the release files."""
    for file in csi.RELEASE_FILES:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_bytes((releases / file).read_bytes())
    return tmp_path


def test_a_release_file_without_all_of_its_bins_is_named(release):
    short = csi.WINDOWS["coincidence"]
    lines = (release / short).read_text().splitlines()
    (release / short).write_text("\n".join(lines[:200]))
    with pytest.raises(DataError, match=rf"release file {short} has \d+ of the 144 bins"):
        csi.build(release)


@pytest.mark.parametrize("content", [None, "", "a, b\n", "1, 2, 3, 4, 5\n", "1 2\n3\n"])
@pytest.mark.parametrize("file", csi.RELEASE_FILES)
def test_each_missing_or_malformed_release_file_is_named(release, file, content):
    path = release / file
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(DataError) as caught:
        csi.build(release)
    assert file in str(caught.value)


def test_counts_in_the_window_are_those_of_the_publication():
    table = _tables.read(csi.NAME, "bins.csv")
    assert table["coincidence"].sum() == 547  # published.toml: csi2017-counts-on-c
    assert table["anticoincidence"].sum() == 405
    assert len(table["coincidence"]) == 144


def test_windows_are_counted_event_bin_by_event_bin(releases):
    for name, file in csi.WINDOWS.items():
        expected = np.zeros((12, 12))
        for line in (releases / file).read_text().splitlines():
            pe, t, n = (float(word) for word in line.split(","))
            if 6 < pe < 30 and t < 6:
                expected[int((pe - 7) / 2), int(2 * t)] += n
        np.testing.assert_array_equal(_tables.read(csi.NAME, "bins.csv")[name], expected.ravel())


def test_neutrons_are_accepted_in_one_pe_bins(releases):
    expected = np.zeros(12)
    lines = (releases / csi.NEUTRONS).read_text().splitlines()
    for line in (one for one in lines if not one.startswith("#")):
        pe, per_gwh = (float(word) for word in line.split(","))
        if 6 < pe < 30:
            accepted = 0.6655 / (1 + math.exp(-0.4942 * (pe - 10.8507)))
            expected[int((pe - 6) / 2)] += 7.47594 * per_gwh * accepted
    np.testing.assert_allclose(csi.load("energy").backgrounds["BRN"], expected, rtol=1e-9)
    in_time = csi.load("energy_time").backgrounds["BRN"].reshape(12, 12)
    np.testing.assert_allclose(in_time.sum(axis=1), expected, rtol=1e-9)
    assert np.argmax(in_time.sum(axis=0)) == 1


def test_constants_are_those_of_the_parameter_file(releases):
    text = (releases / csi.NAME / "coherent_parameters.yaml").read_text()
    found = [float(number) for number in re.findall(r"value: ([\d.]+)", text)]
    expected = [
        csi.EXPOSURE_GWH,
        csi.BASELINE_M,
        csi.FLAT_QUENCHING,
        csi.LIGHT_YIELD_PE_PER_KEVEE,
        csi.NEUTRINOS_PER_PROTON,
        1.0,
        *csi.ACCEPTANCE,
    ]
    assert found == expected


# --- response and timing ----------------------------------------------------------------------


def test_acceptance_is_cut_below_5_pe_and_halved_below_6():
    np.testing.assert_array_equal(csi.acceptance(np.array([0.5, 4.5])), 0.0)
    full = 0.6655 / (1 + math.exp(-0.4942 * (5.5 - 10.8507)))
    assert csi.acceptance(np.array([5.5]))[0] == pytest.approx(0.5 * full)
    assert csi.acceptance(np.array([40.5]))[0] == pytest.approx(0.6655, rel=1e-5)


def test_response_against_poisson_probabilities_one_by_one():
    recoil = np.array([0.004, 0.012, 0.021])
    found = csi.load().response(recoil)
    for column, t in zip(found.T, recoil, strict=True):
        mean = 13.348 * 0.0878 * t * 1e3
        for i in range(12):
            expected = sum(
                math.exp(-mean) * mean**n / math.factorial(n) * csi.acceptance(np.array([n + 0.5]))
                for n in (6 + 2 * i, 7 + 2 * i)
            )
            assert column[i] == pytest.approx(float(expected[0]), rel=1e-12)


def test_curve_of_2021_is_that_of_the_later_experiment():
    inputs = {"csi_quenching_pc0": 0.7, "csi_quenching_pc1": -1.2}
    assert [p.name for p in csi.load(quenching="release_2021").inputs] == list(COMPONENTS)
    recoil = np.array([0.005, 0.02])
    mean = csi.curved_response(**inputs).mean(recoil)
    kevee = later.response(**inputs).quenched(recoil)
    np.testing.assert_allclose(mean, 13.348 * kevee, rtol=1e-12)


def test_quenching_inputs_move_the_counts_only_with_the_curve():
    flat = catalog.experiment(csi.NAME, {"quenching": "flat_2017"})
    assert flat.inputs == ()
    curved = catalog.experiment(csi.NAME, {"quenching": "release_2021"})
    counts = [
        ExperimentModel(
            catalog.scenario("standard_model"),
            curved,
            Conventions(),
            {"csi_quenching_pc0": x},
            (),
        )
        .signal({})
        .sum()
        for x in (0.0, 1.0)
    ]
    assert 0.01 < abs(counts[1] / counts[0] - 1.0) < 0.1


def test_the_curve_is_profiled_unless_a_definition_fixes_it():
    curve = {"experiment": {csi.NAME: {"quenching": "release_2021"}}}
    brought = _definition(csi.NAME, **curve).profile
    assert brought == {name: {"mean": 0.0, "sigma": 1.0} for name in COMPONENTS}
    fixed = {"parameters": {"csi_quenching_pc0": 0.0}}
    assert set(_definition(csi.NAME, **curve, **fixed).profile) == {"csi_quenching_pc1"}
    assert _definition(csi.NAME).profile == {}


def test_delayed_neutrinos_after_6_us_are_lost():
    shares = csi.load("energy_time").timing
    assert shares["nu_mu"].sum() == pytest.approx(1.0, abs=1e-9)
    assert shares["nu_e"].sum() == pytest.approx(0.9148, abs=1e-4)
    np.testing.assert_array_equal(shares["nu_e"], shares["nubar_mu"])
    alone = csi.load("energy").timing
    assert alone["nu_e"].tolist() == [shares["nu_e"].sum()]


# --- both analyses ----------------------------------------------------------------------------


@QUENCHINGS
def test_both_analyses_expect_the_same_events(quenching):
    energy = model("energy", quenching).standard_model()
    both = model("energy_time", quenching).standard_model().reshape(12, 12)
    np.testing.assert_allclose(both.sum(axis=1), energy, rtol=1e-12)


def test_residual_and_its_variance():
    experiment = csi.load("energy")
    assert experiment.observed.sum() == 547 - 405
    assert experiment.variance.sum() == 547 + 405
    assert experiment.statistic == "gaussian"


def test_steady_state_is_the_product_of_its_projections():
    experiment = csi.load("energy_time")
    steady = experiment.backgrounds["SSB"].reshape(12, 12)
    assert np.linalg.matrix_rank(steady) == 1
    assert steady.sum() == pytest.approx(405.0)
    widths = {pull.name: pull.sigma for pull in experiment.pulls}
    assert widths["csi17_ssb"] == pytest.approx(1 / math.sqrt(405))
    assert widths["csi17_signal"] == 0.28


@QUENCHINGS
def test_prediction_is_within_the_published_error(quenching):
    # csi2017-n-pred: 173 +- 48 with the flat quenching factor; 5 % of the difference is the flux
    # after 6 us, which the release's arrival times take away
    assert 125 < model("energy", quenching).standard_model().sum() < 221


def test_predicted_events_of_both_curves():
    assert model().standard_model().sum() == pytest.approx(164.5, abs=0.3)
    assert model(quenching="release_2021").standard_model().sum() == pytest.approx(146.3, abs=0.3)


def test_fitted_events_and_rejection_of_no_signal():
    # csi2017-n-obs: 134 +- 22 events; csi2017-z: 6.7 sigma
    found = model("energy_time")
    sm, pulls = found.standard_model(), found.likelihood.pulls
    free = replace(
        found.likelihood,
        pulls=LinearPulls(pulls.signal[1:], pulls.background[1:], pulls.expected),
    )
    strength = np.linspace(0.4, 1.3, 901)
    chi2 = free.profile(strength[:, np.newaxis] * sm).chi2
    inside = strength[chi2 < chi2.min() + 1.0] * sm.sum()
    assert strength[np.argmin(chi2)] * sm.sum() == pytest.approx(134, abs=6)
    assert 0.5 * (inside[-1] - inside[0]) == pytest.approx(22, abs=2)
    none = free.profile(np.zeros((1, sm.size))).chi2[0]
    assert math.sqrt(none - chi2.min()) == pytest.approx(6.7, abs=0.6)


def _interval(scenario, axis, points, choices, options, threshold=1.0):
    """Best value and ends of the interval around it, of one parameter."""
    name, unit = axis
    ends = {"spacing": "linear", "start": points[0], "stop": points[-1], "n": 2, **unit}
    raw = {
        "scenario": scenario,
        "experiments": [csi.NAME],
        "axes": {name: ends},
        "options": options,
        "experiment": {csi.NAME: choices},
    }
    chi2 = Evaluator(definition.from_mapping(raw, "test")).chi2_at({name: points})[-1]
    inside = points[chi2 < chi2.min() + threshold]
    return points[np.argmin(chi2)], inside[0], inside[-1]


RADII = np.linspace(2.2, 9.0, 1361)
ANGLES = np.linspace(0.05, 0.45, 801)


def test_neutron_radius_of_the_first_analysis():
    # rn-csi-2017: 5.5 +0.9 -1.1 fm (arXiv:1710.02730)
    best, low, high = _interval(
        "neutron_radius", ("R_n", {"unit": "fm"}), RADII, {}, {"couplings": "C20"}
    )
    assert best == pytest.approx(5.5, abs=0.3)
    assert best - low == pytest.approx(1.1, abs=0.15)
    assert high - best == pytest.approx(0.9, abs=0.15)


def test_weak_mixing_angle():
    # sw2-csi17-papo: 0.209 +0.072 -0.069 (arXiv:1907.11644, recalled), another statistic
    options = {"couplings": "tree", "form_factor": "klein_nystrand"}
    best, low, high = _interval("weak_mixing_angle", ("sin2_theta_w", {}), ANGLES, {}, options)
    assert best == pytest.approx(0.209, abs=0.005)
    assert 0.04 < best - low < 0.08
    assert 0.05 < high - best < 0.08


def test_nsi_are_bounded_where_the_toys_of_2008_06062_bound_them(releases):
    # eps_ee^uV = eps_ee^dV, 144 bins; Feldman-Cousins bands against Delta chi2 = 2.706
    table = np.loadtxt(
        releases / "nsi_7stats_csi2017" / "results_epsee_nomarg_144bins_newpull.txt",
        delimiter=",",
    )
    allowed = table[table[:, 1] < 90.0, 0]
    axes = {f"eps_ee_{q}": {"spacing": "linear", "start": -1.0, "stop": 1.0, "n": 2} for q in "ud"}
    raw = {
        "scenario": "nsi",
        "experiments": [csi.NAME],
        "axes": axes,
        "options": {"couplings": "tree", "form_factor": "klein_nystrand"},
        "experiment": {csi.NAME: {"analysis": "energy_time"}},
    }
    strength = np.linspace(-0.4, 0.6, 2001)
    points = {"eps_ee_u": strength, "eps_ee_d": strength}
    chi2 = Evaluator(definition.from_mapping(raw, "test")).chi2_at(points)[0]
    inside = strength[chi2 < chi2.min() + 2.706]
    assert inside[0] == pytest.approx(allowed[0], abs=0.03)
    assert inside[-1] == pytest.approx(allowed[-1], abs=0.03)


# --- never beside the data that hold it -------------------------------------------------------


def _definition(*experiments, **tables):
    axis = {"spacing": "linear", "start": 0.1, "stop": 0.4, "n": 3}
    return definition.from_mapping(
        {
            "scenario": "weak_mixing_angle",
            "experiments": list(experiments),
            "axes": {"sin2_theta_w": axis},
            **tables,
        },
        "test",
    )


@pytest.mark.parametrize("names", [(csi.NAME, later.NAME), (later.NAME, csi.NAME)])
def test_refused_beside_the_later_data(names):
    with pytest.raises(DefinitionError, match="'coherent_csi_2017' holds data of 'coherent_csi"):
        _definition(*names)
    with pytest.raises(DefinitionError, match="coherent_csi_2017 holds data of coherent_csi_2021"):
        check_combinable(*(_definition(name) for name in names))


def test_combined_with_argon():
    assert _definition(csi.NAME, "coherent_lar_2020").experiments == (
        csi.NAME,
        "coherent_lar_2020",
    )

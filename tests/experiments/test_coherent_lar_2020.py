"""COHERENT LAr 2020: sums of the release, response, prediction against the released one, chi2."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import xlogy

from scanner import catalog
from scanner.amplitudes import Conventions
from scanner.chi2 import ExperimentModel
from scanner.definition import from_mapping
from scanner.evaluate import Evaluator
from scanner.experiments import _lar_tables, _tables
from scanner.experiments import coherent_lar_2020 as lar
from scanner.fitted import settled, together
from scanner.physics.fluxes.flux import Flux
from scanner.statistics.poisson import PoissonLikelihood
from scanner.statistics.pulls import OK, LinearPulls

ALL = (12, 8, 10)
"""Bins of energy, F90 and time."""


def model(analysis="energy_time", window="normalised", **conventions):
    experiment = lar.load(analysis, window)
    return ExperimentModel(
        catalog.scenario("standard_model"), experiment, Conventions(**conventions), {}, ()
    )


@pytest.mark.parametrize(
    ("analysis", "table", "bins"),
    [("energy_time", "bins.csv", (12, 10)), ("energy_f90_time", "bins_f90.csv", ALL)],
)
def test_sums_of_the_tables(analysis, table, bins):
    experiment = lar.load(analysis)
    assert experiment.observed.sum() == 3752
    sums = {z: float(b.sum()) for z, b in experiment.backgrounds.items()}
    assert sums == pytest.approx({"SS": 3152, "prompt_BRN": 497, "delayed_BRN": 33}, abs=0.6)
    assert _tables.read(lar.NAME, table)["cevns"].sum() == pytest.approx(128, abs=0.6)
    assert tuple(axis.n for axis in experiment.bins) == bins


def test_delayed_neutrons_arrive_in_one_bin():
    delayed = lar.load().backgrounds["delayed_BRN"].reshape(12, 10)
    times = lar.TIME.edges
    (only,) = np.flatnonzero(delayed.sum(axis=0))
    assert times[only] < 1.65 < times[only + 1]


@pytest.mark.parametrize("column", list(_lar_tables.COLUMNS))
def test_cubes_are_those_of_the_release_whole_and_summed_over_f90(releases, column):
    expected = np.zeros(ALL)
    for line in (releases / lar.NAME / _lar_tables.COLUMNS[column]).read_text().splitlines():
        energy, f90, time, content = map(float, line.split())
        place = (int(energy // 10), round((f90 - 0.525) / 0.05), round((time + 0.1 - 0.25) / 0.5))
        expected[place] += content
    whole = _tables.read(lar.NAME, "bins_f90.csv")[column]
    np.testing.assert_allclose(whole, expected.ravel(), rtol=1e-11)
    summed = _tables.read(lar.NAME, "bins.csv")[column]
    np.testing.assert_allclose(summed, expected.sum(axis=1).ravel(), rtol=1e-11)
    np.testing.assert_allclose(whole.reshape(ALL).sum(axis=1).ravel(), summed, rtol=1e-11)


def test_edges_of_all_bins_in_c_order():
    table = _tables.read(lar.NAME, "bins_f90.csv")
    energy, f90, time = (np.arange(n) for n in ALL)
    for name, steps, low, width in (
        ("energy_{}_kevee", energy[:, np.newaxis, np.newaxis], 0.0, 10.0),
        ("f90_{}", f90[:, np.newaxis], 0.5, 0.05),
        ("time_{}_us", time, -0.1, 0.5),
    ):
        expected = np.broadcast_to(low + width * steps, ALL).ravel()
        np.testing.assert_allclose(table[name.format("low")], expected, atol=1e-12)
        np.testing.assert_allclose(table[name.format("high")], expected + width, atol=1e-12)


def test_counts_per_f90(releases):
    experiment = lar.load("energy_f90_time")

    def per_f90(counts):
        return counts.reshape(ALL).sum(axis=(0, 2))

    assert per_f90(experiment.observed).tolist() == [677, 498, 404, 430, 481, 489, 363, 410]
    rows = np.loadtxt(releases / lar.NAME / "f90data1d.txt", skiprows=1)
    # that file takes the best-fit steady state, 3131.8 events, away from the data
    steady_state = per_f90(experiment.backgrounds["SS"])
    fitted = per_f90(experiment.observed) - rows[:, 1]
    np.testing.assert_allclose(fitted, steady_state * 3131.8 / 3152, rtol=2e-3)


def test_energy_projection_is_background_subtracted_data_with_its_error(releases):
    rows = np.loadtxt(releases / _lar_tables.ENERGY_PROJECTION, skiprows=1)
    table = _tables.read(lar.NAME, "energy.csv")
    np.testing.assert_allclose(table["observed"], rows[:, 1])
    np.testing.assert_allclose(table["statistical_error"], rows[:, 2])
    # 3752 events minus the best-fit steady state, 3131.8
    assert rows[:, 1].sum() == pytest.approx(3752 - 3131.8, abs=1.0)
    # the backgrounds are the predictions, not the best-fit columns of that file (563.5)
    assert table["prompt_brn"].sum() == pytest.approx(497, abs=0.6)
    assert table["delayed_brn"].sum() == pytest.approx(33, abs=0.6)


def test_variances():
    bins = _tables.read(lar.NAME, "bins.csv")
    np.testing.assert_allclose(lar.load().variance, bins["observed"] + bins["steady_state"] / 5)
    energy = _tables.read(lar.NAME, "energy.csv")
    systematic = 0.017 * (energy["prompt_brn"] + energy["delayed_brn"])
    np.testing.assert_allclose(
        lar.load("energy").variance, energy["statistical_error"] ** 2 + systematic**2
    )


@pytest.mark.parametrize(
    ("analysis", "table"), [("energy_time", "bins.csv"), ("energy_f90_time", "bins_f90.csv")]
)
def test_pairs_of_variants_make_one_pull(analysis, table):
    bins = _tables.read(lar.NAME, table)
    pulls = {p.name: p for p in lar.load(analysis).pulls}
    assert len(pulls) == 9
    d = pulls["lar_signal_f90"].signal
    filled = bins["cevns"] > 0
    expected = (bins["cevns_f90_plus"] - bins["cevns_f90_minus"])[filled] / (
        2 * bins["cevns"][filled]
    )
    np.testing.assert_allclose(d[filled], expected)
    assert np.all(d[~filled] == 0.0)
    # the late table is brought to the norm of the nominal one before it is compared
    late = pulls["lar_brn_time_mean"].backgrounds["prompt_BRN"]
    nominal = bins["prompt_brn"]
    plus = bins["brn_time_mean_plus"] * nominal.sum() / bins["brn_time_mean_plus"].sum()
    some = nominal > 0
    np.testing.assert_allclose(
        late[some], (plus - bins["brn_time_mean_minus"])[some] / (2 * nominal[some])
    )
    assert bins["brn_time_mean_plus"].sum() == pytest.approx(523.67, abs=0.01)


def test_both_likelihoods_have_the_same_pulls():
    by = [lar.load(analysis).pulls for analysis in ("energy_time", "energy_f90_time")]
    assert [(p.name, p.sigma) for p in by[0]] == [(p.name, p.sigma) for p in by[1]]
    assert [set(p.backgrounds) for p in by[0]] == [set(p.backgrounds) for p in by[1]]


def test_every_bin_expects_something_so_chi2_is_finite():
    experiment = lar.load("energy_f90_time")
    assert experiment.backgrounds["SS"].min() == pytest.approx(0.7999, abs=1e-4)
    assert experiment.statistic == "poisson"


def test_changes_of_one_sigma_leave_no_background_and_little_signal_negative():
    experiment = lar.load("energy_f90_time")
    for pull in experiment.pulls:
        for name, change in pull.backgrounds.items():
            assert np.all(pull.sigma * np.abs(change) <= 1.0), (pull.name, name)
    changes = {p.name: p.signal for p in experiment.pulls}
    assert np.abs(changes["lar_signal_time"]).max() < 1.0
    # the pair of F90 is lopsided in two of the 96 bins of energy and F90: +1600 % and -97 % in one
    large = np.any(np.abs(changes["lar_signal_f90"].reshape(ALL)) > 1.0, axis=2)
    assert np.argwhere(large).tolist() == [[0, 6], [0, 7]]
    signal = model("energy_f90_time").standard_model().reshape(ALL).sum(axis=2)
    assert signal[large].sum() / signal.sum() == pytest.approx(0.0145, abs=1e-3)


def test_f90_shares_are_the_released_ones_of_each_energy():
    shares = lar._f90_shares()
    released = _tables.read(lar.NAME, "bins_f90.csv")["cevns"].reshape(ALL)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=1e-14)
    for energy in range(6):
        # at any time: the release's F90 does not depend on it
        at_one_time = released[energy, :, 3]
        np.testing.assert_allclose(shares[energy], at_one_time / at_one_time.sum(), atol=1e-5)
    assert not released[6:].any()
    assert np.all(shares[6:] == shares[5])
    # recoils of higher energy are told from electrons more clearly: F90 rises and narrows
    mean = shares @ (0.525 + 0.05 * np.arange(8))
    assert np.all(np.diff(mean[:6]) > 0.0)


def test_efficiency_is_interpolated_in_reconstructed_energy():
    efficiency = lar.response().efficiency
    np.testing.assert_allclose(
        efficiency(np.array([0.5, 1.25, 3.75, 5.75, 10.0, 100.0])),
        [0.0, 0.031, 0.50, 0.69, 0.90, 0.95],
        atol=0.02,
    )


def test_prompt_share_of_the_cut_window():
    # the release has the cut in its prompt share, 0.244: here 0.251 with the cut, 0.225 without
    def prompt(window):
        experiment = lar.load("energy_time", window)
        by = [_only(experiment, name).sum() for name in ("nu_mu", "nu_e", "nubar_mu")]
        return by[0] / sum(by)

    assert abs(prompt("cut") - 0.244) < 0.5 * abs(prompt("normalised") - 0.244)
    assert lar.load("energy_time", "cut").timing["nu_e"].sum() == pytest.approx(0.88, abs=0.02)


def _only(experiment, component):
    kept = tuple(c for c in experiment.flux.components if c.name == component)
    one = replace(experiment, flux=Flux(kept))
    return ExperimentModel(
        catalog.scenario("standard_model"), one, Conventions(), {}, ()
    ).standard_model()


# --- prediction and chi2 ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("window", "conventions", "events"),
    [
        ("normalised", {}, 132),
        ("cut", {}, 121),
        ("normalised", {"couplings": "C20"}, 129.9),
        ("normalised", {"couplings": "tree", "form_factor": "klein_nystrand"}, 127.5),
    ],
)
def test_standard_model_prediction(window, conventions, events):
    for analysis in lar.CHOICES["analysis"]:
        found = model(analysis, window, **conventions).standard_model()
        assert found.sum() == pytest.approx(events, abs=1.0)


def test_prediction_by_component():
    by = [_only(lar.load(), c).sum() for c in ("nu_mu", "nu_e", "nubar_mu")]
    np.testing.assert_allclose(by, [29.7, 41.6, 60.7], atol=0.4)


def test_energy_spectrum_against_the_released_one():
    released = _tables.read(lar.NAME, "bins.csv")["cevns"].reshape(12, 10).sum(axis=1)
    found = model().standard_model().reshape(12, 10).sum(axis=1)
    np.testing.assert_allclose(found[:4] / released[:4], [1.05, 0.99, 0.95, 0.98], atol=0.015)
    np.testing.assert_allclose(found[:4], released[:4], rtol=0.06)


def test_chi2_of_the_standard_model():
    found = model()
    profile = found.likelihood.profile(found.standard_model()[np.newaxis])
    assert profile.chi2[0] == pytest.approx(106.3, abs=0.3)


def test_chi2_of_the_released_prediction():
    found = model()
    released = _tables.read(lar.NAME, "bins.csv")["cevns"]
    assert found.likelihood.profile(released[np.newaxis]).chi2[0] == pytest.approx(104.9, abs=0.3)


def test_no_signal_is_disfavoured():
    found = model()
    none = found.likelihood.profile(np.zeros((1, 120))).chi2[0]
    sm = found.likelihood.profile(found.standard_model()[np.newaxis]).chi2[0]
    assert 11.0 < none - sm < 14.0


# --- all bins, F90 apart ----------------------------------------------------------------------


def test_signal_summed_over_f90_is_that_of_energy_and_time():
    for window in lar.CHOICES["window"]:
        whole = model("energy_f90_time", window).standard_model().reshape(ALL)
        summed = model("energy_time", window).standard_model().reshape(12, 10)
        np.testing.assert_allclose(whole.sum(axis=1), summed, rtol=1e-12)


@pytest.mark.parametrize(
    ("scenario", "values"),
    [
        ("light_vector", {"model": "universal", "mass": 30.0, "coupling": 1e-4}),
        ("magnetic_moment", {"mu_nue": 50.0, "mu_numu": 20.0}),
        ("dipole_portal", {"mass": 20.0, "d_e": 40.0, "d_mu": 20.0}),
        ("sterile", {"dm2_41": 5.0, "U_mu4_squared": 0.1}),
    ],
)
def test_so_is_that_of_new_physics(scenario, values):
    form = catalog.scenario(scenario)
    fixed = {p.name: p.default for p in form.parameters if p.default is not None} | values
    whole, summed = (
        ExperimentModel(form, lar.load(analysis), Conventions(), fixed, ()).signal({})
        for analysis in ("energy_f90_time", "energy_time")
    )
    found = whole.reshape(ALL).sum(axis=1).ravel()
    np.testing.assert_allclose(found, summed.ravel(), rtol=1e-12)


def test_signal_per_f90_against_the_released_one():
    found = model("energy_f90_time").standard_model().reshape(ALL).sum(axis=(0, 2))
    released = _tables.read(lar.NAME, "bins_f90.csv")["cevns"].reshape(ALL).sum(axis=(0, 2))
    np.testing.assert_allclose(found, released, rtol=0.055)


def test_poisson_chi2_of_the_standard_model():
    found = model("energy_f90_time")
    profile = found.likelihood.profile(found.standard_model()[np.newaxis])
    assert profile.chi2[0] == pytest.approx(1030.08, abs=0.1)
    assert np.all(np.abs(profile.pulls) < 1.0)


def test_released_prediction_with_a_free_norm_gives_the_events_of_the_collaboration():
    # arXiv:2003.10630: 159 +- 43 events, steady state 3131 +- 23, of the same bins
    found = model("energy_f90_time")
    released = _tables.read(lar.NAME, "bins_f90.csv")["cevns"]
    events, error, rejected = _free_norm(found.likelihood, released)
    assert events == pytest.approx(163.2, abs=0.5)
    assert error == pytest.approx(43.0, abs=1.0)
    assert rejected == pytest.approx(15.3, abs=0.1)


def test_standard_model_with_a_free_norm():
    found = model("energy_f90_time")
    events, error, rejected = _free_norm(found.likelihood, found.standard_model())
    assert events == pytest.approx(144.4, abs=0.5)
    assert error == pytest.approx(40.9, abs=1.0)
    assert rejected == pytest.approx(13.14, abs=0.05)


def _free_norm(likelihood, shape):
    """Fitted events, half the width of their 1-sigma interval, and chi2 of none above them."""
    pulls = likelihood.pulls
    free = PoissonLikelihood(
        likelihood.observed, LinearPulls(pulls.signal[1:], pulls.background[1:], pulls.expected)
    )
    strength = np.linspace(0.0, 2.5, 1001)
    chi2 = free.profile(strength[:, np.newaxis] * shape).chi2
    inside = strength[chi2 < chi2.min() + 1.0]
    events = shape.sum() * strength
    width = shape.sum() * np.ptp(inside)
    return events[chi2.argmin()], 0.5 * width, chi2[0] - chi2.min()


def test_no_signal_is_disfavoured_more_than_without_f90():
    rejected = {}
    for analysis in ("energy_time", "energy_f90_time"):
        found = model(analysis)
        signals = np.array([0.0, 1.0])[:, np.newaxis] * found.standard_model()
        none, sm = found.likelihood.profile(signals).chi2
        rejected[analysis] = none - sm
    assert rejected["energy_f90_time"] == pytest.approx(13.06, abs=0.05)
    assert rejected["energy_f90_time"] > rejected["energy_time"]


def test_every_strength_of_the_signal_has_a_minimum():
    found = model("energy_f90_time")
    sm = found.standard_model()
    lowest = np.where(np.arange(sm.size) < 80, sm, 0.0)
    strength = np.append(0.0, np.geomspace(1e-3, 100.0, 60))
    for shape in (sm, lowest):
        profile = found.likelihood.profile(strength[:, np.newaxis] * shape)
        assert np.all(profile.status == OK)
        rising = strength > 2.0
        assert np.all(np.diff(profile.chi2[rising]) > 0.0)


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0, 3.0, 20.0, 100.0])
def test_chi2_against_a_slow_minimisation_of_the_formula(strength):
    found = model("energy_f90_time")
    signal = strength * found.standard_model()
    experiment, n = found.experiment, found.experiment.observed

    def slow(x):
        counts = {"signal": signal.copy(), **experiment.backgrounds}
        mu = sum(counts.values())
        for pull, value in zip(experiment.pulls, x, strict=True):
            for name, change in {"signal": pull.signal, **pull.backgrounds}.items():
                mu = mu + value * pull.sigma * change * counts[name]
        if np.any(mu <= 0.0):
            return 1e12
        return 2.0 * np.sum(mu - n + xlogy(n, n / mu)) + np.sum(x**2)

    options = {"adaptive": True, "xatol": 1e-6, "fatol": 1e-8, "maxfev": 40000, "maxiter": 40000}
    least = minimize(slow, np.zeros(9), method="Nelder-Mead", options=options)
    profile = found.likelihood.profile(signal[np.newaxis])
    assert profile.chi2[0] == pytest.approx(least.fun, abs=1e-5)
    assert slow(profile.pulls[0]) == pytest.approx(profile.chi2[0], abs=1e-9)


# --- the flux of the source -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choices", "width"),
    [
        ({}, 0.13),
        ({"flux_error": "shared"}, math.sqrt(0.13**2 - 0.1**2)),
        ({"flux_error": "shared", "form_factor_error": "excluded"}, math.sqrt(0.0169 - 0.0104)),
        ({"flux_error": "shared", "analysis": "energy"}, math.sqrt(0.134**2 - 0.1**2)),
        ({"flux_error": "shared", "analysis": "energy_f90_time"}, math.sqrt(0.13**2 - 0.1**2)),
    ],
)
def test_the_flux_is_part_of_the_signal_error_or_an_input(choices, width):
    loaded = lar.load(**choices)
    assert loaded.pulls[0].name == "lar_signal"
    assert loaded.pulls[0].sigma == pytest.approx(width, rel=1e-14)
    shared = choices.get("flux_error") == "shared"
    assert ("sns_flux" in [p.name for p in loaded.inputs]) is shared
    assert {n: (c.mean, c.sigma) for n, c in loaded.constraints.items()} == (
        {"sns_flux": (1.0, 0.1)} if shared else {}
    )


def test_both_detectors_share_one_flux_only_where_both_are_asked_for_it():
    both = ["coherent_csi_2021", "coherent_lar_2020"]
    shared = {"flux_error": "shared"}
    raw = {"scenario": "standard_model", "experiments": both}
    one = from_mapping({**raw, "experiment": {both[0]: shared}}, "test", point=True)
    assert not one.joint
    two = from_mapping({**raw, "experiment": dict.fromkeys(both, shared)}, "test", point=True)
    assert two.layers[-1] == "joint:" + "+".join(both)
    fits, apart = (
        {found.point.experiment.name: found for found in settled(made)} for made in (two, one)
    )
    # alone it is as good as the published recipe: 10 % in quadrature or as a number of its own
    own = from_mapping(raw, "test", point=True)
    usual = [m.profile({}).chi2[0] for m in Evaluator(own).models]
    for name, chi2 in zip(both, usual, strict=True):
        assert fits[name].inputs.chi2 == pytest.approx(chi2, abs=5e-3)
    assert apart[both[0]].inputs.chi2 == pytest.approx(fits[both[0]].inputs.chi2, abs=1e-7)
    # together the constraint counts once
    joint, _ = together(two)
    assert joint.chi2 > sum(fits[name].inputs.chi2 for name in both) - 1e-6
    assert 0.9 < joint.values["sns_flux"] < 1.1

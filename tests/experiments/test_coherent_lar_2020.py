"""COHERENT LAr 2020: sums of the release, response, prediction against the released one, chi2."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scanner import catalog
from scanner.amplitudes import Conventions
from scanner.chi2 import ExperimentModel
from scanner.experiments import _lar_tables, _tables
from scanner.experiments import coherent_lar_2020 as lar
from scanner.physics.fluxes.flux import Flux


def model(analysis="energy_time", window="normalised", **conventions):
    experiment = lar.load(analysis, window)
    return ExperimentModel(
        catalog.scenario("standard_model"), experiment, Conventions(**conventions), {}, ()
    )


def test_sums_of_the_tables():
    experiment = lar.load()
    assert experiment.observed.sum() == 3752
    sums = {z: float(b.sum()) for z, b in experiment.backgrounds.items()}
    assert sums == pytest.approx({"SS": 3152, "prompt_BRN": 497, "delayed_BRN": 33}, abs=0.6)
    assert _tables.read(lar.NAME, "bins.csv")["cevns"].sum() == pytest.approx(128, abs=0.6)
    assert [axis.n for axis in experiment.bins] == [12, 10]


def test_delayed_neutrons_arrive_in_one_bin():
    delayed = lar.load().backgrounds["delayed_BRN"].reshape(12, 10)
    times = lar.TIME.edges
    (only,) = np.flatnonzero(delayed.sum(axis=0))
    assert times[only] < 1.65 < times[only + 1]


@pytest.mark.parametrize("column", list(_lar_tables.COLUMNS))
def test_cubes_are_summed_over_f90_alone(releases, column):
    expected = np.zeros((12, 10))
    for line in (releases / lar.NAME / _lar_tables.COLUMNS[column]).read_text().splitlines():
        energy, f90, time, content = map(float, line.split())
        assert 0.5 < f90 < 0.9
        expected[int(energy // 10), round((time + 0.1 - 0.25) / 0.5)] += content
    np.testing.assert_allclose(
        _tables.read(lar.NAME, "bins.csv")[column], expected.ravel(), rtol=1e-9
    )


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


def test_pairs_of_variants_make_one_pull():
    bins = _tables.read(lar.NAME, "bins.csv")
    pulls = {p.name: p for p in lar.load().pulls}
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

"""Toys with profiled inputs: the chi2 of the scan, and auxiliary measurements that are drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import kstest

from scanner import catalog
from scanner.amplitudes import Conventions
from scanner.chi2 import ExperimentModel
from scanner.definition import from_mapping
from scanner.errors import DefinitionError
from scanner.evaluate import Evaluator
from scanner.limits.bench import Bench, Question
from scanner.limits.board import fast_of
from scanner.limits.curves import Curves
from scanner.limits.expected import expected
from scanner.limits.profiled import ProfiledModel
from scanner.limits.toys import generator
from scanner.parameter import Constraint
from scanner.statistics.pulls import OK

CSI, LAR = "coherent_csi_2021", "coherent_lar_2020"
ANGLE = {"sin2_theta_w": {"mean": 0.23857, "sigma": 0.02}}
QUENCHING = {"csi_quenching_pc0": {"mean": 0.0, "sigma": 1.0}}
RADIUS = {"R_n_Ar": {"mean": 3.55, "sigma": 0.3, "unit": "fm"}}


def definition(experiments, profile, choices=None, n=7):
    raw = {
        "scenario": "nsi",
        "experiments": experiments,
        "axes": {"eps_ee_u": {"spacing": "linear", "start": -0.1, "stop": 0.5, "n": n}},
        "profile": profile,
        "experiment": choices or {},
    }
    return from_mapping(raw, "test")


CASES = {
    "a shape": ([CSI], QUENCHING, {}),
    "a coupling and a shape": ([CSI], {**ANGLE, **QUENCHING}, {}),
    "of one of two experiments": ([CSI, LAR], RADIUS, {}),
    "that an experiment brings": ([CSI], {}, {CSI: {"flux_error": "shared"}}),
}


@pytest.mark.parametrize("case", CASES)
def test_the_board_has_the_chi2_of_the_scan(case):
    made = definition(*CASES[case])
    bench = Bench(Question(made, ("eps_ee_u",)))
    assert any(isinstance(model, ProfiledModel) for model in bench.models)
    [axis] = made.axes
    wanted = Evaluator(made).chi2_at({"eps_ee_u": axis.coordinates}).sum(axis=0)
    found = bench.everywhere.chi2(fast_of(bench.models, bench.data))
    np.testing.assert_allclose(found, wanted, rtol=0, atol=2e-7)


@pytest.mark.parametrize("case", CASES)
def test_expected_data_fit_themselves(case):
    bench = Bench(Question(definition(*CASES[case]), ("eps_ee_u",)))
    truth = bench.standard_model()
    for one, signal, x in zip(bench.data, truth.signals, truth.pulls, strict=True):
        assert not x.any()
        asimov = one.exchanged(one.pulls.at(signal, x)).profile(signal[np.newaxis])
        assert asimov.status[0] == OK
        assert asimov.chi2[0] == pytest.approx(0.0, abs=1e-6)
        np.testing.assert_allclose(asimov.pulls[0], 0.0, atol=1e-3)


def one_bin():
    """One Gaussian bin whose only uncertainty is a flux that is known to 10 %."""
    form = catalog.experiment(CSI, {"flux_error": "shared"})
    edges = form.bins[0].edges[[0, -1]]
    alone = replace(
        form,
        bins=(replace(form.bins[0], edges=edges),),
        response=lambda recoil: form.response(recoil).sum(axis=0, keepdims=True),
        timing={name: np.array([1.0]) for name in form.timing},
        observed=np.array([310.0]),
        variance=np.array([20.0**2]),
        statistic="gaussian",
        backgrounds={},
        pulls=form.pulls[:0],
        response_at=None,
        timing_at=None,
        backgrounds_at=None,
    )
    standard, ends = catalog.scenario("standard_model"), {"sns_flux": (0.5, 1.5)}
    return ExperimentModel(standard, alone, Conventions(), {}, (), ends)


def test_toys_of_one_bin_are_chi2_distributed():
    # counts and the flux are drawn, the flux is fitted: one degree of freedom is left at the truth
    model = ProfiledModel([one_bin()], {"sns_flux": Constraint(1.0, 0.1)})
    signal = model.signal({})[0]
    random, u = np.random.default_rng(8), np.array([0.7])
    chi2 = []
    for _ in range(400):
        toy = model.likelihood.drawn(signal, u, random)
        chi2.append(toy.profile(signal[np.newaxis]).chi2[0])
    # a mean that is not shifted would add 0.49 to each
    assert kstest(chi2, "chi2", (1,)).pvalue > 0.01
    # in closed form for one of them: (n - S)^2/(V + (0.1 S)^2) about the drawn flux
    s = float(model.likelihood.pulls.at(signal, np.zeros(1))[0])
    centre = 1.0 + 0.1 * toy.measured[0]
    n = float(toy.plain[0].observed[0])
    closed = (n - s * centre) ** 2 / (20.0**2 + (0.1 * s) ** 2)
    assert chi2[-1] == pytest.approx(closed, rel=1e-6)


def test_what_is_free_has_no_auxiliary_measurement():
    model = ProfiledModel([one_bin()], {"sns_flux": Constraint.between(0.5, 1.5)})
    signal = model.signal({})[0]
    toy = model.likelihood.drawn(signal, np.array([1.2]), np.random.default_rng(3))
    assert toy.measured.tolist() == [0.0]
    found = toy.profile(signal[np.newaxis])
    assert found.chi2[0] == pytest.approx(0.0, abs=1e-6)
    s = float(model.likelihood.pulls.at(signal, np.zeros(1))[0])
    flux = 1.0 + 0.25 * found.pulls[0, 0]
    assert flux == pytest.approx(float(toy.plain[0].observed[0]) / s, rel=1e-5)


def test_expected_limits_are_wider_with_an_input_that_is_profiled():
    ends = []
    for profile in ({}, {"sin2_theta_w": {"mean": 0.23857, "sigma": 0.05}}):
        bench = Bench(Question(definition([CSI], profile, n=25), ("eps_ee_u",)))
        found = expected(Curves(bench, "eps_ee_u"), cl=0.9, n_toys=2)
        low, high = found.rows[0].asimov[0][0], found.rows[0].asimov[0][1]
        ends.append(high - low)
    assert ends[1] > 1.02 * ends[0]


def test_the_hypothesis_of_a_point_holds_its_fitted_inputs():
    made = definition([CSI], QUENCHING)
    trial = Bench(Question(made, ("eps_ee_u",))).trial({"eps_ee_u": 0.2})
    [pulls] = trial.hypothesis.pulls
    assert len(pulls) == 5  # four pulls and the input
    assert 0.05 < abs(pulls[-1]) < 3.0
    toys = trial.toys(3, generator("profiled"))
    assert np.all(toys >= -1e-9)
    assert np.ptp(toys) > 0.0


def test_inputs_that_experiments_share_are_refused():
    made = definition([CSI, LAR], ANGLE)
    with pytest.raises(DefinitionError, match="toys of a shared input"):
        Question(made, ("eps_ee_u",))
    alone = Question(made, ("eps_ee_u",), experiments=(CSI,))
    assert alone.chosen == (CSI,)

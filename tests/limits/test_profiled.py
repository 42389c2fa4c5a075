"""Toys with profiled inputs: the chi2 of the scan, and auxiliary measurements that are drawn."""

from __future__ import annotations

import importlib
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kstest

from scanner import catalog
from scanner.amplitudes import Conventions
from scanner.chi2 import ExperimentModel
from scanner.definition import from_mapping
from scanner.evaluate import Evaluator
from scanner.experiment import Pull
from scanner.grid import Axis
from scanner.limits.bench import Bench, Question
from scanner.limits.board import Board, fast_of
from scanner.limits.cls import cls_limit
from scanner.limits.curves import Curves
from scanner.limits.expected import expected
from scanner.limits.profiled import ProfiledModel, grouped
from scanner.limits.toys import Hypothesis, generator
from scanner.parameter import Constraint, Parameter
from scanner.statistics.pulls import OK

sys.path.insert(0, str(Path(__file__).parent))
toy_models = importlib.import_module("toy_models")

CSI, LAR, CONUS = "coherent_csi_2021", "coherent_lar_2020", "conus_plus_2025"
ANGLE = {"sin2_theta_w": {"mean": 0.23857, "sigma": 0.02}}
QUENCHING = {"csi_quenching_pc0": {"mean": 0.0, "sigma": 1.0}}
SHARED = {name: {"flux_error": "shared"} for name in (CSI, LAR)}
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
    "a coupling of both": ([CSI, LAR], ANGLE, {}),
    "a flux of both": ([CSI, LAR], {}, SHARED),
    "a flux of both, and a shape": ([CSI, LAR], RADIUS | QUENCHING, SHARED),
}


@pytest.mark.parametrize("case", CASES)
def test_the_board_has_the_chi2_of_the_scan(case):
    made = definition(*CASES[case])
    bench = Bench(Question(made, ("eps_ee_u",)))
    assert any(isinstance(model, ProfiledModel) for model in bench.models)
    [axis] = made.axes
    layers = Evaluator(made).chi2_at({"eps_ee_u": axis.coordinates})
    wanted = layers[-1] if made.joint else layers.sum(axis=0)
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


FLUX = Parameter("toy_flux", "coupling", default=1.0, minimum=0.0, maximum=5.0, shared=True)
STRENGTH = Parameter("toy_strength", "coupling", default=1.0, minimum=0.0, maximum=5.0)
ERROR, NOISE = 0.1, {CSI: 20.0, LAR: 11.0}
KNOWN = {FLUX.name: Constraint(1.0, ERROR)}
AXIS = Axis(STRENGTH.name, "linear", 0.0, 3.0, 61)


def one_bin(name=CSI, scanned=(), profiled=True):
    """One Gaussian bin of a signal of some strength, with a flux that is known to 10 %.

    The flux is an input that is profiled, or a pull of the signal: the same numbers.
    """
    form = catalog.experiment(name)
    alone = replace(
        form,
        bins=(replace(form.bins[0], edges=form.bins[0].edges[[0, -1]]),),
        response=lambda recoil: form.response(recoil).sum(axis=0, keepdims=True),
        timing={component: np.array([1.0]) for component in form.timing},
        observed=np.array([310.0 if name == CSI else 130.0]),
        variance=np.array([NOISE[name] ** 2]),
        statistic="gaussian",
        backgrounds={},
        pulls=() if profiled else (Pull("flux", ERROR, signal=1.0),),
        inputs=(FLUX, STRENGTH),
        normalisations={FLUX.name: (), STRENGTH.name: ()},
        constraints={},
        response_at=None,
        timing_at=None,
        backgrounds_at=None,
        radius_scale="",
    )
    standard, ends = catalog.scenario("standard_model"), {FLUX.name: (0.5, 1.5)}
    return ExperimentModel(standard, alone, Conventions(), {}, scanned, ends if profiled else {})


class Alone(toy_models.ToyBench):
    """A bench of one model on the axis of the strength; the Standard Model has strength 0."""

    def __init__(self, model):
        super().__init__(model, AXIS)

    def standard_model(self):
        nothing = self.models[0].signal({STRENGTH.name: np.zeros(1)})[0]
        return Hypothesis((nothing,), (np.zeros(self.data[0].pulls.n),))


def with_input_and_with_pull():
    """The same experiment with its flux as a profiled input, and as a pull."""
    return (
        ProfiledModel([one_bin(scanned=(STRENGTH.name,))], KNOWN),
        one_bin(scanned=(STRENGTH.name,), profiled=False),
    )


def test_an_input_that_scales_the_signal_is_the_same_as_a_pull():
    """Toy by toy, for both draw the counts and then the flux."""
    toys, observed = [], []
    for model in with_input_and_with_pull():
        tested = toy_models.trial(model, 0.8, AXIS)
        observed.append(tested.observed)
        toys.append(tested.toys(60, generator("a pull")))
    assert observed[0] == pytest.approx(observed[1], abs=1e-6)
    np.testing.assert_allclose(toys[0], toys[1], rtol=0, atol=1e-6)
    assert np.ptp(toys[0]) > 1.0


def test_limits_of_an_input_that_scales_the_signal_are_those_of_a_pull():
    found = [expected(Curves(Alone(m), AXIS.name), n_toys=20) for m in with_input_and_with_pull()]
    one, two = (made.rows[0] for made in found)
    assert one.asimov[-1][1] == pytest.approx(two.asimov[-1][1], rel=1e-6)
    assert one.observed[-1] == pytest.approx(two.observed[-1], rel=1e-6)
    for k, end in two.upper.items():
        assert one.upper[k] == pytest.approx(end, rel=1e-6)
    first, second = (cls_limit(Curves(Alone(m), AXIS.name)) for m in with_input_and_with_pull())
    assert first.upper(first.observed) == pytest.approx(second.upper(second.observed), rel=1e-6)
    for k, curve in second.expected.items():
        assert first.upper(first.expected[k]) == pytest.approx(second.upper(curve), rel=1e-6)


def test_the_test_of_a_point_covers():
    # at the truth n - S s f, with f measured, is Gaussian of variance V + (0.1 S s)^2
    model, _ = with_input_and_with_pull()
    n = 400
    toys = toy_models.trial(model, 0.8, AXIS).toys(n, generator("coverage"))
    for level, cl in ((1.0, 0.682689), (2.705543, 0.9)):
        assert abs(np.mean(toys <= level) - cl) < 3.0 * np.sqrt(cl * (1.0 - cl) / n)


def test_a_flux_of_two_experiments_has_one_measurement_and_their_covariance():
    bound = [one_bin(CSI, (STRENGTH.name,)), one_bin(LAR, (STRENGTH.name,))]
    [model] = grouped(bound, KNOWN)
    assert isinstance(model, ProfiledModel)
    board = Board.of([model], [AXIS], {AXIS.name: AXIS.coordinates})
    signals = [m.templates(np.empty((1, 0))) for m in bound]
    s = np.array([t.counts[:, 0, 0].sum() for t in signals])
    noise = np.diag([NOISE[CSI] ** 2, NOISE[LAR] ** 2])
    truth = model.signal({AXIS.name: np.array([0.8])})[0]
    np.testing.assert_allclose(model.likelihood.pulls.at(truth, np.array([0.7])), 0.8 * 1.07 * s)
    random, at_truth = np.random.default_rng(5), []
    for _ in range(300):
        toy = model.likelihood.drawn(truth, np.array([0.7]), random)
        assert toy.measured.shape == (1,)
        at_truth.append(toy.profile(truth[np.newaxis]).chi2[0])
    # two bins and one measurement of the flux, which is fitted
    assert kstest(at_truth, "chi2", (2,)).pvalue > 0.01
    seen = np.array([float(one.observed[0]) for one in toy.plain])
    closed, flux = [], []
    for strength in AXIS.coordinates:
        expectation = strength * s
        residual = seen - expectation * (1.0 + ERROR * toy.measured[0])
        covariance = noise + ERROR**2 * np.outer(expectation, expectation)
        closed.append(residual @ np.linalg.solve(covariance, residual))
        weight = expectation / np.diag(noise)
        moved = ERROR**2 * weight @ residual / (1.0 + ERROR**2 * weight @ expectation)
        flux.append(1.0 + ERROR * toy.measured[0] + moved)
    inside = (np.array(flux) > 0.5) & (np.array(flux) < 1.5)  # else the range of the input ends
    assert inside.sum() > 10
    np.testing.assert_allclose(board.chi2([toy])[inside], np.array(closed)[inside], rtol=1e-7)


def test_an_input_joins_the_experiments_that_know_it():
    others = [catalog.experiment(name) for name in (CONUS,)]
    apart = [ExperimentModel(catalog.scenario("nsi"), e, Conventions(), {}, ()) for e in others]
    known = {**KNOWN, "csi_quenching_pc0": Constraint(0.0, 1.0)}
    found = grouped([one_bin(CSI), *apart, one_bin(LAR)], known)
    assert len(found) == 2
    assert isinstance(found[0], ProfiledModel)
    assert len(found[0].likelihood.members) == 2
    assert found[1] is apart[0]
    assert grouped(apart, {}) == tuple(apart)


class WithoutSlopes:
    """A likelihood that says its chi2 and nothing else."""

    def __init__(self, likelihood):
        self.profile, self.pulls = likelihood.profile, likelihood.pulls


@pytest.mark.parametrize("case", ["a coupling and a shape", "a coupling of both"])
def test_a_likelihood_without_slopes_is_fitted_by_differences(case):
    bench = Bench(Question(definition(*CASES[case], n=3), ("eps_ee_u",)))
    [one] = bench.data
    plain = replace(one, plain=tuple(WithoutSlopes(p) for p in one.plain))
    found, wanted = (bench.everywhere.chi2([data]) for data in (plain, one))
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-6)


def test_toys_of_one_bin_are_chi2_distributed():
    # counts and the flux are drawn, the flux is fitted: one degree of freedom is left at the truth
    model = ProfiledModel([one_bin()], KNOWN)
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
    model = ProfiledModel([one_bin()], {FLUX.name: Constraint.between(0.5, 1.5)})
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


def test_one_of_the_experiments_that_share_an_input_is_fitted_alone():
    made = definition([CSI, LAR], ANGLE)
    alone = Bench(Question(made, ("eps_ee_u",), experiments=(CSI,)))
    [axis] = made.axes
    wanted = Evaluator(made).chi2_at({"eps_ee_u": axis.coordinates})[0]
    found = alone.everywhere.chi2(alone.fast)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=2e-7)


def test_toys_of_experiments_that_share_an_input():
    made = definition([CSI, LAR], ANGLE)
    trial = Bench(Question(made, ("eps_ee_u",))).trial({"eps_ee_u": 0.2})
    [pulls] = trial.hypothesis.pulls
    assert len(pulls) == sum(m.likelihood.pulls.n for m in Evaluator(made).models) + 1
    wanted = Evaluator(made).chi2_at({"eps_ee_u": 0.2})[-1, 0]
    at_point, _ = trial.here.minimum(fast_of(trial.models, trial.data))
    assert at_point == pytest.approx(wanted, abs=2e-7)
    toys = trial.toys(3, generator("shared"))
    assert np.all(toys >= -1e-9)
    assert np.ptp(toys) > 0.0

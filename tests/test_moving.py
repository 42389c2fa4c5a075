"""Backgrounds and timing that move with an input: fixed, scanned and profiled alike."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from scanner import catalog
from scanner.amplitudes import Conventions
from scanner.chi2 import ExperimentModel
from scanner.moving import linear_pulls
from scanner.parameter import Constraint, Parameter
from scanner.profiling import Counts, Layer
from scanner.statistics.parts import PartedPulls

LAR = "coherent_lar_2020"
DELAY = Parameter("delay", "shape", default=0.0, minimum=-1.0, maximum=1.0, shared=True)
ENDS = {"delay": (-1.0, 1.0)}


@pytest.fixture(params=["energy_time", "energy_f90_time"])
def experiment(request):
    """Argon, gaussian or Poisson, with one background and the signal that drift in time."""
    form = catalog.experiment(LAR, {"analysis": request.param})

    def tilted(counts, delay):
        shape = counts.reshape(-1, 10) * (1.0 + 0.3 * delay * np.linspace(-1.0, 1.0, 10))
        return shape.reshape(counts.shape)

    def backgrounds_at(*, delay=0.0):
        return {"prompt_BRN": tilted(form.backgrounds["prompt_BRN"], delay)}

    def timing_at(*, delay=0.0):
        return {name: tilted(share, 0.5 * delay) for name, share in form.timing.items()}

    return replace(
        form,
        inputs=(*form.inputs, DELAY),
        backgrounds_at=backgrounds_at,
        timing_at=timing_at,
        nodes={"delay": 3},
    )


def model(experiment, fixed=None, scanned=(), profiled=None):
    standard = catalog.scenario("standard_model")
    return ExperimentModel(standard, experiment, Conventions(), fixed or {}, scanned, profiled)


def chi2_at(experiment, delay):
    """With everything made anew at one delay."""
    one = model(experiment, {"delay": delay})
    return float(one.profile({}).chi2[0])


def test_fixed_elsewhere_moves_backgrounds_and_their_pulls(experiment):
    usual, moved = model(experiment), model(experiment, {"delay": 1.0})
    name = "prompt_BRN"
    expected = experiment.backgrounds_at(delay=1.0)[name]
    np.testing.assert_array_equal(moved.experiment.backgrounds[name], expected)
    before, after = usual.likelihood.pulls, moved.likelihood.pulls
    change = expected - experiment.backgrounds[name]
    np.testing.assert_allclose(after.expected - before.expected, change, atol=1e-9)
    j = [pull.name for pull in experiment.pulls].index("lar_prompt_brn")
    np.testing.assert_allclose(after.background[j], 0.32 * expected, rtol=1e-12)
    assert not isinstance(after, PartedPulls)
    # at its usual value nothing is moved
    at_zero = model(experiment, {"delay": 0.0})
    np.testing.assert_array_equal(at_zero.likelihood.pulls.expected, before.expected)


def test_scanned_it_is_the_fixed_one_at_every_value(experiment):
    scanned = model(experiment, scanned=("delay",))
    assert isinstance(scanned.likelihood.pulls, PartedPulls)
    values = np.array([-0.8, 0.0, 0.5])
    found = scanned.profile({"delay": values})
    expected = [chi2_at(experiment, v) for v in values.tolist()]
    np.testing.assert_allclose(found.chi2, expected, rtol=1e-10)
    assert np.ptp(expected) > 1e-2
    assert scanned.idle({"delay": values}) == set()
    sm = scanned.likelihood.profile(scanned.standard_model()[np.newaxis])
    assert sm.chi2[0] == pytest.approx(expected[1], rel=1e-10)


def test_profiled_it_is_the_lowest_of_the_fixed_ones(experiment):
    bound = model(experiment, profiled=ENDS)
    for constraint in (Constraint(0.0, 0.4), Constraint.between(-1.0, 1.0)):
        nothing = np.zeros(1, np.intp)
        layer = Layer([Counts(bound, {}, nothing, {})], {"delay": constraint})
        found = layer.minimum(nothing)

        def total(delay, constraint=constraint):
            penalty = 0.0 if np.isinf(constraint.sigma) else (delay / constraint.sigma) ** 2
            return chi2_at(experiment, delay) + penalty

        best = minimize_scalar(total, bounds=(-1.0, 1.0), method="bounded", options={"xatol": 1e-7})
        assert found.value[0] == pytest.approx(best.fun, abs=1e-6)
        assert layer.inputs(found.u)["delay"][0] == pytest.approx(best.x, abs=2e-3)


def test_axes_that_do_nothing_are_found_beside_a_profiled_delay(experiment):
    scanned = ("lar_quenching_slope", "R_n_Ar")
    bound = model(experiment, scanned=scanned, profiled=ENDS)
    values = {"lar_quenching_slope": np.array([0.0, 1e-3]), "R_n_Ar": np.array([3.5, 3.6])}
    assert bound.idle(values) == set()
    alone = model(experiment, profiled=ENDS)
    assert alone.idle({}) == set()
    # without a word on the delay, backgrounds are the usual ones
    usual = alone.fold({}).counts[0].reshape(2, -1)[1]
    np.testing.assert_array_equal(usual, experiment.backgrounds["prompt_BRN"])


def test_a_delay_does_not_fold_the_response_again(experiment, monkeypatch):
    folded = []
    original = experiment.response_at

    def response_at(*, lar_quenching_constant=0.246, lar_quenching_slope=7.8e-4):
        folded.append(lar_quenching_constant)
        return original(
            lar_quenching_constant=lar_quenching_constant, lar_quenching_slope=lar_quenching_slope
        )

    watched = replace(experiment, response_at=response_at)
    ranges = {**ENDS, "lar_quenching_constant": (0.22, 0.27)}
    bound = model(watched, profiled=ranges)
    counts = bound.templates(np.empty((1, 0))).counts
    # nine nodes of the quenching for each of the three flux components, none for the delay's three
    assert len(folded) == 9 * 3
    nodes = bound.morph.nodes()
    scanned = model(experiment, scanned=tuple(ranges))
    np.testing.assert_allclose(counts[0, 0], scanned.signal(nodes), rtol=1e-12)


def test_pulls_of_a_moving_background_are_those_of_the_still_one(experiment):
    still = linear_pulls(experiment)
    parted = linear_pulls(experiment, ["prompt_BRN"])
    assert isinstance(parted, PartedPulls)
    signal = np.linspace(0.0, 3.0, experiment.n_bins)
    both = np.concatenate([signal, experiment.backgrounds["prompt_BRN"]])
    rng = np.random.default_rng(3)
    for x in rng.normal(0.0, 1.0, (5, still.n)):
        np.testing.assert_allclose(parted.at(both, x), still.at(signal, x), rtol=1e-10)

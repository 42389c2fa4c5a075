"""Profiled inputs: exact slopes against differences, shared ones against a covariance matrix."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.interpolate import BarycentricInterpolator

from scanner import catalog
from scanner.amplitudes import Conventions
from scanner.chi2 import ExperimentModel
from scanner.definition import from_mapping
from scanner.evaluate import Evaluator
from scanner.experiment import BinAxis, Constraint
from scanner.parameter import Parameter
from scanner.profiling import Counts, Layers
from scanner.statistics.tangent import Sloped

CSI, LAR = "coherent_csi_2021", "coherent_lar_2020"
STANDARD = catalog.scenario("standard_model")

ANGLE = {"sin2_theta_w": {"mean": 0.23857, "sigma": 0.02}}


def radius(name, mean):
    return {name: {"mean": mean, "sigma": 0.3, "unit": "fm"}}


def linear(start, stop, n):
    return {"spacing": "linear", "start": start, "stop": stop, "n": n}


CASES = {
    "one input": {
        "experiments": [CSI],
        "axes": {"eps_ee_u": linear(-0.1, 0.5, 4)},
        "profile": {"csi_quenching_pc0": {"mean": 0.0, "sigma": 1.0}},
    },
    "two inputs": {
        "experiments": [CSI],
        "axes": {"eps_mumu_d": linear(-0.1, 0.3, 3)},
        "profile": {
            **radius("R_n_Cs", 5.09),
            "csi_quenching_pc0": {"mean": 0.0, "sigma": 1.0},
        },
    },
    "an input that both share, and one of argon": {
        "experiments": [CSI, LAR],
        "axes": {"eps_ee_d": linear(-0.15, 0.4, 3)},
        "profile": {**ANGLE, **radius("R_n_Ar", 3.55)},
    },
}


def definition(case):
    return from_mapping({"scenario": "nsi", **CASES[case]}, "test")


def points_of(made):
    [axis] = made.axes
    return {axis.name: axis.coordinates}


class WithoutSlopes:
    """A likelihood that says its chi2 and nothing else."""

    def __init__(self, likelihood):
        self.profile, self.pulls = likelihood.profile, likelihood.pulls


@pytest.mark.parametrize("case", CASES)
def test_slopes_of_chi2_are_those_of_differences(case):
    made = definition(case)
    points = {n: v[:2] for n, v in points_of(made).items()}
    evaluator = Evaluator(made)
    names = tuple(made.profile)
    known = {n: Constraint.of_record(made.profile[n]) for n in names}
    index = np.arange(2)
    for model in evaluator.models:
        one = Counts(model, points, index, points)
        rng = np.random.default_rng(1)
        u = rng.uniform(-1.0, 1.0, (2, len(names)))
        values = {n: known[n].mean + known[n].sigma * u[:, j] for j, n in enumerate(names)}
        found = one.slopes(index, values, names)
        np.testing.assert_allclose(found.value, one.chi2(index, values), rtol=1e-12)
        for j, name in enumerate(names):
            step = 1e-3 * known[name].sigma
            if name not in model.profiled:
                assert not found.gradient[:, j].any()
                assert not found.hessian[:, j].any()
                continue
            up, down = ({**values, name: values[name] + s} for s in (step, -step))
            slope = (one.chi2(index, up) - one.chi2(index, down)) / (2.0 * step)
            np.testing.assert_allclose(found.gradient[:, j], slope, rtol=1e-5, atol=1e-4 / step)
            above, below = (one.slopes(index, at, names).gradient for at in (up, down))
            bend = (above - below) / (2.0 * step)
            scale = np.abs(found.hessian[:, j]).max()
            np.testing.assert_allclose(found.hessian[:, j], bend, rtol=1e-4, atol=1e-5 * scale)


@pytest.mark.parametrize("case", CASES)
def test_a_likelihood_without_slopes_is_profiled_by_differences(case):
    made = definition(case)
    points = points_of(made)
    expected = Evaluator(made).chi2_at(points)
    plain = Evaluator(made)
    for model in plain.models:
        model.likelihood = WithoutSlopes(model.likelihood)
        assert not isinstance(model.likelihood, Sloped)
    np.testing.assert_allclose(plain.chi2_at(points), expected, rtol=0, atol=1e-6)


def test_fewer_fits_than_by_differences(monkeypatch):
    made = definition("two inputs")
    points = points_of(made)
    fits = {"chi2": 0, "slopes": 0}
    for name in fits:
        original = getattr(Counts, name)

        def counted(self, points, *rest, name=name, original=original):
            fits[name] += len(points)
            return original(self, points, *rest)

        monkeypatch.setattr(Counts, name, counted)
    Evaluator(made).chi2_at(points)
    n = len(next(iter(points.values())))
    assert fits["chi2"] == 5 * n  # the places where a descent may begin
    assert fits["slopes"] <= 6 * n


# --- shared flux in closed form -------------------------------------------------------------------

FLUX = Parameter("toy_flux", "coupling", default=1.0, minimum=0.0, maximum=5.0, shared=True)
SIGMA = 0.1


def one_bin(name, observed, variance):
    """An experiment of one Gaussian bin whose only uncertainty is a flux that others have too."""
    form = catalog.experiment(name)
    return replace(
        form,
        bins=(BinAxis("energy", form.bins[0].unit, form.bins[0].edges[[0, -1]]),),
        response=lambda recoil: form.response(recoil).sum(axis=0, keepdims=True),
        timing={n: np.array([1.0]) for n in form.timing},
        observed=np.array([observed]),
        variance=np.array([variance]),
        statistic="gaussian",
        backgrounds={},
        pulls=form.pulls[:0],
        inputs=(FLUX,),
        response_at=None,
        timing_at=None,
        backgrounds_at=None,
        radius_scale="",
        normalisations={FLUX.name: ()},
        constraints={FLUX.name: Constraint(1.0, SIGMA)},
    )


@pytest.mark.parametrize("seen", [(300.0, 140.0), (380.0, 150.0), (250.0, 160.0)])
def test_two_bins_with_a_common_flux_against_the_covariance_matrix(seen):
    forms = [one_bin(CSI, seen[0], 25.0**2), one_bin(LAR, seen[1], 12.0**2)]
    ends = {FLUX.name: (0.5, 1.5)}
    models = [ExperimentModel(STANDARD, f, Conventions(), {}, (), ends) for f in forms]
    expected = np.array([m.standard_model()[0] for m in models])
    residual = np.array(seen) - expected
    noise = np.diag([25.0**2, 12.0**2])
    covariance = noise + SIGMA**2 * np.outer(expected, expected)
    layers = Layers(models, {FLUX.name: Constraint(1.0, SIGMA)}, joint=True)
    chi2, status = layers.at({}, np.zeros(1, np.intp), {})
    assert np.all(status == 1)
    together = residual @ np.linalg.solve(covariance, residual)
    np.testing.assert_allclose(chi2[2, 0], together, rtol=1e-9)
    alone = residual**2 / np.diag(covariance)
    np.testing.assert_allclose(chi2[:2, 0], alone, rtol=1e-9)
    # which is not their sum
    assert abs(chi2[2, 0] - alone.sum()) > 0.1
    # fitted flux in closed form: f = 1 + s^2 S.V^-1 r/(1 + s^2 S.V^-1 S)
    weight = expected / np.diag(noise)
    flux = 1.0 + SIGMA**2 * weight @ residual / (1.0 + SIGMA**2 * weight @ expected)
    (value, fitted) = layers.fits()[2]
    assert fitted[FLUX.name] == pytest.approx(flux, abs=1e-6)
    assert value == pytest.approx(together, rel=1e-9)


def test_a_free_flux_takes_what_it_needs_up_to_its_end():
    form = one_bin(CSI, 500.0, 20.0**2)
    model = ExperimentModel(STANDARD, form, Conventions(), {}, (), {FLUX.name: (0.8, 1.2)})
    expected = float(model.standard_model()[0])
    at = (model,), {FLUX.name: Constraint.between(0.8, 1.2)}, False
    [(chi2, fitted)] = Layers(*at).fits()
    assert fitted[FLUX.name] == pytest.approx(1.2, rel=1e-12)
    assert chi2 == pytest.approx(((500.0 - 1.2 * expected) / 20.0) ** 2, rel=1e-9)
    inside = replace(form, observed=np.array([1.1 * expected]))
    model = ExperimentModel(STANDARD, inside, Conventions(), {}, (), {FLUX.name: (0.8, 1.2)})
    [(chi2, fitted)] = Layers((model,), at[1], False).fits()
    assert fitted[FLUX.name] == pytest.approx(1.1, abs=1e-5)
    assert chi2 == pytest.approx(0.0, abs=1e-8)


# --- nodes of its own -----------------------------------------------------------------------------


def test_nodes_that_an_experiment_declares():
    form = replace(catalog.experiment(CSI), nodes={"csi_quenching_pc0": 4})
    ends = {"csi_quenching_pc0": (-3.0, 3.0)}
    model = ExperimentModel(STANDARD, form, Conventions(), {}, (), ends)
    assert model.morph.n == 4
    scanned = ExperimentModel(STANDARD, form, Conventions(), {}, ("csi_quenching_pc0",))
    nodes = model.morph.nodes()["csi_quenching_pc0"]
    exact = scanned.signal({"csi_quenching_pc0": nodes})
    x = np.array([0.3, -1.7])
    counts = Counts(model, {}, np.zeros(2, np.intp), {})
    found = model.morph.weights({"csi_quenching_pc0": x}) @ exact
    np.testing.assert_allclose(found, BarycentricInterpolator(nodes, exact)(x), rtol=1e-11)
    np.testing.assert_allclose(
        counts.chi2(np.arange(2), {"csi_quenching_pc0": x}),
        model.likelihood.profile(found).chi2,
        rtol=1e-12,
    )

"""CONUS+ 2025: prediction and chi2 of the counting form against the published numbers."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq, minimize_scalar

from scanner import catalog
from scanner.amplitudes import Conventions
from scanner.chi2 import ExperimentModel
from scanner.definition import from_mapping
from scanner.evaluate import Evaluator
from scanner.experiments import conus_plus_2025 as conus
from scanner.experiments._germanium import Window
from scanner.physics import constants
from scanner.physics.electrons import effective_charge

STANDARD = catalog.scenario("standard_model")


def predicted(experiment=None, **inputs):
    loaded = conus.load() if experiment is None else experiment
    model = ExperimentModel(STANDARD, loaded, Conventions(), inputs, ())
    return float(model.signal({})[0, 0])


def test_prediction():
    # conusplus-n-pred: 347 +- 59; x-conusplus-pred, an independent calculation: 345
    assert predicted() == pytest.approx(343.5, abs=0.1)
    assert predicted() == pytest.approx(345.0, rel=0.01)
    assert abs(predicted() - 347.0) < 59.0


@pytest.mark.parametrize(("k", "events"), [(0.157, 308.0), (0.167, 383.0)])
def test_prediction_by_k(k, events):
    # x-conusplus-pred
    assert predicted(ge_lindhard_k=k) == pytest.approx(events, rel=0.01)


@pytest.mark.parametrize(("threshold", "events"), [(0.18, 85.0), (0.16, 147.0), (0.17, 112.0)])
def test_prediction_by_detector(threshold, events):
    one = Window(conus.K, (threshold,), conus.END_KEVEE, conus.NOISE_KEVEE)
    detector = replace(conus.load(), response=one, response_at=None, mass_kg=conus.MASS_KG / 3.0)
    assert predicted(detector) == pytest.approx(events, rel=0.01)


def test_prediction_by_spectrum():
    # the independent calculation has 317 with BESTIOLE, which it cuts at 8 MeV
    cut, whole = (predicted(conus.load(s)) for s in ("bestiole_to_8_mev", "bestiole"))
    assert cut == pytest.approx(317.0, rel=0.01)
    assert whole == pytest.approx(368.4, abs=0.1)
    assert whole - cut == pytest.approx(whole / 7.0, rel=0.05)


def test_systematic_errors_add_up_to_that_of_the_pull():
    parts = np.array([0.141, 0.073, 0.046, 0.032, 0.011, 0.007])
    assert math.hypot(*parts) == pytest.approx(conus.SIGNAL_WIDTH, abs=0.002)
    pulls = {
        (flux, quenching): conus.load("mvhe", flux, quenching).pulls[0].sigma
        for flux, quenching in itertools.product(("own", "shared"), ("own", "profiled"))
    }
    assert pulls["own", "own"] == 0.17
    assert pulls["shared", "own"] == pytest.approx(math.sqrt(0.17**2 - 0.046**2))
    assert pulls["own", "profiled"] == pytest.approx(math.sqrt(0.17**2 - 0.073**2))
    # k = 0.162 +- 0.004 changes the signal by more than the 7.3 % that it stands for
    change = predicted(ge_lindhard_k=0.166) / predicted() - 1.0
    assert change == pytest.approx(0.09, abs=0.005)


@pytest.mark.parametrize("signal", [0.0, 200.0, 343.5, 800.0])
def test_chi2_is_the_published_form(signal):
    model = ExperimentModel(STANDARD, conus.load(), Conventions(), {}, ())

    def form(a):
        return ((395.0 - (1.0 + a) * signal) / 106.0) ** 2 + (a / 0.17) ** 2

    lowest = minimize_scalar(form).fun
    found = model.likelihood.profile(np.array([[signal]]))
    assert found.chi2[0] == pytest.approx(lowest, rel=1e-9)


def test_no_signal_is_excluded_at_the_published_significance():
    # 3.7 sigma
    model = ExperimentModel(STANDARD, conus.load(), Conventions(), {}, ())
    assert math.sqrt(model.likelihood.profile(np.zeros((1, 1))).chi2[0]) == pytest.approx(
        3.73, 0.01
    )


# --- limits -----------------------------------------------------------------------------------


def chi2_of(scenario, parameter, axis, **choices):
    made = from_mapping(
        {
            "scenario": scenario,
            "experiments": [conus.NAME],
            "axes": {parameter: axis},
            "experiment": {conus.NAME: choices},
        },
        "test",
    )
    evaluator = Evaluator(made)
    return lambda x: float(evaluator.chi2_at({parameter: np.array([x])})[0, 0])


def weak_mixing(**choices):
    axis = {"spacing": "linear", "start": 0.0, "stop": 0.6, "n": 3}
    return chi2_of("weak_mixing_angle", "sin2_theta_w", axis, **choices)


def interval(chi2, best, low, high, level):
    return tuple(
        brentq(lambda x: chi2(x) - chi2(best) - level, *ends)
        for ends in ((low, best), (best, high))
    )


@pytest.mark.parametrize(
    "choices",
    [
        {},
        {"flux_error": "shared"},
        {"quenching_error": "profiled"},
        {"flux_error": "shared", "quenching_error": "profiled"},
    ],
)
def test_weak_mixing_angle(choices):
    # the independent calculation: 0.259 +0.048 -0.057; sw2-conusplus-av, a fit of the spectrum:
    # 0.268 +- 0.047 (recalled)
    chi2 = weak_mixing(**choices)
    best = minimize_scalar(chi2, bounds=(0.2, 0.35), method="bounded").x
    low, high = interval(chi2, best, 0.05, 0.5, 1.0)
    assert best == pytest.approx(0.259, abs=0.003)
    assert high - low == pytest.approx(0.105, abs=0.003)
    # where an input carries an error the interval stays: it is the same error
    assert (low, high) == pytest.approx((0.208, 0.314), abs=0.002)


def test_magnetic_moment():
    # mu-conusplus-av: below 5.6e-10 muB at 90 %, CEvNS alone, a fit of the spectrum
    axis = {"spacing": "linear", "start": 0.0, "stop": 30.0, "n": 3, "unit": "1e-10 muB"}
    chi2 = chi2_of("magnetic_moment", "mu_nue", axis)
    best = minimize_scalar(chi2, bounds=(0.0, 5.0), method="bounded").x
    upper = brentq(lambda x: chi2(x) - chi2(best) - 2.7055, best, 30.0)
    assert upper == pytest.approx(4.89, abs=0.02)
    assert upper == pytest.approx(5.6, rel=0.15)


# --- electrons --------------------------------------------------------------------------------


def share(recoil):
    """Mean share of electron recoils (MeV) in the windows of the three detectors."""
    kev = 1e3 * recoil
    sigma = math.sqrt(2.0 * (0.02**2 + 0.11 * 2.96e-3 * kev))
    parts = [
        math.erfc((t - kev) / sigma) - math.erfc((0.8 - kev) / sigma) for t in (0.18, 0.16, 0.17)
    ]
    return sum(parts) / 6.0


def test_magnetic_moment_on_electrons_against_plain_integration():
    # pi alpha^2/m_e^2 (1/T - 1/E) mu^2 for each electron that T sets free
    experiment = conus.load(electron_scattering="signal")
    (flux,) = experiment.flux.components
    strength = math.pi * (1e-9 * constants.FINE_STRUCTURE / constants.ELECTRON_MASS) ** 2
    atoms = conus.MASS_KG * 6.02214076e26 / experiment.target.molar_mass

    def rate(recoil):
        least = 0.5 * (recoil + math.sqrt(recoil * (recoil + 2.0 * constants.ELECTRON_MASS)))
        energies, weights = flux.nodes(np.array([least]))
        beam = float(np.sum(weights * (1.0 / recoil - 1.0 / energies)))
        return share(recoil) * float(effective_charge("Ge", recoil)) * beam

    edges = [5e-5, 1.2e-4, 1.208e-4, 1.249e-4, 1.801e-4, 4e-4, 7e-4, 9e-4, 1.1e-3]
    total = sum(quad(rate, a, b, limit=200)[0] for a, b in itertools.pairwise(edges))
    expected = total * strength * constants.MEV2_CM2 * atoms
    form = catalog.scenario("magnetic_moment")
    fixed = {p.name: p.default for p in form.parameters}

    def counted(moment):
        model = ExperimentModel(form, experiment, Conventions(), {**fixed, "mu_nue": moment}, ())
        return model.components()["nubar_e on electrons"]

    assert counted(10.0) - counted(0.0) == pytest.approx(expected, rel=2e-4)
    assert counted(0.0) == pytest.approx(0.48, abs=0.005)

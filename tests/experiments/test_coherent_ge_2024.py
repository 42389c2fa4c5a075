"""COHERENT Ge 2024: prediction and counting form against the published totals."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import brentq, minimize_scalar

from scanner import catalog
from scanner.amplitudes import Conventions
from scanner.chi2 import ExperimentModel
from scanner.experiments import coherent_ge_2024 as ge
from scanner.experiments._germanium import Window
from scanner.statistics.poisson import PoissonLikelihood
from scanner.statistics.pulls import LinearPulls


def model(experiment=None):
    loaded = ge.load() if experiment is None else experiment
    return ExperimentModel(catalog.scenario("standard_model"), loaded, Conventions(), {}, ())


def predicted(experiment=None):
    return float(model(experiment).signal({})[0, 0])


def test_prediction():
    # gemini2024-n-pred: 35.1 +- 3.6
    assert predicted() == pytest.approx(36.5, abs=0.1)
    assert abs(predicted() - 35.1) < 3.6


def test_noise_hardly_matters():
    low, high = ge.WINDOW_KEVEE
    for noise in (0.03, 0.12):
        changed = replace(ge.load(), response=Window(ge.K, (low,), high, noise), response_at=None)
        assert predicted(changed) == pytest.approx(predicted(), rel=1e-3)


def test_fitted_count_and_its_errors():
    # gemini2024-n-obs: 20.6 +7.1 -6.3, of the fitted count, without errors of the prediction
    found = model().likelihood
    none = np.zeros((0, 1))
    free = PoissonLikelihood(found.observed, LinearPulls(none, none, found.pulls.expected))

    def chi2(s):
        return float(free.profile(np.array([[s]])).chi2[0])

    best = minimize_scalar(chi2, bounds=(1.0, 60.0), method="bounded", options={"xatol": 1e-8}).x
    assert best == pytest.approx(20.6, abs=1e-4)
    upper, lower = (brentq(lambda s: chi2(s) - 1.0, best, end) for end in (60.0, 0.1))
    assert upper - best == pytest.approx(7.1, abs=0.1)
    assert best - lower == pytest.approx(6.3, abs=0.1)
    # 3.9 sigma
    assert math.sqrt(chi2(0.0)) == pytest.approx(3.73, abs=0.01)


def test_standard_model_agrees_within_two_sigma():
    # as the abstract says
    found = model()
    chi2 = found.likelihood.profile(found.standard_model()[np.newaxis]).chi2[0]
    assert math.sqrt(chi2) == pytest.approx(1.94, abs=0.01)


def test_flux_error_is_shared_or_own():
    (own,) = ge.load().pulls
    (left,) = ge.load("shared").pulls
    assert own.sigma == pytest.approx(3.6 / 35.1)
    assert left.sigma**2 + 0.10**2 == pytest.approx(own.sigma**2)
    constraint = ge.load("shared").constraints["sns_flux"]
    assert (constraint.mean, constraint.sigma) == (1.0, 0.10)

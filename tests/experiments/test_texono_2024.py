"""TEXONO 2024: a rate in units of the Standard Model's."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scipy.optimize import brentq

from scanner import catalog
from scanner.amplitudes import Conventions
from scanner.chi2 import ExperimentModel
from scanner.experiments import texono_2024 as texono
from scanner.experiments._germanium import Window


def rate(experiment=None, **inputs):
    loaded = texono.load() if experiment is None else experiment
    standard = catalog.scenario("standard_model")
    return float(ExperimentModel(standard, loaded, Conventions(), inputs, ()).signal({})[0, 0])


@pytest.mark.parametrize("spectrum", texono.CHOICES["spectrum"])
def test_standard_model_is_one(spectrum):
    assert rate(texono.load(spectrum)) == pytest.approx(1.0, abs=1e-6)


def test_hardly_anything_is_above_half_the_window():
    upper = Window(texono.K, (0.4,), texono.WINDOW_KEVEE[1], texono.NOISE_KEVEE)
    assert rate(replace(texono.load(), response=upper, response_at=None)) < 1e-3


def test_limit_on_k_for_the_rate_of_the_standard_model():
    crossing = brentq(lambda k: rate(ge_lindhard_k=k) - texono.LIMIT, 0.2, 0.3)
    assert crossing == pytest.approx(0.262, abs=0.001)

"""CONUS 2021: the limit on events as a limit on the Lindhard parameter."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scipy.optimize import brentq

from scanner import catalog
from scanner.amplitudes import Conventions
from scanner.chi2 import ExperimentModel
from scanner.experiments import conus_2021 as conus
from scanner.experiments._germanium import Window


def predicted(k, experiment=None):
    loaded = conus.load() if experiment is None else experiment
    standard = catalog.scenario("standard_model")
    model = ExperimentModel(standard, loaded, Conventions(), {"ge_lindhard_k": k}, ())
    return float(model.signal({})[0, 0])


def test_prediction_is_below_the_limit_for_the_k_of_the_analysis():
    assert predicted(0.18) == pytest.approx(17.4, abs=0.1)
    assert predicted(0.18) < 85.0


def test_large_k_is_disfavoured():
    # conus2021-k: above 0.27; with a limit of 85 events for every k the crossing is lower
    assert predicted(0.27) == pytest.approx(162.8, abs=0.5)
    assert predicted(0.27) > 85.0
    crossing = brentq(lambda k: predicted(k) - 85.0, 0.18, 0.30)
    assert crossing == pytest.approx(0.234, abs=0.001)


@pytest.mark.parametrize(("noise", "events"), [(0.025, 15.1), (0.040, 24.2)])
def test_prediction_depends_on_the_noise(noise, events):
    # 59 and 94 eV full width at half maximum
    low, high = conus.WINDOW_KEVEE
    changed = replace(
        conus.load(),
        response_at=lambda *, ge_lindhard_k: Window(ge_lindhard_k, (low,), high, noise),
    )
    assert predicted(0.18, changed) == pytest.approx(events, abs=0.1)


def test_flux_follows_power_and_distance():
    # CONUS+: 1.5e13 at 20.7 m from 3.6 GW
    scaled = 1.5e13 * (3.9 / 3.6) * (20.7 / 17.1) ** 2
    assert scaled == pytest.approx(conus.FLUX_PER_CM2_S, rel=0.04)

"""COHERENT Ge 2026: a count in units of the Standard Model's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq

from scanner import catalog
from scanner.amplitudes import Conventions
from scanner.chi2 import ExperimentModel
from scanner.definition import from_mapping
from scanner.errors import DefinitionError
from scanner.evaluate import Evaluator
from scanner.experiments import coherent_ge_2026 as ge


def model():
    return ExperimentModel(catalog.scenario("standard_model"), ge.load(), Conventions(), {}, ())


def test_standard_model_is_the_published_count():
    # gemini2026-n-obs over gemini2026-xsec: 124/1.00
    found = model()
    assert found.standard_model().sum() == pytest.approx(124.0, abs=1e-3)
    assert found.likelihood.profile(found.standard_model()[np.newaxis]).chi2[0] < 1e-8


def test_interval_of_the_ratio_to_the_standard_model():
    # gemini2026-xsec: 1.00 +- 0.10 +- 0.10
    found = model()

    def chi2(ratio):
        return float(found.likelihood.profile(ratio * found.standard_model()[np.newaxis]).chi2[0])

    low, high = (brentq(lambda r: chi2(r) - 1.0, 1.0, end) for end in (0.5, 2.0))
    assert high - low == pytest.approx(2.0 * np.hypot(0.10, 0.10), rel=0.05)


def evaluated(flux_error):
    """Definition of a scan of the weak mixing angle, and chi2 at 0.1 and 0.3."""
    made = from_mapping(
        {
            "scenario": "weak_mixing_angle",
            "experiments": [ge.NAME],
            "axes": {"sin2_theta_w": {"spacing": "list", "values": [0.1, 0.2, 0.3]}},
            "experiment": {ge.NAME: {"flux_error": flux_error}},
        },
        "test",
    )
    return made, Evaluator(made).chi2_at({"sin2_theta_w": np.array([0.1, 0.3])})[0]


def test_flux_error_is_shared_or_own():
    own, chi2 = evaluated("own")
    shared, chi2_shared = evaluated("shared")
    assert own.profile == {}
    assert shared.profile == {"sns_flux": {"mean": 1.0, "sigma": 0.10}}
    assert ge.load("shared").pulls == ()
    # all of the systematic error is in the pull, or all of it is the flux
    np.testing.assert_allclose(chi2_shared, chi2, rtol=1e-7)
    assert chi2.min() > 5.0


def test_data_of_the_same_detector_are_not_combined():
    raw = {
        "scenario": "weak_mixing_angle",
        "experiments": [ge.NAME, "coherent_ge_2024"],
        "axes": {"sin2_theta_w": {"spacing": "linear", "start": 0.1, "stop": 0.4, "n": 3}},
    }
    with pytest.raises(DefinitionError, match="holds data of 'coherent_ge_2024'"):
        from_mapping(raw, "test")

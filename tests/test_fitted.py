"""A point whose inputs are profiled: explained at their best, with the chi2 of the scan."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from scanner.definition import from_mapping
from scanner.errors import DefinitionError
from scanner.evaluate import Evaluator
from scanner.fitted import settled, together
from scanner.point import explain
from scanner.spectra import spectra

CSI, LAR = "coherent_csi_2021", "coherent_lar_2020"
QUENCHING = {
    "csi_quenching_pc0": {"mean": 0.0, "sigma": 1.0},
    "csi_quenching_pc1": {"low": -1.0, "high": 2.0},
}
ANGLE = {"sin2_theta_w": {"mean": 0.23857, "sigma": 0.02}}


def point(experiments, profile, **parameters):
    raw = {
        "scenario": "nsi",
        "experiments": experiments,
        "parameters": {"eps_ee_u": 0.1, **parameters},
        "profile": profile,
    }
    return from_mapping(raw, "test", point=True)


@pytest.mark.parametrize(
    ("experiments", "profile"),
    [([CSI], QUENCHING), ([CSI, LAR], ANGLE), ([CSI, LAR], {**ANGLE, **QUENCHING})],
)
def test_the_chi2_is_that_of_a_scan(experiments, profile):
    made = point(experiments, profile)
    found = explain(made)
    scanned = {"eps_ee_u": {"spacing": "list", "values": [0.0, 0.1]}}
    record = {
        "scenario": "nsi",
        "experiments": experiments,
        "axes": scanned,
        "profile": profile,
    }
    evaluator = Evaluator(from_mapping(record, "test"))
    layers = evaluator.chi2_at({"eps_ee_u": np.array([0.1])})[:, 0]
    usual = evaluator.standard_model()
    for row, name in enumerate(experiments):
        assert found.experiments[name].chi2 == pytest.approx(layers[row], abs=1e-6)
        assert found.experiments[name].chi2_sm == pytest.approx(usual[row], abs=1e-6)
    assert found.chi2 == pytest.approx(layers[len(experiments) :].sum() or layers[0], abs=1e-6)
    assert found.chi2_sm == pytest.approx(usual[len(experiments) :].sum() or usual[0], abs=1e-6)
    drawn = spectra(made)
    for name in experiments:
        assert drawn[name].point.chi2 == pytest.approx(found.experiments[name].chi2, abs=1e-9)
        assert drawn[name].point.pulls == pytest.approx(dict(found.experiments[name].pulls))


def test_inputs_and_their_widths_are_those_of_the_whole_chi2():
    made = point([CSI], QUENCHING)
    (one,) = settled(made)
    evaluator = Evaluator(
        from_mapping(
            {
                "scenario": "nsi",
                "experiments": [CSI],
                "parameters": {"eps_ee_u": 0.1},
                "axes": {
                    name: {"spacing": "linear", "start": -3, "stop": 3, "n": 2}
                    for name in QUENCHING
                },
            },
            "test",
        )
    )

    def chi2(u):
        at = {name: np.array([x]) for name, x in zip(QUENCHING, u, strict=True)}
        return float(evaluator.chi2_at(at)[0, 0]) + u[0] ** 2

    lowest = minimize(chi2, [0.1, 0.4], bounds=[(-3, 3), (-1, 2)], tol=1e-12)
    assert list(one.inputs.values.values()) == pytest.approx(lowest.x.tolist(), abs=2e-3)
    assert one.inputs.chi2 == pytest.approx(lowest.fun, abs=1e-5)
    assert set(one.inputs.pulls) == {"csi_quenching_pc0"}
    assert 0.5 < one.inputs.widths["csi_quenching_pc0"] <= 1.0


def test_a_point_with_no_input_to_fit_is_settled_already():
    (one,) = settled(point([CSI], {}))
    assert one.inputs.values == {}
    assert one.point is one.standard_model
    assert together(point([CSI, LAR], {})) is None


def test_a_point_that_nothing_fits():
    with pytest.raises(DefinitionError, match=r"no value of sin2_theta_w and no pulls fit"):
        settled(point([CSI], ANGLE, eps_ee_u=1e100))

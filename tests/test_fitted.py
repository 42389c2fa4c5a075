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


def xenon(**parameters):
    raw = {"scenario": "standard_model", "experiments": ["xenonnt_b8_2026"]}
    return from_mapping({**raw, "parameters": parameters}, "test", point=True)


def test_nominal_counts_are_at_the_means_of_the_inputs():
    held = xenon(b8_flux=1.0, xenon_light_yield=0.0, xenon_charge_yield=0.0)
    found, fixed = (explain(made).experiments["xenonnt_b8_2026"] for made in (xenon(), held))
    assert dict(found.counts) == pytest.approx(dict(fixed.counts))
    assert sum(found.components.values()) == pytest.approx(found.counts["signal"])
    assert found.counts_fitted["signal"] != pytest.approx(found.counts["signal"], rel=1e-3)


@pytest.mark.parametrize("flux", [0.0, 1e-12])
def test_a_flux_of_zero_leaves_the_background(flux):
    made = explain(xenon(b8_flux=flux))
    found = made.experiments["xenonnt_b8_2026"]
    hep = sum(v for name, v in found.components.items() if name.endswith("hep"))
    assert found.counts["signal"] == pytest.approx(hep)
    assert found.chi2 > 185.0


def test_no_flux_at_all_is_no_signal():
    raw = {
        "scenario": "standard_model",
        "experiments": [CSI],
        "experiment": {CSI: {"flux_error": "shared"}},
        "parameters": {"sns_flux": 0.0},
    }
    found = explain(from_mapping(raw, "test", point=True)).experiments[CSI]
    assert found.counts["signal"] == 0.0
    assert found.chi2 > 100.0


def test_what_a_reader_might_miss_is_said():
    held = explain(xenon(b8_flux=0.5), ["b8_flux"])
    assert any("taken at the same inputs (b8_flux = 0.5)" in note for note in held.notes)
    made = point([CSI], {"csi_quenching_pc1": {"low": -0.5, "high": -0.4}})
    assert any("leaves csi_quenching_pc1 at an end" in note for note in explain(made).notes)


def test_a_point_without_a_fit_is_neither_allowed_nor_excluded():
    found = explain(point([CSI], {}, eps_ee_u=1e100))
    assert np.isnan(found.chi2)
    assert set(found.excluded(1).values()) == {None}
    usual = explain(point([CSI], {}))
    assert set(usual.excluded(1).values()) <= {True, False}

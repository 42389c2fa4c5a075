"""Fitted contributions add up to what `scanner point` tells, and to the chi2 of the fit."""

import numpy as np
import pytest

from scanner.definition import ScanDefinition, from_mapping
from scanner.errors import DefinitionError
from scanner.point import explain
from scanner.spectra import spectra


def point(**tables: object) -> ScanDefinition:
    raw = {
        "scenario": "light_vector",
        "experiments": ["coherent_csi_2021", "coherent_lar_2020"],
        "parameters": {"model": "universal", "mass": 10.0, "coupling": 4e-5},
        **tables,
    }
    return from_mapping(raw, "", point=True)


@pytest.mark.parametrize("analysis", ["energy_time", "energy"])
def test_sums_and_pulls_are_those_of_the_explained_point(analysis: str) -> None:
    chosen = point(experiment={"coherent_lar_2020": {"analysis": analysis}})
    told, found = explain(chosen), spectra(chosen)
    for name, one in found.items():
        expected = told.experiments[name]
        assert one.point.chi2 == pytest.approx(expected.chi2, abs=1e-9)
        assert one.standard_model.chi2 == pytest.approx(expected.chi2_sm, abs=1e-9)
        assert one.point.pulls == pytest.approx(dict(expected.pulls), abs=1e-9)
        assert sum(s.sum() for s in one.point.signal.values()) == pytest.approx(
            expected.counts_fitted["signal"]
        )
        assert one.point.total.sum() == pytest.approx(expected.counts_fitted["total"])


def test_the_bins_give_the_chi2_of_the_fit() -> None:
    csi = spectra(point())["coherent_csi_2021"]
    n = csi.experiment.observed
    for fit in (csi.point, csi.standard_model):
        mu = fit.total
        data = np.where(n > 0, n * np.log(np.maximum(n, 1.0) / mu), 0.0)
        prior = sum(x**2 for x in fit.pulls.values())
        assert 2.0 * np.sum(mu - n + data) + prior == pytest.approx(fit.chi2)


def test_every_width_is_at_most_that_of_the_prior() -> None:
    for one in spectra(point()).values():
        widths = np.array(list(one.point.widths.values()))
        assert np.all((widths > 0.0) & (widths <= 1.0))


def test_projections_keep_every_count() -> None:
    lar = spectra(point())["coherent_lar_2020"]
    counts = lar.experiment.observed.reshape(12, 10)
    np.testing.assert_array_equal(lar.projected(lar.experiment.observed, 0), counts.sum(axis=1))
    np.testing.assert_array_equal(lar.projected(lar.experiment.observed, 1), counts.sum(axis=0))


def test_an_unphysical_point_is_refused() -> None:
    chosen = point(
        scenario="neutron_radius",
        experiments=["coherent_csi_2021"],
        parameters={"R_n_Cs": 3.0, "R_n_I": 5.0, "boundary": "proton_radius"},
    )
    with pytest.raises(DefinitionError, match="the point is unphysical"):
        spectra(chosen)


def test_a_point_that_nothing_fits_is_refused() -> None:
    parameters = {"model": "universal", "mass": 10.0, "coupling": 1e40}
    with pytest.raises(DefinitionError, match="no pulls fit this point"):
        spectra(point(parameters=parameters))


def test_profiled_inputs_are_at_their_fit() -> None:
    chosen = point(experiment={"coherent_csi_2021": {"pulls": "valencia"}})
    assert set(chosen.profile) == {"csi_form_factor_scale", "csi_beam_shift", "csi_efficiency"}
    told, found = explain(chosen), spectra(chosen)
    csi = told.experiments["coherent_csi_2021"]
    assert set(csi.inputs) == set(chosen.profile)
    assert told.experiments["coherent_lar_2020"].inputs == {}
    fit = found["coherent_csi_2021"].point
    assert fit.total.sum() == pytest.approx(csi.counts_fitted["total"])
    assert fit.chi2 == pytest.approx(csi.chi2)
    # in standard deviations, beside the pulls
    radius = (csi.inputs["csi_form_factor_scale"] - 1.0) / 0.05
    assert fit.pulls["csi_form_factor_scale"] == pytest.approx(radius)
    assert fit.pulls["csi_efficiency"] == pytest.approx(csi.inputs["csi_efficiency"])
    assert 0.0 < fit.widths["csi_efficiency"] < 1.1
    assert "csi_beam_shift" not in fit.pulls  # free in its range: no width to measure it by
    # neutrons are told where the beam has moved them
    moved = found["coherent_csi_2021"].experiment.backgrounds["BRN"]
    assert csi.counts["BRN"] == pytest.approx(18.4)
    assert moved.sum() != pytest.approx(18.4, abs=1e-3)

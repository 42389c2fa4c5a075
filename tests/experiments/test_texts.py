"""The shipped experiments as text: sensitivities, the origin of every number, their counts."""

from __future__ import annotations

import numpy as np
import pytest

from scanner import catalog, described, inventory, tables
from scanner.amplitudes import Conventions
from scanner.chi2 import STANDARD_MODEL, ExperimentModel
from scanner.experiments import _tables

TEXTS = pytest.mark.parametrize("name", catalog.text_names())
SHIPPED = ("coherent_lar_610kg", "csi_ess", "nucleus_10g")

NOT_PHYSICS = ("title", "description", "illustrative", "reference", "origin")


def text(name):
    return described.read(catalog.experiment_text(name))


def model(name, settings=None):
    return ExperimentModel(
        STANDARD_MODEL, catalog.experiment(name, settings), Conventions(), {}, ()
    )


def test_all_are_found_beside_the_modules():
    assert set(SHIPPED) <= set(catalog.text_names()) <= set(catalog.experiment_names())
    assert all(catalog.experiment_choices(name) == {} for name in SHIPPED)
    assert all(catalog.experiment_overlaps(name) == () for name in SHIPPED)
    assert all(tables.verify(name) == () for name in SHIPPED)


@TEXTS
def test_a_text_without_data_says_what_it_is(name):
    raw, form = text(name), catalog.experiment(name)
    assert raw["illustrative"]
    assert form.illustrative == raw["illustrative"]
    assert ("observed" in raw) == (form.observed is not None)
    assert form.title.endswith("(expected)") == (form.observed is None)
    assert form.provenance.arxiv


@TEXTS
def test_every_number_has_an_origin(name):
    raw = text(name)
    told = " ".join(raw["origin"])
    for table in set(raw) - set(NOT_PHYSICS):
        for entry in raw[table]:
            if entry in ("kind", "material", "energy", "time", "signal"):
                continue  # names, the bins together, and the pulls together
            words = (entry, entry.removesuffix("_BRN"), table, entry.removesuffix("s"))
            assert any(word in told for word in words), f"{table}.{entry}"
    assert all(len(origin) > 5 for origin in raw["origin"].values())


@TEXTS
def test_the_standard_model_fits_its_asimov_data(name):
    one = model(name)
    found = one.likelihood.profile(one.standard_model()[np.newaxis])
    assert found.chi2[0] == pytest.approx(0.0, abs=1e-6)
    assert one.standard_model().sum() > 10.0


def test_argon_is_cenns_10_scaled():
    """Signal of the release's window, times mass and protons."""
    small = model("coherent_lar_2020", {"window": "cut"}).standard_model()
    large = model("coherent_lar_610kg").standard_model()
    np.testing.assert_allclose(large, small * (610 / 24.4) * (4.74e23 / 1.38e23), 1e-9, 1e-7)


def test_backgrounds_of_argon_are_those_of_cenns_10_scaled():
    form, release = (
        catalog.experiment("coherent_lar_610kg"),
        _tables.read("coherent_lar_2020", "bins.csv"),
    )
    scale = (610 / 24.4) * (21 / 6.12)
    for ours, theirs in (
        ("steady_state", "steady_state"),
        ("prompt_BRN", "prompt_brn"),
        ("delayed_BRN", "delayed_brn"),
    ):
        np.testing.assert_allclose(form.backgrounds[ours], scale * release[theirs], rtol=2e-3)


def test_the_pull_on_argon_leaves_out_the_flux():
    form = catalog.experiment("coherent_lar_610kg")
    signal = next(pull for pull in form.pulls if pull.name.endswith("_signal"))
    flux = form.constraints["sns_flux"].sigma
    assert np.hypot(signal.sigma, flux) == pytest.approx(0.13, abs=5e-4)


def test_neutrinos_of_the_ess():
    form = catalog.experiment("csi_ess")
    area = 4.0 * np.pi * 2000.0**2
    assert form.flux.components[0].fluence == pytest.approx(3 * 8.5e22 / area, rel=1e-12)


def test_neutrinos_at_chooz():
    """Both cores together: 4.25 GW/200 MeV x 6 per fission is 1.8e12 per cm^2 and s, to 10 %."""
    component = catalog.experiment("nucleus_10g").flux.components[0]
    per_second = np.trapezoid(component.density, component.energies) / (365 * 86400)
    per_core = 4.25e9 / (200e6 * 1.602e-19) * 6 / (4 * np.pi)
    assert per_second == pytest.approx(per_core * (7200.0**-2 + 10200.0**-2), rel=0.1)


def test_argon_and_a_cenns_10_as_text_share_the_flux():
    assert "sns_flux" in catalog.experiment("coherent_lar_610kg").normalisations
    assert "reactor_flux" in catalog.experiment("nucleus_10g").normalisations


@TEXTS
def test_show_tells_what_was_understood(name):
    record = inventory.describe(name)
    assert record["illustrative"]
    assert record["origin"]
    assert record["file"].endswith(f"{name}.toml")
    assert record["counts"]["sm_signal (AC22, helm)"] > 0.0
    assert "expected (Asimov)" in record["counts"]
    assert record["pulls"]


def test_the_list_marks_them():
    rows = {row["name"]: row for row in inventory.experiments()}
    assert rows["csi_ess"]["title"] == "CsI at the ESS (expected)"
    assert rows["csi_ess"]["choices"].startswith("illustrative: ")
    assert not rows["coherent_csi_2021"]["choices"].startswith("illustrative")

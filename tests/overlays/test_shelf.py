"""The registry: what every overlay says, which fit a figure, and why others are refused."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from scanner.errors import CatalogError, DataError, DefinitionError
from scanner.overlays import shelf
from scanner.overlays.overlay import Overlay

PLANE = {"mass": "MeV", "coupling": ""}
B_MINUS_L = {"model": "B-L", "kinetic_mixing": 0.0, "loop_sign": "positive"}
SHIPPED = pytest.mark.parametrize("overlay", shelf.shipped().values(), ids=lambda o: o.name)


def choose(*names: str, parameters: dict[str, float | str] = B_MINUS_L) -> list[str]:
    found = shelf.chosen(names, shelf.shipped(), "light_vector", parameters, PLANE)
    return [overlay.name for overlay, _ in found]


@SHIPPED
def test_every_overlay_says_what_it_is(overlay: Overlay) -> None:
    assert overlay.title
    assert overlay.licence
    assert overlay.provenance
    assert overlay.models
    assert bool(overlay.regions) != bool(overlay.missing)
    assert overlay.arxiv or not overlay.source
    assert all(model.factor == 1.0 or model.reason for model in overlay.models)
    for region in overlay.regions:
        assert region.vertices.shape[1] == 2
        assert np.isfinite(region.vertices).all()
        assert (region.vertices > 0.0).all()
        assert region.above or np.array_equal(region.vertices[0], region.vertices[-1])


def test_nothing_under_the_gpl_is_shipped() -> None:
    assert not list(shelf.DATA.rglob("*.lmt"))
    assert {o.licence.split()[0] for o in shelf.shipped().values()} == {"MIT", "no"}


@SHIPPED
def test_a_limit_holds_for_models_that_a_scan_can_have(overlay: Overlay) -> None:
    from scanner import catalog

    form = catalog.scenario(overlay.scenario)
    known = {parameter.name: parameter for parameter in form.parameters}
    for model in overlay.models:
        for name, value in model.parameters.items():
            assert value in known[name].choices or known[name].role != "choice"
    for name, unit in zip(overlay.axes, overlay.units, strict=True):
        assert known[name].unit == unit


@SHIPPED
def test_every_kind_has_a_look_of_its_own(overlay: Overlay) -> None:
    from scanner.figures.style import PUBLISHED

    assert overlay.shows == "preferred" or overlay.kind in PUBLISHED


def test_all_means_those_that_fit() -> None:
    found = choose("all")
    assert "bl_babar" in found
    assert "csi_2017_vector" not in found
    assert "connie_2019" not in found  # it has no numbers
    assert choose("bl_na*", "bl_babar", "bl_na64") == [
        "bl_na48",
        "bl_na64",
        "bl_na64_invisible",
        "bl_babar",
    ]


def test_another_model_is_refused_with_those_that_fit() -> None:
    with pytest.raises(DefinitionError, match=r"holds for light_vector with model = universal.*"
                       r"figure shows.*model = B-L.*no rescaling.*that fit: bl_a1"):  # fmt: skip
        choose("csi_2017_vector")
    with pytest.raises(DefinitionError, match=r"bl_babar.*model = universal"):
        choose("bl_babar", parameters={**B_MINUS_L, "model": "universal"})


def test_a_fixed_kinetic_mixing_is_another_model() -> None:
    with pytest.raises(DefinitionError, match=r"kinetic_mixing = 0\.001"):
        choose("bl_texono", parameters={**B_MINUS_L, "kinetic_mixing": 1e-3})
    with pytest.raises(DefinitionError, match="bl_texono"):  # it is scanned, or profiled over
        choose("bl_texono", parameters={"model": "B-L"})


def test_a_known_rescaling_is_applied() -> None:
    three = {**B_MINUS_L, "model": "B-3L_e"}
    [(overlay, model)] = shelf.chosen(["bl_texono"], shelf.shipped(), "light_vector", three, PLANE)
    (own,), (scaled,) = overlay.regions, overlay.regions_for(model)
    np.testing.assert_allclose(scaled.vertices[:, 1], own.vertices[:, 1] / 3.0, rtol=1e-12)
    np.testing.assert_array_equal(scaled.vertices[:, 0], own.vertices[:, 0])


@pytest.mark.parametrize("name", ["bl_texono", "bl_charm_ii", "bl_borexino"])
def test_rescaled_scattering_on_electrons_follows_the_charges(name: str) -> None:
    from scenarios.light_vector import CHARGES

    flavours = {"bl_texono": [0], "bl_charm_ii": [1], "bl_borexino": [0, 1, 2]}[name]
    for model in shelf.shipped()[name].models:
        leptons = CHARGES[str(model.parameters["model"])][1:]
        for flavour in flavours:
            # g^2 Q'_e Q'_nu is what electrons see: the same number as in B-L, with its sign
            assert model.factor**2 * leptons[0] * leptons[flavour] == pytest.approx(1.0)


def test_what_has_no_numbers_says_why() -> None:
    with pytest.raises(DefinitionError, match=r"connie_2019.*published as a figure only"):
        choose("connie_2019", parameters={**B_MINUS_L, "model": "universal"})


def test_unknown_names_and_empty_patterns() -> None:
    with pytest.raises(CatalogError, match=r"'bl_texno': did you mean 'bl_texono'"):
        choose("bl_texno")
    with pytest.raises(DefinitionError, match=r"zz\*: none fits light_vector"):
        choose("zz*")


def test_another_plane_is_refused() -> None:
    swapped = dict(reversed(PLANE.items()))
    with pytest.raises(DefinitionError, match=r"--keep mass,coupling; the figure shows coupling"):
        shelf.chosen(["bl_a1"], shelf.shipped(), "light_vector", B_MINUS_L, swapped)


def test_a_changed_digit_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(shelf.DATA, tmp_path / "data")
    table = tmp_path / "data" / "bl_a1.csv"
    table.write_text(table.read_text().replace("1", "2", 1))
    monkeypatch.setattr(shelf, "DATA", tmp_path / "data")
    with pytest.raises(DataError, match=r"bl_a1\.csv is damaged.*data build overlays"):
        shelf.verify()

"""Definitions with experiments as text: from file to scan and back, without the file."""

from __future__ import annotations

import json
import tomllib

import numpy as np
import pytest
import tomli_w

from scanner import catalog
from scanner.definition import ScanDefinition, from_mapping, load
from scanner.described.pulls import KNOWN_FLUXES
from scanner.difference import difference, side
from scanner.drawing import draw
from scanner.errors import DefinitionError
from scanner.evaluate import Evaluator
from scanner.exact.build import likelihood
from scanner.known import (
    asimov_notes,
    combined_title,
    experiment_title,
    loaded_experiments,
    profile_notes,
    profile_record,
    sensitivity_notes,
)
from scanner.point import explain
from scanner.prepare import references
from scanner.scan import Scan

AXES = {
    "mass": {"spacing": "log", "start": 1.0, "stop": 100.0, "unit": "MeV", "n": 4},
    "coupling": {"spacing": "log", "start": 1e-6, "stop": 1e-3, "n": 8},
}


@pytest.fixture
def folder(tmp_path, base):
    """A description and a definition that names it, beside each other."""
    (tmp_path / "toy_argon.toml").write_text(tomli_w.dumps(base))
    raw = {
        "scenario": "light_vector",
        "experiments": ["toy_argon.toml"],
        "axes": AXES,
        "parameters": {"model": "universal"},
    }
    (tmp_path / "scan.toml").write_text(tomli_w.dumps(raw))
    return tmp_path


def rewritten(folder, tables):
    (folder / "toy_argon.toml").write_text(tomli_w.dumps(tables))
    return load(folder / "scan.toml")


# --- what the definition holds ------------------------------------------------------------------


def test_a_file_is_found_beside_the_definition(folder, base):
    chosen = load(folder / "scan.toml")
    assert chosen.experiments == ("toy_argon",)
    assert chosen.experiment_options["toy_argon"] == base
    assert [one.name for one in loaded_experiments(chosen)] == ["toy_argon"]
    assert chosen.choices == {"toy_argon": {}}


def test_a_file_of_an_override_is_found_in_the_current_folder(folder, monkeypatch):
    monkeypatch.chdir(folder)
    chosen = load("light_vector_universal", ['experiments=["toy_argon.toml"]'])
    assert chosen.experiments == ("toy_argon",)


def test_a_definition_changes_numbers_of_a_text(folder):
    heavier = load(folder / "scan.toml", ["experiment.toy_argon.target.mass.value=240"])
    [one] = loaded_experiments(heavier)
    assert (one.mass_kg, one.target.formula) == (240.0, "Ar")
    shipped = load("light_vector_universal", ['experiments=["csi_ess"]'])
    closer = load(
        "light_vector_universal",
        ['experiments=["csi_ess"]', "experiment.csi_ess.source.distance.value=10"],
    )
    assert loaded_experiments(closer)[0].baseline_m == 10.0
    assert closer.id != shipped.id


def test_the_record_and_the_text_of_a_definition_need_no_file(folder):
    chosen = load(folder / "scan.toml")
    (folder / "toy_argon.toml").unlink()
    again = ScanDefinition.from_dict(json.loads(json.dumps(chosen.to_dict())))
    assert (again, again.digest) == (chosen, chosen.digest)
    (folder / "again.toml").write_text(chosen.to_toml())
    assert load(folder / "again.toml").digest == chosen.digest
    assert from_mapping(chosen.to_dict(), "record").digest == chosen.digest
    assert Evaluator(again).standard_model() == pytest.approx(Evaluator(chosen).standard_model())


def test_a_shipped_text_is_held_whole_too(tmp_path):
    chosen = load("light_vector_universal", ['experiments=["coherent_lar_610kg"]'])
    made = chosen.experiment_options["coherent_lar_610kg"]
    assert len(made["response"]["efficiency"]["energy"]) > 10
    (tmp_path / "again.toml").write_text(chosen.to_toml())
    assert load(tmp_path / "again.toml").digest == chosen.digest


def test_labels_are_no_physics_and_numbers_are(folder, change):
    chosen = load(folder / "scan.toml")
    same = (
        [("title", "Another")],
        [("description", "...")],
        [("illustrative", "why")],
        [("origin", {"mass": "a paper"})],
        [("reference", {"citation": "A. Author"})],
        [("target.mass.value", 24)],
    )
    for changes in same:
        assert rewritten(folder, change(*changes)).id == chosen.id, changes
    other = (
        [("target.mass.value", 25.0)],
        [("pulls.signal.sigma", 0.14)],
        [("backgrounds.steady.counts", 3153)],
        [("response.efficiency.value", [0.0, 0.0, 0.5, 0.9, 0.96])],
        [("observed", [1.0] * 120)],
        [("shared", {"sns_flux": {"sigma": 0.1}})],
    )
    ids = {rewritten(folder, change(*changes)).id for changes in other}
    assert len(ids) == len(other)
    assert chosen.id not in ids


def test_layout_and_comments_of_the_file_are_no_physics(folder):
    chosen = load(folder / "scan.toml")
    text = (folder / "toy_argon.toml").read_text()
    (folder / "toy_argon.toml").write_text("# a comment\n\n" + text.replace("24.0", "2.4e1"))
    assert load(folder / "scan.toml").id == chosen.id


def test_definitions_without_texts_keep_their_record():
    record = load("light_vector_universal").to_dict()
    choices = catalog.experiment_choices("coherent_csi_2021")
    assert record["experiment"]["coherent_csi_2021"] == {k: v[0] for k, v in choices.items()}
    assert set(record["sources"]) == {
        "scenario",
        "experiment.coherent_csi_2021",
        "experiment.coherent_lar_2020",
    }


def test_a_changed_record_is_noticed(folder):
    record = load(folder / "scan.toml").to_dict()
    record["experiment"]["toy_argon"]["target"]["mass"]["value"] = 25.0
    with pytest.raises(Exception, match="belongs to other entries"):
        ScanDefinition.from_dict(record)


def test_a_difference_of_labels_is_none_of_physics(folder, change):
    rewritten(folder, change(("pulls.signal.sigma", 0.2)))
    (folder / "wider.toml").write_text(load(folder / "scan.toml").to_toml())
    rewritten(folder, change(("title", "Another"), ("origin", {"mass": "a paper"})))
    (folder / "renamed.toml").write_text(load(folder / "scan.toml").to_toml())
    rewritten(folder, change())
    found = {
        name: difference(side(str(folder / "scan.toml")), side(str(folder / f"{name}.toml")))
        for name in ("wider", "renamed")
    }
    assert {c.section for c in found["renamed"].changes} == {"labels"}
    assert {c.key for c in found["wider"].changes if c.section == "definition"} == {
        "experiment.toy_argon.pulls.signal.sigma"
    }


# --- what is refused ----------------------------------------------------------------------------


def test_a_mistake_is_told_with_the_file_of_the_text(folder, change):
    with pytest.raises(DefinitionError) as caught:
        rewritten(folder, change(("target.mass.unit", "m")))
    assert str(caught.value).startswith(f"{folder / 'toy_argon.toml'}: target.mass.unit")


def test_a_mistake_in_a_change_is_told_with_both(folder):
    with pytest.raises(DefinitionError, match=r"toy_argon.toml with \[experiment.toy_argon\] of"):
        load(folder / "scan.toml", ["experiment.toy_argon.target.mass.value=-1"])


def test_a_name_of_the_catalogue_is_refused(folder, base):
    (folder / "csi_ess.toml").write_text(tomli_w.dumps(base))
    (folder / "coherent_csi_2021.toml").write_text(tomli_w.dumps(base))
    for name in ("csi_ess", "coherent_csi_2021"):
        file = folder / f"{name}.toml"
        with pytest.raises(DefinitionError, match="experiment of the catalogue; give the text ano"):
            load(folder / "scan.toml", [f'experiments=["{file}"]'])
    raw = tomllib.loads((folder / "scan.toml").read_text())
    raw |= {"experiments": ["coherent_csi_2021"], "experiment": {"coherent_csi_2021": base}}
    with pytest.raises(DefinitionError, match="experiment of the catalogue"):
        from_mapping(raw, "scan.toml")


def test_twice_the_same_is_refused(folder):
    files = f'["{folder / "toy_argon.toml"}", "{folder / "toy_argon.toml"}"]'
    with pytest.raises(DefinitionError, match="'toy_argon' is there twice"):
        load(folder / "scan.toml", [f"experiments={files}"])


def test_a_file_that_is_not_there_is_named(folder):
    with pytest.raises(DefinitionError, match=r"none.toml: cannot be read"):
        load(folder / "scan.toml", ['experiments=["none.toml"]'])


def test_files_are_not_read_for_others(folder):
    raw = tomllib.loads((folder / "scan.toml").read_text())
    with pytest.raises(DefinitionError, match="files are not read here"):
        from_mapping(raw, "post", allow_plugins=False)
    chosen = load(folder / "scan.toml")
    assert from_mapping(chosen.to_dict(), "post", allow_plugins=False).digest == chosen.digest


# --- what is done with it -----------------------------------------------------------------------


def test_a_sensitivity_says_that_it_is_one(folder):
    chosen = load(folder / "scan.toml")
    assert experiment_title(chosen, "toy_argon") == "Toy argon (expected)"
    assert combined_title(chosen, ["toy_argon", "csi_ess"]) == "combined (partly expected)"
    assert combined_title(chosen, ["toy_argon"]) == "combined (expected)"
    assert combined_title(load("light_vector_universal"), ["coherent_csi_2021"]) == "combined"
    [note] = sensitivity_notes(chosen)
    assert note.startswith("toy_argon is no measurement, its limits are sensitivities")
    assert "Toy argon, as described" in references(chosen)


def test_the_exact_likelihood_takes_a_file(folder):
    like = likelihood(
        "light_vector",
        [str(folder / "toy_argon.toml")],
        parameters={"model": "universal", "mass": 10.0},
        free=["coupling"],
    )
    chosen = load(folder / "scan.toml")
    expected = Evaluator(chosen).chi2_at({"mass": [10.0], "coupling": [1e-4]})
    assert float(like.chi2(coupling=1e-4)) == pytest.approx(float(expected[0, 0]), rel=1e-8)


def test_a_point_has_the_chi2_of_the_scan(folder, change):
    """Where a shared flux is profiled: the point fixes it at its best, the data stay."""
    chosen = rewritten(folder, change(("shared", {"sns_flux": {"sigma": 0.1}})))
    assert chosen.profile == {"sns_flux": {"mean": 1.0, "sigma": 0.1}}
    at = {"mass": 10.0, "coupling": 1e-4}
    raw = {
        "scenario": "light_vector",
        "experiments": [str(folder / "toy_argon.toml")],
        "parameters": {"model": "universal", **at},
    }
    found = explain(from_mapping(raw, "", point=True))
    expected = Evaluator(chosen).chi2_at({n: [v] for n, v in at.items()})[0, 0]
    assert expected > 1.0
    assert found.chi2 == pytest.approx(expected, rel=1e-6)
    assert found.chi2_sm == pytest.approx(0.0, abs=1e-9)


@pytest.mark.cluster
def test_a_scan_is_resumed_refined_and_drawn_without_the_file(folder, monkeypatch):
    store, raw = folder / "scans", tomllib.loads((folder / "scan.toml").read_text())
    raw["chunks"] = {"points": 8}
    (folder / "scan.toml").write_text(tomli_w.dumps(raw))
    scan, report = Scan.launch(load(folder / "scan.toml"), store=store, workers=2)
    assert report is not None
    assert report.computed == scan.stored.grid.n_chunks > 1
    (folder / "toy_argon.toml").unlink()
    (folder / "scan.toml").unlink()
    before = scan.dataset()["chi2"].values
    opened = Scan.open(scan.id, store=store)
    opened.definition.check_sources()
    opened.stored.discard([0])
    assert opened.run(workers=2).computed == 1
    np.testing.assert_array_equal(opened.dataset()["chi2"].values, before)
    assert draw(opened, folder / "figure.svg").exists()
    assert "Toy argon (expected)" in (folder / "figure.svg").read_text()
    assert opened.interval("coupling", at={"mass": 10.0}, exact=True).intervals
    again = load(store / scan.id / "definition.toml")
    assert again.digest == scan.stored.digest


def test_a_flux_that_nobody_else_names_is_told(folder, change):
    def notes(name, *more):
        text = tomli_w.dumps(change(("shared", {name: {"sigma": 0.1}})))
        (folder / "toy_argon.toml").write_text(text)
        raw = {
            "scenario": "light_vector",
            "experiments": [str(folder / "toy_argon.toml"), *more],
            "parameters": {"model": "universal", "mass": 10.0, "coupling": 0.0},
        }
        chosen = from_mapping(raw, "", point=True)
        alone = profile_record(chosen).get("profile_notes", [])
        assert set(alone) <= set(profile_notes(chosen))
        return alone

    [said] = notes("sms_flux")
    assert said == ("sms_flux is named by toy_argon alone; known: sns_flux, reactor_flux, b8_flux")
    assert notes("sns_flux") == []
    (folder / "other.toml").write_text(
        tomli_w.dumps(change(("shared", {"sms_flux": {"sigma": 0.1}})))
    )
    assert notes("sms_flux", str(folder / "other.toml")) == []
    assert len(notes("sms_flux", "csi_ess")) == 1


def test_known_fluxes_are_those_of_the_catalogue():
    shared = {
        "coherent_csi_2021": {"flux_error": "shared"},
        "conus_plus_2025": {"flux_error": "shared"},
        "xenonnt_b8_2026": {},
    }
    named = [
        input_name
        for name, option in shared.items()
        for input_name in catalog.experiment(name, option).normalisations
    ]
    assert list(KNOWN_FLUXES) == named


def test_where_there_are_no_data_observed_is_expected(folder, change):
    chosen = load(folder / "scan.toml")
    [said] = asimov_notes(chosen)
    assert said.startswith("toy_argon: no data")
    assert asimov_notes(chosen, ["csi_ess"]) == ()
    seen = rewritten(folder, change(("observed", [30.0] * 120), ("illustrative", "a study")))
    assert seen.sensitivities
    assert asimov_notes(seen) == ()

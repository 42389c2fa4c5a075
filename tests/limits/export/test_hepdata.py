"""A submission passes HEPData's own validator, whatever it holds."""

from __future__ import annotations

import importlib
import warnings
from pathlib import Path
from typing import Any

import pytest
import yaml

from scanner.definition import from_mapping
from scanner.errors import DefinitionError, StoreError
from scanner.limits.answers import Answers
from scanner.limits.export import hepdata
from scanner.limits.export.content import Question, content
from scanner.limits.export.hepdata import Resource
from scanner.limits.export.writer import resources_of, write
from scanner.scan import Scan

FIGURE = Resource("figure.png", "Figure", b"\x89PNG")


def complaints(**place: str) -> dict[str, list[str]]:
    # the validator uses a deprecated class and leaves files open
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", ResourceWarning)
        validation = importlib.import_module("hepdata_validator.full_submission_validator")
        validator = validation.FullSubmissionValidator()
        valid = validator.validate(**place)
    found = {k: [m.message for m in messages] for k, messages in validator.messages.items()}
    assert valid == (not found)
    return found


def load(path: Path) -> list[Any]:
    return list(yaml.safe_load_all(path.read_text()))


@pytest.mark.parametrize(
    ("what", "asked"),
    [
        ("contour", Question(cls=(0.9, 0.9545), each=True)),
        ("profile", Question(each=True)),
        ("profile", Question(("coupling",))),
        ("interval", Question(("coupling", "mass"), cls=(0.6827, 0.9), each=True)),
    ],
)
def test_every_content_is_valid(scan: Answers, tmp_path: Path, what: str, asked: Question) -> None:
    write(content(scan, what, asked), "hepdata", tmp_path / "submission", [FIGURE])
    assert complaints(directory=str(tmp_path / "submission")) == {}
    documents = load(tmp_path / "submission" / "submission.yaml")
    names = [document["name"] for document in documents[1:]]
    assert len(set(names)) == len(names) > 0
    assert documents[0]["additional_resources"][0]["location"] == "figure.png"
    assert scan.stored.digest in documents[0]["comment"]


@pytest.mark.parametrize("name", ["submission.zip", "submission.tar.gz"])
def test_an_archive_is_valid(scan: Answers, tmp_path: Path, name: str) -> None:
    write(content(scan, "contour", Question()), "hepdata", tmp_path / name, [FIGURE])
    assert complaints(archive=str(tmp_path / name)) == {}
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_the_validator_finds_what_is_wrong(scan: Answers, tmp_path: Path) -> None:
    write(content(scan, "contour", Question()), "hepdata", tmp_path / "s")
    (tmp_path / "s" / "stranger.txt").write_text("")
    assert complaints(directory=str(tmp_path / "s"))


def test_qualifiers_say_what_the_line_is(scan: Answers, tmp_path: Path) -> None:
    write(content(scan, "contour", Question()), "hepdata", tmp_path / "s")
    ((table),) = load(tmp_path / "s" / "contour_combined_0.9.yaml")
    (mass,), (coupling, line) = table["independent_variables"], table["dependent_variables"]
    assert mass["header"] == {"name": "mass", "units": "MeV"}
    assert coupling["header"] == {"name": "coupling"}
    told = {entry["name"]: entry["value"] for entry in coupling["qualifiers"]}
    (contour,) = scan.contour().contours
    assert told["CL"] == 0.9
    assert told["DOF"] == 2
    assert told["DELTA CHI2"] == contour.level
    assert told["REFERENCE"] == "global"
    assert told["EXPERIMENTS"] == "a+b"
    assert told["DIGEST"] == scan.stored.digest
    assert {type(entry["value"]) for entry in coupling["values"]} == {float}  # 1e-06 is no text
    assert len(line["values"]) == len(mass["values"]) == len(coupling["values"])
    assert "&id" not in (tmp_path / "s" / "contour_combined_0.9.yaml").read_text()


def test_missing_points_and_ends_that_are_no_limit_are_dashes(
    scan: Answers, tmp_path: Path
) -> None:
    write(content(scan, "profile", Question()), "hepdata", tmp_path / "p")
    ((table),) = load(tmp_path / "p" / "delta_chi2_combined.yaml")
    values = [entry["value"] for entry in table["dependent_variables"][0]["values"]]
    assert values.count("-") == 6
    asked = Question(("mass",), experiments=("b",))
    write(content(scan, "interval", asked), "hepdata", tmp_path / "i")
    ((table),) = load(tmp_path / "i" / "interval_mass_b.yaml")
    assert table["dependent_variables"][0]["values"] == [{"value": "-"}]


def test_an_older_submission_is_replaced_and_anything_else_is_not(
    scan: Answers, tmp_path: Path
) -> None:
    made = content(scan, "contour", Question())
    write(content(scan, "profile", Question()), "hepdata", tmp_path / "s")
    write(made, "hepdata", tmp_path / "s")
    assert {p.name for p in (tmp_path / "s").iterdir()} == {
        "submission.yaml",
        "contour_combined_0.9.yaml",
    }
    assert [path.name for path in tmp_path.iterdir()] == ["s"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("")
    (tmp_path / "file").write_text("")
    with pytest.raises(DefinitionError, match=r"is a folder without submission\.yaml"):
        write(made, "hepdata", tmp_path / "mine")
    with pytest.raises(DefinitionError, match="is a file"):
        write(made, "hepdata", tmp_path / "file")
    with pytest.raises(StoreError, match="does not exist"):
        write(made, "hepdata", tmp_path / "no" / "where")
    assert (tmp_path / "mine" / "thesis.tex").exists()


def test_a_table_that_hepdata_does_not_take_is_refused(
    scan: Answers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hepdata, "_LARGEST", 1000)
    with pytest.raises(DefinitionError, match=r"HEPData takes 10\.5.*netcdf"):
        write(content(scan, "profile", Question()), "hepdata", tmp_path / "s")
    assert list(tmp_path.iterdir()) == []


OWN = """
from scanner.scenario import Parameter, Scenario


def coherent(initial, final, *, shift):
    return {"weak_neutron": shift} if initial == final else {}


SCENARIO = Scenario(
    "Own", "", references=(), parameters=(Parameter("shift", "coupling"),), coherent=coherent,
    standard_model={"shift": 0.0},
)
"""


def test_the_source_of_a_scenario_of_ones_own_goes_along(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "own_of_hepdata.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    raw = {
        "scenario": "own_of_hepdata:SCENARIO",
        "experiments": ["coherent_csi_2021"],
        "axes": {"shift": {"spacing": "linear", "start": -0.1, "stop": 0.1, "n": 9}},
    }
    own = Scan.of(from_mapping(raw, "own", name="own"), store=tmp_path / "scans")
    own.run()
    along = resources_of(own, "")
    write(content(own, "profile", Question()), "hepdata", tmp_path / "submission", along)
    assert complaints(directory=str(tmp_path / "submission")) == {}
    assert (tmp_path / "submission" / "own_of_hepdata.py").read_text() == OWN

"""`export` and `bib` as typed: every format, and one line for every wrong input."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import bibtexparser
import numpy as np
import pytest
import xarray as xr

from scanner.errors import DefinitionError
from scanner.limits.export import read_contours, read_cube
from scanner.scan import Scan

NAME = "light_vector_universal"


def run(command, store: Path, *arguments: str | Path):
    done = command("export", NAME, "--store", store, *arguments)
    assert (done.code, done.err) == (0, "")
    return done


@pytest.mark.parametrize("place", ["a.csv", "a.json", "folder", "a.zip"])
def test_a_contour_in_every_format(command, store: Path, tmp_path: Path, place: str) -> None:
    form = {".csv": "csv", ".json": "json"}.get(Path(place).suffix, "hepdata")
    path = tmp_path / place
    levels = ("--cl", "0.9", "--cl", "0.9545")
    done = run(command, store, "--format", form, "-o", path, *levels, "--together")
    assert done.out == f"{path}\n"
    expected = Scan.open(NAME, store=store).contour(cls=(0.9, 0.9545)).contours
    found = read_contours(path)
    assert [limit.contour.to_dict() for limit in found] == [one.to_dict() for one in expected]


def test_json_is_the_record_of_contour(command, store: Path) -> None:
    printed = command("contour", NAME, "--store", store, "--json").json
    exported = json.loads(run(command, store, "--format", "json").out)
    assert exported.pop("origin")["options"]["couplings"] == "AC22"
    assert exported == printed


def test_csv_goes_to_standard_output(command, store: Path) -> None:
    out = run(command, store, "--format", "csv", "--at", "mass=1").out
    rows = [line for line in out.splitlines() if not line.startswith("#")]
    (low, high) = Scan.open(NAME, store=store).interval("coupling", at={"mass": 1.0}).intervals[0]
    assert low is None
    assert rows[1].split(",")[-2:] == ["", repr(high)]


def test_the_cube_as_netcdf(command, store: Path, tmp_path: Path) -> None:
    done = run(command, store, "--format", "netcdf", "-o", tmp_path / "cube.nc", "--json")
    assert done.json["what"] == "cube"
    found, stored = read_cube(tmp_path / "cube.nc"), Scan.open(NAME, store=store).dataset()
    np.testing.assert_array_equal(found["chi2"], stored["chi2"])
    assert found.attrs["minimum"] == stored.attrs["minimum"]


def test_a_profile_with_each_experiment(command, store: Path, tmp_path: Path) -> None:
    path = tmp_path / "profile.nc"
    arguments = ("--what", "profile", "--keep", "mass", "--each", "--reference", "sm")
    run(command, store, "--format", "netcdf", "-o", path, *arguments)
    with xr.open_dataset(path) as opened:
        assert dict(opened.sizes) == {"experiments": 3, "mass": 16}
        assert opened.attrs["reference"] == "sm"


def test_from_python(store: Path, tmp_path: Path) -> None:
    scan = Scan.open(NAME, store=store)
    path = scan.export(tmp_path / "a.csv", "csv", cls=(0.9,), experiments=["coherent_lar_2020"])
    (limit,) = read_contours(path)
    assert limit.experiments == ("coherent_lar_2020",)
    assert scan.export(str(tmp_path / "a.nc"), "netcdf").exists()
    with pytest.raises(DefinitionError, match="cl = 90"):
        scan.export(tmp_path / "b.nc", "netcdf", cls=(90,))


def test_a_submission_with_its_figure(command, store: Path, tmp_path: Path) -> None:
    run(command, store, "--format", "hepdata", "-o", tmp_path / "s", "--figure")
    names = {path.name for path in (tmp_path / "s").iterdir()}
    assert {"submission.yaml", "definition.toml", "references.bib", "figure.png"} <= names
    assert len([name for name in names if name.startswith("contour_")]) == 3
    assert (tmp_path / "s" / "figure.png").read_bytes().startswith(b"\x89PNG")
    done = command("run", tmp_path / "s" / "definition.toml", "--store", store, "--json")
    assert done.json["computed_chunks"] == 0  # the definition that goes along is this scan's


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--cl", "90"), 2, "cl = 90: give a fraction, 0.9 for 90 %"),
        (("--dof", "0"), 2, "dof = 0: give a whole number"),
        (("--what", "interval", "--dof", "0"), 2, "dof = 0"),
        (("--what", "profile", "--cl", "90"), 2, "cl = 90: give a fraction"),
        (("--keep", "mass,copling"), 2, "unknown axis 'copling': did you mean 'coupling'?"),
        (("--what", "interval", "--keep", "copling"), 2, "did you mean 'coupling'?"),
        (("--what", "profile", "--keep", "copling"), 2, "did you mean 'coupling'?"),
        (("-e", "coherent_csi"), 2, "did you mean 'coherent_csi_2021'"),
        (("--reference", "best"), 2, "unknown reference 'best'"),
        (("--what", "contours"), 2, "did you mean 'contour'?"),
        (("--what", "cube"), 2, "a cube goes into netcdf alone"),
        (("--format", "netcdf", "--cl", "0.5"), 2, "cl: a cube is exported whole"),
        (
            ("--format", "netcdf", "-e", "coherent_csi_2021", "--at", "mass=1"),
            2,
            "at, experiment: a",
        ),
        (("--what", "contour", "--at", "mass=1"), 2, "a contour needs two axes"),
        (("--at", "mass=1e9"), 2, "mass = 1e+09 is outside the scanned 0.1 .. 10000 MeV"),
        (("--figure",), 2, "a figure goes along with hepdata alone"),
    ],
)
def test_wrong_questions_are_answered_in_one_line(
    command, store: Path, tmp_path: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    path = tmp_path / "out.csv"
    done = command("export", NAME, "--store", store, "--format", "csv", "-o", path, *arguments)
    assert done.code == code
    assert words in done.err
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("form", "output", "code", "words"),
    [
        ("yaml", "a.yaml", 2, "unknown format 'yaml' (known: hepdata, csv, json, netcdf)"),
        ("csv", "no/where/a.csv", 6, "no/where does not exist: make it first"),
        ("hepdata", "no/where/s", 6, "no/where does not exist: make it first"),
        ("netcdf", "no/where/a.nc", 6, "no/where does not exist: make it first"),
        ("csv", "folder", 2, "folder: is a folder: name a file in it"),
        ("netcdf", "folder", 2, "folder: is a folder: name a file in it"),
        ("hepdata", "folder", 2, "is a folder without submission.yaml: name a new one"),
        ("hepdata", "file", 2, "file: is a file: name a folder, .zip or .tar.gz"),
        ("hepdata", None, 2, "name a folder, .zip or .tar.gz with --output"),
        ("netcdf", None, 2, "name a file with --output"),
    ],
)
def test_wrong_places_are_answered_in_one_line(
    command, store: Path, tmp_path: Path, form: str, output: str | None, code: int, words: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "thesis.tex").write_text("mine")
    (tmp_path / "file").write_text("mine")
    place = () if output is None else ("-o", tmp_path / output)
    done = command("export", NAME, "--store", store, "--format", form, *place)
    assert done.code == code
    assert words in done.err
    assert done.err.count("\n") == 1
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")}
    assert left == {"folder", "folder/thesis.tex", "file"}


@pytest.fixture
def incomplete(store: Path, tmp_path: Path) -> Path:
    """The same scan without one of its chunks."""
    shutil.copytree(store, tmp_path / "copy")
    stored = Scan.open(NAME, store=tmp_path / "copy").stored
    stored.discard([0])
    return tmp_path / "copy"


@pytest.mark.parametrize("what", ["contour", "profile", "interval", "cube"])
def test_an_incomplete_scan_is_refused(
    command, incomplete: Path, tmp_path: Path, what: str
) -> None:
    form, path = ("netcdf" if what == "cube" else "json"), tmp_path / "out"
    arguments = ("--store", incomplete, "--format", form, "--what", what, "-o", path)
    done = command("export", NAME, *arguments)
    assert done.code == 3
    assert "% of the grid computed; go on with `scanner resume" in done.err
    assert done.err.count("\n") == 1
    assert not path.exists()


def test_bib_prints_bibtex(command, store: Path) -> None:
    done = command("bib", NAME, "--store", store)
    library = bibtexparser.parse_string(done.out)
    assert library.failed_blocks == []
    found = {entry.key: {f.key: f.value for f in entry.fields} for entry in library.entries}
    assert found["AtzoriCorona2022-2202.11002"]["archiveprefix"] == "arXiv"
    assert found["COHERENT2022-2110.07730"]["doi"] == "10.1103/PhysRevLett.129.081801"
    assert "Helm1956" in found
    record = command("bib", NAME, "--store", store, "--json").json
    assert [entry["key"] for entry in record] == list(found)
    assert command("bib", NAME, "--store", store).out == done.out

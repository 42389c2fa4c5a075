"""A contour read back is the contour that was written: names, numbers and every bit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from scanner.contours import Contour
from scanner.errors import DataError, DefinitionError
from scanner.limits.answers import Answers
from scanner.limits.export import read_contours
from scanner.limits.export.content import Question, content
from scanner.limits.export.writer import write

PLACES = ("limit.json", "limit.csv", "submission", "submission.zip", "submission.tar.gz")
CLS = (0.6827, 0.9, 0.9973)


def export(scan: Answers, path: Path, asked: Question) -> Path:
    form = path.suffix[1:] if path.suffix in (".json", ".csv") else "hepdata"
    return write(content(scan, "contour", asked), form, path)


def same(one: Contour, other: Contour) -> None:
    assert one.to_dict() == other.to_dict()  # equal as Python floats: the same bits, no NaN
    for left, right in zip(one.lines, other.lines, strict=True):
        assert left.vertices.dtype == right.vertices.dtype == np.float64
        assert left.vertices.tobytes() == right.vertices.tobytes()


@pytest.mark.parametrize("place", PLACES)
def test_contours_come_back_to_the_last_bit(scan: Answers, tmp_path: Path, place: str) -> None:
    path = export(scan, tmp_path / place, Question(cls=CLS, at={}, each=True))
    found = read_contours(path)
    sets = [("a", "b"), ("a",), ("b",)]
    expected = [
        (names, one) for names in sets for one in scan.contour(cls=CLS, experiments=names).contours
    ]
    assert [limit.experiments for limit in found] == [names for names, _ in expected]
    kinds = set()
    for limit, (_, contour) in zip(found, expected, strict=True):
        same(limit.contour, contour)
        kinds |= {line.encloses for line in limit.contour.lines}
        assert (limit.units, limit.reference) == (("MeV", ""), "global")
        assert (limit.scan, limit.digest) == (scan.id, scan.stored.digest)
    assert kinds == {None, "allowed", "excluded"}


@pytest.mark.parametrize("place", PLACES)
def test_what_is_held_and_the_reference_come_back(tmp_path: Path, place: str, cube) -> None:
    path = export(cube, tmp_path / place, Question(("x", "y"), at={"z": 0.3}, reference="raster"))
    (limit,) = read_contours(path)
    assert limit.fixed == {"z": 0.3}
    assert limit.reference == "raster"
    same(limit.contour, cube.contour(("x", "y"), at={"z": 0.3}, reference="raster").contours[0])


@pytest.fixture
def cube(tmp_path: Path) -> Answers:
    import importlib

    from scanner.grid import Axis

    axes = tuple(Axis(name, "linear", -2.0, 2.0, n) for name, n in (("x", 9), ("y", 8), ("z", 5)))
    x, y, z = np.meshgrid(*(axis.coordinates for axis in axes), indexing="ij")
    chi2 = (5.0 * (y - 0.4 * x - 0.1 * z) ** 2 + x**2)[np.newaxis]
    store = importlib.import_module("store")
    return Answers(store.write_scan(tmp_path / "scans", axes, (9, 8, 5), chi2))


def test_the_output_of_the_contour_verb_is_read_too(scan: Answers, tmp_path: Path) -> None:
    plane = scan.contour(cls=CLS)
    record = {"scan": scan.id, "digest": scan.stored.digest, **plane.to_dict()}
    (tmp_path / "printed.json").write_text(json.dumps(record))
    for limit, contour in zip(
        read_contours(tmp_path / "printed.json"), plane.contours, strict=True
    ):
        same(limit.contour, contour)


def test_a_contour_without_lines_is_kept_where_the_format_can(
    scan: Answers, tmp_path: Path
) -> None:
    level = 1.0 - 1e-12  # far above every value of the plane
    for place in ("limit.json", "limit.csv"):
        (limit,) = read_contours(export(scan, tmp_path / place, Question(cls=(level,))))
        assert limit.contour.lines == ()
        assert limit.contour.cl == level
    with pytest.raises(DefinitionError, match=r"no contour has a line.*--what profile"):
        export(scan, tmp_path / "submission", Question(cls=(level,)))
    assert not (tmp_path / "submission").exists()
    both = export(scan, tmp_path / "both", Question(cls=(0.9, level)))
    assert [limit.contour.cl for limit in read_contours(both)] == [0.9]


def test_a_csv_is_plain_rows_for_others(scan: Answers, tmp_path: Path) -> None:
    import pandas as pd

    path = export(scan, tmp_path / "limit.csv", Question())
    table = pd.read_csv(path, comment="#")
    (contour,) = scan.contour().contours
    assert list(table) == ["contour", "experiments", "cl", "line", "encloses", "mass", "coupling"]
    assert len(table) == sum(len(line.vertices) for line in contour.lines)
    text = path.read_text()
    for told in ('digest = "', "cl = 0.9", "dof = 2", 'kind = "global"', 'mass = "MeV"'):
        assert told in text.split("contour,experiments")[0]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", "{"),
        ("a.json", '{"contours": []}'),
        ("a.json", "[]"),
        ("a.csv", ""),
        ("a.csv", "x,y\n1,2\n"),
        ("a.zip", "no archive"),
    ],
)
def test_a_file_of_something_else_is_refused_in_one_line(
    tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match="holds no contours") as refused:
        read_contours(tmp_path / name)
    assert "\n" not in str(refused.value)


def test_an_unknown_suffix_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("")
    with pytest.raises(DefinitionError, match=r"give a file in \.json, \.csv"):
        read_contours(tmp_path / "a.txt")
    with pytest.raises(DefinitionError, match="no such file"):
        read_contours(tmp_path / "none.csv")

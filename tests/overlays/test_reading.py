"""A user's own overlay files: points beside or inside, contours of a scan, errors that say what."""

import json
from pathlib import Path

import numpy as np
import pytest

from scanner.errors import DefinitionError
from scanner.overlays import shelf
from scanner.overlays.reading import read

HEAD = """
title = "My limit"
label = "mine"
kind = "CEvNS"
scenario = "light_vector"
licence = "my own"
provenance = "digitised by hand"
cl = 0.9
"""
MODEL = '[[model]]\nparameters = { model = "universal" }\n'
NO_BAND = '[formula]\nname = "anomalous_moment"\ndifference = 1e-9\nsigma = 1e-9\nn_sigma = 2\n'
POINTS = '[points]\nshape = "above"\ntable = [[1.0, 1e-4], [10.0, 2e-4], [100.0, 1e-3]]\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text)
    return path


def test_points_inside_the_file(tmp_path: Path) -> None:
    overlay = read(write(tmp_path, HEAD + MODEL + POINTS))
    [region] = overlay.regions
    assert region.above
    assert region.vertices.tolist() == [[1.0, 1e-4], [10.0, 2e-4], [100.0, 1e-3]]
    assert (overlay.name, overlay.cl, overlay.dof) == ("mine", 0.9, None)


def test_points_beside_the_file_in_pieces(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text(
        "# by hand\nregion,mass,coupling\n"
        "0,1,1e-4\n0,2,1e-4\n0,2,2e-4\n1,5,1e-4\n1,6,1e-4\n1,6,3e-4\n"
    )
    text = HEAD + MODEL + '[points]\nfile = "mine.csv"\nshape = "inside"\n'
    first, second = read(write(tmp_path, text)).regions
    assert len(first.vertices) == len(second.vertices) == 4  # closed
    assert second.vertices[0].tolist() == [5.0, 1e-4]


def test_a_band_between_two_columns(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text(
        "mass,lower,upper\n1,1e-5,1e-4\n2,1e-5,9e-5\n3,1e5,1e5\n4,2e-5,3e-5\n5,2e-5,1e5\n"
    )
    text = HEAD + MODEL + '[points]\nfile = "mine.csv"\nshape = "between"\n'
    ring, *_ = read(write(tmp_path, text)).regions
    assert ring.vertices.tolist() == [[1, 1e-5], [2, 1e-5], [2, 9e-5], [1, 1e-4], [1, 1e-5]]


def test_a_contour_of_a_scan(tmp_path: Path) -> None:
    lines = [{"closed": False, "encloses": None, "vertices": [[1.0, 1e-4], [2.0, 1e-4]]}]
    record = {
        "axes": [{"name": "mass", "unit": "MeV"}, {"name": "coupling", "unit": ""}],
        "contours": [{"cl": 0.9, "lines": lines}, {"cl": 0.95, "lines": []}],
    }
    (tmp_path / "mine.json").write_text(json.dumps(record))
    body = MODEL + '[points]\nfile = "mine.json"\nshape = "contour"\n'
    overlay = read(write(tmp_path, HEAD + 'shows = "line"\n' + body))
    [region] = overlay.regions
    np.testing.assert_array_equal(region.vertices, lines[0]["vertices"])
    with pytest.raises(DefinitionError, match=r"mine\.json is not what .* at cl 0\.5"):
        read(write(tmp_path, HEAD.replace("0.9", "0.5") + body))


def test_a_formula_with_ones_own_numbers(tmp_path: Path) -> None:
    formula = (
        '[formula]\nname = "anomalous_moment"\ndifference = 2e-9\nsigma = 0.5e-9\nn_sigma = 2\n'
    )
    [band] = read(write(tmp_path, HEAD + MODEL + formula)).regions
    light = band.vertices[np.isclose(band.vertices[:, 0], 1e-3), 1]
    expected = [np.sqrt(8.0 * a) * np.pi for a in (1e-9, 3e-9)]  # g^2 = 8 pi^2 a
    assert sorted(set(light)) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("title = ", "mine.toml: cannot be read"),
        (HEAD + MODEL + POINTS.replace("above", "beyond"), "unknown shape 'beyond'"),
        (HEAD + MODEL, "points: are missing"),
        (HEAD + POINTS, r"\[\[model\]\]: is missing"),
        (HEAD.replace("0.9", "90") + MODEL + POINTS, "cl: 90: give a fraction"),
        (HEAD + "colour = 1\n" + MODEL + POINTS, "unknown key 'colour'"),
        (HEAD.replace("licence", "license") + MODEL + POINTS, "did you mean 'licence'"),
        (HEAD + MODEL + POINTS.replace("1e-4", '"x"'), "are not numbers"),
        (HEAD + 'shows = "hidden"\n' + MODEL + POINTS, "unknown value 'hidden'"),
        (HEAD + MODEL.replace("parameters", "parameter"), "unknown key 'parameter'"),
        (HEAD + MODEL + "factor = 0\n" + POINTS, "model.factor: 0 is not a number above 0"),
        (HEAD + MODEL + '[points]\nfile = "../x.csv"\n', "not the name of a file beside"),
        (HEAD + MODEL + '[formula]\nname = "other"\n', "formula.name"),
        (HEAD + MODEL + NO_BAND, "does not exclude 0"),
    ],
)
def test_errors_name_file_key_and_mend(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DefinitionError, match=said):
        read(write(tmp_path, text))


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    text = HEAD + MODEL + '[points]\nfile = "gone.csv"\nshape = "inside"\n'
    with pytest.raises(Exception, match=r"gone\.csv cannot be read"):
        read(write(tmp_path, text))


def test_folders(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="there is no such folder"):
        shelf.of_folder(tmp_path / "nowhere")
    with pytest.raises(DefinitionError, match="no overlay is in it"):
        shelf.of_folder(tmp_path)
    write(tmp_path, HEAD + MODEL + POINTS)
    assert "mine" in shelf.of_folder(tmp_path)

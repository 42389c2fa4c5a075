"""Reading the file of a description: TOML, columns of CSV files, names, what the id hangs on."""

from __future__ import annotations

import pytest

from scanner import described
from scanner.errors import DefinitionError

CURVE = '[response.efficiency]\nkind = "table"\nfile = "curve.csv"\n'
COLUMNS = 'columns = { energy = "E", value = "eff" }\n'


@pytest.fixture
def write(tmp_path):
    """Writes a description and a curve beside it; gives the file."""

    def written(text, curve="E,eff\n1,0.1\n2,0.5\n"):
        (tmp_path / "curve.csv").write_text(curve)
        path = tmp_path / "toy.toml"
        path.write_text(text)
        return path

    return written


def test_columns_are_put_in_their_place(write):
    table = described.read(write(CURVE + COLUMNS))["response"]["efficiency"]
    assert table == {"kind": "table", "energy": [1.0, 2.0], "value": [0.1, 0.5]}


def test_a_column_is_put_in_the_place_of_a_list(write):
    path = write('observed = { file = "curve.csv", column = "eff" }\n')
    assert described.read(path)["observed"] == [0.1, 0.5]


@pytest.mark.parametrize(
    ("text", "curve", "said"),
    [
        (
            'a = { file = "curve.csv", column = "n" }',
            "E,eff\n1,0\n",
            "a.column: curve.csv: unk",
        ),
        (CURVE, "E,eff\n1,0\n", "response.efficiency.columns: is missing; say which column"),
        (CURVE + 'columns = { energy = "e" }', "E,eff\n1,0\n", "unknown column 'e'"),
        (CURVE + COLUMNS, "E,eff\n1,x\n", "columns.value: curve.csv, column eff: could not"),
        (CURVE + COLUMNS, "E,eff\n1\n", "columns.value: curve.csv, column eff"),
        (CURVE + COLUMNS, "", "unknown column 'E' (known: none)"),
        (CURVE.replace("curve", "no") + COLUMNS, "", "no.csv cannot be read"),
        (CURVE.replace('"curve.csv"', "3") + COLUMNS, "", "efficiency.file: write the name of a"),
        ("a = 1\na = 2\n", "", "not valid TOML: Cannot overwrite a value (at line 2"),
        ("[pulls.a]\n[pulls.a]\n", "", "not valid TOML"),
    ],
)
def test_a_file_with_a_mistake(write, text, curve, said):
    path = write(text, curve)
    with pytest.raises(DefinitionError) as caught:
        described.read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DefinitionError, match=r"none.toml: cannot be read \(No such file"):
        described.read(tmp_path / "none.toml")


def test_a_file_that_is_no_text_is_named(tmp_path):
    (tmp_path / "toy.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(DefinitionError, match="is not UTF-8 text"):
        described.read(tmp_path / "toy.toml")


@pytest.mark.parametrize("name", ["my-detector.toml", "2nd.toml", "a b.toml", "é.toml", ".toml"])
def test_a_name_is_made_of_letters_and_digits(name):
    with pytest.raises(DefinitionError, match="a file's name names its experiment"):
        described.name_of(name)


def test_a_file_names_its_experiment():
    assert described.name_of("far/away/my_detector2.toml") == "my_detector2"


def test_labels_and_whole_numbers_are_no_physics(base, change):
    same = change(
        ("title", "Another"),
        ("description", "..."),
        ("illustrative", "why"),
        ("origin", {"mass": "a paper"}),
        ("reference", {"citation": "A. Author"}),
        ("target.mass.value", 24),
    )
    assert described.physics(same) == described.physics(base)
    assert described.physics(change(("target.mass.value", 24.5))) != described.physics(base)


def test_a_description_is_told_from_choices(base):
    assert described.is_description(base)
    assert not described.is_description({"analysis": "energy"})
    assert not described.is_description({"target": {"mass": {"value": 3}}})


def test_what_is_no_measurement_says_so(base, change):
    assert described.no_measurement(base) == "described without data"
    assert described.no_measurement(change(("illustrative", "a design"))) == "a design"
    assert described.no_measurement(change(("observed", [1.0]))) == ""

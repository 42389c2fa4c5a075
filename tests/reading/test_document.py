"""Reading TOML and JSON, and overrides."""

from __future__ import annotations

import pytest

from scanner.errors import CatalogError, DefinitionError
from scanner.reading import document


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("axes.mass.n=60", ("axes", "mass", "n"), 60),
        ("axes.mass.stop = 1e3", ("axes", "mass", "stop"), 1e3),
        ("parameters.model=B-L", ("parameters", "model"), "B-L"),
        ("parameters.model='B-L'", ("parameters", "model"), "B-L"),
        ('experiments=["a", "b"]', ("experiments",), ["a", "b"]),
        ('experiment."a.b".analysis=energy', ("experiment", "a.b", "analysis"), "energy"),
        ("title=a=b", ("title",), "a=b"),
        ("title=", ("title",), ""),
        ('parameters.mass={value = 1, unit = "GeV"}', ("parameters", "mass", "unit"), "GeV"),
    ],
)
def test_override(text, path, value):
    found = document.override({"axes": {"mass": {"n": 3}}}, [text])
    for name in path:
        found = found[name]
    assert found == value


def test_overrides_apply_in_order_and_leave_the_rest_alone():
    raw = {"axes": {"mass": {"n": 3, "unit": "MeV"}}}
    found = document.override(raw, ["axes.mass.n=4", "axes.mass.n=5"])
    assert found == {"axes": {"mass": {"n": 5, "unit": "MeV"}}}
    assert raw == {"axes": {"mass": {"n": 3, "unit": "MeV"}}}


def test_fewer_experiments_take_their_tables_along():
    raw = {"experiments": ["a", "b"], "experiment": {"a": {"x": "1"}, "b": {"x": "2"}}}
    assert document.override(raw, ['experiments=["a"]'])["experiment"] == {"a": {"x": "1"}}
    # an override for an experiment that is not there stays, to be refused
    later = document.override(raw, ['experiments=["a"]', "experiment.b.x=3"])
    assert later["experiment"]["b"] == {"x": 3}


TOLD = {
    "title": "B-L, COHERENT",
    "description": "Two detectors.",
    "scenario": "light_vector",
    "experiments": ["a", "b"],
    "parameters": {"model": "B-L"},
}


@pytest.mark.parametrize(
    "text", ['experiments=["a"]', "scenario=nsi", "parameters.model=universal", "parameters.x=1"]
)
def test_titles_go_with_what_they_told_of(text):
    assert not {"title", "description"} & set(document.override(TOLD, [text]))
    kept = document.override(TOLD, ["title=Mine", text])
    assert kept["title"] == "Mine"
    assert "description" not in kept
    assert document.override(TOLD, [text, "title=B-L, COHERENT"])["title"] == TOLD["title"]
    assert TOLD["description"] == "Two detectors."


@pytest.mark.parametrize(
    "text",
    ["axes.mass.n=4", "options.form_factor=helm", "experiment.a.x=1", "parameters.model=B-L"],
)
def test_titles_stay_where_their_subject_does(text):
    found = document.override(TOLD, [text])
    assert (found["title"], found["description"]) == (TOLD["title"], TOLD["description"])


@pytest.mark.parametrize("text", ["axes.mass.n", "=3", "a b=3", "a.=3", "a=1\nb=2"])
def test_malformed_override(text):
    with pytest.raises(DefinitionError, match=r"write key=value, such as axes.mass.n=60"):
        document.override({}, [text])


def test_override_into_a_value():
    with pytest.raises(DefinitionError, match="'title' is not a table"):
        document.override({"title": "x"}, ["title.n=1"])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.toml", b"x = [1\ny = 2", r"a.toml: not valid TOML: .*line 2"),
        ("a.toml", b"x = 1\nx = 2\n", r"not valid TOML: .*line 2"),
        ("a.json", b'{"x": 1,\n]', r"a.json: not valid JSON: .*line 2"),
        ("a.json", b'{"x": 1, "x": 2}', r"key 'x' is given twice"),
        ("a.json", b"[1]", r"give an object"),
        ("a.toml", b'x = "\xff"', r"not UTF-8"),
    ],
)
def test_invalid_files(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DefinitionError, match=message):
        document.read(path)


def test_unreadable_files(tmp_path):
    with pytest.raises(DefinitionError, match=r"no.toml: cannot be read .*No such file"):
        document.read(tmp_path / "no.toml")
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(DefinitionError, match=r"folder.toml: cannot be read"):
        document.read(tmp_path / "folder.toml")


def test_find(tmp_path):
    assert document.find(tmp_path / "x.json") == tmp_path / "x.json"
    with pytest.raises(DefinitionError, match=r"give a file ending in .toml or .json"):
        document.find("somewhere/x.yaml")
    with pytest.raises(CatalogError, match="did you mean 'light_vector_universal'"):
        document.find("light_vector_univresal")


def test_record_reads_as_written():
    record = {
        "title": "t",
        "axes": [{"name": "b", "n": 2}, {"name": "a", "n": 3}],
        "digest": "0",
        "sources": {},
        "engine_version": 1,
    }
    written = document.as_written(record)
    assert written == {"title": "t", "axes": {"b": {"n": 2}, "a": {"n": 3}}}
    assert list(written["axes"]) == ["b", "a"]
    with pytest.raises(DefinitionError, match="listed twice"):
        document.as_written({"axes": [{"name": "a"}, {"name": "a"}]})

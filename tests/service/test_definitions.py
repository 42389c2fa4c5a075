"""Definitions in requests: bounded before they are read, and nothing that they name is opened."""

from __future__ import annotations

import json
import math
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.errors import CatalogError, DefinitionError
from scanner.service import definitions
from scanner.service.definitions import NESTED, nesting, parsed, resolve
from scanner.service.refusals import RefusalError

TOML = "application/toml"
JSON = "application/json"
GOOD = {
    "scenario": "light_vector",
    "experiments": ["coherent_csi_2021"],
    "parameters": {"model": "universal"},
    "axes": {
        "mass": {"spacing": "log", "start": 0.1, "stop": 1e4, "n": 20, "unit": "MeV"},
        "coupling": {"spacing": "log", "start": 1e-6, "stop": 1e-2, "n": 40},
    },
}


def test_json_and_toml_are_the_same_definition():
    import tomli_w

    one = resolve(parsed(json.dumps(GOOD).encode(), JSON), 10**6)
    other = resolve(parsed(tomli_w.dumps(GOOD).encode(), f"{TOML}; charset=utf-8"), 10**6)
    assert one.digest == other.digest


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (b"{", JSON, "cannot be read"),
        (b"[1]", JSON, "send an object"),
        (b'{"a": NaN}', JSON, "NaN is not a number"),
        (b'{"a": 1e999, "b": Infinity}', JSON, "Infinity is not"),
        (b"\xff\xfe", TOML, "cannot be read"),
        (b"a = ", TOML, "cannot be read"),
        (b"[" * 100_000, JSON, "nested deeper"),
        (b'{"a":' * 100_000, JSON, "nested deeper"),
        (b'{"' + b'\\"' * 300_000, JSON, "cannot be read"),
        (b"a = " + b"[" * 5000 + b"]" * 5000, TOML, "cannot be read|nested deeper"),
        (b".".join([b"a"] * 50_000) + b" = 1", TOML, "more than 32 parts"),
        (b"[" + b".".join([b"'a b'"] * 20_000) + b"]", TOML, "more than 32 parts"),
        (b"x = {" + b" . ".join([b'"a"'] * 20_000) + b" = 1}", TOML, "more than 32 parts"),
    ],
)
def test_what_cannot_be_read_is_told_at_once(body, kind, said):
    with pytest.raises(DefinitionError, match=said):
        parsed(body, kind)  # a reader that takes the square of these sizes needs minutes


def test_long_texts_and_other_kinds_are_refused():
    with pytest.raises(RefusalError, match="send JSON") as told:
        parsed(b"# " + b"a" * 2**18, TOML)
    assert told.value.status == 413
    with pytest.raises(RefusalError, match="application/json or") as told:
        parsed(b"<xml/>", "text/xml")
    assert told.value.status == 415


def test_a_long_list_of_numbers_is_no_long_key():
    values = ", ".join(f"{n}.5" for n in range(1, 2000))
    text = f'title = "1.2.3.4.5"\n[axes.mass]\nvalues = [{values}]\n'
    assert len(parsed(text.encode(), TOML)["axes"]["mass"]["values"]) == 1999


@given(
    st.recursive(
        st.none() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_nesting_is_counted_without_reading(value):
    def depth(one):
        inside = one.values() if isinstance(one, dict) else one
        return 1 + max(map(depth, inside), default=0) if isinstance(one, dict | list) else 0

    assert nesting(json.dumps(value).encode()) == depth(value)
    assert definitions._depth(value) == min(depth(value), NESTED + 1)


DESCRIBED = """
[experiment.{name}]
title = "Bench"
[experiment.{name}.source]
kind = "reactor"
[experiment.{name}.target]
material = "Ge"
[experiment.{name}.bins]
energy = {{ unit = "keV", start = 0.1, stop = 1.0, n = {n} }}
time = {{ unit = "us", start = 0.0, stop = 1.0, n = {n} }}
"""


@pytest.mark.timeout(60)
def test_bins_are_counted_before_any_is_folded():
    text = f"experiments = ['a', 'b']\n{DESCRIBED.format(name='a', n=80)}"
    text += DESCRIBED.format(name="b", n=80)
    tables = {**GOOD, **tomllib.loads(text)}
    with pytest.raises(RefusalError, match=r"have 1.28e\+04 bins: 10000 in all") as told:
        resolve(tables, 10**6)
    assert told.value.status == 413


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../../a", "call it with letters, digits"),
        (".a", "call it with letters, digits"),
        ("joint:a", "call it with letters, digits"),
        ("combined", "means all experiments together"),
    ],
)
def test_a_described_experiment_becomes_no_path(name, said):
    text = DESCRIBED.format(name=f"'{name}'", n=3)
    tables = {**GOOD, "experiments": [name], **tomllib.loads(text)}
    with pytest.raises(DefinitionError, match=said):
        resolve(tables, 10**6)


@pytest.mark.timeout(60)
def test_long_names_are_not_compared():
    """A reader of 10^5 letters that are half alike would need minutes."""
    names = ["".join(f"{chr(0x4E00 + k)}{side}" for k in range(20_000)) for side in "ab"]
    with pytest.raises(DefinitionError):
        resolve({**GOOD, "experiments": names[:1], "experiment": {names[1]: {}}}, 10**6)


@pytest.mark.parametrize("n", [100_000, 10**9, 10**30])
def test_points_are_counted_before_any_is_made(n):
    axes = {name: {**axis, "n": n} for name, axis in GOOD["axes"].items()}
    with pytest.raises(RefusalError, match="this service computes 1e\\+08 at most") as told:
        resolve({**GOOD, "axes": axes}, 10**8)
    assert told.value.status == 413
    lists = {"spacing": "list", "values": [float(v + 1) for v in range(2000)]}
    axes = {"mass": {**lists, "unit": "MeV"}, "coupling": lists}
    with pytest.raises(RefusalError, match="4e\\+06 points"):
        resolve({**GOOD, "axes": axes}, 10**6)
    assert math.prod((20, 40)) == math.prod(len(a) for a in resolve(GOOD, 800).axes)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"scenario": "os:path"}, "plug-in module, refused here"),
        ({"scenario": ["nsi", "os:path"]}, "refused here"),
        ({"scenario": "../../etc/passwd"}, "unknown scenario"),
        ({"experiments": ["/etc/passwd.toml"]}, "files are not read here"),
        ({"experiments": ["../x.toml"]}, "files are not read here"),
        ({"axes": {}}, "axes"),
        ({"nonsense": 1}, "nonsense"),
        ({"name": "../../x"}, "name"),
        ({"title": "bell \x07"}, r"title = 'bell \?': holds the control character '.x07'"),
        ({"title": "half \ud800"}, "title = 'half .': holds the control character"),
        ({"title": "W" * 1001}, "has 1001 letters: write at most 1000"),
        ({"description": "W" * 10_001}, "has 10001 letters"),
        ({"\ud800": 1}, "printable names"),
        ({"axes": {**GOOD["axes"], "a" * 300: {}}}, "at most 200 letters as keys"),
        ({"chunks": {"points": 16**20_000}}, "chunks.points: has more than 4000 digits"),
        ({"experiments": [16**20_000]}, "experiments.0: has more than 4000 digits"),
    ],
)
def test_nothing_that_is_named_is_opened(change, said):
    with pytest.raises((DefinitionError, CatalogError), match=said):
        resolve({**GOOD, **change}, 10**6)


@pytest.mark.parametrize("key", ["definition", "name"])
def test_a_name_in_place_of_a_definition_is_told_where_that_is(served, key):
    name = "light_vector_universal"
    for path in ("scans", "plan"):
        answer = served.post(path, json={key: name})
        assert answer.status_code == 422
        said = answer.json()["error"]["message"]
        assert said.startswith(f"{key} = {name!r}: a name is no definition: send the definition")
    [place] = [word for word in said.split() if word.startswith("/api")]
    written = served.get(place.removeprefix("/api/v1/")).json()["written"]
    assert served.post("plan", json=written).status_code == 200


@pytest.mark.parametrize("value", ["no_such", {"a": 1}, None])
def test_what_no_definition_is_called_is_told_in_general(value):
    with pytest.raises(DefinitionError, match="GET /api/v1/definitions/NAME has it"):
        resolve({"definition": value}, 10)

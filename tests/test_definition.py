"""Scan definitions: what is refused, what is filled in, and what the digest hangs on.

Scenario and experiments are small modules of another package, joined through entry points.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
import sys
import tomllib

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner import catalog, definition
from scanner.definition import ScanDefinition, from_mapping, load
from scanner.errors import DefinitionError, MismatchError

SCENARIO = """
from scanner.errors import DefinitionError
from scanner.scenario import Parameter, Scenario

def validate(values):
    if values["ratio"] > values["coupling"]:
        raise DefinitionError("ratio is above coupling; lower it")
    if values["model"] != "custom" and values.get("charge", 0.0) != 0.0:
        raise DefinitionError("parameters.charge: only of model custom; leave it out")

SCENARIO = Scenario(
    title="Toy mediator", formula="Q", references=(), validate=validate,
    parameters=(
        Parameter("model", "choice", choices=("universal", "B-L", "custom")),
        Parameter("mass", "shape", unit="MeV", minimum=0.0, maximum=1e6),
        Parameter("coupling", "coupling", minimum=-1.0, maximum=1.0),
        Parameter("splitting", "shape", unit="eV2", default=0.0),
        Parameter("ratio", "coupling", default=-1.0),
        Parameter("charge", "coupling", optional=True),
    ),
)
"""

EXPERIMENT = """
from dataclasses import replace
from scanner.experiments import coherent_lar_2020
CHOICES = {"analysis": ("energy_time", "energy"), "window": ("normalised", "cut")}
def load(**choices): return replace(coherent_lar_2020.load(), choices=choices, inputs=())
"""

ENTRY_POINTS = """
[cevns_scanner.scenarios]
toy_mediator = toy_mediator
[cevns_scanner.experiments]
toy_csi = toy_csi
toy_argon = toy_argon
toy_csi_older = toy_csi_older
"""

BASE = {
    "title": "Toy scan",
    "scenario": "toy_mediator",
    "experiments": ["toy_csi", "toy_argon"],
    "axes": {
        "mass": {"spacing": "log", "start": 0.1, "stop": 1e4, "unit": "MeV", "n": 20},
        "coupling": {"spacing": "log", "start": 1e-6, "stop": 1e-2, "n": 40},
    },
    "parameters": {"model": "universal"},
}


@pytest.fixture(scope="module", autouse=True)
def outside(tmp_path_factory):
    """Another package with a scenario and three experiments."""
    folder = tmp_path_factory.mktemp("toy")
    (folder / "toy_mediator.py").write_text(SCENARIO)
    (folder / "toy_csi.py").write_text(EXPERIMENT + 'OVERLAPS = ("toy_csi_older",)\n')
    (folder / "toy_csi_older.py").write_text(EXPERIMENT)
    (folder / "toy_argon.py").write_text(EXPERIMENT)
    (folder / "toy-1.dist-info").mkdir()
    (folder / "toy-1.dist-info" / "METADATA").write_text("Name: toy\nVersion: 1\n")
    (folder / "toy-1.dist-info" / "entry_points.txt").write_text(ENTRY_POINTS)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield folder
    for name in ("toy_mediator", "toy_csi", "toy_csi_older", "toy_argon"):
        sys.modules.pop(name, None)


def changed(*changes):
    """BASE with values put in by dotted key; None takes the entry out."""
    raw = copy.deepcopy(BASE)
    for key, value in changes:
        *tables, last = key.split(".")
        place = raw
        for name in tables:
            place = place.setdefault(name, {})
        if value is None:
            del place[last]
        else:
            place[last] = value
    return raw


def resolved(*changes) -> ScanDefinition:
    return from_mapping(changed(*changes), "toy.toml")


MASS = "axes.mass"
CHARGES = {"spacing": "linear", "start": 0.0, "stop": 1.0, "n": 2}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ([("scenario", None)], r"toy.toml: scenario: is missing; give a text in quotes"),
        ([("scenario", "toy_mediatr")], r"scenario: unknown scenario .*mean 'toy_mediator'"),
        ([("scenario", 3)], r"scenario = 3: write a text in quotes"),
        ([("scenario", "toy_absent:X")], r"toy.toml: scenario: .*no module 'toy_absent'"),
        ([("titel", "x")], r"toy.toml: titel: unknown key 'titel': did you mean 'title'"),
        ([("title", 1.5)], r"title = 1.5: write a text in quotes"),
        ([("name", "a/b")], r'name = "a/b": use letters, digits'),
        ([("description", ["x"])], r'description = \["x"\]: write a text'),
        ([("experiments", None)], r"experiments: is missing; give a list"),
        ([("experiments", [])], r"experiments = \[\]: give at least one of .*toy_csi"),
        ([("experiments", "toy_csi")], r'give a list: experiments = \["toy_csi"\]'),
        (
            [("experiments", ["toy_cis"])],
            r"experiments: unknown experiment 'toy_cis': did you mean",
        ),
        ([("experiments", [3])], r"experiments = \[3\]: write the names in quotes"),
        ([("experiments", ["toy_csi", "toy_csi"])], r"'toy_csi' is there twice"),
        (
            [("experiments", ["toy_csi_older", "toy_csi"])],
            r"'toy_csi' holds data of 'toy_csi_older'; leave one of them out",
        ),
        ([("axes", None)], r"toy.toml: axes: there is none; give at least one table \[axes.NAME\]"),
        ([("axes", 3)], r"axes = 3: write a table \[axes\]"),
        ([("axes.mass", 3)], r"axes.mass = 3: write a table \[axes.mass\]"),
        ([("axes.mas", {})], r"axes.mas: unknown parameter 'mas': did you mean 'mass'"),
        (
            [("axes.model", {"spacing": "list"})],
            r"model is a choice: fix it under \[parameters\], one",
        ),
        ([(f"{MASS}.strat", 1.0)], r"axes.mass.strat: unknown key 'strat': did you mean 'start'"),
        ([(f"{MASS}.spacing", None)], r"axes.mass.spacing: is missing"),
        ([(f"{MASS}.spacing", "lin")], r"axes.mass.spacing: unknown spacing 'lin'.*'linear'"),
        (
            [(f"{MASS}.values", [1.0, 2.0])],
            r"axes.mass.values = .*does not belong to an axis with log",
        ),
        (
            [(f"{MASS}.spacing", "list")],
            r"axes.mass.start = 0.1: does not belong to .* list spacing",
        ),
        ([(f"{MASS}.unit", None)], r'axes.mass.unit: is missing; say which, such as unit = "MeV"'),
        ([(f"{MASS}.unit", "")], r"axes.mass.unit = \"\": .*known: eV, keV, MeV, GeV, TeV"),
        ([(f"{MASS}.unit", "Gev")], r"axes.mass.unit = \"Gev\": unknown unit 'Gev': did you mean"),
        ([(f"{MASS}.unit", "km")], r"axes.mass.unit = \"km\": .*does not convert into 'MeV'"),
        ([("axes.coupling.unit", "MeV")], r"axes.coupling.unit = \"MeV\": coupling has no unit"),
        ([(f"{MASS}.start", None)], r"axes.mass.start: is missing; give a number"),
        ([(f"{MASS}.start", "0.1")], r"axes.mass.start = \"0.1\": write a number, without quotes"),
        ([(f"{MASS}.start", True)], r"axes.mass.start = true: write a number"),
        ([(f"{MASS}.start", float("nan"))], r"axes.mass.start = NaN: write a finite number"),
        ([(f"{MASS}.stop", float("inf"))], r"axes.mass.stop = Infinity: write a finite number"),
        ([(f"{MASS}.stop", 10**400)], r"axes.mass.stop = 1000.*: write a finite number"),
        ([(f"{MASS}.stop", 1e308), (f"{MASS}.unit", "TeV")], r"axes.mass.stop = 1e\+308: .*finite"),
        ([(f"{MASS}.stop", 1e7)], r"axes.mass.stop: 1e\+07 is outside 0 .. 1e\+06 \(in MeV\)"),
        ([(f"{MASS}.stop", 2.0), (f"{MASS}.unit", "TeV")], r"axes.mass.stop: 2e\+06 is outside"),
        ([(f"{MASS}.start", 1e5)], r"axis 'mass' runs 100000..10000 MeV: swap start and stop"),
        ([(f"{MASS}.stop", 0.1)], r"one value: put it under \[parameters\] as mass = 0.1"),
        ([(f"{MASS}.n", 1)], r"axes.mass.n = 1: .*put it under \[parameters\] as mass = 0.1"),
        ([(f"{MASS}.n", 0)], r"axes.mass.n = 0: write a number of points from 2"),
        ([(f"{MASS}.n", -5)], r"axes.mass.n = -5: write a number of points from 2"),
        ([(f"{MASS}.n", 10**9)], r"axes.mass.n = 1000000000: write a number of points from 2 to 1"),
        ([(f"{MASS}.n", 20.0)], r"axes.mass.n = 20.0: write a whole number"),
        ([(f"{MASS}.n", "20")], r"axes.mass.n = \"20\": write a whole number"),
        ([(f"{MASS}.n", True)], r"axes.mass.n = true: write a whole number"),
        (
            [("axes.coupling.start", 0)],
            r"toy.toml: axes.coupling.start = 0: axis 'coupling' runs 0..0.01 on a log scale: "
            r"start above 0",
        ),
        ([("axes.coupling.start", -0.1)], r"runs -0.1..0.01 on a log scale: start above 0"),
        (
            [(f"{MASS}.start", 1.0), (f"{MASS}.stop", 1.0 + 1e-15), (f"{MASS}.n", 50)],
            r"axes.mass.stop = .*neighbouring points coincide",
        ),
        ([(MASS, {"spacing": "list", "values": 3, "unit": "MeV"})], r"give a list: values = \[3\]"),
        (
            [(MASS, {"spacing": "list", "values": [], "unit": "MeV"})],
            r"axes.mass.values = \[\]: give",
        ),
        ([(MASS, {"spacing": "list", "values": [2], "unit": "GeV"})], r"as mass = 2000"),
        (
            [(MASS, {"spacing": "list", "values": [1, 3, 2], "unit": "MeV"})],
            r"2 follows 3: .*rising",
        ),
        ([(MASS, {"spacing": "list", "values": [1, 1], "unit": "MeV"})], r"1 follows 1: .*rising"),
        (
            [(MASS, {"spacing": "list", "values": [1, "2"], "unit": "MeV"})],
            r"entry 2 is not a finite",
        ),
        (
            [(MASS, {"spacing": "list", "values": [-1, 2], "unit": "MeV"})],
            r"values: -1 is outside 0",
        ),
        ([("parameters.mass", 3.0)], r"parameters.mass = 3.0: is also an axis; remove it"),
        ([("parameters.mdoel", "x")], r"parameters.mdoel: unknown parameter 'mdoel': did you mean"),
        ([("parameters", "x")], r"parameters = \"x\": write a table \[parameters\]"),
        (
            [("parameters.model", "universl")],
            r"parameters.model: unknown model 'universl': did you",
        ),
        ([("parameters.model", 3)], r"parameters.model: unknown model '3'"),
        (
            [("parameters.model", None)],
            r"parameters.model: is missing .* one of universal, B-L, custom",
        ),
        ([("axes.mass", None)], r"parameters.mass: is missing .* with \[axes.mass\].* \(in MeV\)"),
        ([("parameters.splitting", "1")], r"parameters.splitting = \"1\": write a number"),
        ([("parameters.splitting", float("nan"))], r"parameters.splitting = NaN: write a finite"),
        ([("parameters.splitting", {"value": 1.0})], r"parameters.splitting.unit: is missing"),
        ([("parameters.splitting", {"unit": "eV2"})], r"parameters.splitting.value: is missing"),
        (
            [("parameters.splitting", {"value": 1, "unit": "eV"})],
            r"splitting.unit = \"eV\": .*'eV2'",
        ),
        ([("parameters.splitting", {"valeu": 1})], r"splitting.valeu: unknown key .*mean 'value'"),
        ([("parameters.ratio", 0.5)], r"toy.toml: ratio is above coupling; lower it"),
        ([("axes.charge", CHARGES)], r"toy.toml: parameters.charge: only of model custom"),
        ([("options.coupling", "tree")], r"options.coupling: unknown key .*mean 'couplings'"),
        ([("options.couplings", "AC2")], r"options.couplings: unknown couplings 'AC2'.*'AC22'"),
        ([("options.form_factor", 1)], r"options.form_factor = 1: write a text"),
        ([("options", [])], r"options = \[\]: write a table"),
        (
            [("experiment.toy_csi.analyses", "x")],
            r"toy.toml: experiment.toy_csi.analyses: .*'analysis'",
        ),
        (
            [("experiment.toy_csi.analysis", "x")],
            r"experiment.toy_csi.analysis: unknown analysis 'x'",
        ),
        ([("experiment.toy_csi", "x")], r"experiment.toy_csi = \"x\": write a table"),
        (
            [("experiment.toy_csi_older", {})],
            r"experiment.toy_csi_older: .*add it to experiments or",
        ),
        ([("profile.sin2_theta_w", {"mean": 0.2})], r"profile.sin2_theta_w.sigma: is missing"),
        (
            [("profile.sin2_theta_w", {"mean": 0.2, "sigma": 0})],
            r"profile.sin2_theta_w.sigma = 0: write a width above",
        ),
        (
            [("profile.sin2_theta_w", {"mean": -1.0, "sigma": 0.1})],
            r"profile.sin2_theta_w.mean: -1 is outside 0 .. 1",
        ),
        (
            [
                ("profile.R_n_Ar", {"mean": 3.5, "sigma": 0.1}),
                ("parameters.R_n_Ar", 3.5),
            ],
            r"profile.R_n_Ar .*is also an axis or a fixed parameter",
        ),
        (
            [("parameters.R_n", 3.5), ("parameters.R_n_Ar", 3.5)],
            r"R_n and R_n_Ar: give one radius for all nuclei, or each apart",
        ),
        (
            [("parameters.R_n_Ar", 3.5), ("options.form_factor", "klein_nystrand")],
            r"R_n_Ar with options.form_factor = \"klein_nystrand\": .* choose \"helm\"",
        ),
        (
            [("profile.sin2_theta_w", {"maen": 0.2})],
            r"profile.sin2_theta_w.maen: unknown key 'maen': did you mean",
        ),
        (
            [("profile.sin2", {"mean": 1.0, "sigma": 0.1})],
            r"profile.sin2: unknown input to profile 'sin2': did you mean 'sin2_theta_w'.* remove",
        ),
        ([("chunks.points", 0)], r"chunks.points = 0: write a number of points"),
        ([("chunks.points", "9")], r"chunks.points = \"9\": write a whole number"),
        ([("chunks.size", 9)], r"chunks.size: unknown key"),
        ([("store.largest_error", 0.1)], r"store.largest_error = 0.1: write a number above 0"),
        ([("store.largest_error", 0)], r"store.largest_error = 0: write a number above 0"),
        ([("store.codec", "zstd")], r"store.codec: unknown key"),
    ],
)
def test_refused(changes, message):
    with pytest.raises(DefinitionError, match=message) as caught:
        resolved(*changes)
    assert str(caught.value).startswith("toy.toml: ")
    assert "\n" not in str(caught.value)


def test_defaults_are_filled_in():
    found = resolved()
    assert found.name == "toy_mediator"
    assert found.title == "Toy scan"
    assert found.parameters == {
        "model": "universal",
        "splitting": 0.0,
        "ratio": -1.0,
        "sin2_theta_w": 0.23857,
    }
    assert found.options == {"couplings": "AC22", "form_factor": "helm"}
    made = {"analysis": "energy_time", "window": "normalised"}
    assert found.experiment_options == {"toy_csi": made, "toy_argon": made}
    assert found.sources == catalog.source_hashes("toy_mediator", ["toy_csi", "toy_argon"])
    assert found.engine_version == definition.ENGINE_VERSION
    assert found.points_per_chunk is None
    assert resolved(("title", None)).title == "Toy mediator: universal"


def test_axes_keep_their_order_and_come_in_own_units():
    mass = {"spacing": "list", "values": [0.1, 1, 2.3], "unit": "GeV"}
    found = resolved((MASS, mass))
    assert [axis.name for axis in found.axes] == ["mass", "coupling"]
    assert found.axes[0].values == (100.0, 1000.0, 2300.0)
    assert found.axes[0].unit == "MeV"
    assert found.axes[1].unit == ""
    assert found.axes[1].coordinates[[0, -1]].tolist() == [1e-6, 1e-2]


def test_fixed_value_with_unit():
    found = resolved(("parameters.splitting", {"value": 2, "unit": "keV2"}))
    assert found.parameters["splitting"] == 2e6


def test_a_grid_may_reach_into_combinations_that_make_no_sense():
    assert resolved(("parameters.ratio", 1e-3)).parameters["ratio"] == 1e-3
    custom = resolved(("axes.charge", CHARGES), ("parameters.model", "custom"))
    assert custom.axes[2].name == "charge"


SAME_PHYSICS = [
    [("title", "another"), ("name", "other"), ("description", "long"), ("chunks.points", 100)],
    [("options.couplings", "AC22")],
    [("experiment.toy_argon.window", "normalised")],
    [("parameters.splitting", 0)],
    [("parameters.splitting", -0.0)],
    [(f"{MASS}.stop", 10000)],
    [(f"{MASS}.start", 0.0001), (f"{MASS}.stop", 10.0), (f"{MASS}.unit", "GeV")],
    [("parameters.splitting", {"value": 0.0, "unit": "keV2"})],
]
OTHER_PHYSICS = [
    [("parameters.model", "B-L")],
    [("parameters.splitting", 1e-300)],
    [("options.couplings", "C20")],
    [("experiment.toy_argon.window", "cut")],
    [("experiments", ["toy_csi"])],
    [("experiments", ["toy_argon", "toy_csi"])],
    [(f"{MASS}.n", 21)],
    [(f"{MASS}.start", 0.2)],
    [(f"{MASS}.spacing", "linear")],
]


@pytest.mark.parametrize("changes", SAME_PHYSICS)
def test_digest_of_the_same_physics(changes):
    assert resolved(*changes).digest == resolved().digest


def test_digests_of_other_physics_differ():
    digests = {resolved(*changes).digest for changes in [[], *OTHER_PHYSICS]}
    assert len(digests) == 1 + len(OTHER_PHYSICS)
    swapped = changed(("axes", dict(reversed(BASE["axes"].items()))))
    assert from_mapping(swapped, "x").digest not in digests
    assert dataclasses.replace(resolved(), engine_version=99).digest not in digests
    assert dataclasses.replace(resolved(), sources={}).digest not in digests


def test_id_is_the_start_of_the_digest():
    found = resolved()
    assert len(found.digest) == 64
    assert found.id == found.digest[:16]
    assert hash(found) == hash(resolved(("title", "x")))


printable = st.characters(exclude_categories=["Cc", "Cs"])
names = st.text(printable, min_size=0, max_size=20)
numbers = st.floats(allow_nan=False, allow_infinity=False)
masses = st.lists(st.floats(min_value=0.0, max_value=1e6), min_size=2, max_size=9, unique=True).map(
    sorted
)


@st.composite
def definitions(draw):
    """Any valid definition of the toy scenario."""
    even = {
        "spacing": draw(st.sampled_from(["log", "linear"])),
        "start": draw(st.floats(1e-9, 1e-3)),
        "stop": draw(st.floats(1e-2, 1.0)),
        "n": draw(st.integers(2, 500)),
    }
    mass = {"spacing": "list", "values": draw(masses), "unit": "MeV"}
    axes = draw(st.permutations([("mass", mass), ("coupling", even)]))
    return changed(
        ("axes", dict(axes)),
        ("title", draw(names)),
        ("description", draw(names)),
        ("parameters.splitting", draw(numbers)),
        ("parameters.ratio", -draw(st.floats(1.0, 1e300))),
        ("options.form_factor", draw(st.sampled_from(["helm", "klein_nystrand"]))),
        ("experiment.toy_csi.analysis", draw(st.sampled_from(["energy", "energy_time"]))),
    )


@settings(deadline=None, max_examples=50)
@given(raw=definitions())
def test_round_trips(raw):
    found = from_mapping(raw, "toy.toml")
    through_json = json.loads(json.dumps(found.to_dict(), sort_keys=True))
    assert ScanDefinition.from_dict(through_json) == found
    assert from_mapping(through_json, "definition.json") == found
    through_toml = from_mapping(tomllib.loads(found.to_toml()), "x")
    assert through_toml.digest == found.digest
    assert pickle.loads(pickle.dumps(found)) == found


@settings(deadline=None, max_examples=50)
@given(raw=definitions(), data=st.data())
def test_order_of_keys_does_not_matter(raw, data):
    def shuffled(table, keep=False):
        items = list(table.items()) if keep else data.draw(st.permutations(list(table.items())))
        return {k: shuffled(v, k == "axes") if isinstance(v, dict) else v for k, v in items}

    assert from_mapping(shuffled(raw), "x").digest == from_mapping(raw, "x").digest


def test_load_from_files(tmp_path):
    (tmp_path / "my scan.toml").write_text("# a comment\n" + tomli_w.dumps(BASE))
    (tmp_path / "mine.json").write_text(json.dumps(BASE))
    from_toml, from_json = load(tmp_path / "my scan.toml"), load(str(tmp_path / "mine.json"))
    assert from_toml.digest == from_json.digest == resolved().digest
    assert (from_toml.name, from_json.name) == ("my_scan", "mine")
    (tmp_path / "definition.json").write_text(json.dumps(from_toml.to_dict()))
    assert load(tmp_path / "definition.json") == from_toml


def test_load_with_overrides(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(tomli_w.dumps(changed(("experiment.toy_argon.window", "cut"))))
    found = load(path, ["axes.mass.n=6", "parameters.model=B-L", 'experiments=["toy_csi"]'])
    assert found.axes[0].n == 6
    assert found.parameters["model"] == "B-L"
    assert found.experiments == ("toy_csi",)
    with pytest.raises(
        DefinitionError, match=r"mine.toml with axes.mass.n=1: axes.mass.n = 1: one"
    ):
        load(path, ["axes.mass.n=1"])


def test_a_title_that_an_override_makes_false_is_the_default_one():
    written = load("light_vector_b_minus_l")
    fewer = load("light_vector_b_minus_l", ['experiments=["coherent_csi_2021"]'])
    assert written.title == "$B-L$ light vector mediator, COHERENT"
    assert fewer.title == "Light vector mediator: B-L"
    assert load("light_vector_b_minus_l", ["axes.mass.n=6"]).title == written.title


def test_plugins_can_be_refused():
    raw = changed(("scenario", "toy_mediator:SCENARIO"))
    assert from_mapping(raw, "body").scenario == "toy_mediator:SCENARIO"
    with pytest.raises(DefinitionError, match=r"body: scenario: .*plug-in module, refused"):
        from_mapping(raw, "body", allow_plugins=False)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("experiments", "toy_csi", "experiments = "),
        ("axes", [3], "entry 1 is not a table"),
        ("axes", [{"name": "mass", "spacing": "log", "start": "0"}], r"axes.1.start = \"0\""),
        ("parameters", {"mass": [1]}, "parameters.mass"),
        ("options", {"couplings": 3}, "options.couplings = 3"),
        ("sources", {"scenario": None}, "sources.scenario = null"),
        ("engine_version", "1", "engine_version"),
        ("extra", 1, "unknown key 'extra'"),
    ],
)
def test_records_are_checked_for_types(key, value, message):
    with pytest.raises(DefinitionError, match=f"definition.json: .*{message}"):
        ScanDefinition.from_dict({**resolved().to_dict(), key: value}, "definition.json")


def test_edited_record_is_refused():
    record = resolved().to_dict()
    record["parameters"]["ratio"] = -2.0
    with pytest.raises(MismatchError, match="belongs to other entries"):
        ScanDefinition.from_dict(record)


def test_record_needs_no_sources():
    """A stored definition can be read when its scenario is no longer there; only then compared."""
    found = resolved(("scenario", "toy_mediator:SCENARIO"))
    record = {**found.to_dict(), "scenario": "toy_gone:SCENARIO"}
    del record["digest"]
    gone = ScanDefinition.from_dict(record)
    with pytest.raises(MismatchError, match="no module 'toy_gone'"):
        gone.check_sources()


def test_check_sources_names_what_changed():
    found = resolved()
    found.check_sources()
    other = {**found.sources, "experiment.toy_argon": "0" * 64}
    with pytest.raises(MismatchError, match="other versions of experiment toy_argon: run the"):
        dataclasses.replace(found, sources=other).check_sources()
    with pytest.raises(MismatchError, match=r"of the engine \(0, now \d\), scenario toy_mediator"):
        dataclasses.replace(found, engine_version=0, sources={}).check_sources()


@pytest.mark.parametrize("name", catalog.definition_names())
def test_ready_made_definitions(name):
    found = load(name)
    assert found.name == name
    assert found.axes
    assert found.title


def test_ready_made_definitions_are_different_scans():
    digests = {load(name).digest for name in catalog.definition_names()}
    assert len(digests) == len(catalog.definition_names())

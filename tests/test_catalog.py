"""Finding scenarios, experiments and definitions by name; real modules and entry points."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from scanner import catalog
from scanner.errors import CatalogError, DefinitionError, MismatchError
from scanner.experiment import Experiment
from scanner.scenario import Scenario

SCENARIO = """
from scanner.scenario import Scenario
SCENARIO = Scenario("toy", "Q", (), ())
OTHER = Scenario("other", "Q", (), ())
NUMBER = 3
"""

EXPERIMENT = """
from types import SimpleNamespace
from scanner.experiment import Experiment
CHOICES = {"timing": ("short", "long"), "bins": ("few", "many")}
OVERLAPS = ("toy_older",)
def load(timing, bins):
    empty = SimpleNamespace()
    return Experiment("toy", "Toy", empty, 20.0, empty, 1.0, "", abs, {}, (), (), {}, (),
                      "poisson", empty, choices={"timing": timing, "bins": bins})
"""

ENTRY_POINTS = """
[cevns_scanner.scenarios]
toy_entry = toy_scenario
toy_other = toy_scenario:OTHER
standard_model = toy_scenario
[cevns_scanner.experiments]
toy_entry = toy_experiment
toy_empty = toy_scenario
toy_wrong = toy_wrong_load
"""


@pytest.fixture
def outside(tmp_path, monkeypatch):
    """A folder with modules of another package, installed; gone from memory afterwards."""
    before = set(sys.modules)
    (tmp_path / "toy_scenario.py").write_text(SCENARIO)
    (tmp_path / "toy_experiment.py").write_text(EXPERIMENT)
    (tmp_path / "toy_wrong_load.py").write_text("CHOICES = {}\ndef load(): return 3\n")
    (tmp_path / "toy-1.dist-info").mkdir()
    (tmp_path / "toy-1.dist-info" / "METADATA").write_text("Name: toy\nVersion: 1\n")
    (tmp_path / "toy-1.dist-info" / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("toy_"):
            del sys.modules[name]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty current directory that Python does not know of."""
    before = set(sys.modules)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("toy_"):
            del sys.modules[name]


def test_names_are_the_files():
    here = Path(__file__).parent.parent
    for names, place in (
        (catalog.scenario_names(), here / "scenarios"),
        (catalog.experiment_names(), here / "scanner" / "experiments"),
    ):
        found = (*place.glob("*.py"), *place.glob("*.toml"))
        files = {path.stem for path in found if not path.stem.startswith("_")}
        assert set(names) == files
        assert list(names) == sorted(names)


@pytest.mark.parametrize("name", catalog.scenario_names())
def test_every_scenario_loads(name):
    assert isinstance(catalog.scenario(name), Scenario)


@pytest.mark.parametrize("name", catalog.experiment_names())
def test_every_experiment_loads_with_every_choice(name):
    for key, values in catalog.experiment_choices(name).items():
        for value in values:
            loaded = catalog.experiment(name, {key: value})
            assert isinstance(loaded, Experiment)
            assert loaded.choices[key] == value


@pytest.mark.usefixtures("outside")
def test_entry_points_join():
    assert {"toy_entry", "toy_other"} <= set(catalog.scenario_names())
    assert catalog.scenario("toy_entry").title == "toy"
    assert catalog.scenario("toy_other").title == "other"
    assert "toy_entry" in catalog.experiment_names()
    assert catalog.experiment_overlaps("toy_entry") == ("toy_older",)


@pytest.mark.usefixtures("outside")
def test_unknown_names_suggest_the_nearest():
    with pytest.raises(CatalogError, match="unknown scenario 'toy_entri': did you mean 'toy_entry"):
        catalog.scenario("toy_entri")
    with pytest.raises(CatalogError, match="unknown experiment 'toy_entri': did you mean"):
        catalog.experiment("toy_entri")
    with pytest.raises(CatalogError, match="unknown definition 'light_vector_b_minus_k'"):
        catalog.definition_path("light_vector_b_minus_k")


@pytest.mark.parametrize("name", ["", "..", "scans", "scans/x", "__init__", "os.path"])
def test_only_listed_names_are_imported(name):
    with pytest.raises(CatalogError, match="unknown scenario"):
        catalog.scenario(name)
    with pytest.raises(CatalogError, match="unknown experiment"):
        catalog.experiment(name)


@pytest.mark.usefixtures("outside")
def test_a_name_offered_twice_is_refused():
    with pytest.raises(CatalogError, match=r"offered twice, by .*standard_model and by toy"):
        catalog.scenario("standard_model")


def test_plugin_of_the_current_directory(folder):
    (folder / "toy_local.py").write_text(SCENARIO)
    assert catalog.scenario("toy_local:OTHER").title == "other"
    for name in ("toy_local", "toy_local.py"):
        with pytest.raises(CatalogError, match="lies here: write toy_local:SCENARIO"):
            catalog.scenario(name)
    with pytest.raises(CatalogError, match="'toy_local:OTHER' is a plug-in module, refused here"):
        catalog.scenario("toy_local:OTHER", allow_plugins=False)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("toy_scenario:NUMBER", "NUMBER of module 'toy_scenario' is a int; define NUMBER = "),
        ("toy_scenario:ABSENT", "ABSENT of module 'toy_scenario' does not exist"),
        ("toy_absent:X", "there is no module 'toy_absent'"),
        ("toy_scenario.deeper:X", "toy_scenario.deeper"),
        ("toy_scenario.py:OTHER", "write the module without '.py'"),
        ("toy scenario:X", "not of the form module:NAME"),
        ("toy_scenario:", "not of the form module:NAME"),
        (":X", "not of the form module:NAME"),
    ],
)
@pytest.mark.usefixtures("outside")
def test_bad_plugins(name, message):
    with pytest.raises(CatalogError, match=message):
        catalog.scenario(name)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "x = 1\nraise RuntimeError('two\\nlines')",
            r"RuntimeError: two lines \(toy_bad.py, line 2",
        ),
        ("x = (", r"SyntaxError: .*toy_bad.py, line 1"),
        ("import toy_not_there", r"ModuleNotFoundError: No module named 'toy_not_there'"),
        ("raise SystemExit(0)", r"SystemExit: 0 \(toy_bad.py, line 1"),
    ],
)
def test_plugin_that_cannot_be_imported(folder, source, message):
    (folder / "toy_bad.py").write_text(source)
    with pytest.raises(CatalogError, match=message) as caught:
        catalog.scenario("toy_bad:X")
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("outside")
def test_experiment_choices():
    assert catalog.experiment("toy_entry").choices == {"timing": "short", "bins": "few"}
    assert catalog.experiment("toy_entry", {"bins": "many"}).choices["bins"] == "many"
    assert catalog.resolve_choices("toy_entry", {}) == {"timing": "short", "bins": "few"}


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"timming": "short"}, "experiment.toy_entry.timming: .*did you mean 'timing'"),
        ({"timing": "lnog"}, "experiment.toy_entry.timing: .*'lnog'.*did you mean 'long'"),
        ({"timing": 3}, "experiment.toy_entry.timing: .*'3'.*known: short, long"),
    ],
)
@pytest.mark.usefixtures("outside")
def test_wrong_choices(choices, message):
    with pytest.raises(DefinitionError, match=message):
        catalog.experiment("toy_entry", choices)


@pytest.mark.usefixtures("outside")
def test_modules_that_are_no_experiments():
    with pytest.raises(CatalogError, match=r"'toy_scenario' must offer CHOICES"):
        catalog.experiment("toy_empty")
    with pytest.raises(CatalogError, match="returned a int; return an Experiment"):
        catalog.experiment("toy_wrong")


def test_definitions():
    assert "light_vector_universal" in catalog.definition_names()
    for name in catalog.definition_names():
        assert catalog.definition_path(name).is_file()


def test_source_hashes_follow_sources_and_tables(outside):
    def hashes():
        return catalog.source_hashes("toy_scenario:SCENARIO", ["toy_entry"])

    seen = [hashes()]
    assert set(seen[0]) == {"scenario", "experiment.toy_entry"}
    assert hashes() == seen[0]
    tables = outside / "data" / "toy_entry"
    tables.mkdir(parents=True)
    (tables / "bins.csv").write_text("a\n1\n")
    seen.append(hashes())
    (tables / "bins.csv").write_text("a\n2\n")
    seen.append(hashes())
    (tables / "bins.csv").rename(tables / "counts.csv")
    seen.append(hashes())
    experiments = [h["experiment.toy_entry"] for h in seen]
    assert len(set(experiments)) == len(experiments)
    assert {h["scenario"] for h in seen} == {seen[0]["scenario"]}

    (tables / ".counts.csv.partial").write_text("left over")
    assert hashes() == seen[-1]
    for name, text in (("toy_experiment.py", EXPERIMENT), ("toy_scenario.py", SCENARIO)):
        (outside / name).write_text(text + "#")
        with pytest.raises(MismatchError, match=f"{name} was changed after it was loaded"):
            hashes()
        (outside / name).write_text(text)
        assert hashes() == seen[-1]


def test_experiments_may_remark_on_their_choices():
    for name in ("coherent_csi_2021", "coherent_lar_2020"):
        remarks = catalog.experiment_remarks(name)
        assert any("uncorrelated" in r and "sns_flux" in r for r in remarks)
    assert catalog.experiment_remarks("apv_cesium") == ()

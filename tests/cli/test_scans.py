"""Running scans on the command line: first run, second run, plan, status, resume, wrong inputs."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import xarray as xr

from scanner import catalog

pytestmark = pytest.mark.cluster

NAME = "light_vector_universal"
SMALL = ("--set", "axes.mass.n=8", "--set", "axes.coupling.n=30")


def test_run_computes_once_and_writes_cube_and_figure(command, tmp_path):
    first = command("run", NAME, *SMALL, "--store", tmp_path, "--workers", "2", "--json")
    assert first.code == 0, first.err
    assert first.json["computed_points"] == 240
    assert "2 workers" in first.err
    with xr.open_zarr(first.json["cube"], consolidated=False) as cube:
        assert cube["chi2"].dims == ("experiment", "mass", "coupling")
        assert cube["chi2"].shape == (2, 8, 30)
        assert bool((cube["status"] == 1).all())
        assert cube["mass"].attrs["units"] == "MeV"
        assert cube.attrs["digest"].startswith(first.json["scan"])
    assert Path(first.json["figure"]).read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    second = command("run", NAME, *SMALL, "--store", tmp_path, "--workers", "2")
    assert second.code == 0
    assert "nothing to compute" in second.out
    assert "workers" not in second.err


def test_plan_computes_nothing(command, tmp_path):
    answer = command("plan", NAME, "--store", tmp_path / "none", "--json")
    assert answer.code == 0
    assert answer.json["points"] == 80_000
    assert answer.json["templates"] == 400
    assert answer.json["chunks"] >= 8
    assert not (tmp_path / "none").exists()


def test_status_of_a_finished_scan(command, store):
    record = command("status", NAME, "--store", store, "--json").json
    assert record["complete"] is True
    assert record["points_done"] == record["points"] == 16 * 90


def test_incomplete_scan_says_so_and_resume_completes_it(command, tmp_path):
    from scanner.scan import Scan

    chunks = ["axes.mass.n=8", "axes.coupling.n=30", "chunks.points=60"]
    scan = Scan.of(NAME, chunks, store=tmp_path, workers=1)
    block = scan.evaluator.block(scan.stored.grid, scan.stored.grid.chunk(0))
    scan.stored.commit(scan.stored.grid.chunk(0), block.chi2, block.status)
    asked = command("interval", scan.id, "coupling", "--store", tmp_path)
    assert asked.code == 3
    assert f"scanner resume {scan.id}" in asked.err
    partial = command("contour", scan.id, "--partial", "--store", tmp_path, "--json")
    assert partial.code == 0
    assert partial.json["computed"] < 1.0
    point = command("query", scan.id, "coupling=1e-4", "--partial", "--store", tmp_path)
    assert (point.code, "25 % of the grid computed" in point.err) == (0, True)
    heavy = ("--at", "mass=1e4", "--partial", "--store", tmp_path)
    nowhere = command("interval", scan.id, "coupling", *heavy)
    assert (nowhere.code, nowhere.out) == (3, "")
    assert "no usable point of coupling" in nowhere.err
    status = command("status", scan.id, "--store", tmp_path, "--json").json
    assert (status["done"], status["complete"]) == (1, False)
    resumed = command("resume", scan.id, "--store", tmp_path, "--workers", "1", "--json")
    assert resumed.code == 0, resumed.err
    assert resumed.json["computed_chunks"] == scan.stored.grid.n_chunks - 1


def test_lists_and_records(command, store):
    assert NAME in command("list", "definitions").out
    assert "light_vector" in command("list", "scenarios").out
    listed = [e["name"] for e in command("list", "experiments", "--json").json]
    assert listed == list(catalog.experiment_names())
    assert {"coherent_csi_2021", "xenonnt_b8_2026", "nucleus_10g"} <= set(listed)
    [scan] = command("list", "scans", "--store", store, "--json").json
    assert (scan["name"], scan["apart"]) == (NAME, "")
    scenario = command("show", "light_vector", "--json").json
    assert {p["name"]: p["unit"] for p in scenario["parameters"]}["mass"] == "MeV"
    experiment = command("show", "coherent_lar_2020", "--json").json
    assert len(experiment["pulls"]) == 9
    assert experiment["provenance"]["doi"] == "10.5281/zenodo.3903810"
    stored = command("show", scan["id"], "--store", store, "--json").json
    assert stored["sources_unchanged"] is True
    assert stored["summary"]["minimum"]["combined"]["chi2"] < stored_sm(stored)
    assert command("show", "nothing_like_it", "--store", store).code == 2


def stored_sm(record):
    """Standard Model chi2 of a scan's record, summed."""
    return sum(record["summary"]["chi2_sm"].values())


def test_a_store_without_scans_says_so(command, tmp_path):
    missing = tmp_path / "typo"
    for place, told in (
        (missing, f"store {missing} does not exist: check --store and $SCANNER_STORE\n"),
        (tmp_path, f"no scans in {tmp_path}\n"),
    ):
        done = command("list", "scans", "--store", place)
        assert (done.code, done.out, done.err) == (0, "", told)
        assert command("list", "scans", "--store", place, "--json").json == []


def test_a_damaged_scan_is_listed(command, store, tmp_path):
    root = tmp_path / "root"
    shutil.copytree(store, root)
    [scan] = command("list", "scans", "--store", store, "--json").json
    lost = root / ("0" * 16)
    shutil.copytree(root / scan["id"], lost)
    (lost / "definition.json").write_text("{")
    damaged, whole = command("list", "scans", "--store", root, "--json").json
    assert whole == scan
    assert damaged["id"] == lost.name
    assert damaged["phase"] == "damaged"
    assert f"{lost}/definition.json is damaged" in damaged["title"]
    assert "  damaged  " in command("list", "scans", "--store", root).out.splitlines()[0]


def test_a_store_that_cannot_be_made_is_named(command):
    done = command("run", "light_vector_universal", *SMALL, "--store", "/proc/x")
    assert done.code == 6
    told = "error: store /proc/x: nothing can be written in /proc (No such file or directory): "
    assert done.err.splitlines()[-1].startswith(told)
    assert not [
        check
        for check in command("doctor", "--store", "/proc/x", "--json").json["checks"]
        if "store /proc:" in check["found"]
    ]


def test_doctor_is_content(command, tmp_path):
    record = command("doctor", "--store", tmp_path, "--json").json
    assert record["ok"] is True
    assert {c["name"] for c in record["checks"]} >= {"versions", "tables", "store", "cluster"}


def test_doctor_leaves_nothing(command, tmp_path):
    (tmp_path / "there").mkdir()
    for store in ("typo/path/of/store", "there/new"):
        done = command("doctor", "--store", tmp_path / store)
        assert done.code == 0, done.out
        assert f"{tmp_path / store}: not there yet, can be made, rename is atomic" in done.out
    assert list(tmp_path.rglob("*")) == [tmp_path / "there"]
    assert f"{tmp_path}/there: writable" in command("doctor", "--store", tmp_path / "there").out


def test_doctor_tries_a_scheduler_file(command, tmp_path):
    path = tmp_path / "scheduler.json"
    path.write_text('{"address": "garbage"}')
    done = command("doctor", "--store", tmp_path, "--scheduler-file", path, "--json")
    assert done.code == 2
    [failed] = [check for check in done.json["checks"] if not check["ok"]]
    assert failed["name"] == "cluster"
    assert failed["found"].startswith(f"--scheduler-file {path}: garbage: the port is missing")


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["scenario=light_vectr"], "light_vector"),
        (["parameters.model=univresal"], "universal"),
        (['experiments=["coherent_csi"]'], "coherent_csi_2021"),
        (["options.colour=red"], "colour"),
        (["axes.masss.n=3"], "mass"),
        (["axes.coupling.start=0"], "start above 0"),
        (["axes.mass.n=1"], "put it under [parameters]"),
        (["axes.mass.start=10", "axes.mass.stop=1"], "swap start and stop"),
        (["axes.mass.unit=kg"], "MeV"),
        (["chunk.points=3"], "chunks"),
    ],
)
def test_wrong_definitions_get_one_line_and_write_nothing(command, tmp_path, overrides, said):
    sets = [text for override in overrides for text in ("--set", override)]
    answer = command("run", NAME, *sets, "--store", tmp_path / "store")
    assert answer.code == 2
    assert answer.err.startswith("error: ")
    assert answer.err.count("\n") == 1
    assert said in answer.err
    assert not (tmp_path / "store").exists()


def test_store_below_a_file_is_refused(command, tmp_path):
    (tmp_path / "file").write_text("")
    answer = command("run", NAME, *SMALL, "--store", tmp_path / "file" / "store")
    assert answer.code == 6
    assert "not a directory: choose another root" in answer.err.splitlines()[-1]
    assert "workers" not in answer.err


def test_unreachable_scheduler(command, tmp_path):
    answer = command("run", NAME, *SMALL, "--store", tmp_path, "--scheduler", "tcp://127.0.0.1:9")
    assert answer.code == 5
    assert "tcp://127.0.0.1:9" in answer.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("verb", ["run", "plan"])
def test_no_workers_is_a_bad_argument_and_writes_nothing(command, tmp_path, verb):
    answer = command(verb, NAME, *SMALL, "--store", tmp_path / "store", "--workers", "0")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == "error: --workers 0: give at least 1\n"
    assert not (tmp_path / "store").exists()


def test_notes_of_the_run_go_to_stderr(command, tmp_path):
    from scanner.scan import Scan

    scan = Scan.of(
        NAME, ["axes.mass.n=4", "axes.coupling.n=30", "chunks.points=60"], store=tmp_path
    )
    block = scan.evaluator.block(scan.stored.grid, scan.stored.grid.chunk(0))
    marker = scan.stored.commit(scan.stored.grid.chunk(0), block.chi2, block.status)
    scan.stored.ledger.write(replace(marker, instruction_set="aarch64 SVE"))
    answer = command("resume", scan.id, "--store", tmp_path, "--workers", "1", "--json")
    assert answer.code == 0, answer.err
    assert "1 chunk was computed on aarch64 SVE" in answer.err
    assert answer.json["computed_chunks"] == scan.stored.grid.n_chunks - 1


def test_a_definition_that_was_not_run_says_so(command, store):
    done = command("interval", "nsi_ee_u", "eps_ee_u", "--store", store)
    assert done.code == 2
    assert "nsi_ee_u has not been run there: `scanner run nsi_ee_u` first" in done.err


def test_edited_definition_is_told_and_not_called_unknown(command, tmp_path):
    made = command("run", NAME, *SMALL, "--store", tmp_path, "--workers", "1", "--no-figure")
    assert made.code == 0, made.err
    [definition] = tmp_path.glob("*/definition.json")
    definition.write_text(definition.read_text().replace("AC22", "C20"))
    for question in (("status", NAME), ("interval", NAME, "coupling"), ("run", NAME, *SMALL)):
        answer = command(*question, "--store", tmp_path)
        assert answer.code == 4, answer.err
        assert answer.err.count("\n") == 1
        assert definition.parent.name in answer.err


def test_damaged_summary_is_one_line_and_leaves_other_scans_alone(command, tmp_path):
    other = ("--set", "axes.mass.n=9", "--set", "axes.coupling.n=30", "--set", "name=other")
    for sets in (SMALL, other):
        command("run", NAME, *sets, "--store", tmp_path, "--workers", "1", "--no-figure")
    [damaged] = [
        p for p in tmp_path.glob("*/summary.json") if not (p.parent / "names/other").exists()
        and '"other"' not in (p.parent / "definition.json").read_text()
    ]  # fmt: skip
    damaged.write_text("{")
    answer = command("interval", damaged.parent.name, "coupling", "--store", tmp_path)
    assert answer.code == 4
    assert answer.err.count("\n") == 1
    assert "summary.json" in answer.err
    assert command("interval", "other", "coupling", "--store", tmp_path).code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("foo",), "No such command 'foo'"),
        (("interval", NAME), "Missing argument"),
        (("list", "nothing"), "definitions"),
        (("plan", NAME, "--set", "axes.mass.n=9", "--workers", "two"), "--workers"),
        (("interval", NAME, "coupling", "--cl", "0.9", "--cl", "0.95"), "give one level"),
        (("run", NAME, "--scheduler", "somewhere"), "tls://somewhere:8786"),
    ],
)
def test_usage_errors_are_one_line(command, store, arguments, said):
    more = ("--store", store) if arguments[0] not in ("foo", "list") else ()
    answer = command(*arguments, *more)
    assert answer.code == 2
    assert answer.err.startswith("error: ")
    assert answer.err.count("\n") == 1
    assert said in answer.err


def test_version_and_help(command):
    assert command("--version").out.strip() == "0.1.0"
    assert "exclusion" in command().out

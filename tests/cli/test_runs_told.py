"""What the command tells of runs: asked to end, dead, beside each other; how a scan is named."""

from __future__ import annotations

import importlib
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from scanner.scan import Scan
from scanner.store.naming import words
from scanner.store.processes import this_process
from scanner.store.runs import new_run

sys.path.insert(0, str(Path(__file__).parents[1] / "execution"))
dask_cluster = importlib.import_module("dask_cluster")

NAME = "light_vector_universal"
SMALL = ("axes.mass.n=16", "axes.coupling.n=60", "chunks.points=60")


@pytest.fixture
def empty(tmp_path) -> Scan:
    """A scan of 16 chunks, none computed."""
    return Scan.of(NAME, SMALL, store=tmp_path)


@pytest.fixture
def working(empty) -> str:
    """Key of a run of this living process."""
    run = replace(new_run("host").here(), phase="computing", total=16)
    empty.stored.runs.write(run)
    return run.key


@pytest.fixture
def dead(empty) -> str:
    """Key of a run whose process is gone."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    _, _, name = this_process()
    system, _, _ = name.split(" ")
    birth = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[19]
    process.kill()
    process.wait()
    process.stdin.close()
    run = replace(new_run("host"), process=f"{system} {process.pid} {birth}", phase="computing")
    empty.stored.runs.write(run)
    return run.key


def test_a_run_that_was_asked_to_end_is_no_reason_not_to_begin(command, empty, working):
    where = ("--store", empty.stored.folder.parent.location)
    assert [one.run.key for one in empty.stored.runs.working()] == [working]
    assert "asked to end" in command("cancel", empty.id, "--no-wait", *where).out
    assert empty.stored.runs.working() == []
    told = command("status", empty.id, *where)
    assert "computing" in told.out or "0 of 16 chunks" in told.out
    assert ", asked to end (heard of" in told.out
    [record] = command("status", empty.id, "--json", *where).json["runs"]
    assert record["asked_to_end"] is True
    started = command("submit", empty.id, "--workers", "1", "--json", *where)
    assert started.code == 0, started.err
    assert started.json["started"] is True
    assert started.json["run"]["key"] != working
    assert command("cancel", empty.id, "--no-wait", *where).code == 0
    key = started.json["run"]["key"]
    dask_cluster.wait_for(lambda: empty.stored.runs.read(key).ended, "for the driver to end")


def test_nobody_is_asked_where_the_driver_is_dead(command, empty, dead):
    told = command("cancel", empty.id, "--store", empty.stored.folder.parent.location)
    assert told.code == 0
    assert f"nobody works on scan {empty.id}: the run of " in told.out
    assert "has not ended properly" in told.out
    assert "asked to end" not in told.out
    assert empty.stored.runs.read(dead).phase == "stopped"


def test_hints_can_be_pasted(command, empty, monkeypatch, tmp_path):
    root = empty.stored.folder.parent.location
    told = command("status", empty.id, "--store", root).out
    assert f"`scanner resume {empty.id} --store {root}`" in told
    monkeypatch.setenv("SCANNER_STORE", root)
    assert empty.stored.words == empty.id
    assert f"`scanner resume {empty.id}`" in command("status", empty.id).out
    refused = command("interval", empty.id, "coupling", "--at", "mass=10")
    assert refused.code == 3
    assert f"`scanner resume {empty.id}`" in refused.err
    monkeypatch.setenv("SCANNER_STORE", f"{root}/elsewhere")
    assert words(empty.stored.folder) == f"{empty.id} --store {root}"


def test_a_host_without_sbatch_submits_nothing(command, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    told = command("submit", NAME, "--cluster", "slurm", "--store", tmp_path / "store")
    assert told.code == 5
    assert "sbatch is not found" in told.err
    assert not (tmp_path / "store").exists()


def test_arguments_are_checked_where_nothing_is_to_be_computed(command, store, monkeypatch):
    given = ["--set", "axes.mass.n=16", "--set", "axes.coupling.n=90", "--store", store]
    run = ("run", NAME, "--no-figure", *given)
    assert command(*run).code == 0
    told = command(*run, "--cluster", "missing.toml")
    assert (told.code, "missing.toml" in told.err) == (2, True)
    told = command(*run, "--cluster", "slurm", "--scheduler", "tls://host:1")
    assert told.code == 2
    assert "are two clusters" in told.err


@pytest.mark.cluster
def test_a_scheduler_without_workers_is_waited_for_aloud(
    command, empty, monkeypatch, tmp_path_factory
):
    from scanner.execution import remote

    monkeypatch.setattr(remote, "WORKERS_SECONDS", 1.0)
    with closing(dask_cluster.DaskCluster(tmp_path_factory.mktemp("cluster"))) as cluster:
        where = ("--store", empty.stored.folder.parent.location)
        told = command("submit", empty.id, "--scheduler-file", cluster.file, *where)
    assert told.code == 5
    assert "has 0 workers: waiting for 1 worker, up to 1 s" in told.err


def test_a_run_beside_another_says_so_and_is_listed(command, empty, working):
    where = ("--store", empty.stored.folder.parent.location)
    assert command("list", "scans", "--json", *where).json[0]["phase"] == "running"
    told = command("resume", empty.id, "--no-figure", "--workers", "1", *where)
    assert told.code == 0, told.err
    assert "a detached process of" in told.err
    assert "works on this scan too" in told.err
    refused = command("rm", empty.id, "--yes", *where)
    assert refused.code == 2
    assert f"scanner cancel {empty.id} --store" in refused.err


@pytest.mark.cluster
def test_that_another_run_works_too_is_not_where_chunks_are_computed(
    empty, working, tmp_path_factory
):
    told: list[str] = []
    scan = Scan.open(empty.id, store=empty.stored.folder.parent.location, told=told.append)
    record = new_run("cluster")
    with (
        dask_cluster.dask_cluster(tmp_path_factory.mktemp("cluster"), 1) as cluster,
        cluster.client() as client,
    ):
        scan.run(client, record=record)
        address = client.scheduler_info(n_workers=0)["address"]
    assert scan.stored.runs.read(record.key).cluster == f"Dask cluster at {address}"
    assert len([text for text in told if "works on this scan too" in text]) == 1


def test_a_failed_resume_does_not_hide_the_run_before(command, empty):
    runs = empty.stored.runs
    first = replace(new_run("host").here(), phase="failed", message="a chunk failed", done=9)
    runs.write(first)
    later = replace(new_run("run").here(), phase="failed", message="no scheduler", done=9)
    runs.write(replace(later, done_before=9))
    told = command("status", empty.id, "--store", empty.stored.folder.parent.location).out
    assert "a chunk failed" in told
    assert "no scheduler" in told


def test_watch_tells_why_the_last_run_failed_and_ends_with_its_code(command, empty):
    failed = replace(new_run("host").here(), phase="failed", message="no sbatch here", exit_code=5)
    empty.stored.runs.write(failed)
    told = command("watch", empty.id, "--store", empty.stored.folder.parent.location)
    assert told.code == 5
    assert "0 of 16 chunks done; the run of" in told.err
    assert "failed: no sbatch here; go on with `scanner resume" in told.err


def test_a_scan_that_nobody_works_on_may_go_at_once(command, empty, dead):
    where = ("--store", empty.stored.folder.parent.location)
    assert command("rm", empty.id, "--yes", *where).code == 0
    assert not empty.stored.folder.exists()

"""Scans on a real SLURM: whatever ends a job, the cube is the one of a quiet machine."""

from __future__ import annotations

import importlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from scanner import checkup, prepare
from scanner.definition import load
from scanner.errors import ClusterError, StoreError
from scanner.execution import pool
from scanner.execution.batch import keeper, queues
from scanner.execution.batch.cluster import sweep
from scanner.execution.clusters import connect
from scanner.execution.runner import run
from scanner.grid import Grid
from scanner.store.archive import Archive

watching = importlib.import_module("watching")
pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]
long = pytest.mark.skipif(
    os.environ.get("SCANNER_LONG_TESTS") != "1", reason="long form: SCANNER_LONG_TESTS=1"
)
FAULTY = "faulty:Faulty"
OUTSIDE = queues.facing(None)
"""Address of this host that others see, if it has one."""
PROFILE = """\
title = "SLURM of the tests"
engine = "slurm"
workers = 2
drain = {drain}
[job]
memory = "1GB"
walltime = "{walltime}"
queue = "{queue}"
{more}
"""


@pytest.fixture
def profile(slurm, tmp_path: Path, monkeypatch) -> Callable[..., Path]:
    """Write a profile; the folder of the test is where jobs run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(keeper, "POLL", 1.0)

    def written(walltime="00:10:00", drain=5, queue="short", more="") -> Path:
        path = tmp_path / "site.toml"
        path.write_text(PROFILE.format(walltime=walltime, drain=drain, queue=queue, more=more))
        return path

    yield written
    watching.wait_for(lambda: slurm.jobs() == [])
    assert list(tmp_path.glob(".scanner-jobs-*")) == []


def test_a_scan_by_the_command_line(profile, tmp_path, same_bytes) -> None:
    definition = load("light_vector_universal", ["axes.mass.n=24", "axes.coupling.n=400"])
    scanner = str(Path(sys.executable).parent / "scanner")
    made = {}
    for root, where in (("slurm", ["--cluster", str(profile())]), ("here", ["--workers", "2"])):
        made[root] = prepare.create(definition, Grid(definition.axes, (6, 100)), tmp_path / root)
        command = [scanner, "resume", made[root].id, "--store", root, "--no-figure", *where]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("computed 16 chunks (0 were done)")
        if root == "slurm":
            told = r"points, on SLURM of the tests: [12] of 2 workers so far \(--cluster"
            assert re.search(told, done.stderr)
    same_bytes(made["slurm"], made["here"])


@pytest.mark.parametrize("how", ["scancel", pytest.param("SIGKILL", marks=long)])
def test_a_job_that_ends_is_replaced(profile, slurm, make, fault_table, how) -> None:
    stored, unbroken = make(seconds=1.2)
    with (
        fault_table.fault(f"{how} of a SLURM job", stored, unbroken) as fault,
        connect(
            cluster=profile(more=f'scheduler_options = {{ host = "{OUTSIDE}" }}')
        ) as connection,
        ThreadPoolExecutor(1) as beside,
    ):
        assert connection.client.scheduler.address.startswith("tls://")

        def strike() -> None:
            watching.wait_for(lambda: len({e.pid for e in watching.evaluations(stored)}) == 2)
            before = slurm.jobs()
            fault.now()
            end(slurm, before[0], how)
            watching.wait_for(lambda: set(slurm.jobs()) - set(before))

        struck = beside.submit(strike)
        report = run(stored, connection.client, evaluator=FAULTY)
        struck.result()
    assert report.complete
    assert report.quarantined == ()
    if how == "scancel":
        assert len(watching.evaluations(stored)) == 12
        assert {marker.attempt for marker in stored.finished().values()} == {0}


def end(slurm, job: str, how: str) -> None:
    if how == "scancel":
        slurm.ask("scancel", job)
        return
    for line in slurm.ask("scontrol", "listpids", job).splitlines()[1:]:
        with suppress(ProcessLookupError):
            os.kill(int(line.split()[0]), signal.SIGKILL)


def test_jobs_that_end_at_their_walltime_are_replaced(
    profile, make, fault_table, monkeypatch
) -> None:
    """Jobs of a minute, of which 42 s are kept free: two in a row, and no chunk is lost."""
    # between two jobs there is no worker for longer; while one is queued, that is no reason to end
    monkeypatch.setattr(pool, "NO_WORKERS", 0.5)
    stored, unbroken = make(seconds=1.6)
    with (
        fault_table.fault("end of the walltime on SLURM", stored, unbroken) as fault,
        connect(cluster=profile(walltime="00:01:00", drain=42), workers=1) as connection,
    ):
        fault.now()
        report = run(stored, connection.client, evaluator=FAULTY)
    assert report.complete
    evaluations = watching.evaluations(stored)
    assert len(evaluations) == 12
    assert len({one.pid for one in evaluations}) >= 2
    assert {marker.attempt for marker in stored.finished().values()} == {0}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"queue": "nowhere"},
            r'is refused: .*Invalid partition name specified.*; job.queue = "nowhere": `sinfo`',
        ),
        (
            {"walltime": "02:00:00"},
            r"will never start: PENDING \(PartitionTimeLimit\); "
            r'job.walltime = "02:00:00" and job.queue = "short": give less time',
        ),
        (
            {"more": 'job_script_prologue = ["exit 7"]'},
            r"ended without bringing a worker \(FAILED, exit code 7; [12] submitted; set job.log"
            r'_directory .*: look at job.memory = "1GB", job.job_script_prologue = \["exit 7"\]',
        ),
        (
            {"more": 'python = "/nowhere/python"'},
            r"ended without bringing a worker \(.*/nowhere/python: .*o such file",
        ),
    ],
    ids=["no such queue", "beyond the limit of the queue", "prologue", "no such python"],
)
def test_jobs_that_bring_no_worker(profile, given, said) -> None:
    with (
        pytest.raises(ClusterError, match=said) as caught,
        connect(cluster=profile(**given), workers=1),
    ):
        pass
    assert "\n" not in str(caught.value)


def test_a_folder_for_logs_that_cannot_be_made(profile, slurm) -> None:
    told = r'site.toml: job.log_directory = "/proc/logs": cannot be made \(.*\): give a folder'
    with (
        pytest.raises(StoreError, match=told),
        connect(cluster=profile(more='log_directory = "/proc/logs"'), workers=1),
    ):
        pass
    assert slurm.jobs() == []


def test_a_drain_as_long_as_the_walltime(profile, slurm, make, monkeypatch) -> None:
    """Jobs that leave as soon as they come are not submitted for ever."""
    monkeypatch.setattr(pool, "NO_WORKERS", 0.5)
    stored, _ = make(seconds=0.1)
    said: list[str] = []
    wrong = profile(walltime="00:01:00", drain=59.99)
    with (
        pytest.raises(ClusterError, match=r"3 jobs in a row .*walltime is 60 s.*drain") as caught,
        connect(cluster=wrong, workers=1, told=said.append) as connection,
    ):
        run(stored, connection.client, evaluator=FAULTY)
    assert caught.value.exit_code == 5
    assert "\n" not in str(caught.value)
    told = f"{wrong}: no chunk begins in the last 59.99 s (drain) of a job of 60 s"
    assert said[0].startswith(told)
    assert watching.evaluations(stored) == []


def test_the_check_of_a_cluster(profile, slurm, tmp_path) -> None:
    command = [str(Path(sys.executable).parent / "scanner"), "doctor", "--store", "root", "--json"]
    done = subprocess.run(
        [*command, "--cluster", str(profile())], capture_output=True, text=True, timeout=90
    )
    assert done.returncode == 0, done.stderr
    [found] = [one for one in json.loads(done.stdout)["checks"] if one["name"] == "cluster"]
    told = r"SLURM of the tests: [12] of 2 workers .* [12] workers? compared with this process"
    assert re.search(told, found["found"])
    assert slurm.jobs() == []


def test_the_check_of_a_cluster_does_not_wait_for_ever(profile, slurm, monkeypatch) -> None:
    monkeypatch.setattr(checkup, "WORKER_SECONDS", 0.0)
    later = 'job_extra_directives = ["--begin=now+1hour"]'
    found = checkup.examine("root", cluster=str(profile(more=later)))[-1]
    assert (found.name, found.ok, found.exit_code) == ("cluster", False, 5)
    assert re.search(r"no worker within 0 s: .*2 PENDING \(BeginTime\)", found.found)
    assert slurm.jobs() == []


def test_a_batch_system_that_falls_silent(profile, monkeypatch) -> None:
    """With a job that waits: nobody would ever end this driver otherwise."""
    monkeypatch.setattr(keeper, "SILENT_SECONDS", 2.0)
    monkeypatch.setattr(keeper.queues, "jobs", lambda engine: None)
    later = 'job_extra_directives = ["--begin=now+1hour"]'
    with (
        pytest.raises(ClusterError, match="the batch system has not answered for"),
        connect(cluster=profile(more=later), workers=1),
    ):
        pass


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGHUP, pytest.param(signal.SIGKILL, marks=long)]
)
def test_a_driver_that_dies_leaves_no_job(profile, slurm, tmp_path, number) -> None:
    command = [str(Path(sys.executable).parent / "scanner"), "run", "light_vector_universal"]
    options = ["--set", "axes.mass.n=400", "--cluster", str(profile()), "--store", "root"]
    with subprocess.Popen([*command, *options], stderr=subprocess.PIPE, text=True) as process:
        watching.wait_for(lambda: len(slurm.jobs()) == 2)
        process.send_signal(number)
        process.communicate(timeout=60)
    assert process.returncode == (-signal.SIGKILL if number == signal.SIGKILL else 130)
    watching.wait_for(lambda: slurm.jobs() == [], 90.0)
    left = list(tmp_path.glob(".scanner-jobs-*"))
    assert len(left) == (number == signal.SIGKILL)  # nobody was there to remove it
    sweep(tmp_path)  # as the next run does


def test_jobs_that_wait_are_told_of_and_can_be_left(profile, slurm, tmp_path) -> None:
    said: list[str] = []
    too_many = profile(more='job_extra_directives = ["--begin=now+1hour"]')
    with (
        pytest.raises(ClusterError, match="told to end before a job has begun"),
        connect(cluster=too_many, told=said.append, should_stop=lambda: bool(said)),
    ):
        pass
    assert said == ["waiting for a worker of SLURM of the tests: 2 PENDING (BeginTime)"]


@long
def test_a_detached_driver_holds_its_jobs(profile, slurm, tmp_path) -> None:
    scanner = str(Path(sys.executable).parent / "scanner")
    options = ["--set", "axes.mass.n=24", "--set", "axes.coupling.n=400", "--store", "root"]
    where = ["--cluster", str(profile())]
    submit = [scanner, "submit", "light_vector_universal", *options, *where, "--json"]
    done = subprocess.run(submit, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    scan = json.loads(done.stdout)["scan"]
    watching.wait_for(lambda: len(slurm.jobs()) == 2)
    watch = [scanner, "watch", scan, "--store", "root"]
    watched = subprocess.run(watch, capture_output=True, text=True, timeout=200)
    assert watched.returncode == 0, watched.stderr
    assert Archive(tmp_path / "root").open(scan).state().complete

"""When the keeper of jobs gives up: workers that come and compute nothing, and folders left."""

from __future__ import annotations

import asyncio
import importlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import dask
import pytest
from distributed import Client, KilledWorker, LocalCluster

from scanner.errors import ClusterError
from scanner.execution import pool, preflight
from scanner.execution.batch import queues
from scanner.execution.batch.arrivals import Arrivals
from scanner.execution.batch.cluster import DRIVER, FOLDER, _private_folder, sweep
from scanner.execution.batch.keeper import Keeper
from scanner.execution.batch.profile import Profile
from scanner.execution.runner import run
from scanner.store.processes import this_process

watching = importlib.import_module("watching")


def profile(walltime: int | None = 60, drain: float = 59.0, **job: object) -> Profile:
    return Profile("site.toml", "Site", "slurm", 2, drain, walltime, {"processes": 1, **job})


class Jobs:
    """A keeper whose jobs and tasks are told to it, and which submits nothing."""

    def __init__(self) -> None:
        self.scheduler = SimpleNamespace(workers={}, tasks={})
        self.workers: dict[str, SimpleNamespace] = {}
        self.submitted = 0
        self.keeper = Keeper(self, profile(), 2, Path("nowhere"), lambda _: None)
        self.keeper._found = True  # the driver goes on
        self.arrivals = self.keeper._arrivals

    def scale(self, jobs: int) -> None:
        self.submitted += jobs

    def tasks(self, count: int) -> None:
        waiting = SimpleNamespace(state="processing")
        self.scheduler.tasks = {str(number): waiting for number in range(count)}

    def come(self, name: str) -> None:
        address = f"tcp://{name}"
        self.scheduler.workers[address] = SimpleNamespace(name=name)
        self.arrivals.add_worker(self.scheduler, address)

        async def close() -> None:
            pass

        self.workers[name] = SimpleNamespace(job_id=name, refused=None, close=close)

    def compute(self, name: str, finish: str = "memory") -> None:
        self.arrivals.transition("key", "processing", finish, worker=f"tcp://{name}")

    def end(self, *names: str) -> str:
        """Let jobs end; why there will be no others, or nothing."""
        for name in names:
            self.scheduler.workers.pop(f"tcp://{name}", None)
        asyncio.run(self.keeper._mend(set(names)))
        return self.keeper.lost


def test_jobs_that_compute_nothing_are_not_replaced_for_ever() -> None:
    jobs = Jobs()
    jobs.tasks(4)
    for name in ("a", "b"):
        jobs.come(name)
        assert jobs.end(name) == ""
    assert jobs.submitted == 4
    jobs.come("c")
    jobs.keeper.ids = set("abcde")
    said = jobs.end("c")
    assert said == (
        "3 jobs in a row ended before a chunk began (5 submitted; set job.log_directory = "
        '"logs" to keep its log): job.walltime is 60 s, and none begins in its '
        "last 59 s (drain): give a longer walltime, or smaller chunks and a shorter drain"
    )
    assert jobs.submitted == 4
    assert not jobs.keeper.expects_workers()


def test_a_worker_that_comes_and_goes_before_it_is_seen_is_replaced() -> None:
    jobs = Jobs()
    jobs.keeper._found = False
    jobs.come("a")
    assert jobs.end("a") == ""
    assert jobs.submitted == 2


def test_jobs_that_die_while_workers_are_compared_are_replaced_and_told_of(tmp_path) -> None:
    """There is no task yet: nobody knew that they were wanted, and the run waited in vain."""
    jobs = Jobs()
    job = {"memory": "300MB", "log_directory": str(tmp_path), "job_script_prologue": ["module x"]}
    jobs.keeper.profile = profile(3600, 60.0, **job)
    jobs.keeper.logs = tmp_path
    (tmp_path / "scanner-c.err").write_text("module: command not found\n\nKilled\n")
    for number, name in enumerate("abc", 1):
        jobs.come(name)
        said = jobs.end(name)
        assert jobs.submitted == 2 * min(number, 2)
    assert said.startswith("3 jobs in a row ended before a chunk began (module: command not found")
    assert f" / Killed; 0 submitted; {tmp_path}/scanner-c.err): look at job.memory = " in said
    assert '"300MB", job.job_script_prologue = ["module x"] and job.python; or ' in said


@pytest.mark.parametrize("finish", ["memory", "erred"])
def test_a_chunk_between_them_is_progress(finish: str) -> None:
    """Also one that ended with an error or its worker: the run counts these by itself."""
    jobs = Jobs()
    jobs.tasks(9)
    jobs.come("busy")
    for name in "abcdef":
        jobs.compute("busy", finish)
        jobs.come(name)
        assert jobs.end(name) == ""
    assert jobs.submitted == 12
    jobs.come("g")
    jobs.compute("g", finish)
    assert jobs.end("busy", "g") == ""


def test_workers_without_work_are_no_failure() -> None:
    """Two chunks that take hours on two workers, and others that have nothing to do."""
    jobs = Jobs()
    jobs.tasks(2)
    for name in ("busy", "also"):
        jobs.come(name)
    for name in "abcdef":
        jobs.come(name)
        assert jobs.end(name) == ""


def test_work_that_goes_on_is_waited_for_again() -> None:
    jobs = Jobs()
    jobs.tasks(9)
    jobs.come("busy")
    for name in "abc":
        jobs.come(name)
        jobs.end(name)
    assert jobs.keeper.lost
    jobs.compute("busy")
    assert jobs.end() == ""
    assert jobs.keeper.expects_workers()


def test_the_comparison_of_workers_ends_with_what_became_of_the_jobs(monkeypatch) -> None:
    monkeypatch.setattr(preflight, "WORKERS_SECONDS", 0.0)
    lost = iter(["", "", "3 jobs in a row ended"])

    def none(count: int, timeout: float) -> None:
        raise TimeoutError

    cluster = SimpleNamespace(expects_workers=lambda: True, why_no_workers=lambda: next(lost))
    client = SimpleNamespace(cluster=cluster, wait_for_workers=none)
    with pytest.raises(ClusterError, match="before the first chunk: 3 jobs in a row ended"):
        preflight._await_worker(client)
    client = SimpleNamespace(cluster=None, wait_for_workers=none)
    with pytest.raises(ClusterError, match=r"no workers after .*: start some with `dask worker"):
        preflight._await_worker(client)


@pytest.fixture(scope="module")
def watched() -> Iterator[tuple[Client, Arrivals]]:
    """Two worker processes, and who watches them."""
    arrivals = Arrivals()
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        cluster.scheduler.add_plugin(arrivals)
        for worker in cluster.scheduler.workers:
            arrivals.add_worker(cluster.scheduler, worker)
        yield client, arrivals


def test_dask_tells_which_worker_computed(watched) -> None:
    client, arrivals = watched
    first, second = client.scheduler_info()["workers"].values()
    client.run(time.time)  # what the run asks of workers is no work
    assert (arrivals.worked, arrivals.ended) == (set(), 0)
    assert client.submit(abs, -1, workers=[first["name"]]).result(10) == 1
    assert arrivals.worked == {str(first["name"])}
    with pytest.raises(ZeroDivisionError):
        client.submit(divmod, 1, 0, workers=[first["name"]]).result(10)
    assert arrivals.ended == 2
    with pytest.raises(KilledWorker):
        client.submit(os._exit, 1, workers=[second["name"]]).result(20)
    assert arrivals.worked == {str(first["name"]), str(second["name"])}
    assert arrivals.ended == 3
    assert arrivals.forget(first["name"]) == (True, True)
    assert arrivals.forget(first["name"]) == (False, False)
    assert arrivals.forget("nobody") == (False, False)


def test_the_run_ends_with_the_reason(watched, make, monkeypatch) -> None:
    """The last test of these workers: none is left."""
    client, _ = watched
    monkeypatch.setattr(pool, "NO_WORKERS", 0.2)
    monkeypatch.setattr(client.cluster, "expects_workers", lambda: False, raising=False)
    monkeypatch.setattr(client.cluster, "why_no_workers", lambda: "walltime", raising=False)
    stored, _ = make(seconds=0.3)

    def leave() -> None:
        watching.wait_for(lambda: watching.evaluations(stored))
        client.cluster.scale(0)

    with ThreadPoolExecutor(1) as beside:
        left = beside.submit(leave)
        with pytest.raises(
            ClusterError, match=r"none came back \(walltime\) with \d+ of"
        ) as caught:
            run(stored, client, evaluator="faulty:Faulty")
        left.result()
    assert caught.value.exit_code == 5


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (profile(3600, 1800), ""),
        (profile(None), ""),
        (profile(3600, 1801), "the last 1801 s .drain. of a job of 3600 s .job.walltime., more"),
    ],
)
def test_a_long_drain_is_told(given: Profile, said: str) -> None:
    assert bool(given.note) is bool(said)
    assert re.search(said, given.note)


def test_who_waits_learns_what_to_type() -> None:
    said: list[str] = []
    jobs = Jobs()
    condor = Profile("htcondor", "Pool", "htcondor", 2, 5.0, 600, {"processes": 1})
    keeper = Keeper(jobs, condor, 2, Path("nowhere"), said.append)
    keeper.queue = {"7.0": queues.Job("IDLE"), "8.0": queues.Job("IDLE")}
    keeper._tell()
    keeper._tell()
    assert said == ["waiting for a worker of Pool: 2 IDLE; `condor_q -better-analyze 7.0` says why"]


HOLD = """
import sys, time
from scanner.execution.batch.cluster import _private_folder
from scanner.execution.batch.profile import Profile
with _private_folder(Profile("", "", "slurm", 1, 1.0, 60, {})) as folder:
    (folder / "key.pem").write_text("secret")
    print(folder, flush=True)
    time.sleep(60)
"""


def test_folders_of_killed_drivers_are_swept(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    others = {"unnamed": None, "elsewhere": "another-boot/pid:[1] 7 123", "odd": "?"}
    for name, driver in others.items():
        (tmp_path / f"{FOLDER}{name}").mkdir()
        if driver is not None:
            (tmp_path / f"{FOLDER}{name}" / DRIVER).write_text(driver)
    with subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True) as held:
        left = Path(held.stdout.readline().strip())
        sweep(tmp_path)
        assert (left / "key.pem").exists()  # its driver is there
        held.send_signal(signal.SIGKILL)
    assert left.exists()
    with _private_folder(profile()) as folder:
        assert not left.exists()
        assert (folder / DRIVER).read_text() == this_process()[2]
        sweep(tmp_path)
        assert folder.exists()
    assert {path.name for path in tmp_path.iterdir()} == {f"{FOLDER}{name}" for name in others}

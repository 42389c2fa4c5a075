"""A worker that is told to go, or whose time is up, finishes its chunk and goes in good order."""

from __future__ import annotations

import importlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import psutil
import pytest
from distributed import Client, LocalCluster

from scanner.execution import drain
from scanner.execution.runner import run

watching = importlib.import_module("watching")
fault_table = importlib.import_module("fault_table")

pytestmark = pytest.mark.cluster
FAULTY = "faulty:Faulty"
Worker = subprocess.Popen[bytes]
Start = Callable[..., Worker]


@pytest.fixture
def scheduler() -> Iterator[LocalCluster]:
    options = {"allowed_failures": 0, "dashboard": False, "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(n_workers=0, dashboard_address=None, scheduler_kwargs=options) as cluster:
        yield cluster


@pytest.fixture
def client(scheduler: LocalCluster) -> Iterator[Client]:
    with Client(scheduler, set_as_default=False) as client:
        yield client


@pytest.fixture
def start(scheduler: LocalCluster, monkeypatch, tmp_path) -> Iterator[Start]:
    """Start a plain `dask worker` that loads the module."""
    with fault_table.nothing_left(tmp_path), ExitStack() as stack:

        def started(*options: str, **environment: str) -> Worker:
            command = [sys.executable, "-m", "distributed.cli.dask_worker"]
            for name, value in environment.items():
                monkeypatch.setenv(name, value)
            arguments = ["--nthreads", "1", "--preload", drain.MODULE, "--no-dashboard"]
            command += [scheduler.scheduler_address, *arguments, *options]
            process = stack.enter_context(subprocess.Popen(command, stderr=subprocess.DEVNULL))
            stack.callback(_end, process)
            for name in environment:
                monkeypatch.delenv(name)
            return process

        yield started


def _end(process: Worker) -> None:
    for one in workers_of(process):
        with suppress(psutil.NoSuchProcess):
            psutil.Process(one).kill()


def workers_of(process: Worker) -> set[int]:
    """A worker, or a nanny and its worker."""
    if process.poll() is not None:
        return set()
    return {process.pid, *(child.pid for child in psutil.Process(process.pid).children(True))}


@pytest.mark.parametrize("nanny", [False, True], ids=["without a nanny", "with a nanny"])
def test_sigterm_in_mid_chunk(scheduler, client, start, make, fault_table, nanny: bool) -> None:
    stored, unbroken = make(seconds=0.6)
    with fault_table.fault("SIGTERM of a worker in mid-chunk", stored, unbroken) as fault:
        options = ["--preload-nanny", drain.MODULE] if nanny else ["--no-nanny"]
        leaver = start(*options)
        client.wait_for_workers(1, timeout=30)
        stayer = start("--no-nanny")
        client.wait_for_workers(2, timeout=30)
        leavers = workers_of(leaver)

        def strike() -> None:
            watching.wait_for(lambda: running(stored, leavers))
            fault.now()
            leaver.send_signal(signal.SIGTERM)

        with ThreadPoolExecutor(1) as beside:
            struck = beside.submit(strike)
            report = run(stored, client, evaluator=FAULTY)
            struck.result()
    assert report.complete
    assert report.quarantined == ()
    assert leaver.wait(timeout=15) == 0
    assert stayer.poll() is None
    finished = stored.finished().values()
    # the chunk it was in is its own, and no chunk was evaluated twice or counted as a death
    assert {marker.attempt for marker in finished} == {0}
    assert len(watching.evaluations(stored)) == 12
    assert 0 < sum(marker.pid in leavers for marker in finished) < 12


def running(stored, pids: set[int]) -> bool:
    """Whether one of the processes is in the middle of a chunk."""
    done = stored.finished()
    return any(one.pid in pids and one.chunk not in done for one in watching.evaluations(stored))


def test_no_chunk_begins_shortly_before_the_walltime(client, start, make) -> None:
    stored, _ = make(seconds=1.0)
    end, before = time.time() + 20.0, 10.0  # room for a slow start, and not for all 12 chunks
    leaver = start("--no-nanny", **{drain.END: f"{end}", drain.BEFORE: f"{before}"})
    client.wait_for_workers(1, timeout=30)

    def replace() -> None:
        assert leaver.wait(timeout=30) == 0
        start("--no-nanny")

    with ThreadPoolExecutor(1) as beside:
        replaced = beside.submit(replace)
        report = run(stored, client, evaluator=FAULTY)
        replaced.result()
    assert report.complete
    evaluations = watching.evaluations(stored)
    own = [one.time for one in evaluations if one.pid == leaver.pid]
    assert 0 < len(own) < len(evaluations) == 12
    assert max(own) < end - before + 0.2

"""Drivers and schedulers that die or are told to stop; several drivers on one scan."""

from __future__ import annotations

import importlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from scanner.errors import ClusterError, IncompleteScanError
from scanner.execution.runner import run
from scanner.grid import Grid
from scanner.store.archive import Archive

fault_table = importlib.import_module("fault_table")
stand_in = importlib.import_module("stand_in")
repeats = fault_table.repeats

pytestmark = pytest.mark.cluster
FAULTY = "faulty:Faulty"


def read_until(process: subprocess.Popen[str], done: int) -> None:
    """Read what a driver prints until so many chunks are done."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip().isdecimal() and int(line) >= done:
            return
    pytest.fail(f"the driver ended early: {process.stderr and process.stderr.read()}")


@pytest.mark.parametrize("seed", repeats(2))
def test_the_driver_is_killed(client, fault_table, make, drivers, seed) -> None:
    stored, unbroken = make(seconds=0.1)
    draw = random.Random(seed)
    with fault_table.fault("SIGKILL of the driver", stored, unbroken) as fault:
        process = drivers.start(stored)
        read_until(process, draw.randrange(0, 8))
        time.sleep(draw.uniform(0.0, 0.2))
        below = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        fault.now()
        assert psutil.wait_procs(below, timeout=20)[1] == []
        done = len(stored.done())
        report = run(stored, client, evaluator=FAULTY)
        assert (report.computed, report.skipped) == (12 - done, done)
        fault.ended = "killed; resumed"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_the_driver_is_told_to_stop(client, fault_table, make, drivers, number) -> None:
    stored, unbroken = make(seconds=0.2)
    with fault_table.fault(f"{number.name} of the driver", stored, unbroken) as fault:
        process = drivers.start(stored)
        read_until(process, 2)
        # the keyboard sends SIGINT to the whole group, a batch system SIGTERM to the driver
        (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
        fault.now()
        out, err = process.communicate(timeout=30)
        assert process.returncode == 0
        assert err == ""
        word, computed = out.splitlines()[-1].split()
        assert word == "stopped"
        assert int(computed) == len(stored.done()) < 12
        fault.ended = "stopped, running chunks finished; resumed"
        assert run(stored, client, evaluator=FAULTY).complete
    # nothing was begun in vain
    assert fault_table.rows[f"{number.name} of the driver"].recomputed == 0


def test_a_killed_worker_leaves_nothing_on_stderr(make, drivers, fault_table) -> None:
    stored, unbroken = make(act="kill", moment="in the evaluation", chunk=5)
    with fault_table.fault("SIGKILL of a worker, seen by the user", stored, unbroken) as fault:
        fault.now()
        out, err = drivers.start(stored).communicate(timeout=60)
    assert out.splitlines()[-1] == "complete 12"
    assert err == ""


@pytest.mark.parametrize("seed", repeats(1))
def test_two_drivers_at_once(client, fault_table, make, drivers, seed) -> None:
    stored, unbroken = make(seconds=0.1)
    with fault_table.fault("two drivers on one scan", stored, unbroken) as fault:
        process = drivers.start(stored)
        read_until(process, random.Random(seed).randrange(0, 4))
        fault.now()
        assert run(stored, client, evaluator=FAULTY).complete
        out, err = process.communicate(timeout=30)
        assert out.splitlines()[-1].startswith("complete")
        assert err == ""


CREATE = """
import sys, time
import stand_in
from scanner.grid import Grid
from scanner.grid import Grid
from scanner.store.archive import Archive

root, log, rows, start = sys.argv[1:]
time.sleep(max(float(start) - time.time(), 0.0))
definition, grid = stand_in.make_definition(log=log), Grid(stand_in.AXES, (int(rows), 10))
stored = Archive(root).create(definition, grid)
print(stored.id, *stored.grid.chunk_shape)
"""


@pytest.mark.parametrize("seed", repeats(1))
def test_six_make_the_same_scan_at_once(client, fault_table, tmp_path, pair, seed) -> None:
    """With different wishes for the chunks: one wins, all agree on it."""
    unbroken, root = pair[1], tmp_path / "raced"
    start = str(time.time() + 2.5)  # all begin in the same moment
    log = str(unbroken.definition.parameters["log"])
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", CREATE, str(root), log, str(rows), start],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        for rows in (2, 3, 4, 6, 8, 12)
    ]
    said = {process.communicate(timeout=60)[0] for process in processes}
    assert [process.returncode for process in processes] == [0] * 6
    [answer] = said
    assert [path.name for path in root.iterdir()] == [unbroken.id]
    stored = Archive(root).open(unbroken.id)
    assert answer.split() == [stored.id, *map(str, stored.grid.chunk_shape)]
    with fault_table.fault("six make the same scan at once", stored, unbroken) as fault:
        fault.now()
        assert run(stored, client, evaluator=FAULTY).complete


def test_a_scan_made_again_in_other_chunks_under_living_workers(client, fault_table, make) -> None:
    """Workers that know the scan of before must not write its chunks into the new one."""
    stored, unbroken = make()
    run(stored, client, evaluator=FAULTY)
    shutil.rmtree(stored.path)
    Path(str(stored.definition.parameters["log"])).write_text("")
    again, _ = make(Grid(stand_in.AXES, (6, 20)))
    assert again.id == stored.id
    with fault_table.fault("a scan made again in other chunks", again, unbroken) as fault:
        fault.now()
        report = run(again, client, evaluator=FAULTY)
        assert (report.computed, report.missing) == (8, 0)


@pytest.mark.parametrize("seed", repeats(1))
def test_a_killed_maker_leaves_a_draft_that_the_next_one_sweeps(tmp_path, pair, seed) -> None:
    """A scan that was being made when its maker was killed is not there, and then made whole."""
    stored, _ = pair
    root = tmp_path / "killed"
    log = str(stored.definition.parameters["log"])
    script = (
        "import os, pathlib, signal\n"
        "pathlib.Path.rename = lambda *a: os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    command = [sys.executable, "-c", script + CREATE, str(root), log, "8", "0"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    killed = subprocess.run(command, check=False, env=environment)
    assert killed.returncode == -signal.SIGKILL
    [draft] = root.iterdir()
    assert draft.name.endswith(".partial")
    assert Archive(root).list() == []
    os.utime(draft, (0, 0))  # long ago
    made = Archive(root).create(stored.definition, stored.grid)
    assert [path.name for path in root.iterdir()] == [made.id]


@pytest.mark.parametrize("seed", repeats(1))
def test_the_scheduler_is_killed(client, foreign, fault_table, make, seed) -> None:
    stored, unbroken = make(seconds=0.1)
    foreign.start().work("--no-nanny")
    with fault_table.fault("SIGKILL of the scheduler", stored, unbroken) as fault:
        at = random.Random(seed).randrange(1, 8)

        def strike(state) -> None:
            if state.done >= at and not fault.injected:
                foreign.scheduler.kill()
                fault.now()

        with (
            foreign.connected() as remote,
            pytest.raises(ClusterError, match=f"scanner resume {stored.id}") as caught,
        ):
            run(stored, remote, evaluator=FAULTY, progress=strike)
        fault.ended = f"exit {caught.value.exit_code}, told to resume; resumed"
        assert 0 < len(stored.done()) < 12
        assert run(stored, client, evaluator=FAULTY).complete
    assert foreign.workers[0].wait(timeout=20) is not None  # it gave up by itself


def test_a_driver_that_was_stopped_too_early_says_so(client, make) -> None:
    stored, _ = make(seconds=0.1)
    report = run(stored, client, evaluator=FAULTY, should_stop=lambda: bool(stored.done()))
    with pytest.raises(IncompleteScanError, match="the run was stopped") as caught:
        report.raise_if_incomplete()
    assert caught.value.exit_code == 3

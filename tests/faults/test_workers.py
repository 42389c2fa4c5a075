"""Workers that die, hang, fail or run out of memory; nannies, too."""

from __future__ import annotations

import importlib
import os
import random
import signal
import threading
from pathlib import Path

import pytest

from scanner.errors import IncompleteScanError
from scanner.execution.runner import run

fault_table = importlib.import_module("fault_table")
faulty = importlib.import_module("faulty")
stand_in = importlib.import_module("stand_in")
repeats = fault_table.repeats

pytestmark = pytest.mark.cluster
FAULTY = "faulty:Faulty"


def acts(stored) -> int:
    path = Path(str(stored.definition.parameters["log"])).with_suffix(".acts")
    return len(path.read_text()) if path.exists() else 0


def pids(client) -> list[int]:
    return sorted(client.run(os.getpid).values())


@pytest.mark.parametrize("moment", faulty.MOMENTS)
def test_a_worker_is_killed_in_mid_chunk(client, fault_table, make, moment) -> None:
    for seed in repeats(1):
        number = random.Random(seed).randrange(12)
        stored, unbroken = make(act="kill", moment=moment, chunk=number, number=seed)
        with fault_table.fault(f"SIGKILL of a worker {moment}", stored, unbroken) as fault:
            fault.now()
            report = run(stored, client, evaluator=FAULTY)
        assert acts(stored) == 1
        assert report.complete


@pytest.mark.parametrize("seed", repeats(2))
def test_a_worker_is_killed_at_any_moment(client, fault_table, make, seed) -> None:
    stored, unbroken = make(seconds=0.1)
    draw = random.Random(seed)
    with fault_table.fault("SIGKILL of a worker at any moment", stored, unbroken) as fault:

        def strike() -> None:
            os.kill(draw.choice(victims), signal.SIGKILL)
            fault.now()

        victims = pids(client)
        timer = threading.Timer(draw.uniform(0.0, 0.8), strike)
        timer.start()
        report = run(stored, client, evaluator=FAULTY)
        timer.join()
    assert report.complete


@pytest.mark.parametrize("seed", repeats(2))
def test_all_workers_are_killed_at_once(client, fault_table, make, seed) -> None:
    stored, unbroken = make(seconds=0.1)
    draw = random.Random(seed)
    with fault_table.fault("SIGKILL of all workers at once", stored, unbroken) as fault:

        def strike() -> None:
            for pid in victims:
                os.kill(pid, signal.SIGKILL)
            fault.now()

        victims = pids(client)
        timer = threading.Timer(draw.uniform(0.0, 0.5), strike)
        timer.start()
        report = run(stored, client, evaluator=FAULTY)
        timer.join()
    assert report.complete


def test_a_chunk_that_kills_three_workers_is_quarantined(client, fault_table, make) -> None:
    stored, unbroken = make(act="kill", moment="in the evaluation", chunk=3, times=3)
    with fault_table.fault("a chunk that kills three workers", stored, unbroken) as fault:
        fault.now(3)
        report = run(stored, client, evaluator=FAULTY)
        assert report.quarantined == (3,)
        assert acts(stored) == 3
        assert stored.missing() == [3]
        assert report.computed == 11
        with pytest.raises(IncompleteScanError, match="chunks 3 killed three workers") as caught:
            report.raise_if_incomplete()
        fault.ended = f"11 of 12 done, quarantined, exit {caught.value.exit_code}; resumed"
        # the cause is gone, such as a lack of memory: the next run tries again
        assert run(stored, client, evaluator=FAULTY).complete

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
from scanner.execution import preflight
from scanner.execution.progress import Progress
from scanner.execution.runner import run
from scanner.execution.task import run_chunk
from scanner.grid import Grid

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
        assert report.computed == 11  # also those whose worker died with the receipt
        with pytest.raises(IncompleteScanError, match="chunks 3 killed three workers") as caught:
            report.raise_if_incomplete()
        fault.ended = f"11 of 12 done, quarantined, exit {caught.value.exit_code}; resumed"
        # the cause is gone, such as a lack of memory: the next run tries again
        assert run(stored, client, evaluator=FAULTY).complete


def test_a_hung_worker_is_replaced(client, foreign, fault_table, make) -> None:
    """SIGSTOP: Dask's time to live for workers passes (here 8 s), its nanny replaces it."""
    stored, unbroken = make(act="stop", moment="in the evaluation", chunk=2, seconds=0.05)
    foreign.start(DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL="8s")
    for _ in range(2):
        foreign.work()
    with fault_table.fault("SIGSTOP of a worker for ever", stored, unbroken) as fault:
        fault.now()
        with foreign.connected(workers=2) as remote:
            assert run(stored, remote, evaluator=FAULTY).complete
    assert acts(stored) == 1


def test_a_stopped_worker_goes_on(client, fault_table, make) -> None:
    stored, unbroken = make(seconds=0.1)
    with fault_table.fault("SIGSTOP of a worker, SIGCONT after 2 s", stored, unbroken) as fault:
        victim = pids(client)[0]

        def strike(state: Progress) -> None:
            if state.done and not fault.injected:
                os.kill(victim, signal.SIGSTOP)
                fault.now()
                threading.Timer(2.0, os.kill, (victim, signal.SIGCONT)).start()

        assert run(stored, client, evaluator=FAULTY, progress=strike).complete


def test_a_worker_that_hangs_at_the_start_does_not_hold_up_the_run(
    client, fault_table, make, monkeypatch
) -> None:
    monkeypatch.setattr(preflight, "ANSWER_SECONDS", 1.0)
    stored, unbroken = make(seconds=0.05)
    with fault_table.fault("a worker hangs when the run starts", stored, unbroken) as fault:
        victim = pids(client)[0]
        os.kill(victim, signal.SIGSTOP)
        fault.now()
        seen: list[int] = []

        def tell(state: Progress) -> None:
            seen.append(state.done)
            if state.done >= 4:
                os.kill(victim, signal.SIGCONT)

        try:
            assert run(stored, client, evaluator=FAULTY, progress=tell).complete
        finally:
            os.kill(victim, signal.SIGCONT)
    assert max(seen) == 12


def test_a_chunk_that_never_ends_can_be_cancelled(foreign, client, fault_table, make) -> None:
    stored, unbroken = make(act="hang", moment="in the evaluation", chunk=2)
    foreign.start().work()
    with fault_table.fault("an evaluation that never ends", stored, unbroken) as fault:
        seen: list[Progress] = []

        def tell(state: Progress) -> None:
            seen.append(state)
            if acts(stored) and state.quiet_seconds > 1.0:  # what the user sees; then `cancel`
                stored.request_stop()

        fault.now()
        with foreign.connected() as remote:
            report = run(stored, remote, evaluator=FAULTY, progress=tell)
        assert report.stopped
        assert report.missing >= 1
        assert seen[-1].quiet_seconds > 1.0
        assert run(stored, client, evaluator=FAULTY).complete
        fault.ended = "seen in the progress, cancelled, exit 3; resumed"


def test_an_evaluation_that_raises(client, fault_table, make) -> None:
    stored, unbroken = make(act="fail", moment="in the evaluation", chunk=7)
    with fault_table.fault("an evaluation that raises", stored, unbroken) as fault:
        fault.now()
        report = run(stored, client, evaluator=FAULTY)
        assert report.failed == {7: "ZeroDivisionError: no events in the window"}
        assert report.computed == 11
        with pytest.raises(IncompleteScanError, match="chunk 7: ZeroDivisionError") as caught:
            report.raise_if_incomplete()
        fault.ended = f"11 of 12 done, named, exit {caught.value.exit_code}; resumed"
        assert run(stored, client, evaluator=FAULTY).complete


def test_three_that_raise_among_many_do_not_end_the_run(client, make) -> None:
    stored, _ = make(grid=Grid(stand_in.AXES, (2, 5)))  # 96 chunks
    report = run(stored, client, evaluator="stand_in:FailingNow")
    assert len(report.failed) == 6
    assert report.computed == 90


def test_more_memory_than_there_is(foreign, client, fault_table, make) -> None:
    """The nanny kills the worker at its limit; three times, and the chunk is quarantined."""
    stored, unbroken = make(act="memory", moment="in the evaluation", chunk=4, times=3)
    foreign.start(DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="0")
    foreign.work("--memory-limit", "500MB")
    with fault_table.fault("a chunk that takes too much memory", stored, unbroken) as fault:
        fault.now(3)
        with foreign.connected() as remote:
            report = run(stored, remote, evaluator=FAULTY)
        assert report.quarantined == (4,)
        assert (report.computed, acts(stored)) == (11, 3)
        fault.ended = "11 of 12 done, quarantined, exit 3; resumed"
        assert run(stored, client, evaluator=FAULTY).complete


def test_a_chunk_that_kills_under_a_patient_scheduler(foreign, client, fault_table, make) -> None:
    """With Dask's own three allowed failures: what is told is the number of workers that died."""
    stored, unbroken = make(act="kill", moment="in the evaluation", chunk=3, times=8)
    foreign.start()
    for _ in range(2):
        foreign.work()
    with fault_table.fault("a chunk that kills, scheduler of others", stored, unbroken) as fault:
        with foreign.connected(workers=2) as remote:
            fault.now(8)
            report = run(stored, remote, evaluator=FAULTY)
        assert report.quarantined == (3,)
        assert report.computed == 11
        assert acts(stored) in (4, 8)
        fault.ended = "11 of 12 done, quarantined, exit 3; resumed"
        acts_path = Path(str(stored.definition.parameters["log"])).with_suffix(".acts")
        acts_path.write_text("x" * 8)
        assert run(stored, client, evaluator=FAULTY).complete


def test_a_nanny_is_killed(foreign, fault_table, make) -> None:
    """The worker below it ends too, and another goes on."""
    stored, unbroken = make(seconds=0.1)
    foreign.start()
    nanny = foreign.work()
    foreign.work()
    with (
        fault_table.fault("SIGKILL of a nanny", stored, unbroken) as fault,
        foreign.connected(workers=2) as remote,
    ):

        def strike(state: Progress) -> None:
            if state.done and not fault.injected:
                nanny.kill()
                fault.now()

        assert run(stored, remote, evaluator=FAULTY, progress=strike).complete


def test_a_task_that_runs_twice_at_once(client, fault_table, make) -> None:
    stored, unbroken = make(seconds=0.1)
    with fault_table.fault("each task twice at once, on two workers", stored, unbroken) as fault:
        workers = sorted(client.nthreads())
        for number in range(12):
            fault.now()
            twins = [
                client.submit(
                    run_chunk, stored.location, stored.digest, number, 0, FAULTY,
                    pure=False, workers=[worker],
                )
                for worker in workers
            ]  # fmt: skip
            assert {receipt.chunk for receipt in client.gather(twins)} == {number}
    assert fault_table.rows["each task twice at once, on two workers"].recomputed >= 6

"""Detached drivers on a real scheduler with real workers of one thread: what dies, what goes on."""

from __future__ import annotations

import dataclasses
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest
import stand_in
from dask_cluster import DaskCluster, dask_cluster, wait_for

from scanner.definition import load
from scanner.errors import ClusterError, MismatchError, StoreError
from scanner.execution import driver, preflight
from scanner.execution.preflight import check_place
from scanner.execution.progress import Progress
from scanner.execution.recording import Recorder, recording
from scanner.store.archive import Archive
from scanner.store.runs import Run, new_run
from scanner.store.stored import StoredScan
from scanner.store.watching import cancel

pytestmark = pytest.mark.cluster
DOOR = "stand_in:drive"
LONG = "SCANNER_LONG_TESTS"


@pytest.fixture(autouse=True)
def path_for_drivers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that are started here find `stand_in`."""
    monkeypatch.setenv("PYTHONPATH", str(Path(stand_in.__file__).parent))


@pytest.fixture
def slow(archive) -> StoredScan:
    return made(archive, "stand_in:Slow")


def made(archive: Archive, evaluator: str, **parameters: str) -> StoredScan:
    definition = stand_in.make_definition(evaluator=evaluator, **parameters)
    return archive.create(definition, stand_in.make_grid())


def started(cluster: DaskCluster, stored: StoredScan, door: str = DOOR) -> Run:
    """A driver on the cluster; the client that started it is gone."""
    run = new_run("cluster")
    stored.runs.write(run)
    with cluster.client() as client:
        return driver.start_on_cluster(client, stored, run, door)


def asked(stored: StoredScan) -> Run:
    """The record of a run that nobody drives yet."""
    run = new_run("host")
    stored.runs.write(run)
    return run


def recorded(stored: StoredScan, key: str) -> Run:
    found = stored.runs.read(key)
    assert found is not None
    return found


def record(stored: StoredScan, run: Run) -> Run:
    return recorded(stored, run.key)


def ended(stored: StoredScan, run: Run) -> Run:
    wait_for(lambda: record(stored, run).ended, f"for the end of {record(stored, run)}")
    return record(stored, run)


def computed_some(stored: StoredScan, more_than: int = 0) -> None:
    wait_for(lambda: len(stored.done()) > more_than, "for a chunk")


def check_whole(stored: StoredScan) -> None:
    """Every chunk holds the bytes of its evaluation in this process."""
    assert stored.verify() == []
    assert stored.missing() == []
    evaluator = stand_in.Smooth(stored.definition)
    for chunk in stored.grid:
        block = evaluator.block(stored.grid, chunk)
        chi2, status = stored.cube.read(chunk)
        assert chi2.tobytes() == block.chi2.tobytes()
        assert status.tobytes() == block.status.tobytes()


def test_a_driver_does_not_hold_the_only_thread(tmp_path, slow) -> None:
    with dask_cluster(tmp_path / "cluster", workers=1) as cluster:
        run = started(cluster, slow)
        assert run.begun
        assert run.pid in cluster.pids().values()
        end = ended(slow, run)
    assert (end.phase, end.done, end.total, end.workers, end.starts) == ("complete", 12, 12, 1, 1)
    assert end.cluster.startswith("Dask cluster at tcp://127.0.0.1:")
    check_whole(slow)
    assert slow.runs.folder.names() == [f"{run.key}.json"]


def test_a_driver_whose_worker_is_killed_goes_on_elsewhere(tmp_path, slow) -> None:
    with dask_cluster(tmp_path / "cluster", nannies=True) as cluster:
        run = started(cluster, slow)
        computed_some(slow)
        os.kill(record(slow, run).pid, signal.SIGKILL)
        end = ended(slow, run)
    assert (end.phase, end.starts) == ("complete", 2)
    assert end.pid != run.pid
    check_whole(slow)


def test_a_driver_outlives_more_deaths_than_dask_allows_a_task(tmp_path, archive) -> None:
    stored = made(archive, "stand_in:Slow")
    allowed = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"}
    with dask_cluster(tmp_path / "cluster", nannies=True, **allowed) as cluster:
        run = started(cluster, stored)
        for starts in (1, 2):
            wait_for(lambda n=starts: record(stored, run).starts == n, f"for start {starts}")
            computed_some(stored, len(stored.done()))
            os.kill(record(stored, run).pid, signal.SIGKILL)
        end = ended(stored, run)
    assert (end.phase, end.starts) == ("complete", 3)
    check_whole(stored)


@pytest.mark.skipif(os.environ.get(LONG) != "1", reason=f"long: set {LONG}=1")
def test_a_chunk_that_kills_the_worker_under_its_driver_is_quarantined(tmp_path, archive) -> None:
    stored = made(archive, "stand_in:Poison", sentinel=str(tmp_path / "deaths"))
    allowed = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"}
    with dask_cluster(tmp_path / "cluster", nannies=True, **allowed) as cluster:
        end = ended(stored, started(cluster, stored))
    assert (end.phase, end.exit_code, end.quarantined) == ("failed", 3, (3,))
    assert "chunks 3 killed three workers each" in end.message
    assert stored.missing() == [3]


def test_a_driver_that_kills_every_worker_is_given_up(tmp_path, slow) -> None:
    with dask_cluster(tmp_path / "cluster", workers=1, nannies=True) as cluster:
        end = ended(slow, started(cluster, slow, "stand_in:deadly"))
    assert (end.phase, end.exit_code, end.fruitless) == ("failed", 5, driver.MOST_FRUITLESS)
    assert f"scanner resume {slow.id}" in end.message


def test_cancelled_between_two_starts_it_stays_cancelled(tmp_path, slow) -> None:
    with dask_cluster(tmp_path / "cluster", workers=1) as cluster:
        run = started(cluster, slow)
        computed_some(slow)
        [worker] = cluster.workers
        worker.kill()
        worker.wait()
        done = len(slow.done())
        found = cancel(slow, wait=False)
        assert [one.run.key for one in found.working] == [run.key]
        cluster.add_worker()
        end = ended(slow, run)
        assert (end.phase, end.message) == ("stopped", driver.CANCELLED)
        assert len(slow.done()) == done < 12
        again = started(cluster, slow)  # a new wish is not hit by the old one
        assert ended(slow, again).phase == "complete"
    check_whole(slow)


def test_a_dead_scheduler_is_not_waited_for(tmp_path, slow) -> None:
    with dask_cluster(tmp_path / "cluster") as cluster:
        run = started(cluster, slow)
        computed_some(slow)
        cluster.scheduler.kill()
        wait_for(
            lambda: record(slow, run).ended or all(w.poll() is not None for w in cluster.workers),
            "for the end of the driver",
        )
        end = record(slow, run)
    # its worker may end before it can say so; then the record turns silent
    assert not end.ended or (end.exit_code == 5 and f"scanner resume {slow.id}" in end.message)
    with dask_cluster(tmp_path / "other") as cluster:
        assert ended(slow, started(cluster, slow)).phase == "complete"
    check_whole(slow)


def test_a_process_of_this_host_lives_in_a_session_of_its_own(slow) -> None:
    run = new_run("host")
    slow.runs.write(run)
    begun = driver.start_here(slow, run, {"workers": None}, "stand_in:broken")
    assert begun.begun
    assert begun.pid != os.getpid()
    end = ended(slow, run)
    assert (end.phase, end.exit_code) == ("failed", 1)
    assert end.message == "ZeroDivisionError: nobody foresaw this"
    log = (slow.path / "runs" / f"{run.key}.log").read_text()
    assert "in broken" in log
    wait_for(lambda: not psutil.pid_exists(end.pid), "for the process")


def test_a_process_that_cannot_begin_says_why(slow, monkeypatch) -> None:
    run = new_run("host")
    slow.runs.write(run)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ClusterError, match="exit code 1: it said nothing"):
        driver.start_here(slow, run, {})


def test_on_an_object_store_a_process_leaves_its_words_there(s3_root) -> None:
    stored = made(Archive(s3_root), "stand_in:Slow")
    run = asked(stored)
    assert driver.start_here(stored, run, {"workers": None}, "stand_in:broken").begun
    assert ended(stored, run).message == "ZeroDivisionError: nobody foresaw this"
    wait_for(lambda: b"in broken" in stored.runs.read_log(run.key), "for its words")


def test_on_an_object_store_a_process_that_cannot_begin_says_why(
    s3_root, tmp_path, monkeypatch
) -> None:
    stored = made(Archive(s3_root), "stand_in:Slow")
    with pytest.raises(ClusterError, match=r"exit code 0: .*No module named 'no_such_module'"):
        driver.start_here(stored, asked(stored), {}, "no_such_module:door")
    (tmp_path / "python").write_text(
        f'#!/bin/sh\nAWS_SECRET_ACCESS_KEY= exec {sys.executable} "$@"\n'
    )
    (tmp_path / "python").chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(ClusterError, match=r"exit code 1: .*only one of AWS_ACCESS_KEY_ID and"):
        driver.start_here(stored, asked(stored), {}, "stand_in:broken")


def test_a_driver_without_a_record_does_nothing(slow, client) -> None:
    client.submit(driver.drive_task, slow.location, "no-such-run", 0, DOOR).result(timeout=60)
    assert slow.done() == set()
    assert slow.runs.listed() == []


def test_a_record_that_cannot_be_written_does_not_end_a_run(stored) -> None:
    (stored.path / "runs").write_text("no folder")
    with pytest.raises(StoreError):
        stored.runs.write(new_run("run"))
    with recording(stored, new_run("run")) as recorder:
        recorder.telling(None)(Progress(1, 12, 80, 960, 1.0, 2.0, 1))
        recorder.finishing()
    assert not recorder.should_stop()


def test_a_run_that_goes_on_elsewhere_ends_here_without_a_word(stored) -> None:
    recorder = Recorder(stored, new_run("cluster"))
    recorder.start()
    [key] = stored.runs.listed()
    taken = dataclasses.replace(recorded(stored, key), starts=2, process="boot/pid:[1] 7 99")
    stored.runs.write(taken)
    recorder.finishing()
    assert recorder.should_stop()
    recorder.end("failed", "the scheduler was lost", 5)
    assert stored.runs.read(key) == taken


def test_workers_that_agree_are_told_by_nothing_left_behind(client, tmp_path, monkeypatch) -> None:
    definition = load("light_vector_universal")
    root = Archive(tmp_path / "not" / "there").folder
    assert check_place(client, definition, root).notes == ()
    assert list(tmp_path.iterdir()) == []
    other = {**preflight.worker_versions(), "numpy": "1.0"}
    monkeypatch.setattr(preflight, "worker_versions", lambda: other)
    with pytest.raises(MismatchError, match=r"numpy .*, the driver has 1\.0"):
        check_place(client, definition, root)
    assert list(tmp_path.iterdir()) == []

"""The queue: order, transitions, quotas, and that nothing that was confirmed is ever lost."""

from __future__ import annotations

import importlib
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from scanner.definition import ScanDefinition
from scanner.errors import CatalogError, StoreError
from scanner.service.jobs import quota
from scanner.service.jobs.queue import Queue
from scanner.service.refusals import RefusalError

sys.path.insert(0, str(Path(__file__).parents[1] / "execution"))
stand_in = importlib.import_module("stand_in")

POINTS = 24 * 40


def scan(number: int) -> ScanDefinition:
    made: ScanDefinition = stand_in.make_definition(name=f"scan_{number}", number=float(number))
    return made


@pytest.fixture
def queue(tmp_path) -> Iterator[Queue]:
    made = Queue(tmp_path / "jobs.sqlite")
    yield made
    made.close()


def test_a_job_is_what_was_asked_for(queue) -> None:
    job, new = queue.add(scan(1), priority=3, token="ada")
    assert new
    assert (job.scan, job.name, job.state) == (scan(1).id, "scan_1", "queued")
    assert (job.priority, job.token, job.points, job.attempts) == (3, "ada", POINTS, 0)
    assert job.created.startswith("20")
    assert (job.started, job.ended, job.message, job.exit_code) == ("", "", "", None)
    assert job.resolved().to_dict() == scan(1).to_dict()
    assert queue.get(job.id) == queue.of_scan(scan(1).id) == job
    assert "definition" not in job.to_dict()
    with pytest.raises(CatalogError, match="no job 99: see GET /jobs"):
        queue.get(99)
    assert queue.of_scan("0" * 16) is None


def test_the_same_scan_is_queued_once_and_its_priority_rises(queue) -> None:
    job, _ = queue.add(scan(1), priority=1, token="ada")
    same, new = queue.add(scan(1), priority=5, token="bob")
    assert (new, same.id, same.priority, same.token) == (False, job.id, 5, "ada")
    lower, new = queue.add(scan(1), priority=-2)
    assert (new, lower.priority) == (False, 5)
    assert queue.take(job.id)
    assert queue.add(scan(1))[1] is False
    assert queue.end(job.id, "complete")
    later, new = queue.add(scan(1))
    assert (new, later.id > job.id, later.state) == (True, True, "queued")
    assert queue.of_scan(scan(1).id) == later


def test_order_is_priority_then_age(queue) -> None:
    ids = [queue.add(scan(n), priority=p)[0].id for n, p in enumerate((0, 2, 0, 2, -1))]
    found: list[int] = []
    while job := queue.next(found):
        found.append(job.id)
    assert [ids.index(n) for n in found] == [1, 3, 0, 2, 4]
    assert queue.next().id == ids[1]
    queue.take(ids[1])
    assert queue.next().id == ids[3]
    assert [job.id for job in queue.list()] == ids[::-1]
    assert [job.id for job in queue.list("queued", offset=1, limit=2)] == [ids[3], ids[2]]
    assert queue.counts() == {
        "queued": 4,
        "running": 1,
        "complete": 0,
        "failed": 0,
        "cancelled": 0,
    }


def test_of_two_ends_the_first_stays(queue) -> None:
    job, _ = queue.add(scan(1))
    assert queue.take(job.id)
    assert not queue.take(job.id)
    assert queue.cancel(job.id).state == "cancelled"
    assert not queue.end(job.id, "complete")
    assert not queue.attempt(job.id)
    assert not queue.rely(job.id, "run", own=True)
    queue.postpone(job.id, "later")
    assert queue.failed_once(job.id, 1, "died").state == "cancelled"
    ended = queue.get(job.id)
    assert (ended.state, ended.message, ended.exit_code) == ("cancelled", "cancelled", 3)
    assert queue.cancel(job.id) == ended


def test_runs_of_a_cancelled_job_are_asked_to_end_unless_somebody_wants_them(queue) -> None:
    waiting, _ = queue.add(scan(1))
    assert not queue.cancel(waiting.id).stopping
    begun, _ = queue.add(scan(1))
    queue.take(begun.id)
    queue.attempt(begun.id)
    queue.postpone(begun.id, "the store is away")  # a driver may be at work there
    assert queue.cancel(begun.id).stopping
    assert [job.id for job in queue.stopping()] == [begun.id]
    queue.stopped(begun.id)
    assert queue.stopping() == ()
    third, _ = queue.add(scan(1))
    queue.take(third.id)
    assert queue.cancel(third.id).stopping
    assert queue.add(scan(1))[1]
    assert queue.stopping() == ()


def test_attempts_without_a_chunk_in_between_are_counted(queue) -> None:
    job, _ = queue.add(scan(1))
    counts = []
    for chunks in (3, 3, 3, 4, 4, 0):
        queue.take(job.id)
        queue.attempt(job.id)
        queue.rely(job.id, "run", own=True)
        counts.append(queue.failed_once(job.id, chunks, "died").fruitless)
    assert counts == [1, 2, 3, 1, 2, 3]
    left = queue.get(job.id)
    assert (left.state, left.attempts, left.message) == ("queued", 6, "died")
    assert (left.run, left.own) == ("", False)


def test_points_of_a_token(queue) -> None:
    jobs = [queue.add(scan(n), token="ada")[0] for n in range(5)]
    queue.add(scan(9), token="bob")
    assert queue.points_of("ada") == 5 * POINTS
    for job in jobs[:3]:
        queue.take(job.id)
        queue.attempt(job.id)
    queue.end(jobs[0].id, "complete")
    queue.end(jobs[1].id, "failed", "no events", 4)
    queue.cancel(jobs[2].id)  # it was computed in part
    queue.cancel(jobs[3].id)  # it never was
    assert queue.points_of("ada") == 3 * POINTS
    queue.add(scan(2), token="ada")  # the same points once more
    assert queue.points_of("ada") == 3 * POINTS
    assert queue.points_of("nobody") == 0


def test_so_many_scans_of_a_token_wait_and_no_more(queue, monkeypatch) -> None:
    monkeypatch.setattr(quota, "MOST_WAITING", 3)
    for number in range(3):
        queue.add(scan(number), token="ada", quota=10**9)
    with pytest.raises(RefusalError, match="3 scans of token 'ada' wait") as told:
        queue.add(scan(3), token="ada", quota=10**9)
    assert told.value.status == 429
    assert not queue.add(scan(1), token="ada", quota=10**9)[1]  # it waits already
    assert queue.add(scan(3), token="eve", quota=10**9)[1]


def test_a_quota_is_kept_and_a_scan_counts_once(queue) -> None:
    most = 2 * POINTS
    first, _ = queue.add(scan(1), token="ada", quota=most)
    queue.add(scan(2), token="ada", quota=most)
    with pytest.raises(RefusalError, match=f"'ada' may ask for {most} points in all and has") as no:
        queue.add(scan(3), token="ada", quota=most)
    assert no.value.status == 403
    assert len(queue.list()) == 2
    queue.take(first.id)
    queue.end(first.id, "complete")
    assert queue.add(scan(1), token="ada", quota=most)[1]  # once more the same: no more points


def test_many_threads_ask_for_the_same_scans(queue) -> None:
    made: list[tuple[int, bool]] = []

    def ask() -> None:
        for number in range(10):
            job, new = queue.add(scan(number))
            made.append((job.id, new))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 80
    assert sum(new for _, new in made) == 10
    assert len({number for number, _ in made}) == len(queue.list()) == 10


ADD = """
import sys
sys.path.insert(0, sys.argv[2])
import stand_in
from pathlib import Path
from scanner.service.jobs.queue import Queue
queue = Queue(Path(sys.argv[1]))
for number in range(10**6):
    job, _ = queue.add(stand_in.make_definition(number=float(number)))
    queue.take(job.id)
    print(job.id, flush=True)
"""


def test_a_killed_writer_leaves_every_confirmed_job(tmp_path) -> None:
    path = tmp_path / "jobs.sqlite"
    line = [sys.executable, "-c", ADD, path, Path(stand_in.__file__).parent]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
        told = [int(process.stdout.readline()) for _ in range(20)]
        process.send_signal(signal.SIGKILL)
        told += [int(text) for text in process.stdout.read().split()]
    queue = Queue(path)
    running = {job.id for job in queue.running()}
    queue.close()
    assert set(told) <= running
    assert len(told) >= 20
    database = sqlite3.connect(path)
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()


def test_a_file_that_cannot_be_used_is_told(tmp_path) -> None:
    odd = tmp_path / "odd.sqlite"
    odd.write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError, match=r"odd.sqlite: the queue of the service cannot be used"):
        Queue(odd)
    with pytest.raises(StoreError, match="choose another --state"):
        Queue(tmp_path / "no folder" / "jobs.sqlite")
    later = tmp_path / "later.sqlite"
    database = sqlite3.connect(later)
    database.execute("PRAGMA user_version = 7")
    database.close()
    with pytest.raises(StoreError, match="has the format 7, this version reads 1"):
        Queue(later)


def test_connections_of_ended_threads_are_closed(queue) -> None:
    for number in range(20):
        thread = threading.Thread(target=queue.add, args=(scan(number),))
        thread.start()
        thread.join()
    # that of this thread, and of the last one
    assert len(queue._file._open) <= 2
    assert len(queue.list()) == 20

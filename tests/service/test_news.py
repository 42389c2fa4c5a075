"""What listeners hear of a scan: from its job, its runs' records, and seldom from its ledger."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from scanner import definition, prepare
from scanner.errors import CatalogError
from scanner.scan import Scan
from scanner.service.jobs import news as module
from scanner.service.jobs.news import News
from scanner.service.jobs.queue import Queue
from scanner.store.runs import Run, new_run
from scanner.store.stored import StoredScan

CHOSEN = ("axes.mass.n=8", "axes.coupling.n=8", "chunks.points=8")


@pytest.fixture
def queue(tmp_path) -> Iterator[Queue]:
    made = Queue(tmp_path / "jobs.sqlite")
    yield made
    made.close()


@pytest.fixture
def stored(tmp_path) -> StoredScan:
    """A scan of 8 chunks, none of them computed."""
    chosen = definition.load("light_vector_universal", CHOSEN)
    grid, _ = prepare.cut(chosen, 1)
    return prepare.create(chosen, grid, tmp_path / "scans")


@pytest.fixture
def room(queue, tmp_path, monkeypatch) -> News:
    """Tells what is the case now, not what was half a second ago."""
    monkeypatch.setattr(module, "FRESH_SECONDS", 0.0)
    return News(queue, str(tmp_path / "scans"))


def working(**values) -> Run:
    """Record of a run that this process does."""
    return replace(new_run("host").here(), phase="computing", **values)


def test_nothing_is_known(room) -> None:
    for odd in ("0" * 16, "..", "../jobs.sqlite", ""):
        with pytest.raises(CatalogError, match="see GET /scans for those there are"):
            room.of(odd)


def test_a_job_that_waits_is_told_before_there_is_a_scan(room, queue) -> None:
    chosen = definition.load("light_vector_universal", CHOSEN)
    job, _ = queue.add(chosen)
    told = room.of(chosen.id)
    assert told == {
        "scan": chosen.id,
        "phase": "queued",
        "stage": "",
        "done": 0,
        "total": 0,
        "points_done": 0,
        "points": 64,
        "points_per_second": 0.0,
        "eta_seconds": None,
        "workers": 0,
        "message": "",
        "exit_code": None,
    }
    queue.take(job.id)
    queue.postpone(job.id, "the store is away; tried again every 5 s")
    told = room.of(chosen.id)
    assert (told["phase"], told["message"]) == (
        "queued",
        "the store is away; tried again every 5 s",
    )
    queue.end(job.id, "failed", "no events", 4)
    assert (room.of(chosen.id)["phase"], room.of(chosen.id)["message"]) == ("failed", "no events")


def test_the_furthest_run_tells_and_the_ledger_is_left_alone(room, stored, monkeypatch) -> None:
    far = working(done=5, total=8, points_done=40, points=64, points_per_second=9.5, workers=2)
    stored.runs.write(replace(far, eta_seconds=2.5))
    stored.runs.write(working(done=4, total=8))

    def never(*_: object) -> None:
        raise AssertionError("the ledger is read")

    monkeypatch.setattr(StoredScan, "state", never)
    told = room.of(stored.id)
    assert (told["phase"], told["stage"], told["done"], told["total"]) == (
        "running",
        "computing",
        5,
        8,
    )
    assert (told["points_done"], told["points"], told["points_per_second"]) == (40, 64, 9.5)
    assert (told["eta_seconds"], told["workers"]) == (2.5, 2)


def test_who_was_asked_to_end_does_not_work_any_more(room, queue, stored) -> None:
    job, _ = queue.add(stored.definition)
    queue.take(job.id)
    run = working(done=5, total=8)
    stored.runs.write(run)
    assert room.of(stored.id)["phase"] == "running"
    queue.cancel(job.id)
    assert room.of(stored.id)["phase"] == "cancelled"  # though nobody has asked the run yet
    stored.runs.request_stop(run.key)
    queue.stopped(job.id)
    assert room.of(stored.id)["phase"] == "cancelled"
    stored.runs.write(working(done=1, total=8))  # somebody goes on by the command line
    assert (room.of(stored.id)["phase"], room.of(stored.id)["done"]) == ("running", 1)


def test_nobody_works_and_nobody_asked(room, stored) -> None:
    told = room.of(stored.id)
    assert (told["phase"], told["done"], told["total"], told["points"]) == (
        "incomplete",
        0,
        8,
        64,
    )
    assert told["phase"] in module.ENDS


def test_a_complete_scan_is_complete_whatever_its_job_came_to(
    queue, root: Path, scan: Scan
) -> None:
    assert News(queue, str(root)).of(scan.id)["phase"] == "complete"
    job, _ = queue.add(scan.definition)
    assert News(queue, str(root)).of(scan.id)["phase"] == "queued"
    queue.cancel(job.id)
    told = News(queue, str(root)).of(scan.id)
    assert (told["phase"], told["message"]) == ("complete", "")
    assert told["points_done"] == told["points"] == 16 * 90


def test_minima_that_are_written_after_all_chunks_are_not_overlooked(room, queue, tmp_path) -> None:
    chosen = definition.load("light_vector_universal", CHOSEN)
    scan = Scan.of("light_vector_universal", CHOSEN, store=tmp_path / "scans")
    scan.run()
    summary = scan.stored.folder.read("summary.json")
    scan.stored.folder.remove(["summary.json"])
    job, _ = queue.add(chosen)
    queue.cancel(job.id)
    told = room.of(chosen.id)
    assert (told["phase"], told["done"], told["total"]) == ("cancelled", 8, 8)
    scan.stored.folder.write("summary.json", summary)
    assert room.of(chosen.id)["phase"] == "complete"


def test_after_a_request_nothing_old_is_told(queue, stored, tmp_path) -> None:
    news = News(queue, str(tmp_path / "scans"))
    assert news.of(stored.id)["phase"] == "incomplete"
    queue.add(stored.definition)
    assert news.of(stored.id)["phase"] == "incomplete"
    assert news.of(stored.id, anew=True)["phase"] == "queued"


def test_listeners_at_the_same_time_hear_the_same_look(queue, stored, tmp_path) -> None:
    room = News(queue, str(tmp_path / "scans"))
    stored.runs.write(working(done=5, total=8))
    first = room.of(stored.id)
    stored.runs.write(working(done=7, total=8))
    assert room.of(stored.id) == first
    deadline = time.monotonic() + 10 * module.FRESH_SECONDS
    while room.of(stored.id) == first:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert room.of(stored.id)["done"] == 7

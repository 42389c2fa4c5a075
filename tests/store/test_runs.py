"""Records of runs: written, read, judged by their age; who is asked to stop, and who is not."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
import time

import pytest

from scanner.errors import CatalogError, ClusterError, IncompleteScanError, StoreError
from scanner.store import processes, runs
from scanner.store.processes import process_alive, this_process
from scanner.store.removal import candidate, remove
from scanner.store.runs import KEEP, SILENT_SECONDS, Run, Runs, new_run
from scanner.store.stored import StoredScan
from scanner.store.watching import Follower, cancel, nobody, watch


@pytest.fixture
def aged(monkeypatch: pytest.MonkeyPatch):
    """Write a record as it would lie there after some seconds, by the clock of the store."""
    ages: dict[str, float] = {}

    def write(stored: StoredScan, run: Run, seconds: float) -> None:
        kind = type(stored.folder)
        if not ages:
            modified = kind.modified
            monkeypatch.setattr(
                kind, "modified", lambda place, name: modified(place, name) - ages.get(name, 0.0)
            )
        stored.runs.write(run)
        ages[f"{run.key}.json"] = seconds

    return write


def elsewhere(kind: runs.Kind = "host", **said: object) -> Run:
    """A run of a host that is not this one."""
    return dataclasses.replace(new_run(kind), process="boot/pid:[1] 7 99", **said)


def test_a_record_is_read_as_it_was_written(stored) -> None:
    run = elsewhere(
        quarantined=(3, 5), failed={"2": "no events"}, notes=("processors differ",), eta_seconds=2.5
    )
    stored.runs.write(run)
    assert stored.runs.read(run.key) == run
    [seen] = stored.runs.look()
    assert seen.run == run
    assert 0 <= seen.age < 5
    assert json.dumps(seen.to_dict())


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:40],
        lambda text: b"[]",
        lambda text: text.replace(b'"done": 0', b'"done": "0"'),
        lambda text: text.replace(b'"phase"', b'"phases"'),
        lambda text: text.replace(b'"key": "', b'"key": "x'),
    ],
)
def test_what_is_no_record_is_no_run(stored, damage) -> None:
    run = elsewhere()
    stored.runs.write(run)
    folder = stored.runs.folder
    whole = folder.read(f"{run.key}.json")
    folder.write(f"{run.key}.json", damage(whole))
    assert damage(whole) != whole
    assert stored.runs.read(run.key) is None
    assert stored.runs.look() == []


def test_entries_of_a_later_version_are_left_out(stored) -> None:
    run = elsewhere()
    stored.runs.write(run)
    name = f"{run.key}.json"
    record = {**json.loads(stored.runs.folder.read(name)), "mood": "good"}
    stored.runs.folder.write(name, json.dumps(record).encode())
    assert stored.runs.read(run.key) == run


def test_silence_is_judged_by_the_clock_of_the_store(stored, monkeypatch, aged) -> None:
    fresh, old = elsewhere(), elsewhere()
    aged(stored, fresh, SILENT_SECONDS / 2)
    aged(stored, old, SILENT_SECONDS * 2)
    monkeypatch.setattr(time, "time", lambda: 0.0)  # a host whose clock is far behind
    first, second = stored.runs.look()
    assert (first.run.key, first.alive) == (fresh.key, True)
    assert (second.run.key, second.alive, second.silent) == (old.key, False, True)
    assert second.age == pytest.approx(2 * SILENT_SECONDS, abs=10)
    ended = dataclasses.replace(old, phase="failed")
    aged(stored, ended, SILENT_SECONDS * 2)
    assert [one.silent for one in stored.runs.look() if one.run.ended] == [False]


def test_a_store_without_a_clock_is_read_by_the_clock_of_the_host(
    stored, monkeypatch, aged
) -> None:
    aged(stored, elsewhere(), 20.0)

    def refuse(folder: object) -> float:
        raise StoreError("not writable")

    monkeypatch.setattr(type(stored.folder), "clock", refuse)
    [seen] = stored.runs.look()
    assert seen.age == pytest.approx(20.0, abs=5)


def test_a_process_that_is_gone_is_told_at_once_but_a_task_is_started_again(stored) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    host, _, name = this_process()
    birth = processes._birth(child.pid)
    theirs = f"{name.split()[0]} {child.pid} {birth}"
    stored.runs.write(dataclasses.replace(new_run("host"), process=theirs))
    task = dataclasses.replace(new_run("cluster"), process=theirs)
    stored.runs.write(task)
    assert host
    assert process_alive(theirs) is True
    assert [one.alive for one in stored.runs.look()] == [True, True]
    child.kill()
    deadline = time.monotonic() + 10
    while processes._birth(child.pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert process_alive(theirs) is False  # a zombie works on nothing
    child.communicate()
    assert process_alive(theirs) is False
    assert [one.run.key for one in stored.runs.working()] == [task.key]


@pytest.mark.parametrize("name", ["", "boot/pid:[1] 7 99", "nonsense", "a b c d"])
def test_nothing_is_said_of_processes_that_cannot_be_seen(name: str) -> None:
    assert process_alive(name) is None


def test_another_process_of_the_same_number_is_told_apart() -> None:
    system, pid, birth = this_process()[2].split()
    assert process_alive(f"{system} {pid} {birth}") is True
    assert process_alive(f"{system} {pid} {int(birth) - 1}") is False


def test_a_wish_to_stop_hits_that_run_and_no_later_one(stored) -> None:
    one, other = elsewhere(), elsewhere()
    stored.runs.write(one)
    stored.runs.request_stop(one.key)
    assert stored.runs.stop_requested(one.key)
    assert not stored.runs.stop_requested(other.key)
    assert [seen.run.key for seen in stored.runs.look()] == [one.key]


def test_old_records_go_with_all_that_lies_beside_them(stored, aged) -> None:
    ended = [elsewhere(phase="complete") for _ in range(KEEP + 3)]
    for age, run in enumerate(ended):
        aged(stored, run, 100.0 * age)
        stored.runs.request_stop(run.key)
        stored.runs.write_log(run.key, "words")
    working = elsewhere()
    aged(stored, working, SILENT_SECONDS / 2)
    stored.runs.prune()
    kept = {run.key for run in ended[:KEEP]} | {working.key}
    assert set(stored.runs.listed()) == kept
    assert {name.split(".")[0] for name in stored.runs.folder.names()} == kept


def test_the_follower_needs_no_clock_but_its_own(stored, aged) -> None:
    now = [1000.0]
    run = elsewhere(phase="computing")
    aged(stored, run, 30.0)
    follower = Follower(stored.runs, clock=lambda: now[0])
    now[0] += SILENT_SECONDS - 31.0
    [seen] = follower.look()
    assert (round(seen.age), seen.alive) == (59, True)
    stored.runs.write(dataclasses.replace(run, beats=1))
    assert [one.age for one in follower.look()] == [0.0]
    now[0] += SILENT_SECONDS + 1
    assert [one.alive for one in follower.look()] == [False]


def test_watching_a_scan_that_nobody_works_on(stored) -> None:
    with pytest.raises(IncompleteScanError, match=r"0 of 4 chunks done; go on with .*scanner resu"):
        list(watch(stored))
    run = elsewhere(phase="failed", message="the store is full", exit_code=6, user="anna", host="x")
    stored.runs.write(run)
    with pytest.raises(StoreError, match="the run of anna on x failed: the store is full; go on"):
        list(watch(stored))


def test_watching_ends_as_the_run_does(stored) -> None:
    run = elsewhere(phase="computing", done=1)
    stored.runs.write(run)
    news = watch(stored, tick=0.01)
    assert next(news).phase == "computing"
    end = {"phase": "failed", "message": "the scheduler was lost", "exit_code": 5}
    stored.runs.write(dataclasses.replace(run, **end))
    assert next(news).phase == "failed"
    with pytest.raises(ClusterError, match="the scheduler was lost"):
        next(news)


def test_watching_a_scan_until_it_is_complete(filled) -> None:
    run = elsewhere(phase="computing", done=3)
    filled.runs.write(run)
    phases = []
    for told in watch(filled, tick=0.01):
        phases.append(told.phase)
        filled.write_attributes({"minimum": {}})
        filled.runs.write(dataclasses.replace(run, phase="complete"))
    assert phases == ["computing", "complete"]


def test_watching_a_scan_that_is_removed(archive, stored) -> None:
    stored.runs.write(elsewhere(phase="computing"))
    news = watch(stored, tick=0.01)
    next(news)
    remove(candidate(archive, stored.id))
    with pytest.raises(CatalogError, match="it was removed"):
        next(news)


def test_cancelling_a_scan_that_nobody_works_on_leaves_nothing(stored) -> None:
    stored.runs.write(elsewhere(phase="complete"))
    before = stored.runs.folder.names()
    found = cancel(stored)
    assert (found.asked, found.working) == ((), ())
    assert stored.runs.folder.names() == before
    assert not stored.stop_requested()


def test_cancelling_what_is_silent_or_waits_ends_it_at_once_and_for_good(stored, aged) -> None:
    silent = elsewhere("cluster", phase="computing", done=2)
    aged(stored, silent, 3 * SILENT_SECONDS)
    waiting = new_run("cluster")
    stored.runs.write(waiting)
    found = cancel(stored)
    assert {run.key for run in found.asked} == {silent.key, waiting.key}
    assert {run.phase for run in found.asked} == {"stopped"}
    assert all(stored.runs.stop_requested(run.key) for run in found.asked)
    assert stored.runs.working() == []


def test_cancelling_a_run_that_does_not_listen_is_told(stored) -> None:
    run = elsewhere(phase="computing", user="anna", host="x")
    stored.runs.write(run)
    with pytest.raises(ClusterError, match=r"anna on x \(computing, .* has not ended within 0 s"):
        cancel(stored, patience=0.0)
    found = cancel(stored, wait=False)
    assert [one.run.key for one in found.working] == [run.key]


def test_nobody_is_said_with_the_last_run(stored, aged) -> None:
    begun = time.monotonic()
    aged(stored, elsewhere(user="anna", host="x", phase="computing"), 400.0)
    sentence = nobody(stored, stored.runs.look())
    said = re.search(
        r"anna on x was last heard of (\d+) s ago and has not ended properly", sentence
    )
    assert said, sentence
    # clocks of servers have whole seconds, and time passes
    assert 399 <= int(said[1]) <= 401 + time.monotonic() - begun
    assert isinstance(stored.runs, Runs)

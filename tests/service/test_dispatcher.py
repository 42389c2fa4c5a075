"""The dispatcher: real drivers, killed, stopped, cancelled; stores that go away and come back."""

from __future__ import annotations

import importlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from slow import small

from scanner.definition import ScanDefinition
from scanner.errors import CatalogError, DefinitionError
from scanner.evaluate import Evaluator
from scanner.service.jobs import pursuit
from scanner.service.jobs.dispatcher import Dispatcher
from scanner.service.jobs.job import Job
from scanner.service.jobs.news import News, news
from scanner.service.jobs.pursuit import judged
from scanner.service.jobs.queue import Queue
from scanner.service.settings import Settings
from scanner.store import removal
from scanner.store.archive import Archive
from scanner.store.runs import Run, new_run
from scanner.store.stored import StoredScan
from scanner.store.watching import cancel
from scanner.submission import submit

HERE = Path(__file__).parent
EXECUTION = HERE.parent / "execution"
sys.path.insert(0, str(EXECUTION))
dask_cluster = importlib.import_module("dask_cluster")
wait_for = dask_cluster.wait_for
repeats = importlib.import_module("fault_table").repeats

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("unhurried")]

LONG = "SCANNER_LONG_TESTS"
long = pytest.mark.skipif(os.environ.get(LONG) != "1", reason=f"long: set {LONG}=1")

CLUSTER = {"workers": 1}
WAITS = (0.1, 0.2)


class Place:
    """A state folder and a store, and who works there."""

    def __init__(self, folder: Path) -> None:
        self.state, self.root = folder, folder / "scans"
        self.queue = Queue(folder / "jobs.sqlite")

    def settings(self, **options) -> Settings:
        return Settings(**{"root": str(self.root), "cluster": CLUSTER, **options})

    @contextmanager
    def dispatcher(self, **options) -> Iterator[Dispatcher]:
        made = Dispatcher(self.queue, self.settings(**options), waits=WAITS, tick=0.2)
        made.start()
        try:
            yield made
        finally:
            made.stop(patience=60)

    @contextmanager
    def service(self) -> Iterator[subprocess.Popen[str]]:
        """A process with a dispatcher, which is killed at the end."""
        line = [sys.executable, HERE / "jobs_alone.py", self.state, self.root]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        with subprocess.Popen(line, **pipes) as process:
            assert process.stdout.readline() == "ready\n"
            try:
                yield process
            finally:
                process.kill()

    def stored(self, chosen: ScanDefinition) -> StoredScan | None:
        return Archive(self.root).find(chosen)

    def job(self, chosen: ScanDefinition) -> Job:
        job = self.queue.of_scan(chosen.id)
        assert job is not None
        return job

    def until(self, number: int, *states: str) -> Job:
        wait_for(lambda: self.queue.get(number).state in states, f"for {states}")
        return self.queue.get(number)

    def working(self, chosen: ScanDefinition, done: int = 1, besides: str = "") -> Run:
        """The run of a driver that has done so many chunks."""
        found: list[Run] = []

        def look() -> bool:
            stored = self.stored(chosen)
            if stored is None or len(stored.done()) < done:
                return False
            found[:] = [s.run for s in stored.runs.working() if s.run.begun]
            return bool(found) and found[0].key != besides

        wait_for(look, "for a driver")
        return found[0]


@pytest.fixture
def place(tmp_path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.queue.close()
    for process in psutil.process_iter(["cmdline"]):  # drivers of a test that failed
        if any(str(tmp_path) in word for word in process.info["cmdline"] or ()):
            process.kill()


def check_whole(stored: StoredScan) -> None:
    """Every chunk holds the bytes of its evaluation in this process."""
    assert stored.missing() == []
    assert "minimum" in stored.summary
    evaluator = Evaluator(stored.definition)
    for chunk in stored.grid:
        block = evaluator.block(stored.grid, chunk)
        chi2, status = stored.cube.read(chunk)
        assert chi2.tobytes() == block.chi2.tobytes()
        assert status.tobytes() == block.status.tobytes()


def kill(run: Run) -> None:
    """SIGKILL for a driver; its workers follow."""
    below = psutil.Process(run.pid).children(recursive=True)
    os.kill(run.pid, signal.SIGKILL)
    psutil.wait_procs(below, timeout=20)


@pytest.mark.parametrize(
    ("phase", "code", "own", "asked", "verdict"),
    [
        (None, 0, True, False, "counted"),
        (None, 0, False, False, "free"),
        ("computing", 0, True, False, "counted"),
        ("computing", 0, False, False, "free"),
        ("computing", 0, True, True, "cancelled"),
        ("complete", 0, True, False, "counted"),
        ("complete", 0, False, False, "free"),
        ("stopped", 3, True, True, "cancelled"),
        ("stopped", 3, False, True, "cancelled"),
        ("stopped", 3, True, False, "counted"),
        ("stopped", 3, False, False, "free"),
        ("failed", 1, True, False, "failed"),
        ("failed", 2, True, False, "failed"),
        ("failed", 3, True, False, "failed"),
        ("failed", 4, True, False, "failed"),
        ("failed", 4, False, False, "free"),
        ("failed", 5, True, False, "counted"),
        ("failed", 5, False, False, "free"),
        ("failed", 6, True, False, "later"),
        ("failed", 6, False, False, "later"),
    ],
)
def test_what_becomes_of_a_job_whose_run_was_left(phase, code, own, asked, verdict) -> None:
    run = None if phase is None else replace(new_run("host"), phase=phase, exit_code=code)
    assert judged(run, own=own, asked=asked) == verdict


def test_other_sources_fail_with_the_mend(place) -> None:
    chosen = small()
    other = replace(chosen, sources={**chosen.sources, "scenario": "0" * 64})
    with place.dispatcher() as dispatcher:
        job, _ = dispatcher.add(other)
        ended = place.until(job.id, "failed")
    assert ended.exit_code == 4
    assert "was computed with other versions of scenario light_vector" in ended.message
    assert "run the definition again for a new scan" in ended.message
    assert not place.root.exists()
    assert news(place.queue, str(place.root), other.id)["phase"] == "failed"


def test_a_cluster_that_does_not_answer_is_tried_again_a_few_times(place, monkeypatch) -> None:
    monkeypatch.setattr(pursuit, "MOST_FRUITLESS", 1)  # an attempt takes 8 s
    with place.dispatcher(cluster={"scheduler": "tcp://127.0.0.1:1"}) as dispatcher:
        job, _ = dispatcher.add(small())
        ended = place.until(job.id, "failed")
    assert (ended.attempts, ended.exit_code) == (2, 5)
    assert ended.message.startswith("given up after 2 attempts without a finished chunk: no Dask")
    assert "127.0.0.1:1" in ended.message
    assert not place.root.exists()


def test_a_store_that_is_away_is_waited_for(place) -> None:
    chosen = small(8)
    place.root.write_text("in the way")
    with place.dispatcher() as dispatcher:
        job, _ = dispatcher.add(chosen)
        wait_for(lambda: place.queue.get(job.id).attempts > 3, "for attempts")
        wait_for(lambda: "tried again every" in place.queue.get(job.id).message, "for a word")
        waiting = place.queue.get(job.id)
        assert (waiting.state, waiting.fruitless) == ("queued", 0)
        place.root.unlink()
        ended = place.until(job.id, "complete", "failed")
        assert (ended.state, ended.message) == ("complete", "")
    check_whole(place.stored(chosen))


def test_a_root_that_vanishes_is_a_disk_that_is_away(place) -> None:
    chosen, away = small(8), place.state / "away"
    place.root.mkdir()
    job, _ = place.queue.add(chosen)
    place.queue.take(job.id)
    place.queue.rely(job.id, "gone", own=True)
    place.queue.postpone(job.id, "")
    place.root.rename(away)
    with place.dispatcher():
        wait_for(lambda: "mount it" in place.queue.get(job.id).message, "for a word")
        assert not place.root.exists()
        away.rename(place.root)
        assert place.until(job.id, "complete", "failed").state == "complete"


class Watched(Queue):
    """Notes the order in which jobs are taken, and how many run then."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.taken: list[int] = []
        self.most = 0

    def take(self, number: int) -> bool:
        done = super().take(number)
        self.taken += [number] * done
        self.most = max(self.most, len(self.running()))
        return done


@pytest.mark.parametrize("at_once", [1, pytest.param(3, marks=long)])
def test_priorities_and_how_many_at_once(place, at_once) -> None:
    queue = Watched(place.state / "jobs.sqlite")
    chosen = small()
    ids = []
    for number, priority in enumerate((0, 5, 0, 7, 5)):
        sources = {**chosen.sources, "scenario": f"{number}" * 64}  # ends at once
        ids.append(queue.add(replace(chosen, sources=sources), priority)[0].id)
    dispatcher = Dispatcher(queue, place.settings(at_once=at_once), waits=WAITS, tick=0.2)
    dispatcher.start()
    wait_for(lambda: queue.counts()["failed"] == 5, "for all")
    dispatcher.stop()
    queue.close()
    assert [ids.index(n) for n in queue.taken] == [3, 1, 4, 0, 2]
    assert queue.most == at_once


def test_there_is_one_dispatcher_for_a_queue(place) -> None:
    with place.service() as process:
        second = Dispatcher(place.queue, place.settings())
        with pytest.raises(DefinitionError, match=rf"works there \(process {process.pid}\): stop"):
            second.start()
        process.kill()
        process.wait()
    second.start()
    second.stop()
    with place.dispatcher():  # the lock is gone with who held it
        pass


def test_what_waits_is_cancelled_before_it_begins(place) -> None:
    place.root.write_text("in the way")
    with place.dispatcher() as dispatcher:
        job, _ = dispatcher.add(small())
        wait_for(lambda: place.queue.get(job.id).attempts > 0, "for an attempt")
        assert dispatcher.cancel(job.id).state == "cancelled"
        place.root.unlink()
        wait_for(lambda: place.queue.stopping() == (), "for the runs, of which there are none")
        assert place.queue.get(job.id).state == "cancelled"
    assert not place.root.exists()
    assert news(place.queue, str(place.root), job.scan)["phase"] == "cancelled"


def test_a_killed_driver_is_started_again_and_what_is_complete_never(place) -> None:
    chosen = small()
    with place.dispatcher() as dispatcher:
        job, _ = dispatcher.add(chosen)
        first = place.working(chosen, 5)
        kill(first)
        began = time.monotonic()
        second = place.working(chosen, 6, besides=first.key)
        again = time.monotonic() - began
        os.kill(second.pid, signal.SIGTERM)  # as by whoever shuts the host down
        ended = place.until(job.id, "complete", "failed", "cancelled")
        assert (ended.state, ended.attempts, ended.message) == ("complete", 3, "")
        assert again < 45, "silence is not waited for where the process can be looked for"
        check_whole(place.stored(chosen))
        told = news(place.queue, str(place.root), chosen.id)
        assert (told["phase"], told["done"], told["total"]) == ("complete", 32, 32)
        # complete by somebody's work: no driver
        place.queue.add(chosen)
        wait_for(lambda: place.job(chosen).state == "complete", "for the second job")
        assert (place.job(chosen).id > job.id, place.job(chosen).attempts) == (True, 0)


def test_cancelled_then_resumed(place) -> None:
    chosen = small()
    with place.dispatcher() as dispatcher:
        job, _ = dispatcher.add(chosen)
        place.working(chosen, 3)
        told = News(place.queue, str(place.root)).of(chosen.id)
        assert (told["phase"], told["points"]) == ("running", 256)
        assert dispatcher.cancel(job.id).state == "cancelled"
        assert News(place.queue, str(place.root)).of(chosen.id)["phase"] == "cancelled"
        resumed, new = dispatcher.add(chosen)  # while the running chunks end
        assert new
        ended = place.until(resumed.id, "complete", "failed", "cancelled")
        assert ended.state == "complete"
        assert place.queue.get(job.id).state == "cancelled"
    check_whole(place.stored(chosen))


def test_cancelled_while_its_driver_is_being_started(place) -> None:
    chosen = small()
    with place.dispatcher() as dispatcher:
        job, _ = dispatcher.add(chosen)
        wait_for(lambda: (s := place.stored(chosen)) and s.runs.listed(), "for the record")
        dispatcher.cancel(job.id)
        stored = place.stored(chosen)
        wait_for(lambda: place.queue.stopping() == (), "for the wish")
        wait_for(lambda: all(one.run.ended for one in stored.runs.look()), "for the driver")
        assert len(stored.done()) < 32
        assert place.queue.get(job.id).state == "cancelled"


@long
def test_cancelled_by_somebody_else(place) -> None:
    chosen = small()
    with place.dispatcher() as dispatcher:
        job, _ = dispatcher.add(chosen)
        run = place.working(chosen, 3)
        wait_for(lambda: place.queue.get(job.id).run == run.key, "for the note")
        cancel(place.stored(chosen), wait=False)
        ended = place.until(job.id, "complete", "failed", "cancelled")
    assert (ended.state, ended.exit_code, ended.attempts) == ("cancelled", 3, 1)
    assert len(place.stored(chosen).done()) < 32


@long
def test_somebody_else_works_on_it_already(place) -> None:
    chosen = small(8)
    theirs = submit(chosen, store=place.root, **CLUSTER)
    with place.dispatcher() as dispatcher:
        job, _ = dispatcher.add(chosen)
        ended = place.until(job.id, "complete", "failed")
    assert (ended.state, ended.attempts) == ("complete", 0)
    assert [run.run.key for run in place.stored(chosen).runs.look()] == [theirs.run.key]


@long
def test_a_scan_that_is_removed_is_made_again(place) -> None:
    """While it waits, and while it is computed."""
    chosen = small()
    job, _ = place.queue.add(chosen)
    with place.dispatcher():
        first = place.working(chosen, 3)
        kill(first)
        shutil.rmtree(place.root / chosen.id)
        ended = place.until(job.id, "complete", "failed")
        assert ended.state == "complete", ended.message
        check_whole(place.stored(chosen))
        shutil.rmtree(place.root / chosen.id)
        with pytest.raises(CatalogError, match="it was removed: ask for it again"):
            News(place.queue, str(place.root)).of(chosen.id)


@long
def test_a_scan_that_is_removed_under_its_driver_is_made_again(place, monkeypatch) -> None:
    """Its workers write a chunk or two more, where no scan is any longer."""
    monkeypatch.setattr(removal, "QUIET_SECONDS", 3.0)
    chosen = small()
    job, _ = place.queue.add(chosen)
    with place.dispatcher():
        place.working(chosen, 3)
        removal.remove(removal.candidate(Archive(place.root), chosen.id))
        ended = place.until(job.id, "complete", "failed", "cancelled")
    assert (ended.state, ended.message) == ("complete", "")
    check_whole(place.stored(chosen))


def test_a_killed_service_finds_its_drivers_again(place) -> None:
    chosen, other = small(), small(9)
    with place.service():
        job, _ = place.queue.add(chosen)
        place.queue.add(other)
        run = place.working(chosen, 3)
        wait_for(lambda: place.queue.get(job.id).run == run.key, "for the note")
    assert psutil.pid_exists(run.pid)
    with place.service():
        ended = place.until(job.id, "complete", "failed")
        second = place.until(place.job(other).id, "complete", "failed")
    assert (ended.state, ended.attempts, ended.run) == ("complete", 1, run.key)
    assert (second.state, second.attempts) == ("complete", 1)
    check_whole(place.stored(chosen))
    check_whole(place.stored(other))


@long
def test_a_clock_that_jumped_starts_no_second_driver(place) -> None:
    """The record of a driver that works looks an hour old to the service that finds it."""
    chosen = small()
    with place.service():
        job, _ = place.queue.add(chosen)
        run = place.working(chosen, 3)
        wait_for(lambda: place.queue.get(job.id).run == run.key, "for the note")
    hour_ago = time.time() - 3600
    os.utime(place.root / chosen.id / "runs" / f"{run.key}.json", (hour_ago, hour_ago))
    with place.dispatcher():
        ended = place.until(job.id, "complete", "failed")
    assert (ended.state, ended.attempts) == ("complete", 1)
    assert place.stored(chosen).runs.listed() == [run.key]


@pytest.mark.parametrize("seed", repeats(1, 10))
def test_service_and_driver_are_killed_at_any_moment(place, seed) -> None:
    """Nothing is lost: whatever was asked for is complete in the end, to the last bit."""
    draw, chosen = random.Random(seed), (small(), small(9))
    with place.service() as process:
        jobs = [place.queue.add(one)[0] for one in chosen]
        time.sleep(draw.uniform(0.0, 14.0))
        process.kill()
        process.wait()
    with_driver = draw.random() < 0.5
    if with_driver:
        for one in chosen:
            stored = place.stored(one)
            for seen in stored.runs.working() if stored else ():
                if seen.run.begun:
                    kill(seen.run)
    began = time.monotonic()
    with place.service():
        ended = [place.until(job.id, "complete", "failed") for job in jobs]
    assert [job.state for job in ended] == ["complete", "complete"], ended
    assert max(job.attempts for job in ended) <= 2
    for one in chosen:
        check_whole(place.stored(one))
    drivers = [len(place.stored(one).runs.listed()) for one in chosen]
    print(
        f"seed {seed}: driver killed {with_driver}, drivers {drivers}, attempts "
        f"{[job.attempts for job in ended]}, {time.monotonic() - began:.1f} s to complete"
    )

"""Pursuit: one job from its start to its end, whoever works on the scan and whoever dies."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Literal, Protocol

from scanner.errors import ClusterError, ScannerError, StoreError
from scanner.service.jobs import remains
from scanner.service.jobs.job import Job
from scanner.service.jobs.queue import Queue
from scanner.store.archive import Archive
from scanner.store.processes import process_alive
from scanner.store.runs import BEAT_SECONDS, Run, Seen
from scanner.store.stored import StoredScan
from scanner.store.watching import Follower, cancel, finished
from scanner.submission import submit

TICK = 1.0  # s between looks
MOST_FRUITLESS = 4  # times that a scan is started again, no chunk having been finished in between
WAITS = (1.0, 5.0, 20.0, 60.0, 180.0, 300.0)
"""Seconds before the next attempt, after one failure, after two in a row, ..."""
NEWS_SECONDS = 3 * BEAT_SECONDS  # s in which a run that works has news
UNFORESEEN = 1  # exit code of what is no error of the user

Verdict = Literal["cancelled", "failed", "counted", "free", "later"]


class Place(Protocol):
    """What of the settings of a service is needed here."""

    @property
    def root(self) -> str:
        """Root of the store."""

    @property
    def cluster(self) -> Mapping[str, Any]:
        """For `execution.clusters.connect`."""

    @property
    def at_once(self) -> int:
        """Scans that are computed at the same time."""


def judged(run: Run | None, *, own: bool, asked: bool) -> Verdict:
    """What becomes of a job whose scan is not complete and on which nobody works any more.

    Parameters
    ----------
    run : Run or None
        That which the job relied on, as it was left; None where its record is gone, or where it
        relied on none.
    own : bool
        Whether the job's own driver did it; what another's came to is no reason to give up.
    asked : bool
        Whether that run was asked to end.

    Returns
    -------
    str
        ``cancelled``; ``failed``; start again: ``counted`` as an attempt, ``free``, or ``later``
        when the store is mended.
    """
    if asked:
        return "cancelled"
    if run is not None and run.exit_code == StoreError.exit_code:
        return "later"
    if not own:
        return "free"
    if run is None or run.phase != "failed" or run.exit_code == ClusterError.exit_code:
        return "counted"  # also where it was stopped by a signal: that was meant for the host
    return "failed"


class Pursuit:
    """Carries out jobs; each call is made in a thread of its own, and survives whatever happens.

    Parameters
    ----------
    queue : Queue
        Where everything is booked.
    place : Place
        Store and cluster.
    leave : threading.Event
        Set when the service ends; jobs and their drivers go on.
    waits : sequence of float
        See `WAITS`; the last one holds for all that follow.
    tick : float
        Seconds between looks.
    """

    def __init__(
        self,
        queue: Queue,
        place: Place,
        leave: threading.Event,
        waits: Sequence[float] = WAITS,
        tick: float = TICK,
    ) -> None:
        self._queue, self._place, self._leave = queue, place, leave
        self._waits, self._tick = waits, tick
        self._troubles: dict[int, int] = {}

    def carry_out(self, job: Job) -> float:
        """Start a job or find who works on it, follow, book its end.

        Returns
        -------
        float
            Seconds to wait before it is taken up again, should it not have ended.
        """
        try:
            return self._live(job)
        except StoreError as error:
            return self._later(job, str(error))
        except ClusterError as error:
            return self._again(job, str(error), error.exit_code)
        except ScannerError as error:
            self._queue.end(job.id, "failed", str(error), error.exit_code)
        except Exception as error:  # such as a host that has no room for one process more
            return self._again(job, f"{type(error).__name__}: {error}", UNFORESEEN)
        return 0.0

    def put_down(self, job: Job) -> float:
        """Ask every run of a cancelled job's scan to end; returns seconds as `carry_out` does."""
        try:
            stored = Archive(self._place.root).find(job.resolved())
            if stored is not None and self._queue.get(job.id).stopping:
                cancel(stored, wait=False)
        except StoreError:
            return self._wait(self._trouble(job))
        except ScannerError:  # a scan that cannot be opened has no runs that could be asked
            pass
        self._queue.stopped(job.id)
        self._troubles.pop(job.id, None)
        return 0.0

    def _live(self, job: Job) -> float:
        definition, archive = job.resolved(), Archive(self._place.root)
        while self._wanted(job):
            self._check_root(job)
            if not self._cleared(job, archive):
                break
            stored = archive.find(definition)
            if stored is not None:
                job, seen = self._follow(job, stored)
                if not self._wanted(job):
                    break
                if finished(stored):
                    self._queue.end(job.id, "complete")
                    break
                if job.run and (wait := self._conclude(job, stored, seen)) is not None:
                    return wait
            if not self._queue.attempt(job.id):
                break
            submission = submit(definition, store=self._place.root, **self._place.cluster)
            if submission.run is not None and submission.started:
                self._queue.rely(job.id, submission.run.key, own=True)
                self._troubles.pop(job.id, None)
            else:
                self._leave.wait(self._tick)
            job = self._queue.get(job.id)
        return 0.0

    def _wanted(self, job: Job) -> bool:
        return not self._leave.is_set() and self._queue.get(job.id).state == "running"

    def _check_root(self, job: Job) -> None:
        """A root that was there and is not any more is a disk that is away, not an empty store."""
        if job.chunks is not None and "://" not in self._place.root:
            folder = Archive(self._place.root).folder
            if not folder.exists():
                raise StoreError(f"store {folder} is not there any more: mount it")

    def _cleared(self, job: Job, archive: Archive) -> bool:
        """Wait for what is left of a scan that was made for this job, and removed under a driver.

        Where this job never made one, it is not the job's to remove.
        """
        while job.chunks is not None and not remains.cleared(archive, job.scan):
            self._queue.note(job.id, "the scan was removed; its driver is waited for")
            self._leave.wait(self._tick)
            if not self._wanted(job):
                return False
        return True

    def _follow(self, job: Job, stored: StoredScan) -> tuple[Job, Seen | None]:
        """Wait until nobody works on the scan; the job, and how the run it relies on was left."""
        follower, begun = Follower(stored.runs), time.monotonic()
        seen: Iterable[Seen] = tuple(follower.known.values())
        while self._wanted(job):
            # by a clock that jumped a record looks old that is not: then it has news soon
            fresh = time.monotonic() < begun + NEWS_SECONDS
            alive = [s for s in seen if s.alive or (fresh and _perhaps(s, job))]
            if not alive:
                break
            job = self._relying(job, stored, alive)
            self._leave.wait(self._tick)
            seen = self._looked(follower, job)
        return job, follower.known.get(job.run)

    def _looked(self, follower: Follower, job: Job) -> Iterable[Seen]:
        """All runs, when the store can be read (again)."""
        failures = 0
        while True:
            try:
                seen = follower.look()
            except StoreError as error:
                failures += 1
                self._queue.note(job.id, f"{error}; the driver may work all the same")
                self._leave.wait(self._wait(failures))
                if not self._wanted(job):
                    return ()
                continue
            if failures:
                self._queue.note(job.id, "")
            return seen

    def _relying(self, job: Job, stored: StoredScan, alive: Iterable[Seen]) -> Job:
        """The job, which relies on a run that works and was not asked to end before."""
        keys = {one.run.key for one in alive}
        if job.run in keys:
            return job
        for key in sorted(keys):
            if not stored.runs.stop_requested(key):
                self._queue.rely(job.id, key, own=False)
                return self._queue.get(job.id)
        return job

    def _conclude(self, job: Job, stored: StoredScan, seen: Seen | None) -> float | None:
        """Book what became of the run that was relied on; None to start a driver at once."""
        run = None if seen is None else seen.run
        verdict = judged(run, own=job.own, asked=stored.runs.stop_requested(job.run))
        said = _left(run)
        if verdict == "cancelled":
            self._queue.end(job.id, "cancelled", said, run.exit_code if run else 3)
        elif verdict == "failed" and run is not None:
            self._queue.end(job.id, "failed", said, run.exit_code)
        elif verdict == "counted":
            return self._again(job, said, (run and run.exit_code) or ClusterError.exit_code)
        elif verdict == "later":
            return self._later(job, said)
        else:
            self._queue.rely(job.id, "", own=False)
            return None
        return 0.0

    def _again(self, job: Job, said: str, exit_code: int) -> float:
        """Put the job back, or give it up."""
        job = self._queue.failed_once(job.id, self._done(job), said)
        if job.state != "queued":
            return 0.0
        if job.fruitless > MOST_FRUITLESS:
            given_up = f"given up after {job.fruitless} attempts without a finished chunk: {said}"
            self._queue.end(job.id, "failed", given_up, exit_code)
        return self._wait(job.fruitless)

    def _done(self, job: Job) -> int | None:
        """Chunks that are done; None where there is no scan, or the store cannot tell."""
        with suppress(ScannerError):
            stored = Archive(self._place.root).find(job.resolved())
            return None if stored is None else stored.state().done
        return None

    def _later(self, job: Job, said: str) -> float:
        """Put the job back until the store is mended; that is no fault of the scan."""
        wait = self._wait(self._trouble(job))
        self._queue.postpone(job.id, f"{said}; tried again every {wait:.0f} s")
        return wait

    def _trouble(self, job: Job) -> int:
        self._troubles[job.id] = self._troubles.get(job.id, 0) + 1
        return self._troubles[job.id]

    def _wait(self, failures: int) -> float:
        return self._waits[min(failures, len(self._waits)) - 1]


def _perhaps(seen: Seen, job: Job) -> bool:
    """Whether a run that looks silent may work: it is relied on, and its process is not gone."""
    run = seen.run
    if run.key != job.run or run.ended:
        return False
    return run.kind == "cluster" or process_alive(run.process) is not False


def _left(run: Run | None) -> str:
    """How a run was left, one clause."""
    if run is None:
        return "the scan or the record of its run was removed"
    if run.message:
        return run.message
    if run.ended:
        return f"the run on {run.host} was {run.phase}, but chunks or minima are missing"
    return f"the driver on {run.host} (process {run.pid}) died without a word"

"""News: how far a scan is, for many listeners every second; from its job and its run's record."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from scanner.errors import CatalogError
from scanner.service.jobs.job import Job
from scanner.service.jobs.queue import Queue
from scanner.store.archive import ID, Archive
from scanner.store.layout import DEFINITION
from scanner.store.runs import Run
from scanner.store.stored import StoredScan
from scanner.store.watching import Follower

FRESH_SECONDS = 0.5  # in which all listeners hear the same
LEDGER_SECONDS = 10.0  # between looks at the ledger of a scan on which nobody works
KEPT = 256  # scans of which is known what was told last
ENDS = ("complete", "failed", "cancelled", "incomplete")
"""Phases after which nothing is heard any more until somebody asks for the scan again."""


@dataclass
class _Desk:
    """What is known of one scan."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    stored: StoredScan | None = None
    follower: Follower | None = None
    told: dict[str, Any] = field(default_factory=dict)
    told_at: float = float("-inf")
    counted: tuple[Any, bool, dict[str, Any]] | None = None  # for what, whether finished, numbers
    counted_at: float = float("-inf")


class News:
    """How far scans are.

    Parameters
    ----------
    queue : Queue
        Jobs of the service.
    root : str
        Root of the store.
    """

    def __init__(self, queue: Queue, root: str) -> None:
        self._queue, self._archive = queue, Archive(root)
        self._desks: OrderedDict[str, _Desk] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, scan: str, *, anew: bool = False) -> dict[str, Any]:
        """What there is to tell of a scan.

        Parameters
        ----------
        scan : str
            Its full id.
        anew : bool
            Whether nothing that was read before will do, as after a request that changes it.

        Returns
        -------
        dict
            ``scan``, ``phase`` (``queued``, ``running`` or one of `ENDS`), ``stage`` of the run
            (see `Run.phase`; "" where nobody works), ``done`` and ``total`` chunks (0 while it is
            not made), ``points_done``, ``points``, ``points_per_second``, ``eta_seconds``,
            ``workers``, ``message``, ``exit_code`` (of what failed, else None).

        Raises
        ------
        CatalogError
            There is neither a scan nor a job that will make it.
        StoreError, MismatchError
            The store or the queue cannot be read.
        """
        desk = self._desk(scan)
        with desk.lock:
            if anew:
                desk.counted, desk.told_at = None, float("-inf")
            if time.monotonic() >= desk.told_at + FRESH_SECONDS:
                desk.told = self._look(scan, desk)
                desk.told_at = time.monotonic()
            return dict(desk.told)

    def _desk(self, scan: str) -> _Desk:
        with self._lock:
            desk = self._desks.setdefault(scan, _Desk())
            self._desks.move_to_end(scan)
            if len(self._desks) > KEPT:
                self._desks.popitem(last=False)
            return desk

    def _look(self, scan: str, desk: _Desk) -> dict[str, Any]:
        job = self._queue.of_scan(scan)
        self._open(scan, desk)
        if desk.stored is None or desk.follower is None:
            return _unmade(scan, job)
        alive = [one.run for one in desk.follower.look() if one.alive]
        if job is not None and job.state in ("cancelled", "failed"):
            # what ends after its running chunks is no work any more
            alive = [run for run in alive if not desk.stored.runs.stop_requested(run.key)]
            alive = [] if job.stopping else alive
        if alive:
            furthest = max(alive, key=lambda run: (run.begun, run.done))
            return _told(
                scan, "running", job, stage=furthest.phase, **self._numbers(desk, furthest)
            )
        over, numbers = self._count(desk, job)
        return _told(scan, _phase(job, over), job, **numbers)

    def _open(self, scan: str, desk: _Desk) -> None:
        """Open the scan, once; forget it where it was removed."""
        if desk.stored is not None and desk.stored.folder.exists(DEFINITION):
            return
        desk.stored = desk.follower = desk.counted = None
        folder = self._archive.folder
        if ID.fullmatch(scan) and folder.child(scan).exists(DEFINITION):
            desk.stored = StoredScan.open(folder.child(scan).location)
            desk.follower = Follower(desk.stored.runs)

    def _numbers(self, desk: _Desk, run: Run) -> dict[str, Any]:
        """Those of a run; while it has none yet, those of the ledger."""
        if not run.total:
            return self._count(desk, run.key)[1]
        names = ("done", "total", "points_done", "points", "points_per_second", "eta_seconds")
        return {name: getattr(run, name) for name in (*names, "workers")}

    def _count(self, desk: _Desk, why: Any) -> tuple[bool, dict[str, Any]]:
        """Whether the scan is finished, and the numbers of its ledger, read when there is cause."""
        assert desk.stored is not None
        now = time.monotonic()
        old = now > desk.counted_at + LEDGER_SECONDS
        if desk.counted is None or desk.counted[0] != why or (old and not desk.counted[1]):
            state = desk.stored.state()
            numbers = {
                name: getattr(state, name) for name in ("done", "total", "points_done", "points")
            }
            desk.counted = (why, state.complete and _minimised(desk.stored), numbers)
            desk.counted_at = now
        _, over, numbers = desk.counted
        if not over and numbers["done"] == numbers["total"]:  # minima are written after all chunks
            over = _minimised(desk.stored)
            desk.counted = (why, over, numbers)
        return over, numbers


def _minimised(stored: StoredScan) -> bool:
    return "minimum" in stored.summary


@lru_cache(maxsize=8)
def _news(queue: Queue, root: str) -> News:
    return News(queue, root)


def news(queue: Queue, root: str, scan: str) -> dict[str, Any]:
    """`News.of` for one queue and root, whose news are kept from call to call."""
    return _news(queue, root).of(scan)


def _phase(job: Job | None, over: bool) -> str:
    """Phase of a scan on which nobody works."""
    if job is not None and job.active:
        return job.state
    if over:
        return "complete"
    return job.state if job is not None and job.state in ("failed", "cancelled") else "incomplete"


def _unmade(scan: str, job: Job | None) -> dict[str, Any]:
    if job is None or job.state == "complete":
        gone = "it was removed: ask for it again" if job else "see GET /scans for those there are"
        raise CatalogError(f"no scan {scan!r}: {gone}")
    return _told(scan, job.state, job, points=job.points)


def _told(
    scan: str, phase: str, job: Job | None, *, stage: str = "", **numbers: Any
) -> dict[str, Any]:
    return {
        "scan": scan,
        "phase": phase,
        "stage": stage,
        "done": 0,
        "total": 0,
        "points_done": 0,
        "points": 0,
        "points_per_second": 0.0,
        "eta_seconds": None,
        "workers": 0,
        "message": "" if job is None or phase == "complete" else job.message,
        "exit_code": job.exit_code if job is not None and phase == "failed" else None,
        **numbers,
    }

"""Dispatcher: a thread that starts the jobs of a queue, in order, and sees every one through.

What it knows beside the queue are waits; whatever kills it, the next one finds in the queue which
jobs were running, and in the store who works on them.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TextIO

from scanner.definition import ScanDefinition
from scanner.errors import DefinitionError, StoreError
from scanner.service.jobs.job import Job
from scanner.service.jobs.pursuit import TICK, WAITS, Place, Pursuit
from scanner.service.jobs.queue import Queue

PATIENCE = 10.0  # s at the end for a driver that is being started
TROUBLE_SECONDS = 5.0  # s until a job is taken up again whose end could not be booked


class Dispatcher:
    """Starts and follows the jobs of a queue.

    Parameters
    ----------
    queue : Queue
        The jobs; beside its file lies a lock, for there may be one dispatcher only.
    settings : Place
        Store, cluster, and how many scans are computed at the same time.
    waits, tick
        See `Pursuit`.
    """

    def __init__(
        self, queue: Queue, settings: Place, waits: Sequence[float] = WAITS, tick: float = TICK
    ) -> None:
        self._queue, self._most, self._tick = queue, settings.at_once, tick
        self._leave, self._wake = threading.Event(), threading.Event()
        self._pursuit = Pursuit(queue, settings, self._leave, waits, tick)
        self._guard = threading.Lock()
        self._busy: dict[str, threading.Thread] = {}  # by scan: one job of a scan at a time
        self._not_before: dict[int, float] = {}
        self._thread: threading.Thread | None = None
        self._locked: TextIO | None = None

    def start(self) -> None:
        """Begin; jobs that were running are followed again, or started again.

        Raises
        ------
        DefinitionError
            Another service works on the queue.
        StoreError
            The lock cannot be made.
        """
        self._lock()
        self._leave.clear()
        self._thread = threading.Thread(target=self._run, name="dispatcher of jobs", daemon=True)
        self._thread.start()

    def stop(self, patience: float = PATIENCE) -> None:
        """End; drivers go on. One that is being started is waited for, `patience` seconds."""
        self._leave.set()
        self._wake.set()
        deadline = time.monotonic() + patience
        if self._thread is not None:
            self._thread.join(patience)
            self._thread = None
        with self._guard:
            left = list(self._busy.values())
        for thread in left:
            thread.join(max(deadline - time.monotonic(), 0.0))
        with self._guard:
            self._unlock()

    def add(
        self,
        definition: ScanDefinition,
        priority: int = 0,
        token: str = "",
        quota: int | None = None,
    ) -> tuple[Job, bool]:
        """`Queue.add`, and begin at once, also where the job waits to be tried again.

        A scan whose last job has ended is resumed by this.
        """
        job, new = self._queue.add(definition, priority, token, quota)
        with self._guard:
            self._not_before.pop(job.id, None)
        self._wake.set()
        return job, new

    def cancel(self, number: int) -> Job:
        """`Queue.cancel`, and ask its runs to end at once: they do after their running chunks."""
        job = self._queue.cancel(number)
        self._wake.set()
        return job

    def _run(self) -> None:
        while not self._leave.is_set():
            with suppress(StoreError):  # the file of the queue: looked at again
                self._dispatch()
            self._wake.wait(self._tick)
            self._wake.clear()

    def _dispatch(self) -> None:
        for job in self._queue.stopping():
            self._begin(job, self._pursuit.put_down)
        # after a restart, or where the queue could not be written
        for job in self._queue.running():
            self._begin(job, self._pursuit.carry_out)
        with self._guard:
            passed = {n for n, moment in self._not_before.items() if time.monotonic() < moment}
        while len(self._queue.running()) < self._most:
            job_ = self._queue.next(passed)
            if job_ is None:
                return
            passed.add(job_.id)
            if job_.scan not in self._busy and self._queue.take(job_.id):
                self._begin(job_, self._pursuit.carry_out)

    def _begin(self, job: Job, what: Callable[[Job], float]) -> None:
        """Do that for a job in a thread, unless one is at its scan or it is to wait."""
        with self._guard:
            waiting = time.monotonic() < self._not_before.get(job.id, 0.0)
            if job.scan in self._busy or waiting or self._leave.is_set():
                return
            name = f"job {job.id}"
            thread = threading.Thread(target=self._do, args=(job, what), name=name, daemon=True)
            self._busy[job.scan] = thread
        thread.start()

    def _do(self, job: Job, what: Callable[[Job], float]) -> None:
        wait = TROUBLE_SECONDS
        try:
            with suppress(StoreError):  # the file of the queue, or the store for the second time
                wait = what(job)
        finally:
            with self._guard:
                del self._busy[job.scan]
                self._not_before.pop(job.id, None)
                if wait:
                    self._not_before[job.id] = time.monotonic() + wait
                if self._leave.is_set() and self._thread is None:
                    self._unlock()
            self._wake.set()

    def _lock(self) -> None:
        path = self._queue.path.with_suffix(".lock")
        with _told(str(path)):
            file = path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # goes with the process, however
        except BlockingIOError:
            file.seek(0)
            who = file.read().strip() or "unknown"
            file.close()
            raise DefinitionError(
                f"--state {path.parent}: another service works there (process {who}): stop it, "
                "or choose another --state"
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        self._locked = file

    def _unlock(self) -> None:
        """Let another dispatcher in, unless a job is still at work here."""
        if self._locked is not None and not self._busy:
            self._locked.close()
            self._locked = None


@contextmanager
def _told(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"{path}: cannot be made ({error.strerror}): choose another --state"
        ) from error

"""The workers of a run: how many there are, and which of them may compute its chunks."""

from __future__ import annotations

import time

from distributed import Client

from scanner.execution.asking import threads_of
from scanner.execution.connection import expects_workers
from scanner.execution.preflight import check_workers, find_unfit
from scanner.store.stored import StoredScan

LOOK_SECONDS = 1.0  # between counts of the workers
NO_OTHERS = 15.0  # s without another worker before one that is avoided gets chunks after all
NO_WORKERS = 120.0  # s without any worker before giving up


class Pool:
    """Workers of a client, those that do not fit left out.

    Parameters
    ----------
    client : distributed.Client
        Not closed here.
    stored : StoredScan
        The scan that they must see.
    evaluator : str
        ``module:attribute`` of what evaluates a chunk.

    Attributes
    ----------
    fit : mapping from address to int
        Threads of the workers that may compute.
    unfit : mapping from address to str
        The others, also those that are gone, and why.
    notes : dict from str to None
        What is worth saying, in order.
    processes : set of str
        Workers that fit, host:pid, also those that are gone.
    avoid : str or None
        Address of a worker that gets no chunks, unless there is no other for a while.
    """

    def __init__(self, client: Client, stored: StoredScan, evaluator: str) -> None:
        self.client, self.stored, self.evaluator = client, stored, evaluator
        self.fit: dict[str, int] = {}
        self.unfit: dict[str, str] = {}
        self.notes: dict[str, None] = {}
        self.processes: set[str] = set()
        self._checked: set[str] = set()
        self._looked = float("-inf")
        self.avoid: str | None = None
        self._seen = self._met = time.monotonic()

    @property
    def threads(self) -> int:
        """Threads that may compute."""
        return sum(self.fit.values())

    @property
    def only(self) -> frozenset[str] | None:
        """Workers that a chunk may go to; None for all."""
        others = frozenset(self.fit) - {self.avoid}
        if self.avoid is None or others or time.monotonic() < self._met + NO_OTHERS:
            return others if self.unfit or self.avoid is not None else None
        return frozenset(self.fit) if self.unfit else None

    @property
    def lost(self) -> bool:
        """Whether there was no worker for too long, and none is on its way."""
        if self.fit or time.monotonic() < self._seen + NO_WORKERS:
            return False
        return not expects_workers(self.client)

    def check(self) -> None:
        """Compare all workers with this process before the run; errors as of `check_workers`."""
        found = check_workers(self.client, self.stored, self.evaluator)
        self.notes |= dict.fromkeys(found.notes)
        self.processes |= found.processes
        self._checked |= set(threads_of(self.client))

    def look(self, *, now: bool = False) -> bool:
        """Count the workers and compare new ones, now and then (or `now`); whether it was done.

        Raises
        ------
        OSError
            The scheduler is gone, or does not answer.
        """
        start = time.monotonic()
        if not now and start < self._looked + LOOK_SECONDS:
            return False
        threads = threads_of(self.client)
        if joined := threads.keys() - self._checked:
            self._checked |= joined
            found = find_unfit(self.client, self.stored, self.evaluator, joined)
            self.notes |= dict.fromkeys(found.notes)
            self.processes |= found.processes
            for worker, reason in found.unfit.items():
                self.refuse(worker, reason)
        self.fit = {worker: n for worker, n in threads.items() if worker not in self.unfit}
        self._looked = start
        if self.fit:
            self._seen = start
        if self.fit.keys() - {self.avoid}:
            self._met = start
        return True

    def refuse(self, worker: str, reason: str) -> None:
        """Give a worker no chunks any more, and say so."""
        self.unfit[worker] = reason
        self.fit.pop(worker, None)
        self.notes[f"worker {worker} gets no chunks: {reason}"] = None

"""Books of a run: which chunks it computed, which failed or were set aside, and what that took."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Container, Iterable

import numpy as np

from scanner.execution.progress import Meter, Report
from scanner.execution.task import Receipt
from scanner.store.markers import Markers
from scanner.store.stored import StoredScan

MAX_FAILED = 3  # evaluation fails alike everywhere: do not raise the same error 10^6 times,
MAX_SHARE = 0.2  # but go on where most chunks are well


class Books:
    """What a run did so far.

    Parameters
    ----------
    stored : StoredScan
        The scan.
    finished : Markers
        Of its chunks when the run began.

    Attributes
    ----------
    failed : dict from chunk to message
        Chunks whose evaluation raised an exception.
    quarantined : list of int
        Chunks that killed three workers.
    memory : dict from worker (host:pid) to int
        Largest resident memory seen; its keys are workers that answered.
    meter : Meter
        How far the scan is.
    """

    def __init__(self, stored: StoredScan, finished: Markers) -> None:
        grid = stored.grid
        self.stored = stored
        self.failed: dict[int, str] = {}
        self.quarantined: list[int] = []
        self.memory: dict[str, int] = {}
        self.meter = Meter(
            total=grid.n_chunks,
            points=grid.size,
            done=len(finished),
            points_done=finished.points,
        )
        self._ignored = finished.ignored
        self._computed = np.zeros(grid.n_chunks, bool)
        self._points = 0
        self._cpu_seconds = self._write_seconds = 0.0
        self._status: Counter[int] = Counter()
        self._start = time.monotonic()

    @property
    def hopeless(self) -> bool:
        """Whether evaluation fails so often that going on is in vain."""
        failed = len(self.failed)
        if failed < MAX_FAILED:
            return False
        return bool(failed > MAX_SHARE * (failed + np.count_nonzero(self._computed)))

    def enter(self, receipt: Receipt, ours: Container[str]) -> bool:
        """Book a finished chunk; whether a worker of this run computed it.

        Parameters
        ----------
        receipt : Receipt
            Of a task that was not told to stop.
        ours : container of str
            Workers (host:pid) of this run, also those that are gone: one that died with its
            receipt left a chunk that the next one finds. Where two runs share workers, what one
            of them computed and the other found counts for both.
        """
        self.memory[receipt.worker] = receipt.peak_memory_bytes
        self.meter.add(receipt.points)
        if (
            receipt.found
            and receipt.written_by not in ours
            and receipt.written_by not in self.memory
        ):
            return False
        self._points += 0 if self._computed[receipt.chunk] else receipt.points
        self._computed[receipt.chunk] = True
        self._cpu_seconds += receipt.seconds
        self._write_seconds += receipt.write_seconds
        self._status.update(receipt.status)
        return True

    def take_back(self, lost: Iterable[int]) -> None:
        """Chunks that were lost from the store meanwhile count as not done."""
        numbers = list(lost)
        self.meter.take_back(len(numbers), sum(self.stored.grid.chunk(n).size for n in numbers))

    def report(self, missing: list[int], *, stopped: bool, notes: Iterable[str]) -> Report:
        """What the run did.

        Parameters
        ----------
        missing : list of int
            Chunks that are not in the store.
        stopped : bool
            Whether the run was asked to stop.
        notes : iterable of str
            What it found worth saying.
        """
        self._computed[missing] = False
        computed = int(self._computed.sum())
        return Report(
            scan=self.stored.id,
            words=self.stored.words_to_resume,
            computed=computed,
            skipped=self.stored.grid.n_chunks - len(missing) - computed,
            missing=len(missing),
            points=self._points,
            seconds=time.monotonic() - self._start,
            cpu_seconds=self._cpu_seconds,
            write_seconds=self._write_seconds,
            peak_memory_bytes=self.memory,
            status=dict(self._status),
            quarantined=tuple(sorted(self.quarantined)),
            failed=self.failed,
            stopped=stopped,
            ignored_markers=self._ignored,
            notes=tuple(notes),
        )

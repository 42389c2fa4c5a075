"""Progress and Report: what a run says while it works and when it ends."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from scanner.errors import IncompleteScanError

_WINDOW = 60.0  # s; the rate is that of the last minute, workers come and go


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Parameters
    ----------
    done, total : int
        Chunks of the whole scan, those of earlier runs included.
    points_done, points : int
        Grid points, likewise.
    points_per_second : float
        Measured over the last minute; 0 before the first chunk.
    eta_seconds : float or None
        Remaining points at that rate; None before the first chunk.
    workers : int
        Workers connected now that may compute.
    quiet_seconds : float
        Since the last chunk was finished, or since the run began.
    """

    done: int
    total: int
    points_done: int
    points: int
    points_per_second: float
    eta_seconds: float | None
    workers: int
    quiet_seconds: float = 0.0


@dataclass(frozen=True)
class Report:
    """What a run did.

    Parameters
    ----------
    scan : str
        Id of the scan.
    computed, skipped, missing : int
        Chunks computed by this run, done before it, and still missing after it.
    points : int
        Grid points computed by this run.
    seconds : float
        Wall time.
    cpu_seconds, write_seconds : float
        Time of evaluation, and of writing, summed over the workers.
    peak_memory_bytes : mapping from worker (host:pid) to int
        Largest resident memory seen.
    status : mapping from status number to count
        Points of each status in the chunks of this run, over all experiments.
    quarantined : tuple of int
        Chunks that killed three workers.
    failed : mapping from chunk to message
        Chunks whose evaluation raised an exception.
    stopped : bool
        Whether the run was asked to stop.
    ignored_markers : int
        Ledger entries found broken or foreign; their chunks were computed again.
    notes : tuple of str
        What the comparison of the workers, and of the finished chunks, found worth saying.
    words : str
        What names the scan on the command line, where that is more than its id.
    """

    scan: str
    computed: int
    skipped: int
    missing: int
    points: int
    seconds: float
    cpu_seconds: float
    write_seconds: float
    peak_memory_bytes: Mapping[str, int]
    status: Mapping[int, int]
    quarantined: tuple[int, ...]
    failed: Mapping[int, str]
    stopped: bool
    ignored_markers: int
    notes: tuple[str, ...] = ()
    words: str = ""

    @property
    def complete(self) -> bool:
        """Whether every chunk of the scan is done."""
        return self.missing == 0

    @property
    def points_per_second(self) -> float:
        """Grid points of this run per second of wall time."""
        return self.points / self.seconds if self.seconds > 0 else 0.0

    @property
    def shares(self) -> tuple[float, float]:
        """Shares of the workers' time that went into evaluation and into writing."""
        whole = self.seconds * len(self.peak_memory_bytes)
        return (self.cpu_seconds / whole, self.write_seconds / whole) if whole > 0 else (0.0, 0.0)

    def raise_if_incomplete(self) -> None:
        """Raise unless every chunk is done.

        Raises
        ------
        IncompleteScanError
            Says how many chunks are missing, why, and how to go on.
        """
        if self.complete:
            return
        done = self.computed + self.skipped
        raise IncompleteScanError(
            f"scan {self.scan}: {done} of {done + self.missing} chunks done; {self._why()}; "
            f"go on with `scanner resume {self.words or self.scan}`"
        )

    def _why(self) -> str:
        reasons = []
        if self.quarantined:
            numbers = ", ".join(str(n) for n in self.quarantined)
            reasons.append(f"chunks {numbers} killed three workers each (memory?)")
        if self.failed:
            number, message = next(iter(self.failed.items()))
            numbers = ", ".join(str(n) for n in self.failed)
            reasons.append(
                f"{len(self.failed)} failed (chunks {numbers}), chunk {number}: {message}"
            )
        if self.stopped:
            reasons.append("the run was stopped")
        return "; ".join(reasons) or "their chunks were discarded meanwhile"


class Meter:
    """Measures the rate of a run.

    Parameters
    ----------
    total, points : int
        Chunks and grid points of the whole scan.
    done, points_done : int
        Those done before the run.
    clock : callable
        Seconds, monotonic.
    """

    def __init__(
        self,
        *,
        total: int,
        points: int,
        done: int = 0,
        points_done: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.total, self.points = total, points
        self.done, self.points_done = done, points_done
        self._clock = clock
        # (time, points done then); the first entry is where the window begins
        self._history = deque([(clock(), points_done)])
        self._last = clock()

    def add(self, points: int) -> None:
        """Count one finished chunk of `points` grid points."""
        self.done += 1
        self.points_done += points
        now = self._last = self._clock()
        self._history.append((now, self.points_done))
        while len(self._history) > 2 and self._history[1][0] < now - _WINDOW:
            self._history.popleft()

    def take_back(self, chunks: int, points: int) -> None:
        """Count chunks no longer that were lost after they were finished."""
        self.done -= chunks
        self.points_done -= points
        self._history.append((self._clock(), self.points_done))

    def progress(self, workers: int) -> Progress:
        """How far the run is now; a rate without news falls as time passes."""
        start, before = self._history[0]
        now = self._clock()
        elapsed = now - start
        rate = max(self.points_done - before, 0) / elapsed if elapsed > 0 else 0.0
        eta = (self.points - self.points_done) / rate if rate > 0 else None
        return Progress(
            done=self.done,
            total=self.total,
            points_done=self.points_done,
            points=self.points,
            points_per_second=rate,
            eta_seconds=eta,
            workers=workers,
            quiet_seconds=now - self._last,
        )

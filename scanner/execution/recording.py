"""A run keeps its record in the store while it works, and hears there that it is to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from distributed import Client, get_worker

from scanner.errors import IncompleteScanError, ScannerError, StoreError
from scanner.execution.progress import Progress, Report
from scanner.store.runs import BEAT_SECONDS, KINDS, Run
from scanner.store.stored import StoredScan

LISTEN_SECONDS = 1.0  # s between looks for the wish to stop
PATIENCE = 30.0  # s for a record that is being written when the run ends
NAMED = 100  # chunks that a record names
UNFORESEEN = 1  # exit code of what is no error of the user


class Recorder:
    """Writes the record of a run: at once, then every few seconds, then how it ended.

    A store that does not take the record does not end the run: its chunks decide.

    Parameters
    ----------
    stored : StoredScan
        The scan.
    run : Run
        Asked for, and driven by this process from now on.
    """

    def __init__(self, stored: StoredScan, run: Run) -> None:
        self._runs = stored.runs
        self._begin, self._before = time.monotonic(), run.seconds
        self._beats = run.beats
        self._writing = threading.Lock()
        self._run = replace(run.here(), phase="starting", starts=run.starts + 1)
        self._quit, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._beat, name="record of the run", daemon=True)
        self.report: Report | None = None

    def should_stop(self) -> bool:
        """Whether the run was asked to stop, or goes on elsewhere."""
        return self._stop.is_set()

    def saying(self, said: Callable[[str], None]) -> Callable[[str], None]:
        """`said`, which also notes where chunks are computed."""

        def say(cluster: str) -> None:
            self._run = replace(self._run, cluster=cluster)
            said(cluster)

        return say

    def telling(self, show: Callable[[Progress], None] | None) -> Callable[[Progress], None]:
        """`show`, which also notes how far the run is."""

        def tell(progress: Progress) -> None:
            self.computing(progress)
            if show is not None:
                show(progress)

        return tell

    def others(self) -> list[str]:
        """Who else works on the scan, a sentence for each: no harm, but good to know."""
        with suppress(StoreError):
            return [
                f"{KINDS[one.run.kind]} of {one.run.user} on {one.run.host} works on this scan too"
                for one in self._runs.working()
                if one.run.key != self._run.key
            ]
        return []

    def manner(self, client: Client) -> dict[str, Any]:
        """How `scanner.execution.runner.run` is to treat this run.

        A wish to stop outlives a driver that goes on, and where the worker under a driver died,
        a chunk may have been the cause: the worker under it gets none any more.
        """
        run = self._run
        if not run.cluster:
            address = client.scheduler_info(n_workers=0)["address"]
            self._run = replace(run, cluster=f"Dask cluster at {address}")
        return {"fresh": run.kind == "run", "avoid": own_worker() if run.starts > 1 else None}

    def computing(self, progress: Progress) -> None:
        """Note how far the run is."""
        self._run = replace(
            self._run,
            phase="computing",
            done=progress.done,
            total=progress.total,
            points_done=progress.points_done,
            points=progress.points,
            points_per_second=progress.points_per_second,
            eta_seconds=progress.eta_seconds,
            workers=progress.workers,
        )

    def computed(self, report: Report) -> None:
        """Note what the run did."""
        self.report = report
        done = report.computed + report.skipped
        self._run = replace(
            self._run,
            done=done,
            total=done + report.missing,
            quarantined=report.quarantined[:NAMED],
            failed={str(number): text for number, text in list(report.failed.items())[:NAMED]},
            notes=report.notes,
        )

    def finishing(self) -> None:
        """Note that the minima are looked for; told at once, for it may take its time."""
        self._run = replace(self._run, phase="finishing", eta_seconds=None)
        self._write()

    def start(self) -> None:
        """Write the first record, and go on with it in a thread."""
        self._write()
        with suppress(StoreError):
            self._runs.prune()
        self._thread.start()

    def end(self, phase: str, message: str = "", exit_code: int = 0) -> None:
        """Write the last record."""
        self._quit.set()
        self._thread.join(PATIENCE)
        self._run = replace(
            self._run, phase=phase, message=message, exit_code=exit_code, eta_seconds=None
        )
        self._write()

    def _beat(self) -> None:
        written, phase = time.monotonic(), "starting"
        while not self._quit.wait(LISTEN_SECONDS):
            with suppress(StoreError):
                if self._runs.stop_requested(self._run.key):
                    self._stop.set()
            if time.monotonic() >= written + BEAT_SECONDS or self._run.phase != phase:
                written, phase = time.monotonic(), self._run.phase
                self._write()

    def _write(self) -> None:
        if not self._writing.acquire(timeout=PATIENCE):
            return  # the store hangs
        try:
            with suppress(StoreError):
                if self._elsewhere():
                    self._stop.set()
                    return
                self._beats += 1
                seconds = round(self._before + time.monotonic() - self._begin, 3)
                self._runs.write(replace(self._run, beats=self._beats, seconds=seconds))
        finally:
            self._writing.release()

    def _elsewhere(self) -> bool:
        """Whether the run was started again by another process, as after a cut network."""
        found = self._runs.read(self._run.key)
        return found is not None and found.starts > self._run.starts


@contextmanager
def recording(stored: StoredScan, run: Run) -> Iterator[Recorder]:
    """Keep the record of a run for the time of a block; how the block ends is how the run ends."""
    recorder = Recorder(stored, run)
    recorder.start()
    try:
        yield recorder
    except BaseException as error:
        recorder.end(*_ending(error, recorder.report, stored.words_to_resume))
        raise
    else:
        recorder.end("complete")


def _ending(error: BaseException, report: Report | None, words: str) -> tuple[str, str, int]:
    """Phase, message of one line, exit code."""
    if isinstance(error, ScannerError):
        phase = "stopped" if report is not None and report.stopped else "failed"
        return phase, " ".join(str(error).split()), error.exit_code
    if isinstance(error, KeyboardInterrupt):
        said = f"interrupted from the keyboard; go on with `scanner resume {words}`"
        return "stopped", said, IncompleteScanError.exit_code
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return "failed", text, UNFORESEEN


def own_worker() -> str | None:
    """Address of the worker that this thread works in; None outside a cluster."""
    try:
        address: str = get_worker().address
    except ValueError:
        return None
    return address

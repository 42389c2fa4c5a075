"""Evaluators that break themselves, their worker or their store at a chosen moment of a chunk.

Found by the worker processes through the path of the process that starts them.
"""

from __future__ import annotations

import errno
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import stand_in
import zarr

from scanner.definition import ScanDefinition
from scanner.grid import Chunk, Grid
from scanner.store.ledger import Ledger, Marker

MOMENTS = (
    "before the evaluation",
    "in the evaluation",
    "with a part of the chunk on disk",
    "between chi2 and status",
    "between data and marker",
    "with a part of the marker on disk",
    "after the marker",
)


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _stop() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def _hang() -> None:
    time.sleep(3600.0)


def _fail() -> None:
    raise ZeroDivisionError("no events in the window")


def _disk_error() -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def _take_memory() -> None:
    taken = []
    while True:
        taken.append(b"x" * 10_000_000)
        time.sleep(0.005)


ACTS: dict[str, Callable[[], None]] = {
    "kill": _kill,
    "stop": _stop,
    "hang": _hang,
    "fail": _fail,
    "disk error": _disk_error,
    "memory": _take_memory,
}


class Faulty(stand_in.Smooth):
    """Notes each evaluation in the file ``log``; acts as its parameters say.

    Parameters of the definition: ``log``; ``seconds`` that a chunk takes; ``act``, at the
    ``moment`` of the ``chunk`` (-1: of any), at most ``times``, each noted in ``<log>.acts``.
    """

    def __init__(self, definition: ScanDefinition) -> None:
        super().__init__(definition)
        self.digest = definition.digest
        self.log = Path(str(self.parameters["log"]))
        self.seconds = float(self.parameters.get("seconds", 0.0))
        self.number = -1
        _arm(self)

    def block(self, grid: Grid, chunk: Chunk) -> stand_in.Block:
        self.number = chunk.number
        self.meet("before the evaluation")
        _note(self.log, f"{chunk.number} {os.getpid()} {time.time():.3f}\n")
        threading.Event().wait(self.seconds)  # a sleep fails under libfaketime
        self.meet("in the evaluation")
        return super().block(grid, chunk)

    def meet(self, moment: str) -> None:
        """Act, if this is the moment."""
        wished = int(self.parameters.get("chunk", -1))
        if self.parameters.get("moment") != moment or wished not in (-1, self.number):
            return
        acts = self.log.with_suffix(".acts")
        done = acts.stat().st_size if acts.exists() else 0
        if done < int(self.parameters.get("times", 1)):
            _note(acts, "x")
            ACTS[str(self.parameters["act"])]()


def _note(path: Path, text: str) -> None:
    """Append in one write: of several processes no line is torn."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(descriptor, text.encode())
    os.close(descriptor)


_armed: list[Faulty] = []


def _arm(evaluator: Faulty) -> None:
    """Let the evaluator act in the moments of a commit, too: of its own scan, in this worker."""
    if not _armed:
        setitem, replace, write = zarr.Array.__setitem__, Path.replace, Ledger.write

        def set_values(self: Any, *arguments: Any) -> None:
            if str(self.basename) == "status":
                _armed[0].meet("between chi2 and status")
            setitem(self, *arguments)

        def put(self: Path, target: Path) -> Path:
            if "chi2" in self.parts:
                _armed[0].meet("with a part of the chunk on disk")
            if "ledger" in self.parts:
                _armed[0].meet("with a part of the marker on disk")
            return replace(self, target)

        def mark(self: Ledger, marker: Marker) -> None:
            ours = self.digest == _armed[0].digest
            if ours:
                _armed[0].meet("between data and marker")
            write(self, marker)
            if ours:
                _armed[0].meet("after the marker")

        zarr.Array.__setitem__, Path.replace, Ledger.write = set_values, put, mark
    _armed[:] = [evaluator]

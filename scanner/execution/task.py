"""One chunk: load, evaluate, write, mark. Runs in a worker; run twice it leaves the same bytes."""

from __future__ import annotations

import importlib
import os
import resource
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from scanner import sources
from scanner.definition import ScanDefinition
from scanner.errors import MismatchError, ScannerError
from scanner.execution.versions import difference, worker_versions
from scanner.grid import Chunk, Grid
from scanner.store import provenance
from scanner.store.rounding import rounded
from scanner.store.stored import StoredScan

DEFAULT_EVALUATOR = "scanner.evaluate:evaluator_of"


class Block(Protocol):
    """chi2 and status of one chunk, each of shape (n_experiments, *chunk.shape)."""

    @property
    def chi2(self) -> npt.NDArray[np.float64]: ...
    @property
    def status(self) -> npt.NDArray[np.uint8]: ...


class BlockEvaluator(Protocol):
    """What a task asks of an evaluator."""

    def block(self, grid: Grid, chunk: Chunk) -> Block: ...


@dataclass(frozen=True)
class Receipt:
    """What comes back from a task; never the array.

    Parameters
    ----------
    chunk : int
        Number of the chunk.
    points : int
        Grid points; 0 if the task was told to stop before it began.
    seconds, write_seconds : float
        Time of evaluation, and of writing.
    status : mapping from status number to count
        Over all experiments.
    worker : str
        host:pid
    peak_memory_bytes : int
        Largest resident memory of the process so far.
    found : bool
        Whether the chunk was finished already, by another run or by a worker that died since.
    written_by : str
        host:pid of who wrote a chunk that was found, by its marker.
    """

    chunk: int
    points: int
    seconds: float
    write_seconds: float
    status: Mapping[int, int]
    worker: str
    peak_memory_bytes: int
    found: bool = False
    written_by: str = ""

    @property
    def stopped(self) -> bool:
        """Whether nothing was computed because the scan was asked to stop."""
        return self.points == 0


class UnfitWorkerError(MismatchError):
    """A worker that must not compute chunks of the scan; the chunk is for another one.

    Parameters
    ----------
    worker : str
        Its address.
    reason : str
        What differs.
    """

    def __init__(self, worker: str, reason: str) -> None:
        super().__init__(worker, reason)  # so that it can be sent
        self.worker, self.reason = worker, reason

    def __str__(self) -> str:
        return f"worker {self.worker}: {self.reason}"


def run_chunk(
    scan_path: str,
    digest: str,
    number: int,
    attempt: int,
    evaluator: str = DEFAULT_EVALUATOR,
    chunk_shape: tuple[int, ...] | None = None,
    versions: Mapping[str, str] | None = None,
) -> Receipt:
    """Compute one chunk and write it to the store, unless it is finished already.

    Parameters
    ----------
    scan_path : str
        Folder of the scan, seen by all workers.
    digest : str
        Digest the scan there must have.
    number : int
        Number of the chunk.
    attempt : int
        0 for the first.
    evaluator : str
        ``module:attribute``, called with the definition.
    chunk_shape : tuple of int, optional
        Points of a chunk along every axis as whoever numbered them sees it. A scan that was
        removed and made again in other chunks is another one to a worker that lives on.
    versions : mapping, optional
        `worker_versions` of the driver.

    Raises
    ------
    UnfitWorkerError
        The scan, its sources or the versions here are not those of the driver.
    StoreError
        The store is full or not writable.
    """
    try:
        stored, made = _open(scan_path, digest, evaluator, chunk_shape)
        if versions is not None and (differs := difference(worker_versions(), versions)):
            raise MismatchError(differs)
    except ScannerError as error:
        raise UnfitWorkerError(_address(), str(error)) from error
    if stored.stop_requested():
        return Receipt(number, 0, 0.0, 0.0, {}, worker_process(), peak_memory_bytes())
    chunk = stored.grid.chunk(number)
    if (there := stored.finished_chunk(number)) is not None:
        status = {int(name): count for name, count in there.status.items()}
        return Receipt(
            number,
            chunk.size,
            0.0,
            0.0,
            status,
            worker_process(),
            peak_memory_bytes(),
            found=True,
            written_by=f"{there.host}:{there.pid}",
        )
    start = time.perf_counter()
    block = made.block(stored.grid, chunk)
    seconds = time.perf_counter() - start
    # no look at the stop flag here: what is computed is worth its write
    start = time.perf_counter()
    chi2 = rounded(block.chi2, stored.definition.largest_error)
    marker = stored.commit(chunk, chi2, block.status, seconds=seconds, attempt=attempt)
    status = {int(name): count for name, count in marker.status.items()}
    written = time.perf_counter() - start
    return Receipt(
        number, chunk.size, seconds, written, status, worker_process(), peak_memory_bytes()
    )


def open_checked(scan_path: str, digest: str, evaluator: str) -> StoredScan:
    """The scan, if it is the one of `digest` and the sources here are those it was made from.

    An evaluator other than the default answers for its own sources.

    Raises
    ------
    MismatchError
        Names what differs.
    """
    stored = StoredScan.open(scan_path)
    if stored.digest != digest:
        raise MismatchError(
            f"{scan_path} holds the scan {stored.digest}, not {digest}: the store was changed "
            "during the run; run the definition again"
        )
    sources.ask_for(stored.definition.scenario)  # by the driver, which knows the digest
    if evaluator == DEFAULT_EVALUATOR:
        stored.definition.check_sources()
    return stored


def peak_memory_bytes() -> int:
    """Largest resident memory of this process so far."""
    try:
        # not ru_maxrss, which on Linux begins with that of the process that started this one
        status = Path("/proc/self/status").read_text()
        return int(status.partition("VmHWM:")[2].split(maxsplit=1)[0]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


# tables and templates are loaded once per process, whatever the number of chunks
@lru_cache(maxsize=2)
def _open(
    scan_path: str, digest: str, evaluator: str, chunk_shape: tuple[int, ...] | None
) -> tuple[StoredScan, BlockEvaluator]:
    stored = open_checked(scan_path, digest, evaluator)
    if chunk_shape not in (None, stored.grid.chunk_shape):
        raise MismatchError(
            f"{scan_path} is cut into chunks of {stored.grid.chunk_shape}, not {chunk_shape}: the "
            "store was changed during the run; run the definition again"
        )
    return stored, load_evaluator(evaluator, stored.definition)


def load_evaluator(path: str, definition: ScanDefinition) -> BlockEvaluator:
    """Evaluator made by ``module:attribute`` for a definition."""
    module, _, attribute = path.partition(":")
    made: Any = getattr(importlib.import_module(module), attribute)(definition)
    evaluator: BlockEvaluator = made
    return evaluator


def worker_process() -> str:
    """Host and number of this process, as markers name it: host:pid."""
    return f"{provenance.hostname()}:{os.getpid()}"


def _address() -> str:
    """Address of this worker; host and process where it is none."""
    from distributed import get_worker  # seldom needed, and long in loading

    try:
        return str(get_worker().address)
    except ValueError:
        return worker_process()

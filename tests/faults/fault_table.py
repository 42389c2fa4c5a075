"""The table of faults: what was injected, what was lost (nothing), what it cost; and what is left.

Every row is measured: each stored value is compared with the unbroken cube, evaluations are
counted where they happen, the clock runs from the injection to the next finished chunk.
"""

from __future__ import annotations

import os
import statistics
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from scanner.errors import ScannerError
from scanner.store.audit import audit
from scanner.store.stored import StoredScan

TABLE_VARIABLE = "SCANNER_FAULT_TABLE"
"""Environment variable with a file for the table."""
LONG_VARIABLE = "SCANNER_LONG_TESTS"
"""Environment variable: 1 repeats what depends on the moment many times."""
MARK_VARIABLE = "SCANNER_TEST_MARK"
"""Environment variable by which processes of a test are known when it is over."""
HEAD = (
    "fault",
    "injected",
    "lost or wrong points",
    "recomputed chunks",
    "seconds to recover",
    "ended as",
)
LEFT_SECONDS = 15.0  # for processes that were told to end
POLL = 0.05


def repeats(short: int, long: int = 20) -> range:
    """Seeds of a test that is repeated: few, or many in the long form."""
    return range(long if os.environ.get(LONG_VARIABLE) == "1" else short)


@dataclass
class Row:
    """All injections of one fault."""

    injected: int = 0
    wrong: int = 0
    recomputed: int = 0
    seconds: list[float] = field(default_factory=list)
    ended: Counter[str] = field(default_factory=Counter)

    def cells(self, name: str) -> tuple[str, ...]:
        ends = (
            f"{text} ({count} times)" if len(self.ended) > 1 else text
            for text, count in self.ended.items()
        )
        numbers = (str(n) for n in (self.injected, self.wrong, self.recomputed))
        return (name, *numbers, spread(self.seconds), "; ".join(ends))


def spread(seconds: list[float]) -> str:
    """Median and worst.

    >>> spread([0.5]), spread([1.0, 2.0, 6.0]), spread([])
    ('0.5', '2.0, at most 6.0', '-')
    """
    if not seconds:
        return "-"
    median = f"{statistics.median(seconds):.1f}"
    return median if len(seconds) == 1 else f"{median}, at most {max(seconds):.1f}"


class Fault:
    """One test of one fault: `now` at each injection, `ended` when it is told how it ended."""

    def __init__(self, stored: StoredScan) -> None:
        self.stored = stored
        self.ended = "complete"
        self.injected = 0
        self.seconds: list[float] = []
        self._open: list[float] = []
        self._seen = _signature(stored)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def now(self, count: int = 1) -> None:
        """A fault was just injected (`count` of them at once)."""
        self._seen = _signature(self.stored)  # what was finished before does not count
        self.injected += count
        self._open.append(time.monotonic())

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        self._recovered()

    def _watch(self) -> None:
        while not self._over.wait(POLL):
            signature = _signature(self.stored)
            if signature - self._seen:
                self._recovered()
            self._seen = signature

    def _recovered(self) -> None:
        now, self._open, opened = time.monotonic(), [], self._open
        self.seconds += [now - moment for moment in opened]


def _signature(stored: StoredScan) -> set[tuple[object, ...]]:
    """What of the ledger changes when a chunk is finished, even one that was finished before."""
    try:
        markers = stored.ledger.markers()
    except ScannerError:  # the store itself may be what is broken
        return set()
    return {(n, m.host, m.pid, m.attempt, m.written, m.seconds) for n, m in markers.items()}


class FaultTable:
    """Rows by fault, in the order in which they came."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}

    def add(
        self,
        fault: str,
        *,
        wrong: int,
        recomputed: int,
        seconds: float | Iterable[float],
        injected: int = 1,
        ended: str = "complete",
    ) -> None:
        """Add what was measured to the row of the fault.

        Parameters
        ----------
        fault : str
            What was done.
        wrong : int
            Points that are missing, or differ from the unbroken cube: see `wrong_points`.
        recomputed : int
            Chunks that were evaluated more than once: see `recomputed`.
        seconds : float or iterable of float
            From each injection to the next finished chunk.
        injected : int
            How often.
        ended : str
            What the user was told.
        """
        row = self.rows.setdefault(fault, Row())
        row.injected += injected
        row.wrong += wrong
        row.recomputed += recomputed
        row.seconds += [seconds] if isinstance(seconds, int | float) else list(seconds)
        row.ended[ended] += 1

    @contextmanager
    def fault(
        self, name: str, stored: StoredScan, unbroken: StoredScan, log: Path | str | None = None
    ) -> Iterator[Fault]:
        """Measure one test of a fault; at the end the cube must be the unbroken one.

        Parameters
        ----------
        name : str
            The row.
        stored, unbroken : StoredScan
            The scan that is disturbed, and the same one computed in peace.
        log : path, optional
            File with a line for each evaluation, beginning with the number of the chunk; by
            default what the definition names as its parameter ``log``.
        """
        fault = Fault(stored)
        try:
            yield fault
        finally:
            fault.close()
        wrong = wrong_points(stored, unbroken)
        again = recomputed(log or str(stored.definition.parameters["log"]))
        self.add(
            name,
            injected=fault.injected,
            wrong=wrong,
            recomputed=again,
            seconds=fault.seconds,
            ended=fault.ended,
        )
        assert fault.injected > 0
        assert wrong == 0
        assert_whole(stored)

    def markdown(self) -> str:
        """The table."""
        cells = [HEAD, *(row.cells(name) for name, row in self.rows.items())]
        widths = [max(len(row[i]) for row in cells) for i in range(len(HEAD))]
        lines = [" | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in cells]
        lines.insert(1, " | ".join("-" * w for w in widths))
        return "\n".join(f"| {line} |" for line in lines)


def wrong_points(stored: StoredScan, unbroken: StoredScan) -> int:
    """Points whose chi2 or status is missing or not, bit for bit, that of the unbroken cube."""
    finished = stored.finished()
    wrong = 0
    for chunk in stored.grid:  # the unbroken one may be cut in another way
        chi2, status = unbroken.cube.read_region(chunk.slices)
        if chunk.number not in finished:
            wrong += chunk.size
            continue
        found, said = stored.cube.read(chunk)
        unlike = (found.view(np.uint64) != chi2.view(np.uint64)) | (said != status)
        wrong += int(unlike.any(axis=0).sum())
    return wrong


def recomputed(log: Path | str) -> int:
    """Chunks that were evaluated more than once, from a file with a line for each evaluation."""
    counts = Counter(line.split()[0] for line in Path(log).read_text().splitlines() if line)
    return sum(count > 1 for count in counts.values())


def assert_whole(stored: StoredScan) -> None:
    """Every chunk is what was written, and after a sweep there is no file without a purpose."""
    stored.folder.sweep(0.0)
    found = audit(stored)
    assert (found.damaged, found.missing, found.strays) == ({}, (), ())
    beside = stored.folder.names()
    known = {"definition.json", "definition.toml", "cube.zarr", "ledger", "summary.json", "names"}
    assert set(beside) - known - {"stop", "runs", "toys", "figure.png"} == set()


@contextmanager
def nothing_left(
    place: Path | None = None, workers: Callable[[], Iterable[int]] = tuple
) -> Iterator[None]:
    """Assert that what happens inside leaves no process, and no mount below a place.

    Parameters
    ----------
    place : Path, optional
        The folder of the test session.
    workers : callable
        Process ids that may stay: those of a cluster that serves several tests.
    """
    mark = uuid.uuid4().hex
    children = _children()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(MARK_VARIABLE, mark)
        yield
    deadline = time.monotonic() + LEFT_SECONDS
    while left := _left(mark, children | set(workers())):
        assert time.monotonic() < deadline, f"processes are left: {left}"
        time.sleep(POLL)
    assert place is None or not [m for m in _mounts() if m.startswith(f"{place}/")]


def _left(mark: str, allowed: set[int]) -> list[str]:
    """Processes of the test that are still there: its children, and orphans by their mark."""
    marked = (p for p in psutil.process_iter() if p.pid != os.getpid() and _marked(p, mark))
    found = {p.pid for p in marked} | _children()
    return [text for pid in sorted(found - allowed) if (text := _described(pid))]


def _children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


def _marked(process: psutil.Process, mark: str) -> bool:
    try:
        return process.environ().get(MARK_VARIABLE) == mark
    except (psutil.Error, OSError):
        return False


def _described(pid: int) -> str:
    try:
        process = psutil.Process(pid)
        line = " ".join(process.cmdline())
        # the helper of Python's own that every later cluster of this process uses
        ended = process.status() == psutil.STATUS_ZOMBIE and process.ppid() == os.getpid()
        return "" if ended or "resource_tracker" in line else f"{pid} {line[:120]}"
    except psutil.NoSuchProcess:
        return ""


def _mounts() -> set[str]:
    try:
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
    except OSError:
        return set()
    return {line.split()[4] for line in lines}


_TOLD = pytest.StashKey[str]()
_KEY = pytest.StashKey[FaultTable]()


@pytest.fixture(scope="session")
def fault_table(pytestconfig: pytest.Config) -> FaultTable:
    """The table that is printed at the end of the session."""
    return pytestconfig.stash.setdefault(_KEY, FaultTable())


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print the table, and write it where ``SCANNER_FAULT_TABLE`` says."""
    text = _text(config)
    if not text:
        return
    terminalreporter.section("what was broken, and what was lost")
    terminalreporter.write_line(text)
    if path := os.environ.get(TABLE_VARIABLE):
        Path(path).write_text(text + "\n", encoding="utf-8")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A process of several hands its table on."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["faults"] = _text(session.config)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """All faults are injected by one process: its table is that of the session."""
    del error
    if told := getattr(node, "workeroutput", {}).get("faults"):
        node.config.stash[_TOLD] = told


def _text(config: pytest.Config) -> str:
    table = config.stash.get(_KEY, None)
    own = table.markdown() if table is not None and table.rows else ""
    return own or config.stash.get(_TOLD, "")

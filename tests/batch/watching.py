"""What tests of batch systems watch: evaluations as they begin, and conditions with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scanner.store.stored import StoredScan


@dataclass(frozen=True)
class Evaluation:
    """Of a chunk by a process, begun at a Unix time."""

    chunk: int
    pid: int
    time: float


def evaluations(stored: StoredScan) -> list[Evaluation]:
    """All evaluations that began so far."""
    lines = Path(str(stored.definition.parameters["log"])).read_text().splitlines()
    cells = [line.split() for line in lines]
    return [Evaluation(int(chunk), int(pid), float(moment)) for chunk, pid, moment in cells]


def wait_for(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait until it is true; fail after some seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)

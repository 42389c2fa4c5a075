"""A definition and evaluators that cost nothing, so that tests of the execution are about it.

Found by the worker processes through the path of the process that starts them.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from scanner.definition import ScanDefinition
from scanner.errors import MismatchError, StoreError
from scanner.grid import Axis, Chunk, Grid
from scanner.store.archive import Archive

if TYPE_CHECKING:
    from distributed import Client

    from scanner.store.runs import Run
    from scanner.store.stored import StoredScan

AXES = (Axis("mass", "log", 0.1, 100.0, 24, "MeV"), Axis("coupling", "linear", -1.0, 1.0, 40))
CHUNK_SHAPE = (8, 10)  # 12 chunks


def make_definition(
    axes: tuple[Axis, ...] = AXES, name: str = "stand_in", **parameters: float | str
) -> ScanDefinition:
    return ScanDefinition(
        name=name,
        title="Stand-in",
        scenario="stand_in",
        experiments=("first", "second"),
        axes=axes,
        parameters=parameters,
        options={},
        experiment_options={},
        profile={},
        sources={"scenario": "0" * 64},
    )


def make_grid() -> Grid:
    return Grid(AXES, CHUNK_SHAPE)


@dataclass(frozen=True)
class Block:
    chi2: np.ndarray
    status: np.ndarray


class Smooth:
    """chi2 is a smooth function of the coordinates, NaN (unphysical) in one corner."""

    def __init__(self, definition: ScanDefinition) -> None:
        self.parameters: Mapping[str, float | str] = definition.parameters

    def block(self, grid: Grid, chunk: Chunk) -> Block:
        lines = [axis.coordinates[s] for axis, s in zip(grid.axes, chunk.slices, strict=True)]
        mass, coupling = np.meshgrid(*lines, indexing="ij")
        one = np.sin(mass) ** 2 + (coupling - 0.3) ** 2
        chi2 = np.stack([one, 2.0 * one + 1.0])
        unphysical = np.broadcast_to((mass > 50.0) & (coupling > 0.5), chi2.shape)
        status = np.where(unphysical, 3, 1).astype(np.uint8)
        return Block(np.where(unphysical, np.nan, chi2), status)


class Slow(Smooth):
    """Takes 0.2 s per chunk."""

    def block(self, grid: Grid, chunk: Chunk) -> Block:
        time.sleep(0.2)
        return super().block(grid, chunk)


class KilledOnce(Smooth):
    """The first worker to come to chunk 5 is killed in the middle of it."""

    def block(self, grid: Grid, chunk: Chunk) -> Block:
        sentinel = Path(str(self.parameters["sentinel"]))
        if chunk.number == 5 and not sentinel.exists():
            sentinel.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().block(grid, chunk)


class Poison(Smooth):
    """Every worker that comes to chunk 3 is killed; notes the deaths."""

    def block(self, grid: Grid, chunk: Chunk) -> Block:
        if chunk.number == 3:
            with Path(str(self.parameters["sentinel"])).open("a") as deaths:
                deaths.write("x")
            os.kill(os.getpid(), signal.SIGKILL)
        return super().block(grid, chunk)


class Failing(Smooth):
    """Raises for chunk 2."""

    def block(self, grid: Grid, chunk: Chunk) -> Block:
        if chunk.number == 2:
            raise ZeroDivisionError("no events in the window")
        return super().block(grid, chunk)


class NoRoom(Smooth):
    """Chunk 0 finds the store full while others wait and run."""

    def block(self, grid: Grid, chunk: Chunk) -> Block:
        if chunk.number == 0:
            raise StoreError("store: no room")
        time.sleep(0.5)
        return super().block(grid, chunk)


class FailingNow(Smooth):
    """Raises for every sixteenth chunk."""

    def block(self, grid: Grid, chunk: Chunk) -> Block:
        if chunk.number % 16 == 15:
            raise ZeroDivisionError("no events in the window")
        return super().block(grid, chunk)


def drive(stored: StoredScan, record: Run, client: Client, **cluster: Any) -> None:
    """The door of a detached driver; the definition names the evaluator."""
    from scanner.execution.recording import recording
    from scanner.execution.runner import run

    with recording(stored, record) as recorder:
        report = run(
            stored,
            client,
            evaluator=str(stored.definition.parameters["evaluator"]),
            progress=recorder.telling(None),
            should_stop=recorder.should_stop,
            **recorder.manner(client),
        )
        recorder.computed(report)
        report.raise_if_incomplete()


def broken(stored: StoredScan, record: Run, **how: Any) -> None:
    """A door with an error that nobody foresaw."""
    from scanner.execution.recording import recording

    with recording(stored, record):
        raise ZeroDivisionError("nobody foresaw this")


def deadly(stored: StoredScan, record: Run, **how: Any) -> None:
    """A door that kills its process."""
    from scanner.execution.recording import recording

    with recording(stored, record):
        os.kill(os.getpid(), signal.SIGKILL)


def killed_once(sentinel: str, number: int) -> int:
    """Kills the first worker that comes to number 5; returns the number."""
    if number == 5 and not Path(sentinel).exists():
        Path(sentinel).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def killed(deaths: str) -> None:
    """Kills every worker, and notes it."""
    with Path(deaths).open("a") as noted:
        noted.write("x")
    os.kill(os.getpid(), signal.SIGKILL)


def damaged(number: int) -> int:
    """Raises for number 3."""
    if number == 3:
        raise MismatchError("chunk 3 is damaged")
    return number


def main(scan: str, evaluator: str) -> None:
    """A driver of its own, to be killed: prints the number of chunks done as they come."""
    from scanner.execution.clusters import connect
    from scanner.execution.runner import run

    path = Path(scan)
    stored = Archive(path.parent).open(path.name)
    with connect(workers=2) as connection:
        report = run(
            stored,
            connection.client,
            evaluator=evaluator,
            progress=lambda p: print(p.done, flush=True),
        )
    print("stopped" if report.stopped else "complete", report.computed, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Faults, each as a test that ends with the cube of the unbroken scan, bit for bit.

With ``SCANNER_LONG_TESTS=1`` what depends on the moment is repeated many times, with
``SCANNER_FAULT_TABLE=FILE`` the table at the end is written to a file.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scanner.definition import ScanDefinition
from scanner.execution.clusters import connect
from scanner.grid import Grid
from scanner.store.archive import Archive
from scanner.store.stored import StoredScan

# worker processes inherit the path, and so find the evaluators
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "execution")]
stand_in = importlib.import_module("stand_in")
fault_table = importlib.import_module("fault_table")


@pytest.fixture(scope="session")
def client():
    """Two worker processes that serve all tests of this folder; their nannies replace the dead."""
    with connect(workers=2) as connection:
        yield connection.client


@pytest.fixture(autouse=True)
def nothing_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test leaves no process and no mount."""

    def workers() -> set[int]:
        if "client" not in request.fixturenames:
            return set()
        return set(request.getfixturevalue("client").run(os.getpid).values())

    workers()  # a cluster that is started here is none of the test's
    with fault_table.nothing_left(workers):
        yield


@pytest.fixture
def definition(tmp_path: Path) -> ScanDefinition:
    """Its evaluators note each evaluation in the file of the parameter ``log``."""
    (tmp_path / "log").touch()
    return stand_in.make_definition(log=str(tmp_path / "log"))


@pytest.fixture
def grid() -> Grid:
    return stand_in.make_grid()


@pytest.fixture
def stored(tmp_path: Path, definition: ScanDefinition, grid: Grid) -> StoredScan:
    """The scan that is disturbed; a test that wishes for another one names a `definition`."""
    return Archive(tmp_path / "root").create(definition, grid)


@pytest.fixture
def unbroken(tmp_path: Path, definition: ScanDefinition, grid: Grid) -> StoredScan:
    """The same scan computed in peace: in this process, in order, without a cluster."""
    made = Archive(tmp_path / "unbroken").create(definition, grid)
    return computed(made)


def computed(stored: StoredScan) -> StoredScan:
    evaluator = stand_in.Smooth(stored.definition)
    for chunk in stored.grid:
        block = evaluator.block(stored.grid, chunk)
        stored.commit(chunk, block.chi2, block.status)
    return stored

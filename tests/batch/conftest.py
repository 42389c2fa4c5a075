"""Real batch systems, started by the tests and ended by them; nothing is left in their queues."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scanner.store.archive import Archive
from scanner.store.stored import StoredScan

HERE = Path(__file__).parent
# workers inherit the path, and so find the evaluators
FOLDERS = [str(HERE), *(str(HERE.parent / name) for name in ("faults", "execution"))]
sys.path[:0] = FOLDERS
stand_in = importlib.import_module("stand_in")
fault_table = importlib.import_module("fault_table")
slurm_servers = importlib.import_module("slurm_servers")
Make = Callable[..., tuple[StoredScan, StoredScan]]


@pytest.fixture(autouse=True)
def found_by_workers(monkeypatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(FOLDERS))


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A scan whose chunks take `seconds`, and the same computed here without a cluster."""

    def made(seconds: float, name: str = "scan") -> tuple[StoredScan, StoredScan]:
        log = tmp_path / f"{name}.log"
        log.touch()
        definition = stand_in.make_definition(log=str(log), seconds=seconds)
        stored = Archive(tmp_path / "root").create(definition, stand_in.make_grid())
        unbroken = Archive(tmp_path / "unbroken").create(definition, stand_in.make_grid())
        evaluator = stand_in.Smooth(definition)
        for chunk in unbroken.grid:
            block = evaluator.block(unbroken.grid, chunk)
            unbroken.commit(chunk, block.chi2, block.status)
        return stored, unbroken

    return made


@pytest.fixture(scope="session")
def slurm() -> Iterator[slurm_servers.Slurm]:
    """One node with four processors and a partition `short`."""
    with slurm_servers.started() as servers, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", str(servers.configuration))
        yield servers
        assert servers.jobs() == []


@pytest.fixture
def same_bytes() -> Callable[[StoredScan, StoredScan], None]:
    """Assert that two cubes have the same objects, byte for byte, and no others."""

    def data(stored: StoredScan) -> dict[str, bytes]:
        root = stored.path / "cube.zarr"
        files = (p for p in root.rglob("*") if p.is_file())
        return {str(p.relative_to(root)): p.read_bytes() for p in files if p.parent != root}

    def check(a: StoredScan, b: StoredScan) -> None:
        left, right = data(a), data(b)
        assert left.keys() == right.keys()
        assert [name for name in left if left[name] != right[name]] == []

    return check

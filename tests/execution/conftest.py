from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from scanner.execution.clusters import connect
from scanner.store.archive import Archive

# worker processes inherit the path, and so find the evaluators of ``stand_in``
sys.path.insert(0, str(Path(__file__).parent))
stand_in = importlib.import_module("stand_in")


@pytest.fixture(scope="module")
def client():
    with connect(workers=2) as connection:
        yield connection.client


@pytest.fixture
def archive(tmp_path: Path):
    return Archive(tmp_path / "root")


@pytest.fixture
def stored(archive):
    return archive.create(stand_in.make_definition(), stand_in.make_grid())


@pytest.fixture
def unbroken(tmp_path: Path):
    """The same scan computed here, in order, without a cluster."""
    made = Archive(tmp_path / "unbroken").create(stand_in.make_definition(), stand_in.make_grid())
    evaluator = stand_in.Smooth(made.definition)
    for chunk in made.grid:
        block = evaluator.block(made.grid, chunk)
        made.commit(chunk, block.chi2, block.status)
    return made


@pytest.fixture
def same_bytes():
    """Assert that two cubes have the same objects, byte for byte, and no others."""

    def data(stored) -> dict[str, bytes]:
        root = stored.path / "cube.zarr"
        files = (p for p in root.rglob("*") if p.is_file() and ".partial" not in p.name)
        return {str(p.relative_to(root)): p.read_bytes() for p in files if p.parent != root}

    def check(a, b) -> None:
        left, right = data(a), data(b)
        assert left.keys() == right.keys()
        assert [name for name in left if left[name] != right[name]] == []

    return check

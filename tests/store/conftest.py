from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from scanner.definition import ScanDefinition
from scanner.grid import Axis, Chunk, Grid
from scanner.store.archive import Archive
from scanner.store.stored import StoredScan

AXES = (Axis("mass", "log", 0.1, 100.0, 6, "MeV"), Axis("coupling", "linear", -1.0, 1.0, 5))


@pytest.fixture
def definition() -> ScanDefinition:
    return ScanDefinition(
        name="stand_in",
        title="Stand-in",
        scenario="stand_in",
        experiments=("first", "second"),
        axes=AXES,
        parameters={"model": "universal"},
        options={"couplings": "AC22"},
        experiment_options={"first": {"analysis": "energy"}},
        profile={},
        sources={"scenario": "0" * 64},
    )


@pytest.fixture
def other(definition: ScanDefinition) -> ScanDefinition:
    """Same axes and name, other physics."""
    return dataclasses.replace(definition, parameters={"model": "B-L"})


@pytest.fixture
def grid() -> Grid:
    return Grid(AXES, (4, 3))  # 2 x 2 chunks, those at the ends smaller


@pytest.fixture(params=["disk", "s3"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Root of an empty store of each kind: what holds on a disk holds on an object store."""
    if request.param == "s3":
        return str(request.getfixturevalue("s3_root"))
    return str(tmp_path / "root")


@pytest.fixture
def archive(root: str) -> Archive:
    return Archive(root)


@pytest.fixture
def stored(archive: Archive, definition: ScanDefinition, grid: Grid) -> StoredScan:
    return archive.create(definition, grid, ["A. Author, Phys. Rev. D 1 (2024)"])


@pytest.fixture
def block() -> Callable[[Chunk], tuple[np.ndarray, np.ndarray]]:
    """Values of a chunk: distinct numbers, one point unphysical."""

    def values(chunk: Chunk) -> tuple[np.ndarray, np.ndarray]:
        shape = (2, *chunk.shape)
        chi2 = np.arange(np.prod(shape), dtype=np.float64).reshape(shape) + 100.0 * chunk.number
        status = np.ones(shape, np.uint8)
        chi2[0, 0, 0], status[0, 0, 0] = np.nan, 3
        return chi2, status

    return values


@pytest.fixture
def filled(stored: StoredScan, block) -> StoredScan:
    for chunk in stored.grid:
        stored.commit(chunk, *block(chunk), seconds=0.5)
    return stored

"""A stored scan of any axes, chunks and values, written as a run would write it."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path

import numpy as np

from scanner.definition import ScanDefinition
from scanner.grid import Axis, Grid
from scanner.store.archive import Archive
from scanner.store.stored import StoredScan


def make_definition(axes: tuple[Axis, ...], experiments: tuple[str, ...]) -> ScanDefinition:
    return ScanDefinition(
        name="stand_in",
        title="Stand-in",
        scenario="stand_in",
        experiments=experiments,
        axes=axes,
        parameters={},
        options={},
        experiment_options={name: {} for name in experiments},
        profile={},
        sources={"scenario": "0" * 64},
    )


def write_scan(
    root: Path,
    axes: tuple[Axis, ...],
    chunk_shape: tuple[int, ...],
    chi2: np.ndarray,
    status: np.ndarray | None = None,
    left_out: Container[int] = (),
) -> StoredScan:
    """Scan of experiments a, b, ...; NaN of `chi2` is unphysical where no `status` is given."""
    names = tuple("abcdefgh"[: len(chi2)])
    stored = Archive(root).create(make_definition(axes, names), Grid(axes, chunk_shape))
    if status is None:
        status = np.where(np.isnan(chi2), 3, 1).astype(np.uint8)
    for chunk in stored.grid:
        if chunk.number not in left_out:
            region = (slice(None), *chunk.slices)
            stored.commit(
                chunk, np.ascontiguousarray(chi2[region]), np.ascontiguousarray(status[region])
            )
    return stored

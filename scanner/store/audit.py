"""Audit: does a stored scan still hold what its ledger says? Every chunk is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from scanner.errors import IncompleteScanError, MismatchError
from scanner.store.folder import PARTIAL
from scanner.store.stored import StoredScan


@dataclass(frozen=True)
class Audit:
    """What was found.

    Parameters
    ----------
    total : int
        Chunks of the grid.
    damaged : mapping from chunk number to reason
        Chunks whose data are not those that their marker tells of.
    missing : tuple of int
        Chunks without a valid marker, or without data.
    unmarked : tuple of int
        Those of the missing ones that have data all the same: a killed or running writer.
    foreign_markers : int
        Ledger entries that are broken or belong to another scan.
    strays : tuple of str
        Partial files of killed or running writers, and objects that are no chunk of the grid.
    """

    total: int
    damaged: Mapping[int, str]
    missing: tuple[int, ...]
    unmarked: tuple[int, ...]
    foreign_markers: int
    strays: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Whether every chunk is there and is what was written."""
        return not self.damaged and not self.missing

    @property
    def exit_code(self) -> int:
        """0 whole, 4 damaged, 3 incomplete."""
        if self.damaged:
            return MismatchError.exit_code
        return IncompleteScanError.exit_code if self.missing else 0


def audit(stored: StoredScan) -> Audit:
    """Read every chunk that has a marker and compare size, checksum and sha256 of the values.

    Memory holds one chunk at a time.

    Raises
    ------
    MismatchError
        Definition, metadata, coordinates or summary of the scan are not readable or not its own.
    StoreError
        The store cannot be read.
    """
    stored.cube.check()
    _ = stored.summary  # refused where it is no JSON
    markers = stored.ledger.markers()
    sizes = stored.cube.size_table()
    # a marker without any data is that of a chunk that was given up: to be computed again
    kept = np.zeros(len(sizes), bool)
    kept[markers.numbers] = sizes[markers.numbers].any(axis=1)
    # one after the other: of 10^6 markers only one is made at a time
    reasons = ((n, stored.disagreement(markers[n])) for n in np.flatnonzero(kept).tolist())
    damaged = {number: reason for number, reason in reasons if reason}
    return Audit(
        total=stored.grid.n_chunks,
        damaged=damaged,
        missing=tuple(np.flatnonzero(~kept).tolist()),
        unmarked=tuple(np.flatnonzero(~kept & sizes.all(axis=1)).tolist()),
        foreign_markers=markers.ignored,
        strays=_strays(stored),
    )


def _strays(stored: StoredScan) -> tuple[str, ...]:
    partial = [name for name, _ in stored.folder.each_size() if name.endswith(PARTIAL)]
    return tuple(sorted([*partial, *stored.cube.foreign()]))

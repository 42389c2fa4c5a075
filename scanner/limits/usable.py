"""How much of a scan is computed and usable, from the ledger as far as it tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from scanner.grid import Chunk
from scanner.limits.surface import NOT_RUN, USABLE
from scanner.store.ledger import Marker
from scanner.store.stored import StoredScan

Counts = tuple[int, int]  # points that were run, points with a usable value

SUMMARY = "usable"
"""Key of the scan's summary under which the shares of a complete scan are kept."""


@dataclass(frozen=True)
class Shares:
    """Shares of the grid points, for any set of layers; exact.

    A marker counts each status over all layers together, which is enough where all points are of
    one kind. Of the other chunks, and of those that have data and no marker yet, the status (one
    byte per point, well compressed) is read: once per scan and set of layers, if at all, since the
    search for the minimum leaves the shares of the usual sets in the summary.

    Parameters
    ----------
    stored : StoredScan
        The scan.
    finished : mapping
        Its `StoredScan.finished`.
    """

    stored: StoredScan
    finished: Mapping[int, Marker]
    _found: dict[tuple[int, ...], tuple[float, float]] = field(default_factory=dict)

    def of(self, rows: tuple[int, ...]) -> tuple[float, float]:
        """Computed and usable share of the points: those where it holds for every layer.

        Parameters
        ----------
        rows : tuple of int
            Layers, by their place in the cube.
        """
        if rows not in self._found:
            known = self._known.get(row_key(rows))
            self._found[rows] = (1.0, known) if known is not None else self._counted(rows)
        return self._found[rows]

    @cached_property
    def _known(self) -> dict[str, float]:
        complete = len(self.finished) == self.stored.grid.n_chunks
        return dict(self.stored.summary.get(SUMMARY, {})) if complete else {}

    def _counted(self, rows: tuple[int, ...]) -> tuple[float, float]:
        grid = self.stored.grid
        counts = np.array([self._chunk(chunk, rows) for chunk in grid]).sum(axis=0)
        return float(counts[0] / grid.size), float(counts[1] / grid.size)

    def _chunk(self, chunk: Chunk, rows: tuple[int, ...]) -> Counts:
        marker = self.finished.get(chunk.number)
        if marker is None and chunk.number not in self._written:
            return 0, 0
        kinds = {int(status) in USABLE for status in marker.status} if marker else set()
        if len(kinds) == 1:
            return chunk.size, chunk.size if kinds == {True} else 0
        status = self.stored.cube.read_status(chunk)[list(rows)]
        usable = np.isin(status, USABLE).all(axis=0).sum()
        return int((status != NOT_RUN).all(axis=0).sum()), int(usable)

    @cached_property
    def _written(self) -> set[int]:
        return set(self.stored.cube.sizes())


def row_key(rows: tuple[int, ...]) -> str:
    """Name of a set of layers in the summary."""
    return "+".join(str(row) for row in rows)

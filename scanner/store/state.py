"""ScanState: how far a scan is, from its ledger alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scanner.grid import Grid
from scanner.store.layout import STATUS_MEANINGS
from scanner.store.ledger import Markers


@dataclass(frozen=True)
class ScanState:
    """How far a scan is, from the store alone.

    Parameters
    ----------
    done, total : int
        Chunks.
    points_done, points : int
        Grid points.
    seconds : float
        CPU time of the finished chunks.
    status : mapping from meaning to count
        Points of each status that occurs, over all experiments.
    ignored_markers : int
        Ledger entries that are broken or belong to another scan.
    last_written : str
        When the newest marker was written (UTC), ``""`` if there is none.
    """

    done: int
    total: int
    points_done: int
    points: int
    seconds: float
    status: Mapping[str, int]
    ignored_markers: int
    last_written: str

    @property
    def complete(self) -> bool:
        """Whether no chunk is missing."""
        return self.done == self.total

    @property
    def fraction_done(self) -> float:
        """Share of the grid points that are computed."""
        return self.points_done / self.points


def scan_state(finished: Markers, grid: Grid) -> ScanState:
    """State of a scan from the markers of its finished chunks."""
    counts = zip(STATUS_MEANINGS, finished.status.tolist(), strict=True)
    return ScanState(
        done=len(finished),
        total=grid.n_chunks,
        points_done=finished.points,
        points=grid.size,
        seconds=finished.seconds,
        status={meaning: count for meaning, count in counts if count},
        ignored_markers=finished.ignored,
        last_written=finished.last_written,
    )

"""Remove a scan: out of sight first, then away; what a killed removal leaves goes with the next."""

from __future__ import annotations

from dataclasses import dataclass

from scanner.errors import CatalogError, DefinitionError, MismatchError
from scanner.store.archive import ID, Archive
from scanner.store.folder import Folder
from scanner.store.layout import DEFINITION, LEDGER, SUMMARY
from scanner.store.naming import words
from scanner.store.stored import StoredScan

QUIET_SECONDS = 60.0
"""A scan that is not finished and was written to within this time counts as running."""


@dataclass(frozen=True)
class Candidate:
    """A scan that may be removed.

    Parameters
    ----------
    folder : Folder
        Its place.
    id, title : str
        Its name, and what it is; ``damaged`` if it cannot be opened.
    size : int
        Stored bytes.
    idle_seconds : float
        Time since anything in it was written.
    finished : bool
        Whether every chunk and the minimum are there: nothing runs on it any more.
    worked_on : bool or None
        Whether a run says that it works on it; None where no run ever said anything.
    """

    folder: Folder
    id: str
    title: str
    size: int
    idle_seconds: float
    finished: bool
    worked_on: bool | None = None

    @property
    def running(self) -> bool:
        """Whether it seems to be computed at the moment."""
        if self.worked_on is None:
            return not self.finished and self.idle_seconds < QUIET_SECONDS
        return self.worked_on


def candidate(archive: Archive, scan: str) -> Candidate:
    """The scan of that id, unique prefix or name; one that is damaged by its whole id only.

    Raises
    ------
    CatalogError
        There is none, or several; lists the candidates.
    """
    try:
        stored = archive.open(scan)
    except (CatalogError, MismatchError):
        if not ID.fullmatch(scan) or not (folder := archive.folder.child(scan)).exists():
            raise
        return Candidate(folder, scan, "damaged", *folder.written(), finished=False)
    size, idle = stored.folder.written()
    return Candidate(
        stored.folder,
        stored.id,
        stored.definition.title,
        size,
        idle,
        _finished(stored),
        _worked_on(stored),
    )


def check_idle(found: Candidate) -> None:
    """DefinitionError for a scan that seems to be running."""
    if found.running:
        raise DefinitionError(
            f"scan {found.id} was written to {found.idle_seconds:.0f} s ago and seems to be "
            f"running: end it with `scanner cancel {words(found.folder)}`, or give --force"
        )


def remove(found: Candidate) -> None:
    """Remove the scan and what killed removals left.

    Raises
    ------
    CatalogError
        Somebody else removed it.
    StoreError
        The store is not writable.
    """
    if not found.folder.parent.withdraw(found.folder.name, (DEFINITION, SUMMARY, LEDGER)):
        raise CatalogError(f"scan {found.id} is gone already")


def _worked_on(stored: StoredScan) -> bool | None:
    runs = stored.runs.look()
    return any(one.alive for one in runs) if runs else None


def _finished(stored: StoredScan) -> bool:
    try:
        return "minimum" in stored.summary and stored.state().complete
    except MismatchError:  # a damaged scan is not finished
        return False

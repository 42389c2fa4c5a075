"""Remove a scan: out of sight by one rename, then away.

A rename takes the scan from its id in one step, so that nothing half removed is ever found by it;
what a killed removal leaves is swept by the next one.
"""

from __future__ import annotations

import os
import shutil
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from scanner.errors import CatalogError, DefinitionError, MismatchError
from scanner.store.archive import Archive
from scanner.store.files import Folder, store_errors
from scanner.store.stored import StoredScan

QUIET_SECONDS = 60.0
"""A scan that is not finished and was written to within this time counts as running."""

_ASIDE = ".removed.partial"


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
        Bytes on disk.
    idle_seconds : float
        Time since anything in it was written.
    finished : bool
        Whether every chunk and the minimum are there: nothing runs on it any more.
    """

    folder: Folder
    id: str
    title: str
    size: int
    idle_seconds: float
    finished: bool

    @property
    def running(self) -> bool:
        """Whether it seems to be computed at the moment."""
        return not self.finished and self.idle_seconds < QUIET_SECONDS


def candidate(archive: Archive, scan: str) -> Candidate:
    """The scan of that id, unique prefix or name; one that is damaged by its whole id only.

    Raises
    ------
    CatalogError
        There is none, or several; lists the candidates.
    """
    try:
        stored = archive.open(scan)
    except MismatchError:
        folder = archive.folder.child(scan)
        if Path(scan).name != scan or not folder.exists():
            raise
        return Candidate(folder, scan, "damaged", *_written(folder), finished=False)
    size, idle = _written(stored.folder)
    return Candidate(
        stored.folder, stored.id, stored.definition.title, size, idle, _finished(stored)
    )


def check_idle(found: Candidate) -> None:
    """DefinitionError for a scan that seems to be running."""
    if found.running:
        raise DefinitionError(
            f"scan {found.id} is not finished and was written to {found.idle_seconds:.0f} s ago: "
            f"it seems to be running; stop it, wait {QUIET_SECONDS:.0f} s, or give --force"
        )


def remove(found: Candidate) -> None:
    """Rename the scan aside, then remove it and what killed removals left.

    Raises
    ------
    CatalogError
        Somebody else removed it.
    StoreError
        The store is not writable.
    """
    root = found.folder.path.parent
    aside = root / f".{found.id}.{uuid.uuid4().hex}{_ASIDE}"
    with store_errors(root):
        try:
            found.folder.path.rename(aside)
        except FileNotFoundError:
            raise CatalogError(f"scan {found.id} is gone already") from None
        for left in root.glob(f".*{_ASIDE}"):
            shutil.rmtree(left, ignore_errors=left != aside)


def _finished(stored: StoredScan) -> bool:
    try:
        return "minimum" in stored.summary and stored.state().complete
    except MismatchError:  # a damaged scan is not finished
        return False


def _written(folder: Folder) -> tuple[int, float]:
    """Bytes on disk, and seconds since the last write by the clock of the file system."""
    size, newest = 0, 0.0
    with store_errors(folder.path):
        for place, _, files in os.walk(folder.path):
            for name in files:
                with suppress(FileNotFoundError):  # partial files come and go
                    found = (Path(place) / name).stat()
                    size, newest = size + found.st_size, max(newest, found.st_mtime)
    return size, max(folder.clock() - newest, 0.0)

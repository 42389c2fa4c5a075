"""Remains: what workers write on of a scan that was removed under them, in the way of a new one."""

from __future__ import annotations

from contextlib import suppress

from scanner.errors import CatalogError
from scanner.store.archive import Archive
from scanner.store.layout import DEFINITION
from scanner.store.removal import candidate, remove


def are_there(archive: Archive, scan: str) -> bool:
    """Whether there is something of a scan, but no scan: one comes and goes as a whole."""
    folder = archive.folder.child(scan)
    return folder.exists() and not folder.exists(DEFINITION)


def cleared(archive: Archive, scan: str) -> bool:
    """Remove the remains, when nobody writes there any more; whether they are gone.

    Raises
    ------
    StoreError
        They cannot be removed.
    """
    if are_there(archive, scan):
        with suppress(CatalogError):  # somebody else has removed them meanwhile
            found = candidate(archive, scan)
            if not found.running:
                remove(found)
    return not are_there(archive, scan)

"""Archive: all scans under one root, found by id, prefix or name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from scanner.definition import ScanDefinition
from scanner.errors import CatalogError, MismatchError, ScannerError, UnknownScanError, unknown
from scanner.grid import Grid
from scanner.store.changes import told_apart
from scanner.store.folder import Folder
from scanner.store.layout import DEFINITION, LEDGER, Labels, needed_bytes, new_files
from scanner.store.location import folder_at
from scanner.store.naming import default_root as default_root
from scanner.store.stored import StoredScan

MIN_PREFIX = 4

ID = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Archive:
    """All scans under one root.

    Parameters
    ----------
    root : Path or str, optional
        Path or URL; by default `default_root`. It is made when the first scan is.
    """

    root: Path | str | None = None

    @property
    def folder(self) -> Folder:
        """The root."""
        return folder_at(default_root() if self.root is None else self.root)

    def create(
        self,
        definition: ScanDefinition,
        grid: Grid,
        references: Iterable[str] = (),
        labels: Labels | None = None,
    ) -> StoredScan:
        """Make the scan, or open the one of the same digest that is there.

        Parameters
        ----------
        definition : ScanDefinition
            Resolved definition.
        grid : Grid
            Axes of the definition, cut into chunks. An existing scan keeps its own chunks.
        references : iterable of str
            Citations owed by whoever uses the result.
        labels : mapping from axis to mapping, optional
            Further attributes of the coordinates: ``long_name``, ``latex``.

        Raises
        ------
        StoreError
            The root is not writable or too small; nothing is written.
        MismatchError
            What is there under this id is another scan.
        """
        root = self.folder
        if not root.published(definition.id, DEFINITION):
            root.check_space(needed_bytes(grid, len(definition.layers)))
            root.check_writable()
            files = new_files(definition, grid, references, labels or {})
            root.publish(definition.id, files, DEFINITION, [LEDGER])
        return self._existing(definition)

    def check(self) -> None:
        """StoreError if no scan could be made here; nothing is written."""
        self.folder.check_makeable()

    def find(self, definition: ScanDefinition) -> StoredScan | None:
        """The stored scan of a definition, None if there is none.

        Raises
        ------
        MismatchError
            What is there under this id is another scan, or damaged.
        """
        there = self.folder.published(definition.id, DEFINITION)
        return self._existing(definition) if there else None

    def _existing(self, definition: ScanDefinition) -> StoredScan:
        folder = self.folder.child(definition.id)
        if not folder.exists(DEFINITION):
            raise MismatchError(f"{folder} is not a scan: remove it and run again")
        stored = StoredScan.open(folder.location)
        if stored.digest != definition.digest:
            raise MismatchError(
                f"{folder} holds the scan {stored.digest}, not {definition.digest}: "
                "remove it and run again"
            )
        stored.cube.check()
        return stored

    def open(self, scan: str) -> StoredScan:
        """Scan of that id, of that unique prefix of an id (4 or more digits), or of that name.

        Raises
        ------
        CatalogError
            There is none, or several; lists the candidates.
        """
        ids = self.ids()
        if scan in ids:
            return StoredScan.open(self.folder.child(scan).location)
        scans = self.list()
        found = [stored for stored in scans if scan in stored.names]
        if not found and len(scan) >= MIN_PREFIX:
            found = [stored for stored in scans if stored.id.startswith(scan)]
        if not found:
            self._tell_damaged(scan)
            names = [name for s in scans for name in (*s.names, s.id)]
            short = _too_short(scan, [stored.id for stored in scans])
            raise UnknownScanError(
                f"{self.folder}: {unknown('scan', scan, dict.fromkeys(names))}{short}"
            )
        if len(found) > 1:
            raise CatalogError(f"{self.folder}: {scan!r} may be {_apart(found)}: give the id")
        return found[0]

    def _tell_damaged(self, scan: str) -> None:
        """MismatchError if a scan that cannot be opened may be the one that is asked for."""
        root = self.folder
        for name in self.ids():
            try:
                if root.published(name, DEFINITION):
                    StoredScan.open(root.child(name).location)
            except ScannerError as error:
                raise MismatchError(
                    f"scan {scan!r} is not among those that can be opened, and {error}"
                ) from error

    def list(self) -> list[StoredScan]:
        """All scans that can be opened, by id."""
        scans = []
        for name in self.ids():
            try:
                scans.append(StoredScan.open(self.folder.child(name).location))
            except ScannerError:  # told when it is asked for by its id
                continue
        return scans

    def ids(self) -> tuple[str, ...]:
        """Names in the root that may be those of scans."""
        return tuple(name for name in self.folder.names() if ID.fullmatch(name))


def _apart(scans: Sequence[StoredScan]) -> str:
    told = told_apart([scan.definition for scan in scans])
    return "; ".join(
        f"{scan.id} ({scan.definition.name} with {entries})"
        for scan, entries in zip(scans, told, strict=True)
    )


def _too_short(scan: str, ids: Iterable[str]) -> str:
    """What to say of the beginning of an id that is too short to name it.

    >>> _too_short("ab1", ["ab12cd34ef56"]), _too_short("x", ["ab12cd34ef56"])
    ('; of an id give 4 digits or more, not 3', '')
    """
    if len(scan) >= MIN_PREFIX or not any(one.startswith(scan) for one in ids):
        return ""
    return f"; of an id give {MIN_PREFIX} digits or more, not {len(scan)}"

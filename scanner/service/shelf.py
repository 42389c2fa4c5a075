"""Shelf: scans that are open, each with a token that changes whenever its answers may."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from hashlib import sha256

from scanner.definition import ENGINE_VERSION
from scanner.errors import CatalogError
from scanner.limits.spaces import MOST_SURFACES
from scanner.scan import Scan
from scanner.store.archive import ID, Archive
from scanner.store.layout import BYTES_PER_POINT, DEFINITION, SUMMARY
from scanner.store.provenance import PACKAGE, package_version
from scanner.store.state import ScanState
from scanner.store.stored import StoredScan

ID_DIGITS = 8
"""Of an id, in the names of files."""
LOOK_SECONDS = 1.0  # between looks at the store for one scan


@dataclass(frozen=True)
class Held:
    """An open scan.

    Parameters
    ----------
    scan : Scan
        Ready for questions; partial ones while it is not complete.
    state : ScanState
        How far it was when it was opened.
    token : str
        Changes whenever an answer may: with the chunks that are done, and the title.
    """

    scan: Scan
    state: ScanState
    token: str
    written: bytes | None = field(repr=False, default=None)

    @property
    def settled(self) -> bool:
        """Whether its answers stay what they are: every chunk and the minima are there."""
        return self.state.complete and self.written is not None

    def file_name(self, ending: str) -> str:
        """Name of a file that is sent: scans of one name have files of several."""
        return f"{self.scan.definition.name}-{self.scan.id[:ID_DIGITS]}{ending}"

    @property
    def size(self) -> int:
        """Bytes that its cube takes in memory."""
        stored = self.scan.stored
        if self.scan.spaces.large:
            return 0
        copies = len(stored.definition.layers) + MOST_SURFACES
        return stored.grid.size * copies * BYTES_PER_POINT


class Shelf:
    """Open scans of one root, the least recently used put away when they take too much memory.

    Parameters
    ----------
    root : str
        Of the store.
    most_bytes : int
        Of all cubes together; the last one asked for stays whatever its size.
    """

    def __init__(self, root: str, most_bytes: int) -> None:
        self.archive = Archive(root)
        self._most = most_bytes
        self._held: OrderedDict[str, tuple[Held, float]] = OrderedDict()
        self._lock = threading.Lock()

    def scan(self, name: str) -> Held:
        """The scan of that id, as it is in the store (or was, a second ago at most).

        Raises
        ------
        CatalogError
            There is none.
        MismatchError, StoreError
            It is damaged, or cannot be read.
        """
        check_id(name)
        with self._lock:
            known = self._held.get(name)
        if known is not None and time.monotonic() < known[1] + LOOK_SECONDS:
            return known[0]
        held = self._looked_at(name, known[0] if known else None)
        with self._lock:
            self._held[name] = held, time.monotonic()
            self._held.move_to_end(name)
            self._put_away()
        return held

    def names(self) -> tuple[str, ...]:
        """Ids of all scans that are in the store."""
        return self.archive.ids()

    def _looked_at(self, name: str, known: Held | None) -> Held:
        folder = self.archive.folder.child(name)
        label, written = folder.read(DEFINITION), folder.read(SUMMARY)
        if label is None:
            with self._lock:
                self._held.pop(name, None)
            raise CatalogError(f"no scan {name} in this store: `GET /api/v1/scans` lists them")
        same = known is not None and known.settled and known.written == written
        if known is not None and same and known.token == _token(known.state, label, written):
            return known
        stored = StoredScan.open(folder.location)
        state = stored.state()
        settled = state.complete and written is not None
        return Held(
            Scan(stored, partial=not settled, settled=settled),
            state,
            _token(state, label, written),
            written,
        )

    def _put_away(self) -> None:
        """Forget what was used longest ago while all together are too large."""
        total = sum(held.size for held, _ in self._held.values())
        while total > self._most and len(self._held) > 1:
            _, (held, _) = self._held.popitem(last=False)
            total -= held.size


def check_id(name: str) -> str:
    """CatalogError unless that is the form of a scan's id: nothing else becomes part of a path."""
    if not ID.fullmatch(name):
        raise CatalogError(
            f"scan {name[:40]!r}: give the whole id, 16 hexadecimal digits, as "
            "`GET /api/v1/scans` lists it"
        )
    return name


def _token(state: ScanState, label: bytes, written: bytes | None) -> str:
    """Of everything that an answer depends on besides the question."""
    parts = (
        package_version(PACKAGE).encode(),
        str(ENGINE_VERSION).encode(),
        label,
        written or b"",
        f"{state.done} {state.points_done} {state.last_written}".encode(),
    )
    return sha256(b"\0".join(parts)).hexdigest()

"""The ledger: which chunks are finished, one small marker each, written after the data.

A marker is put in place by an atomic rename, so it is whole or absent. When there are many, the
driver packs them into immutable segments: the segment first, then the loose ones go, so that a
crash in between leaves duplicates, which do no harm.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from scanner.grid import Grid
from scanner.store.folder import PARTIAL, Folder
from scanner.store.marker import Marker as Marker
from scanner.store.marker import status_counts as status_counts
from scanner.store.marker import values_sha256 as values_sha256
from scanner.store.markers import Markers as Markers
from scanner.store.markers import Reader, Table
from scanner.store.segments import LARGEST, is_segment, merge_segments, write_segment

PACK_ABOVE = 1024

_LOOSE = re.compile(r"\d+\.json")
_AT_ONCE = 4096  # loose markers in memory
_LISTINGS = 5


@dataclass(frozen=True)
class Ledger:
    """Markers of one scan.

    Parameters
    ----------
    folder : Folder
        Place of the ledger.
    digest : str
        Digest of the scan; a marker of another one is ignored and counted.
    grid : Grid
        A marker whose chunk lies elsewhere in this grid is ignored and counted.
    """

    folder: Folder
    digest: str
    grid: Grid

    def write(self, marker: Marker) -> None:
        """Put a marker in place; call it after the data are."""
        self.folder.write(_loose_name(marker.chunk), marker.to_json())

    def markers(self) -> Markers:
        """Read all markers; a loose one is newer than a packed one, a later segment wins.

        What is packed or merged by a run while we read is looked for again. Where it is missed
        all the same, a chunk is computed twice, which does no harm.
        """
        reading = _Reading(self.folder, Reader(self.digest, self.grid))
        for _ in range(_LISTINGS):
            if reading.read_listed():
                break
        return reading.markers()

    def marker(self, number: int) -> Marker | None:
        """The loose marker of one chunk; None where there is none, or none that is valid."""
        reader = Reader(self.digest, self.grid)
        line = self.folder.read(_loose_name(number))
        return (
            None
            if line is None
            else reader.markers([reader.rows([line.strip()], [number])]).get(number)
        )

    def remove(self, number: int) -> None:
        """Remove the loose marker of one chunk; a packed one is void without its data."""
        self.folder.remove([_loose_name(number)])

    def pack(self, above: int = PACK_ABOVE) -> int:
        """Move the loose markers into segments if there are more than `above`; merge segments.

        Returns
        -------
        int
            Number of markers packed. Broken ones stay, to be overwritten by the next attempt.
        """
        sizes = self.folder.sizes()
        loose = sorted(name for name in sizes if _LOOSE.fullmatch(name))
        packed = 0
        if len(loose) > above:
            for batch in _batches(loose, LARGEST):
                packed += self._pack(batch)
            sizes = self.folder.sizes()
        merge_segments(self.folder, sizes)
        return packed

    def _pack(self, names: Sequence[str]) -> int:
        lines: dict[str, bytes] = {}
        for batch in _batches(names, _AT_ONCE):
            found = _contents(self.folder, batch)
            reader = Reader(self.digest, self.grid)
            good = reader.rows(list(found.values()), [_number(name) for name in found])
            numbers = set(good["chunk"].tolist())
            lines |= {n: _one_line(data) for n, data in found.items() if _number(n) in numbers}
        if lines:
            write_segment(self.folder, lines.values())
            self.folder.remove(lines)
        return len(lines)


@dataclass
class _Reading:
    """What was read of a ledger so far."""

    folder: Folder
    reader: Reader
    segments: dict[str, Table] = field(default_factory=dict)
    loose: list[Table] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    foreign: int = 0

    def read_listed(self) -> bool:
        """Read what is listed now and was not read; whether all of it was still there."""
        names = [n for n in self.folder.names() if n not in self.seen and not n.endswith(PARTIAL)]
        segments = [name for name in names if is_segment(name)]
        loose = [name for name in names if _LOOSE.fullmatch(name)]
        others = set(names).difference(segments, loose)
        self.foreign += len(others)
        self.seen |= others
        whole = True
        for name in segments:
            found = _contents(self.folder, [name])
            for data in found.values():
                self.segments[name] = self.reader.rows(data.splitlines())
            whole = whole and name in found
            self.seen |= found.keys()
        # the loose ones last: what was packed while we read is then in neither or in both
        for batch in _batches(loose, _AT_ONCE):
            found = _contents(self.folder, batch)
            self.loose.append(self.reader.rows([*found.values()], [_number(n) for n in found]))
            whole = whole and len(found) == len(batch)
            self.seen |= found.keys()
        return whole

    def markers(self) -> Markers:
        """The markers; not to be read on after."""
        tables = [self.segments[name] for name in sorted(self.segments)]
        tables += self.loose
        self.segments.clear()
        self.loose.clear()
        return self.reader.markers(tables, self.foreign)


def _contents(folder: Folder, names: Sequence[str]) -> dict[str, bytes]:
    """Contents of the files that are still there, without the white space around them."""
    read = folder.read_many(names)
    return {name: data.strip() for name, data in read if data is not None}


def _one_line(data: bytes) -> bytes:
    """A marker as one line, however it was written."""
    return data if len(data.splitlines()) == 1 else Marker.from_json(data).to_json().rstrip()


def _batches(names: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (names[start : start + size] for start in range(0, len(names), size))


def _loose_name(number: int) -> str:
    return f"{number:09d}.json"


def _number(name: str) -> int:
    return int(name.removesuffix(".json"))

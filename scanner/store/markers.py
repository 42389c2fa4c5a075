"""Markers: the valid markers of a scan as a table of numbers, 140 bytes each.

A line as `Marker.to_json` writes it is taken apart by one regular expression, which is four times
faster than reading it as JSON and leaves no objects behind; every other line is read as JSON and
written again first. A scan of 10^6 chunks is so read in seconds and fits in memory many times.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from scanner.grid import Grid
from scanner.store.layout import STATUS_MEANINGS
from scanner.store.marker import Marker

Table = npt.NDArray[np.void]
Integers = npt.NDArray[np.int64]

ROW = np.dtype(
    [
        ("chunk", np.int64),
        ("stored_bytes", np.int64, (2,)),
        ("points", np.int64),
        ("seconds", np.float64),
        ("sha256", np.uint8, (32,)),
        ("status", np.uint32, (len(STATUS_MEANINGS),)),
        ("attempt", np.uint32),
        ("pid", np.uint32),
        ("origin", np.uint32),
        ("written", "S32"),
    ]
)

_AT_ONCE = 4096  # lines taken apart before their numbers go into the table
_COUNT, _POSITIVE = r"(?:0|[1-9]\d{0,8})", r"[1-9]\d{0,8}"
_SIZE = r"[1-9]\d{0,17}"  # an object of no bytes is none
_TEXT = r'(?:[^"\\\x00-\x1f\x80-\xff]|\\(?:["\\/bfnrt]|u[0-9a-f]{4}))*'


@dataclass(frozen=True)
class Origin:
    """What markers have in common: host, versions and instruction set of who wrote them."""

    host: str
    versions: Mapping[str, str]
    instruction_set: str


class Markers(Mapping[int, Marker]):
    """The valid markers by chunk number, ascending, and how many files or lines were not.

    Parameters
    ----------
    table : array of `ROW`
        Ascending by chunk, each once.
    origins : sequence of Origin
        What ``table["origin"]`` points to.
    digest, grid
        Of the scan.
    ignored : int
        Files or lines that are no valid marker.
    """

    def __init__(
        self, table: Table, origins: Sequence[Origin], digest: str, grid: Grid, ignored: int
    ) -> None:
        self.table, self.origins, self.ignored = table, origins, ignored
        self._digest, self._grid = digest, grid

    def __getitem__(self, number: int) -> Marker:
        place = int(np.searchsorted(self.numbers, number))
        if place == len(self) or self.numbers[place] != number:
            raise KeyError(number)
        row, chunk = self.table[place], self._grid.chunk(number)
        origin = self.origins[int(row["origin"])]
        counts = enumerate(row["status"].tolist())
        return Marker(
            chunk=chunk.number,
            start=chunk.start,
            stop=chunk.stop,
            digest=self._digest,
            sha256=row["sha256"].tobytes().hex(),
            stored_bytes=tuple(row["stored_bytes"].tolist()),
            points=int(row["points"]),
            status={str(number): count for number, count in counts if count},
            seconds=float(row["seconds"]),
            attempt=int(row["attempt"]),
            host=origin.host,
            pid=int(row["pid"]),
            versions=dict(origin.versions),
            instruction_set=origin.instruction_set,
            written=row["written"].decode(),
        )

    def __iter__(self) -> Iterator[int]:
        return iter(self.numbers.tolist())

    def __len__(self) -> int:
        return len(self.table)

    @cached_property
    def numbers(self) -> Integers:
        """Numbers of the chunks, ascending."""
        return np.ascontiguousarray(self.table["chunk"])  # a search would copy it every time

    @property
    def points(self) -> int:
        """Grid points of all."""
        return int(self.table["points"].sum())

    @property
    def seconds(self) -> float:
        """Time of evaluation of all."""
        return float(self.table["seconds"].sum())

    @property
    def status(self) -> Integers:
        """Points of each status over all, shape (6,)."""
        return np.asarray(self.table["status"].sum(axis=0, dtype=np.int64))

    @property
    def last_written(self) -> str:
        """When the newest was written (UTC), ``""`` if there is none."""
        return max(np.unique(self.table["written"]).tolist(), default=b"").decode()

    def by_origin(self) -> Iterator[tuple[Origin, int]]:
        """Who wrote them, and how many each."""
        counts = np.bincount(self.table["origin"], minlength=len(self.origins))
        return ((o, int(n)) for o, n in zip(self.origins, counts, strict=True) if n)

    def in_size(self, sizes: Integers) -> Markers:
        """Those whose data are stored in the noted size; `sizes` as of `Cube.size_table`."""
        same = (sizes[self.numbers] == self.table["stored_bytes"]).all(axis=1)
        table = self.table if same.all() else self.table[same]
        return Markers(table, self.origins, self._digest, self._grid, self.ignored)


class Reader:
    """Takes lines of markers apart and gathers the valid ones.

    Parameters
    ----------
    digest : str
        Digest of the scan; a marker of another one is ignored and counted.
    grid : Grid
        A marker whose chunk lies elsewhere in this grid is ignored and counted.
    """

    def __init__(self, digest: str, grid: Grid) -> None:
        self.digest, self.grid, self.ignored = digest, grid, 0
        self._match = _pattern(digest, len(grid.shape)).fullmatch
        self._origins: dict[tuple[bytes, bytes], int] = {}

    def rows(self, lines: Sequence[bytes], numbers: Sequence[int] = ()) -> Table:
        """Valid markers among lines, in their order; the others are counted.

        Parameters
        ----------
        lines : sequence of bytes
            One marker each.
        numbers : sequence of int, optional
            The chunk that each must tell of.
        """
        starts = range(0, len(lines), _AT_ONCE)
        parts = [
            self._rows(lines[i : i + _AT_ONCE], numbers[i : i + _AT_ONCE] if numbers else ())
            for i in starts
        ]
        found = np.concatenate(parts) if parts else np.empty(0, ROW)
        self.ignored += len(lines) - len(found)
        return found

    def markers(self, tables: Sequence[Table], ignored: int = 0) -> Markers:
        """Markers from tables, of which a later one goes before an earlier one."""
        table = np.concatenate(tables) if tables else np.empty(0, ROW)
        if not (np.diff(table["chunk"]) > 0).all():
            # the last of each chunk: of equal numbers a stable sort keeps the order
            order = np.argsort(table["chunk"], kind="stable")
            numbers = table["chunk"][order]
            table = table[order[np.append(numbers[1:] != numbers[:-1], True)]]
        origins = [_origin(host, rest) for host, rest in self._origins]
        return Markers(table, origins, self.digest, self.grid, self.ignored + ignored)

    def _rows(self, lines: Sequence[bytes], numbers: Sequence[int]) -> Table:
        matches = [self._match(line) or self._again(line) for line in lines]
        kept = [match.groups() for match in matches if match is not None]
        if not kept:
            return np.empty(0, ROW)
        table = np.empty(len(kept), ROW)
        columns = dict(zip(_GROUPS, zip(*kept, strict=True), strict=True))
        for name, form in _NUMBERS.items():
            table[name] = np.fromiter(map(form, columns[name]), ROW[name], len(kept))
        for column, name in enumerate(("chi2", "mask")):
            table["stored_bytes"][:, column] = np.fromiter(map(int, columns[name]), np.int64)
        table["sha256"] = _bytes(columns["sha256"])
        table["written"] = np.array(columns["written"], "S32")
        counts = {text: _counts(text) for text in set(columns["status"])}
        table["status"] = [counts[text] for text in columns["status"]]
        pairs = zip(columns["host"], columns["made"], strict=True)
        table["origin"] = [self._origins.setdefault(p, len(self._origins)) for p in pairs]
        same = self._in_place(table, columns) & np.isfinite(table["seconds"])
        if numbers:
            asked = [n for n, match in zip(numbers, matches, strict=True) if match is not None]
            same &= table["chunk"] == np.array(asked, np.int64)
        return table if same.all() else table[same]

    def _again(self, line: bytes) -> re.Match[bytes] | None:
        """Match of a marker that is written in another form of JSON than ours."""
        try:
            return self._match(Marker.from_json(line).to_json().rstrip())
        except (ValueError, TypeError):
            return None

    def _in_place(self, table: Table, columns: Mapping[str, Any]) -> npt.NDArray[np.bool_]:
        """Whether the chunks are where the grid has them."""
        shape = (len(table), len(self.grid.shape))
        inside = table["chunk"] < self.grid.n_chunks
        index = np.unravel_index(np.where(inside, table["chunk"], 0), self.grid.blocks)
        start = np.stack(index, axis=1) * np.array(self.grid.chunk_shape)
        stop = np.minimum(start + np.array(self.grid.chunk_shape), self.grid.shape)
        found = (_integers(columns[name]).reshape(shape) for name in ("start", "stop"))
        same = [(a == b).all(axis=1) for a, b in zip((start, stop), found, strict=True)]
        points = (stop - start).prod(axis=1) == table["points"]
        return np.asarray(inside & same[0] & same[1] & points)


_NUMBERS: Mapping[str, Callable[[bytes], float]] = {
    "chunk": int,
    "points": int,
    "seconds": float,
    "attempt": int,
    "pid": int,
}
_GROUPS = (
    *("chunk", "start", "stop", "sha256", "chi2", "mask", "points", "status"),
    *("seconds", "attempt", "host", "pid", "made", "written"),
)


def _pattern(digest: str, n_axes: int) -> re.Pattern[bytes]:
    """A line of a marker of that scan, as `Marker.to_json` writes it."""
    place = rf"\[({','.join([_SIZE_OR_0] * n_axes)})\]"
    versions = rf'\{{(?:"{_TEXT}":"{_TEXT}"(?:,"{_TEXT}":"{_TEXT}")*)?\}}'
    last = len(STATUS_MEANINGS) - 1
    counts = rf'"[0-{last}]":{_POSITIVE}'
    return re.compile(
        (
            rf'\{{"chunk":({_SIZE_OR_0}),"start":{place},"stop":{place},'
            rf'"digest":"{re.escape(digest)}","sha256":"([0-9a-f]{{64}})",'
            rf'"stored_bytes":\[({_SIZE}),({_SIZE})\],"points":({_POSITIVE}),'
            rf'"status":\{{({counts}(?:,{counts})*)\}},'
            rf'"seconds":(\d{{1,15}}(?:\.\d{{1,20}})?(?:e[+-]?\d{{1,3}})?),'
            rf'"attempt":({_COUNT}),"host":"({_TEXT})","pid":({_COUNT}),'
            rf'("versions":{versions},"instruction_set":"{_TEXT}"),'
            r'"written":"([0-9A-Z:+.-]{0,32})"\}'
        ).encode()
    )


_SIZE_OR_0 = rf"(?:0|{_SIZE})"


def _origin(host: bytes, rest: bytes) -> Origin:
    return Origin(**json.loads(b'{"host":"%b",%b}' % (host, rest)))


def _counts(text: bytes) -> list[int]:
    """Points of each status, 0 where it does not occur."""
    found = json.loads(b"{%b}" % text)
    return [found.get(str(number), 0) for number in range(len(STATUS_MEANINGS))]


def _bytes(texts: Sequence[bytes]) -> npt.NDArray[np.uint8]:
    """Hexadecimal texts of one length as an array of bytes, a row each."""
    data = bytes.fromhex(b"".join(texts).decode())
    return np.frombuffer(data, np.uint8).reshape(len(texts), -1)


def _integers(texts: Sequence[bytes]) -> Integers:
    """Integers of comma-separated texts, one after the other."""
    return np.fromiter(map(int, b",".join(texts).split(b",")), np.int64)

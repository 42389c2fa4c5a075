"""The ledger: which chunks are finished, one small marker each, written after the data.

A marker is put in place by an atomic rename, so it is whole or absent. When there are many, the
driver packs them into immutable segments: the segment first, then the loose ones go, so that a
crash in between leaves duplicates, which do no harm.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from scanner.grid import Grid
from scanner.store.files import PARTIAL, Folder
from scanner.store.layout import STATUS_MEANINGS
from scanner.store.trust import parsed

PACK_ABOVE = 1024

_LOOSE = re.compile(r"\d+\.json")
_SEGMENT = re.compile(r"segment-\d+-[0-9a-f]+\.jsonl")


@dataclass(frozen=True)
class Marker:
    """Proof that one chunk was written.

    Parameters
    ----------
    chunk : int
        Number of the chunk.
    start, stop : tuple of int
        Its place in the grid.
    digest : str
        Digest of the scan.
    sha256 : str
        `values_sha256` of the values.
    stored_bytes : tuple of int
        Sizes of the stored chi2 and status objects.
    points : int
        Grid points.
    status : mapping from status number (as text) to count
        Over all experiments.
    seconds : float
        Time of evaluation.
    attempt : int
        0 for the first.
    host, pid, versions, instruction_set, written
        Who wrote it, with what, when (UTC).
    """

    chunk: int
    start: tuple[int, ...]
    stop: tuple[int, ...]
    digest: str
    sha256: str
    stored_bytes: tuple[int, int]
    points: int
    status: Mapping[str, int]
    seconds: float
    attempt: int
    host: str
    pid: int
    versions: Mapping[str, str]
    instruction_set: str
    written: str

    def to_json(self) -> bytes:
        """One line of JSON."""
        return json.dumps(asdict(self), separators=(",", ":")).encode() + b"\n"

    @classmethod
    def from_json(cls, data: bytes) -> Marker:
        """Inverse of `to_json`.

        Raises
        ------
        ValueError
            Not a marker: truncated, or keys missing or of another type.
        """
        try:
            raw = parsed(data)
        except RecursionError as error:
            raise ValueError("not a marker") from error
        if not isinstance(raw, dict) or raw.keys() != _FIELDS:
            raise ValueError("not a marker")
        for name in ("start", "stop", "stored_bytes"):
            if not isinstance(raw[name], list) or not all(type(n) is int for n in raw[name]):
                raise ValueError(f"{name} is not a list of integers")
            raw[name] = tuple(raw[name])
        if len(raw["stored_bytes"]) != 2 or not _of_right_types(raw):
            raise ValueError("not a marker")
        return cls(**raw)


_FIELDS = {field.name for field in fields(Marker)}


def _of_right_types(raw: Mapping[str, Any]) -> bool:
    """Whether what is counted, compared and told has the types for it."""
    integers = ("chunk", "points", "attempt", "pid")
    texts = ("digest", "sha256", "host", "instruction_set", "written")
    statuses, versions = raw["status"], raw["versions"]
    return (
        all(type(raw[name]) is int for name in integers)
        and all(isinstance(raw[name], str) for name in texts)
        and isinstance(raw["seconds"], int | float)
        and math.isfinite(raw["seconds"])
        and isinstance(statuses, dict)
        and statuses.keys() <= _STATUSES
        and all(type(count) is int for count in statuses.values())
        and isinstance(versions, dict)
        and all(isinstance(version, str) for version in versions.values())
    )


_STATUSES = {str(number) for number in range(len(STATUS_MEANINGS))}


@dataclass(frozen=True)
class Markers(Mapping[int, Marker]):
    """The valid markers by chunk number, and how many files or lines were not."""

    valid: Mapping[int, Marker]
    ignored: int

    def __getitem__(self, number: int) -> Marker:
        return self.valid[number]

    def __iter__(self) -> Iterator[int]:
        return iter(self.valid)

    def __len__(self) -> int:
        return len(self.valid)


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
        """Read all markers; a loose one is newer than a packed one, a later segment wins."""
        valid: dict[int, Marker] = {}
        ignored = 0
        for line, number in self._lines():
            marker = self._parse(line, number)
            if marker is None:
                ignored += 1
            else:
                valid[marker.chunk] = marker
        return Markers(valid, ignored)

    def marker(self, number: int) -> Marker | None:
        """The loose marker of one chunk; None where there is none, or none that is valid."""
        line = self.folder.read(_loose_name(number))
        return None if line is None else self._parse(line, number)

    def remove(self, number: int) -> None:
        """Remove the loose marker of one chunk; a packed one is void without its data."""
        self.folder.remove([_loose_name(number)])

    def pack(self, above: int = PACK_ABOVE) -> int:
        """Move the loose markers into one segment if there are more than `above`.

        Returns
        -------
        int
            Number of markers packed. Broken ones stay, to be overwritten by the next attempt.
        """
        names = [name for name in self.folder.names() if _LOOSE.fullmatch(name)]
        if len(names) <= above:
            return 0
        packed = {}
        for name in names:
            line = self.folder.read(name)
            marker = self._parse(line, _number(name)) if line is not None else None
            if marker is not None:
                packed[name] = marker.to_json()
        segment = f"segment-{time.time_ns():020d}-{uuid.uuid4().hex}.jsonl"
        self.folder.write(segment, b"".join(packed.values()))
        self.folder.remove(packed)
        return len(packed)

    def _lines(self) -> Iterator[tuple[bytes, int | None]]:
        # the loose ones last: what was packed while we read is then in neither or in both, and
        # a chunk computed twice does no harm
        names = self.folder.names()
        for name in (n for n in names if _SEGMENT.fullmatch(n)):
            yield from ((line, None) for line in (self.folder.read(name) or b"").splitlines())
        for name in (n for n in names if not _SEGMENT.fullmatch(n) and not n.endswith(PARTIAL)):
            data = self.folder.read(name)
            if data is not None:
                yield data, (_number(name) if _LOOSE.fullmatch(name) else -1)

    def _parse(self, line: bytes, number: int | None) -> Marker | None:
        try:
            marker = Marker.from_json(line)
            chunk = self.grid.chunk(marker.chunk)
        except ValueError:
            return None
        same = (
            marker.digest == self.digest
            and (marker.start, marker.stop) == (chunk.start, chunk.stop)
            and number in (None, marker.chunk)
        )
        return marker if same else None


def values_sha256(chi2: npt.NDArray[np.float64], status: npt.NDArray[np.uint8]) -> str:
    """sha256 of the bytes of chi2 (little-endian float64), then of status, both in C order."""
    digest = hashlib.sha256(np.ascontiguousarray(chi2, dtype="<f8").data)
    digest.update(np.ascontiguousarray(status, dtype=np.uint8).data)
    return digest.hexdigest()


def status_counts(status: npt.NDArray[np.uint8]) -> dict[str, int]:
    """Number of points of each status that occurs, by status number as text."""
    values, counts = np.unique(status, return_counts=True)
    return {str(int(v)): int(n) for v, n in zip(values, counts, strict=True)}


def _loose_name(number: int) -> str:
    return f"{number:09d}.json"


def _number(name: str) -> int:
    return int(name.removesuffix(".json"))

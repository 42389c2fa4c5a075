"""Marker: proof that one chunk was written, a line of JSON."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from scanner.store.layout import STATUS_MEANINGS
from scanner.store.trust import parsed


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


def values_sha256(chi2: npt.NDArray[np.float64], status: npt.NDArray[np.uint8]) -> str:
    """sha256 of the bytes of chi2 (little-endian float64), then of status, both in C order."""
    digest = hashlib.sha256(np.ascontiguousarray(chi2, dtype="<f8").data)
    digest.update(np.ascontiguousarray(status, dtype=np.uint8).data)
    return digest.hexdigest()


def status_counts(status: npt.NDArray[np.uint8]) -> dict[str, int]:
    """Number of points of each status that occurs, by status number as text."""
    values, counts = np.unique(status, return_counts=True)
    return {str(int(v)): int(n) for v, n in zip(values, counts, strict=True)}

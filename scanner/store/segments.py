"""Segments: files of many markers each, never changed, merged so that they stay few.

Eight neighbours of less than a megabyte become one, eight of less than eight megabytes likewise;
larger ones stay. A marker is so written three times in all, and 10^6 markers lie in some 30 files.
The merged segment is written first and bears the time of its last part, then the parts go: a crash
in between leaves duplicates, which do no harm.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterable, Sequence

from scanner.store.folder import Folder

LARGEST = 2**16
"""Markers that are written into one segment at most, before merging."""

_NAME = re.compile(r"segment-(\d+)-[0-9a-f]+\.jsonl")
_TOGETHER = 8
_TIERS = (2**20, 2**23)  # bytes


def is_segment(name: str) -> bool:
    """Whether a file of a ledger is a segment."""
    return _NAME.fullmatch(name) is not None


def write_segment(folder: Folder, lines: Iterable[bytes]) -> None:
    """Put markers in place as a new segment; of the same chunk, a later one is the valid one."""
    folder.write(_name(f"{time.time_ns():020d}"), b"".join(line + b"\n" for line in lines))


def merge_segments(folder: Folder, sizes: dict[str, int]) -> None:
    """Merge neighbours while there are enough small ones.

    Parameters
    ----------
    folder : Folder
        Of the ledger.
    sizes : mapping from name to bytes
        What is in it.
    """
    sizes = {name: size for name, size in sorted(sizes.items()) if is_segment(name)}
    while parts := _due(sizes):
        whole = [data for _, data in folder.read_many(parts) if data is not None]
        if len(whole) < len(parts):
            return  # another run merges them now
        merged = b"".join(line + b"\n" for line in _without_repeats(whole))
        name = _name(parts[-1].split("-")[1])
        folder.write(name, merged)
        folder.remove(parts)
        sizes = {n: s for n, s in sizes.items() if n not in parts} | {name: len(merged)}
        sizes = dict(sorted(sizes.items()))


def _due(sizes: dict[str, int]) -> list[str]:
    """Neighbours to be merged, in their order; empty if there are none."""
    for tier in _TIERS:
        run: list[str] = []
        for name, size in sizes.items():
            run = [*run, name] if size < tier else []
            if len(run) == _TOGETHER:
                return run
    return []


def _without_repeats(parts: Sequence[bytes]) -> list[bytes]:
    """Lines of all parts; of equal ones, which a crash leaves, the last."""
    lines = [line for data in reversed(parts) for line in reversed(data.splitlines())]
    return list(dict.fromkeys(lines))[::-1]


def _name(stamp: str) -> str:
    return f"segment-{stamp}-{uuid.uuid4().hex}.jsonl"

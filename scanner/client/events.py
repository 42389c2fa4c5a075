"""News of a scan as the service sends them; a stream that breaks off is taken up again."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from scanner.client.transport import Transport
from scanner.errors import ClusterError

ENDS = ("complete", "failed", "cancelled", "incomplete")
"""Phases after which nothing more comes: nobody works on the scan."""
PATIENCE = 300.0  # s without any stream, after which nobody will come back
FIRST_WAIT, LONGEST_WAIT = 0.5, 15.0  # s before a stream is taken up again


@dataclass(frozen=True)
class News:
    """How far a scan is, as `scanner.store.runs.Run` has it.

    Parameters
    ----------
    phase : str
        ``queued``, ``running``, then one of `ENDS`.
    stage : str
        What a run that works does: ``computing``, ``finishing``, ...
    done, total : int
        Chunks.
    points_done, points : int
        Grid points.
    eta_seconds : float or None
        Until it is complete, if that can be told.
    exit_code : int or None
        Of the error that ended it, where it failed.
    """

    scan: str
    phase: str
    stage: str = ""
    done: int = 0
    total: int = 0
    points_done: int = 0
    points: int = 0
    points_per_second: float = 0.0
    eta_seconds: float | None = None
    workers: int = 0
    message: str = ""
    exit_code: int | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more comes."""
        return self.phase in ENDS

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> News:
        """News of a record; what a later version added is left out."""
        known = {entry.name for entry in fields(cls)}
        return cls(**{k: v for k, v in record.items() if k in known and v is not None})


def news(transport: Transport, path: str, patience: float = PATIENCE) -> Iterator[News]:
    """News until the scan has ended, each once.

    Raises
    ------
    ScannerError
        What the service answers instead.
    ClusterError
        No stream for `patience` seconds.
    """
    last: News | None = None
    heard, wait = time.monotonic(), FIRST_WAIT
    while True:
        opened = False
        try:
            with transport.lines(path) as lines:
                opened = True
                for record in records(lines):
                    wait = FIRST_WAIT
                    told = News.from_dict(record)
                    if told != last:
                        yield told
                    last = told
                    if told.ended:
                        return
        except ClusterError:  # it restarts, or the way there broke
            if not opened and time.monotonic() - heard > patience:
                raise
        if opened:
            heard = time.monotonic()
        time.sleep(wait)
        wait = min(2 * wait, LONGEST_WAIT)


def records(lines: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    """Records of a stream of server-sent events; comments, and events of other kinds, are left out.

    >>> list(records(["event: state", 'data: {"scan": "a", "phase": "queued"}', "", ": here"]))
    [{'scan': 'a', 'phase': 'queued'}]
    """
    kind = ""
    data: list[str] = []
    for line in lines:
        name, _, value = line.partition(":")
        if not line:
            if data and kind == "state":
                yield from _parsed("\n".join(data))
            kind, data = "", []
        elif name == "event":
            kind = value.removeprefix(" ")
        elif name == "data":
            data.append(value.removeprefix(" "))


def _parsed(text: str) -> Iterator[Mapping[str, Any]]:
    try:
        record = json.loads(text)
    except ValueError:  # cut by a proxy
        return
    if isinstance(record, dict) and {"scan", "phase"} <= record.keys():
        yield record

"""Who works on a scan: a small record per run, in the store, so that every host can read it.

``<scan>/runs/<key>.json`` is written by the run itself every few seconds and says how far it is;
the last one says how it ended. A run that died says nothing any more: its record is silent, and
silence is judged by the clock of the store, on which hosts agree. ``<key>.stop`` beside it is the
wish that this run, and no later one, ends; a run that is started again elsewhere finds it there.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal

from scanner.errors import StoreError
from scanner.store import provenance
from scanner.store.folder import Folder
from scanner.store.layout import to_json
from scanner.store.processes import process_alive, this_process, user_name
from scanner.store.trust import parsed, plain

BEAT_SECONDS = 5.0
"""Time between two records of a run."""
SILENT_SECONDS = 60.0
"""Age of a record above which nobody works there: network file systems show files this late."""
KEEP = 8
"""Ended runs whose records are kept."""

Kind = Literal["run", "host", "cluster"]
KINDS: Mapping[str, str] = {
    "run": "a command or program",
    "host": "a detached process",
    "cluster": "a task of the cluster",
}
ENDS = ("complete", "stopped", "failed")


@dataclass(frozen=True)
class Run:
    """What a run says of itself.

    Parameters
    ----------
    key : str
        Its name, unique.
    kind : str
        ``run``: somebody waits for it; ``host``: a detached process; ``cluster``: a task of the
        cluster, which starts it again where its worker dies.
    user, host, pid, process
        Who drives it, where; `process` is empty until it has begun (see `processes`).
    cluster : str
        Where chunks are computed, one sentence; empty until it is known.
    started : str
        When it was asked for (UTC, by the clock of whoever asked).
    phase : str
        ``submitted``, ``starting``, ``computing``, ``finishing`` (looks for the minima), then
        ``complete``, ``stopped`` or ``failed``.
    starts : int
        How often it was begun: more than once where workers under it died.
    fruitless : int
        Starts in a row before which no chunk was finished.
    done_before : int
        Chunks done when it was begun the last time.
    beats : int
        Records written.
    seconds : float
        Time it has worked.
    done, total, points_done, points, points_per_second, eta_seconds, workers
        See `scanner.execution.progress.Progress`.
    message : str
        Why it ended otherwise than complete, one line.
    exit_code : int
        Of the command line, once it has ended.
    quarantined : tuple of int
        Chunks that killed three workers.
    failed : mapping from chunk (as text) to message
        Chunks whose evaluation raised an exception.
    notes : tuple of str
        What it found worth saying.
    """

    key: str
    kind: str
    user: str = ""
    host: str = ""
    pid: int = 0
    process: str = ""
    cluster: str = ""
    started: str = ""
    phase: str = "submitted"
    starts: int = 0
    fruitless: int = 0
    done_before: int = 0
    beats: int = 0
    seconds: float = 0.0
    done: int = 0
    total: int = 0
    points_done: int = 0
    points: int = 0
    points_per_second: float = 0.0
    eta_seconds: float | None = None
    workers: int = 0
    message: str = ""
    exit_code: int = 0
    quarantined: tuple[int, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def ended(self) -> bool:
        """Whether it has said that it ended."""
        return self.phase in ENDS

    @property
    def begun(self) -> bool:
        """Whether a process has taken it up."""
        return bool(self.process)

    def here(self) -> Run:
        """The same run, driven by this process."""
        host, pid, process = this_process()
        return replace(self, host=host, pid=pid, process=process)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def to_json(self) -> bytes:
        """As stored."""
        return to_json(self.to_dict())

    @classmethod
    def from_json(cls, data: bytes) -> Run:
        """Inverse of `to_json`; what a later version added is left out.

        Raises
        ------
        ValueError
            Not a record: truncated, or entries missing or of another type.
        """
        raw = parsed(data)
        if not isinstance(raw, dict) or not raw.keys() >= _TYPES.keys():
            raise ValueError("not a record of a run")
        for name, types in _TYPES.items():
            if type(raw[name]) not in types:
                raise ValueError(f"{name} = {raw[name]!r} cannot be")
        return cls(**{name: plain(raw[name]) for name in _TYPES})


_BY_TEXT: Mapping[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (float, int),
    "float | None": (float, int, type(None)),
    "Mapping[str, str]": (dict,),
    "tuple[int, ...]": (list,),
    "tuple[str, ...]": (list,),
}
_TYPES = {entry.name: _BY_TEXT[str(entry.type)] for entry in fields(Run)}


def new_run(kind: Kind) -> Run:
    """A run that is asked for now, by this user on this host."""
    key = f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}"
    host, pid, _ = this_process()
    return Run(key, kind, user=user_name(), host=host, pid=pid, started=provenance.now_utc())


@dataclass(frozen=True)
class Seen:
    """A run as it is found in the store.

    Parameters
    ----------
    run : Run
        Its last record.
    age : float
        Seconds since that was written, by the clock of the store.
    asked : bool
        Whether it was asked to end.
    """

    run: Run
    age: float
    asked: bool = False

    @property
    def alive(self) -> bool:
        """Whether it seems to work: it has not ended and is not silent."""
        return not self.run.ended and not self.silent

    @property
    def silent(self) -> bool:
        """Whether it says nothing any more though it has not ended: its process is gone."""
        if self.run.ended:
            return False
        # a cluster starts its task again: that its process is gone says nothing yet
        gone = self.run.kind != "cluster" and process_alive(self.run.process) is False
        return gone or self.age > SILENT_SECONDS

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        seen = {"heartbeat_age": self.age, "alive": self.alive, "asked_to_end": self.asked}
        return {**self.run.to_dict(), **seen}


@dataclass(frozen=True)
class Runs:
    """The runs of one scan.

    Parameters
    ----------
    folder : Folder
        ``<scan>/runs``; made when the first record is written.
    """

    folder: Folder

    def write(self, run: Run) -> None:
        """Put a record in place.

        Raises
        ------
        StoreError
            The store is full or not writable.
        """
        if not self.folder.exists():
            self.folder.make()
        self.folder.write(f"{run.key}.json", run.to_json())

    def read(self, key: str) -> Run | None:
        """Last record of a run; None where there is none, or none that can be read."""
        data = self.folder.read(f"{key}.json")
        if data is None:
            return None
        with suppress(ValueError):
            run = Run.from_json(data)
            return run if run.key == key else None
        return None

    def listed(self) -> list[str]:
        """Names of all runs, that which was asked for last first."""
        return self._keys(".json")

    def asked_to_end(self) -> set[str]:
        """Names of the runs that were asked to end."""
        return set(self._keys(".stop"))

    def _keys(self, suffix: str) -> list[str]:
        names = self.folder.names()
        return sorted((n.removesuffix(suffix) for n in names if n.endswith(suffix)), reverse=True)

    def look(self) -> list[Seen]:
        """All runs, the youngest record first."""
        found = [run for run in map(self.read, self.listed()) if run is not None]
        if not found:
            return []
        now = self._now() if any(not run.ended for run in found) else time.time()
        asked = self.asked_to_end()
        seen = [
            Seen(run, max(now - self._written(run, now), 0.0), run.key in asked) for run in found
        ]
        return sorted(seen, key=lambda one: one.age)

    def working(self) -> list[Seen]:
        """Those that seem to work and were not asked to end."""
        return [one for one in self.look() if one.alive and not one.asked]

    def request_stop(self, key: str) -> None:
        """Ask a run to end after its running chunks, wherever and whenever it works."""
        self.folder.write(f"{key}.stop", b"")

    def stop_requested(self, key: str) -> bool:
        """Whether that was asked of the run."""
        return self.folder.exists(f"{key}.stop")

    def write_log(self, key: str, text: str) -> None:
        """Keep what a run said beside its one line, such as where an unforeseen error came from."""
        self.folder.write(f"{key}.log", text.encode())

    def read_log(self, key: str) -> bytes:
        """Inverse of `write_log`; empty where nothing was kept."""
        return self.folder.read(f"{key}.log") or b""

    def prune(self, keep: int = KEEP) -> None:
        """Remove the oldest records of runs that do not work any more, all but `keep`."""
        over = [one for one in self.look() if not one.alive]
        self.remove(one.run.key for one in over[keep:])

    def remove(self, keys: Iterable[str]) -> None:
        """Remove the records of runs and what lies beside them."""
        for key in keys:
            self.folder.remove([f"{key}.json", f"{key}.stop", f"{key}.log"])

    def _now(self) -> float:
        """Time by the clock of the store; by that of this host where nothing can be written."""
        with suppress(StoreError):
            return self.folder.clock()
        return time.time()

    def _written(self, run: Run, now: float) -> float:
        written = self.folder.modified(f"{run.key}.json")
        return now if written is None else written

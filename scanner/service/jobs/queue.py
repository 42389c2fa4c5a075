"""Queue: the jobs of a service in one SQLite file, which survives whatever kills the service.

Every change is one transaction, and none ends a job that somebody else ended meanwhile. Order is
by number, never by the clock.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Collection
from pathlib import Path
from typing import Any

from scanner.definition import ScanDefinition
from scanner.errors import CatalogError
from scanner.service.jobs import log
from scanner.service.jobs.file import File
from scanner.service.jobs.job import ACTIVE, STATES, Job, State
from scanner.service.jobs.quota import check, counted
from scanner.store.provenance import now_utc

_PUT_BACK = {"state": "queued", "run": "", "own": False}
_ACTIVE = f"state IN ({', '.join(repr(state) for state in ACTIVE)})"


class Queue:
    """The jobs of a service.

    Parameters
    ----------
    path : Path
        File, made where it is not there; its folder must be.

    Raises
    ------
    StoreError
        The file cannot be opened, or is none of this version's.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = File(path)
        self._reading, self._writing = self._file.reading, self._file.writing

    def add(
        self,
        definition: ScanDefinition,
        priority: int = 0,
        token: str = "",
        quota: int | None = None,
    ) -> tuple[Job, bool]:
        """Put a scan in the queue; a job of it that waits or works is returned instead.

        Parameters
        ----------
        definition : ScanDefinition
            Resolved.
        priority : int
            The higher is started first; that of a job which is there is raised to it.
        token : str
            Name of who asks.
        quota : int, optional
            Points that all jobs of the token may have together (`points_of`).

        Returns
        -------
        Job, bool
            The job, and whether it is new.

        Raises
        ------
        RefusalError
            403: above the quota; 429: too many wait already.
        StoreError
            The file cannot be written.
        """
        points = math.prod(len(axis) for axis in definition.axes)
        with self._writing() as database:
            found = _row(database, f"scan = ? AND {_ACTIVE}", definition.id)
            if found is not None:
                job = _job(found)
                if priority > job.priority:
                    _set(database, job.id, "1", priority=priority)
                return _there(database, job.id), False
            if quota is not None:
                check(database, definition.id, points, token, quota)
            # whoever asks for the scan again wants its runs to go on
            database.execute("UPDATE jobs SET stopping = 0 WHERE scan = ?", (definition.id,))
            made = database.execute(
                "INSERT INTO jobs (scan, definition, name, priority, token, points, created) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    definition.id,
                    json.dumps(definition.to_dict(), allow_nan=False),
                    definition.name,
                    priority,
                    token,
                    points,
                    now_utc(),
                ),
            )
            job = _there(database, int(made.lastrowid or 0))
        log.said(job, f"asked for: {points} points")
        return job, True

    def get(self, number: int) -> Job:
        """The job of that number.

        Raises
        ------
        CatalogError
            There is none.
        """
        with self._reading() as database:
            return _there(database, number)

    def of_scan(self, scan: str) -> Job | None:
        """The latest job of a scan."""
        with self._reading() as database:
            row = _row(database, "scan = ? ORDER BY id DESC", scan)
        return None if row is None else _job(row)

    def list(self, state: State | None = None, offset: int = 0, limit: int = 50) -> tuple[Job, ...]:
        """Jobs, the latest first."""
        where, values = ("1", ()) if state is None else ("state = ?", (state,))
        with self._reading() as database:
            rows = database.execute(
                f"SELECT * FROM jobs WHERE {where} ORDER BY id DESC LIMIT ? OFFSET ?",
                (*values, limit, offset),
            )
            return tuple(_job(row) for row in rows)

    def counts(self) -> dict[State, int]:
        """Number of jobs in each state."""
        with self._reading() as database:
            rows = database.execute("SELECT state, COUNT(*) FROM jobs GROUP BY state")
            found = {str(row[0]): int(row[1]) for row in rows}
        return {state: found.get(state, 0) for state in STATES}

    def next(self, besides: Collection[int] = ()) -> Job | None:
        """The job to start next: of the highest priority, of those the oldest.

        Parameters
        ----------
        besides : collection of int
            Jobs that are not to be started now.
        """
        with self._reading() as database:
            for row in database.execute(
                "SELECT * FROM jobs WHERE state = 'queued' ORDER BY priority DESC, id"
            ):
                if row["id"] not in besides:
                    return _job(row)
        return None

    def running(self) -> tuple[Job, ...]:
        """Jobs that are marked as running, the oldest first."""
        return self._all("state = 'running'")

    def stopping(self) -> tuple[Job, ...]:
        """Cancelled jobs whose runs were perhaps not asked to end yet."""
        return self._all("stopping")

    def points_of(self, token: str) -> int:
        """Points that count for the quota of a token.

        Those of scans that wait, work, are complete, or were cancelled after they were begun;
        each scan once. What failed is not counted.
        """
        with self._reading() as database:
            return counted(database, token)

    def take(self, number: int) -> bool:
        """Mark a queued job as running; False where it is not queued any more."""
        with self._writing() as database:
            job = _there(database, number)
            started = job.started or now_utc()
            return _set(
                database, number, "state = 'queued'", state="running", started=started, message=""
            )

    def rely(self, number: int, run: str, *, own: bool) -> bool:
        """Note the run that a job relies on, and whether this queue's driver does it.

        False where the job was ended meanwhile.
        """
        with self._writing() as database:
            made = _there(database, number).chunks or 0
            relied = {"run": run, "own": own, "chunks": made, "message": ""}
            changed = _set(database, number, "state = 'running'", **relied)
            job = _there(database, number)
        if changed:
            log.begun(job)
        return changed

    def attempt(self, number: int) -> bool:
        """Count a driver that is about to be asked for; False where the job was ended meanwhile."""
        with self._writing() as database:
            job = _there(database, number)
            return _set(database, number, "state = 'running'", attempts=job.attempts + 1)

    def note(self, number: int, message: str) -> None:
        """Say what a job that works waits for."""
        with self._writing() as database:
            _set(database, number, "state = 'running'", message=message)

    def failed_once(self, number: int, chunks: int | None, message: str) -> Job:
        """Put a running job back because an attempt failed; the job with its fruitless attempts.

        Parameters
        ----------
        chunks : int or None
            Chunks that are done now; None where there is no scan.
        """
        with self._writing() as database:
            job = _there(database, number)
            before = job.chunks
            onward = chunks is not None and before is not None and chunks > before
            fruitless = 1 if onward else job.fruitless + 1
            chunks = before if chunks is None else chunks
            changed = {"fruitless": fruitless, "chunks": chunks, "message": message}
            _set(database, number, "state = 'running'", **_PUT_BACK, **changed)
            job = _there(database, number)
        if job.state == "queued":
            log.put_back(job)
        return job

    def postpone(self, number: int, message: str) -> None:
        """Put a running job back through no fault of its own."""
        with self._writing() as database:
            before = _there(database, number).message
            changed = _set(database, number, "state = 'running'", **_PUT_BACK, message=message)
            job = _there(database, number)
        if changed and message != before:
            log.put_back(job)

    def end(self, number: int, state: State, message: str = "", exit_code: int = 0) -> bool:
        """Book the end of a job; False where it was ended already."""
        with self._writing() as database:
            ended = {"ended": now_utc(), "message": message, "exit_code": exit_code}
            changed = _set(database, number, _ACTIVE, state=state, **ended)
            job = _there(database, number)
        if changed:
            log.ended(job)
        return changed

    def cancel(self, number: int, message: str = "cancelled", exit_code: int = 3) -> Job:
        """End a job that waits or works; its runs are asked to end by the dispatcher.

        A job that has ended stays as it is.
        """
        with self._writing() as database:
            job = _there(database, number)
            begun = job.state == "running" or job.attempts > 0
            ended = {"ended": now_utc(), "message": message, "exit_code": exit_code}
            changed = _set(database, number, _ACTIVE, state="cancelled", stopping=begun, **ended)
            job = _there(database, number)
        if changed:
            log.ended(job)
        return job

    def stopped(self, number: int) -> None:
        """Note that the runs of a cancelled job were asked to end."""
        with self._writing() as database:
            _set(database, number, "1", stopping=False)

    def close(self) -> None:
        """Close the file; it is opened again when it is used again."""
        self._file.close()

    def _all(self, where: str) -> tuple[Job, ...]:
        with self._reading() as database:
            rows = database.execute(f"SELECT * FROM jobs WHERE {where} ORDER BY id")
            return tuple(_job(row) for row in rows)


def _row(database: sqlite3.Connection, where: str, *values: Any) -> sqlite3.Row | None:
    row: sqlite3.Row | None = database.execute(
        f"SELECT * FROM jobs WHERE {where} LIMIT 1", values
    ).fetchone()
    return row


def _there(database: sqlite3.Connection, number: int) -> Job:
    row = _row(database, "id = ?", number)
    if row is None:
        raise CatalogError(f"no job {number}: see GET /jobs for those there are")
    return _job(row)


def _set(database: sqlite3.Connection, number: int, where: str, **values: Any) -> bool:
    """Change a job if `where` holds for it; whether it did."""
    names = ", ".join(f"{name} = ?" for name in values)
    changed = database.execute(
        f"UPDATE jobs SET {names} WHERE id = ? AND {where}", (*values.values(), number)
    )
    return changed.rowcount == 1


def _job(row: sqlite3.Row) -> Job:
    values = dict(row)
    values["definition"] = json.loads(values["definition"])
    for flag in ("own", "stopping"):
        values[flag] = bool(values[flag])
    return Job(**values)

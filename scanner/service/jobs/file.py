"""The SQLite file of the queue: its tables, a connection for each thread, transactions."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from scanner.errors import StoreError

FORMAT = 1  # of the file
BUSY_SECONDS = 30.0  # s to wait for another writer

_SCHEMA = """
CREATE TABLE jobs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  scan TEXT NOT NULL, definition TEXT NOT NULL, name TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'queued', priority INTEGER NOT NULL DEFAULT 0,
  token TEXT NOT NULL DEFAULT '', points INTEGER NOT NULL,
  created TEXT NOT NULL, started TEXT NOT NULL DEFAULT '', ended TEXT NOT NULL DEFAULT '',
  attempts INTEGER NOT NULL DEFAULT 0, message TEXT NOT NULL DEFAULT '', exit_code INTEGER,
  fruitless INTEGER NOT NULL DEFAULT 0, chunks INTEGER,
  run TEXT NOT NULL DEFAULT '', own INTEGER NOT NULL DEFAULT 0,
  stopping INTEGER NOT NULL DEFAULT 0);
CREATE UNIQUE INDEX one_active ON jobs (scan) WHERE state IN ('queued', 'running');
CREATE INDEX of_scan ON jobs (scan, id);
CREATE INDEX in_order ON jobs (state, priority DESC, id);
CREATE INDEX asked_to_end ON jobs (id) WHERE stopping;
CREATE INDEX of_token ON jobs (token)
"""


class File:
    """An SQLite file that several threads use.

    Parameters
    ----------
    path : Path
        Made where it is not there; its folder must be.

    Raises
    ------
    StoreError
        It cannot be opened, or is none of this version's.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._threads = threading.local()
        self._open: list[tuple[threading.Thread, sqlite3.Connection]] = []
        self._lock = threading.Lock()
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection of this thread; what is wrong with the file is a StoreError."""
        try:
            yield self._connection()
        except sqlite3.Error as error:
            raise StoreError(
                f"{self.path}: the queue of the service cannot be used ({error}): check the disk, "
                "or choose another --state"
            ) from error

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that nobody else writes in."""
        with self.reading() as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
                database.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # what began it tells more
                    database.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close every connection; they are made again when they are needed."""
        with self._lock:
            for _, connection in self._open:
                connection.close()
            self._open.clear()
            self._threads = threading.local()

    def _prepare(self) -> None:
        with self.writing() as database:
            found = database.execute("PRAGMA user_version").fetchone()[0]
            if found == 0:
                for statement in _SCHEMA.split(";"):
                    database.execute(statement)
                database.execute(f"PRAGMA user_version = {FORMAT}")
            elif found != FORMAT:
                raise StoreError(
                    f"{self.path} has the format {found}, this version reads {FORMAT}: install "
                    "the version that wrote it, or choose another --state"
                )

    def _connection(self) -> sqlite3.Connection:
        made: sqlite3.Connection | None = getattr(self._threads, "connection", None)
        if made is None:
            # one thread uses it, but another may close it
            made = sqlite3.connect(
                self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            with self._lock:
                self._close_left()
                self._open.append((threading.current_thread(), made))
            made.row_factory = sqlite3.Row
            made.execute("PRAGMA journal_mode = WAL")
            made.execute("PRAGMA synchronous = FULL")  # a job that was confirmed outlives the power
            self._threads.connection = made
        return made

    def _close_left(self) -> None:
        """Close the connections of threads that have ended."""
        for thread, connection in self._open:
            if not thread.is_alive():
                connection.close()
        self._open = [one for one in self._open if one[0].is_alive()]

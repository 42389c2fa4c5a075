"""Tokens: secrets that callers show, kept as hashes, with scopes, a quota and an end.

A secret has 256 random bits, so that a plain SHA-256 of it cannot be searched: slow hashes are for
passwords that people choose.
"""

from __future__ import annotations

import os
import re
import secrets
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from scanner.errors import DefinitionError, StoreError, unknown
from scanner.service.settings import make_private

FILE = "tokens.sqlite"
SCOPES = ("read", "submit", "admin")
"""Each includes those before it."""
PREFIX = "cevns_"
_BYTES = 32
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")
_MOST_QUOTA = 10**18  # below what SQLite keeps as an integer
_USED_SECONDS = 60.0  # between notes of when a token was used last
_WAIT = 10.0  # s for another process that writes

_TABLE = """
CREATE TABLE IF NOT EXISTS tokens (
  name TEXT PRIMARY KEY, digest TEXT UNIQUE NOT NULL, scope TEXT NOT NULL, quota INTEGER,
  created TEXT NOT NULL, expires TEXT NOT NULL, used TEXT NOT NULL, revoked TEXT NOT NULL)
"""


@dataclass(frozen=True)
class Token:
    """What is kept of a token.

    Parameters
    ----------
    name : str
        Whose it is.
    scope : str
        The highest of `SCOPES` that it has.
    quota : int or None
        Grid points that it may ask for in all; None: as many as the service lets anybody.
    created, expires, used, revoked : str
        UTC, ISO 8601; ``""`` where that never was, or never will be.
    """

    name: str
    scope: str
    quota: int | None
    created: str
    expires: str = ""
    used: str = ""
    revoked: str = ""

    @property
    def valid(self) -> bool:
        """Whether it is neither revoked nor expired."""
        return not self.revoked and (not self.expires or _now() < self.expires)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "valid": self.valid}


class Tokens:
    """Tokens of a service, in ``tokens.sqlite`` of its folder.

    Parameters
    ----------
    folder : Path
        See `scanner.service.settings.state_folder`; made when the first token is.

    Raises
    ------
    StoreError
        Others can read the file: whoever can write there makes tokens.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._check_private()

    def create(
        self,
        name: str,
        scope: str = "read",
        quota: int | None = None,
        days: float | None = None,
    ) -> str:
        """Make a token; returns the secret, which is kept nowhere.

        Raises
        ------
        DefinitionError
            A name that is taken or cannot be, an unknown scope, a quota or days below 1.
        """
        if not _NAME.fullmatch(name):
            raise DefinitionError(
                f"token {name!r}: use letters, digits and _ . @ - only, at most 64, such as anna"
            )
        if scope not in SCOPES:
            raise DefinitionError(f"--scope: {unknown('scope', scope, SCOPES)}")
        if quota is not None and not 1 <= quota <= _MOST_QUOTA:
            raise DefinitionError(f"--quota {quota}: give 1 to {_MOST_QUOTA:.0e} points")
        if days is not None and not 0.0 < days < 36500.0:
            raise DefinitionError(f"--days {days:g}: give a number above 0, such as 90")
        secret = PREFIX + secrets.token_urlsafe(_BYTES)
        row = (name, _digest(secret), scope, quota, _now(), _in_days(days), "", "")
        with self._writing() as database:
            try:
                database.execute("INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
            except sqlite3.IntegrityError as error:
                raise DefinitionError(
                    f"token {name!r} exists: `scanner token revoke {name}` first, or choose another"
                ) from error
        return secret

    def find(self, secret: str) -> Token | None:
        """The valid token of that secret, noted as used; None if there is none.

        It is looked up by its hash, so that how long the search takes tells nothing of secrets.
        """
        if not self.path.exists():
            return None
        with self._open() as database:
            found = _rows(database, "WHERE digest = ?", _digest(secret))
        if not found or not found[0].valid:
            return None
        if _older(found[0].used, _USED_SECONDS):
            # a full disk keeps nobody out
            with suppress(StoreError), self._writing() as database:
                database.execute(
                    "UPDATE tokens SET used = ? WHERE name = ?", (_now(), found[0].name)
                )
        return found[0]

    def list(self) -> tuple[Token, ...]:
        """All tokens by name, also those that hold no longer."""
        if not self.path.exists():
            return ()
        with self._open() as database:
            return tuple(_rows(database, "ORDER BY name"))

    def revoke(self, name: str) -> Token:
        """Let a token hold no longer, from the next request on; its name is free again.

        Raises
        ------
        DefinitionError
            There is none of that name.
        """
        known = {token.name: token for token in self.list()}
        if name not in known:
            raise DefinitionError(unknown("token", name, known))
        with self._writing() as database:
            database.execute("DELETE FROM tokens WHERE name = ?", (name,))
        return known[name]

    def _check_private(self) -> None:
        try:
            found = self.path.stat()
        except OSError:
            return
        if stat.S_IMODE(found.st_mode) & 0o077 or found.st_uid not in (os.getuid(), 0):
            raise StoreError(
                f"{self.path}: others can read or write it: `chmod 600 {self.path}`, then make "
                "new tokens if you do not trust them"
            )

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        make_private(self.path.parent)
        try:
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise StoreError(
                f"{self.path}: cannot be made ({error.strerror}): choose another --state"
            ) from error
        with self._open() as database, database:
            database.execute(_TABLE)
            yield database

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self.path, timeout=_WAIT)) as database:
                yield database
        except sqlite3.DatabaseError as error:
            raise StoreError(
                f"{self.path}: cannot be read or written ({error}): mend the disk, or remove the "
                "file and make new tokens"
            ) from error


def _rows(database: sqlite3.Connection, where: str, *values: str) -> list[Token]:
    asked = "SELECT name, scope, quota, created, expires, used, revoked FROM tokens "
    try:
        return [Token(*row) for row in database.execute(asked + where, values)]
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return []
        raise


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _digest(secret: str) -> str:
    return sha256(secret.encode(errors="surrogatepass")).hexdigest()


def _in_days(days: float | None) -> str:
    if days is None:
        return ""
    return (datetime.now(UTC) + timedelta(days=days)).isoformat(timespec="seconds")


def _older(moment: str, seconds: float) -> bool:
    if not moment:
        return True
    return datetime.now(UTC) - datetime.fromisoformat(moment) > timedelta(seconds=seconds)

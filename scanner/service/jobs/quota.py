"""Quota: how many grid points a token may ask for, and how many it has asked for."""

from __future__ import annotations

import sqlite3

from scanner.service.refusals import RefusalError

MOST_WAITING = 200
_WAITING = "SELECT COUNT(*) FROM jobs WHERE token = ? AND state = 'queued'"
# of a scan that was asked for twice the points count once
_COUNTED = """
SELECT COALESCE(SUM(points), 0) FROM (
  SELECT MAX(points) AS points FROM jobs WHERE token = ? AND scan != ?
  AND (state IN ('queued', 'running', 'complete') OR (state = 'cancelled' AND attempts > 0))
  GROUP BY scan)
"""


def counted(database: sqlite3.Connection, token: str, besides: str = "") -> int:
    """Points that count for the quota of a token; those of one scan may be left out."""
    return int(database.execute(_COUNTED, (token, besides)).fetchone()[0])


def check(database: sqlite3.Connection, scan: str, points: int, token: str, quota: int) -> None:
    """RefusalError where a token may not ask for that.

    Status 403: so many points for a scan are more than it has left; 429: too many of its scans wait
    already, each with its definition.
    """
    waiting = database.execute(_WAITING, (token,)).fetchone()[0]
    if waiting >= MOST_WAITING:
        raise RefusalError(
            429,
            f"{waiting} scans of token {token!r} wait: ask again when some have begun",
            headers={"Retry-After": "60"},
        )
    used = counted(database, token, besides=scan)
    if used + points > quota:
        raise RefusalError(
            403,
            f"token {token!r} may ask for {quota} points in all and has asked for {used}: "
            f"{points} more are too many; lower n of an axis, or ask for a larger quota",
        )

"""Quota: how many grid points a token may ask for, and how many it has asked for."""

from __future__ import annotations

import sqlite3

from scanner.service.refusals import RefusalError

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
    """RefusalError (403) where so many points for a scan are more than the token has left."""
    used = counted(database, token, besides=scan)
    if used + points > quota:
        raise RefusalError(
            403,
            f"token {token!r} may ask for {quota} points in all and has asked for {used}: "
            f"{points} more are too many; lower n of an axis, or ask for a larger quota",
        )

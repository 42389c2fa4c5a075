"""How long a job may last, as batch systems write it."""

from __future__ import annotations

import re

UNLIMITED = ("UNLIMITED", "INFINITE")

_DAYS = re.compile(r"(\d+)-(\d+)(?::(\d+)(?::(\d+))?)?$")
_CLOCK = re.compile(r"(\d+)(?::(\d+)(?::(\d+))?)?$")


def seconds_of(text: str) -> int | None:
    """Seconds of a walltime; None if there is no limit.

    Minutes, minutes:seconds, hours:minutes:seconds, days-hours, days-hours:minutes or
    days-hours:minutes:seconds, as in ``sbatch --time``.

    Raises
    ------
    ValueError
        It is none of these, or nothing.

    >>> [seconds_of(text) for text in ("90", "1:30", "01:00:00", "1-12", "UNLIMITED")]
    [5400, 90, 3600, 129600, None]
    """
    if text.upper() in UNLIMITED:
        return None
    if found := _DAYS.match(text):
        days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    elif found := _CLOCK.match(text):
        days = 0
        first, second, third = (int(part) if part else None for part in found.groups())
        whole = first or 0
        hours, minutes, seconds = (
            (whole, second or 0, third) if third is not None else (0, whole, second or 0)
        )
    else:
        raise ValueError("no walltime")
    total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    if total == 0:
        raise ValueError("no time")
    return total

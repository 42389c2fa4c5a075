"""How long a job may last, as batch systems write it."""

from __future__ import annotations

import re

UNLIMITED = ("UNLIMITED", "INFINITE")

_DAYS = re.compile(r"(\d+)-(\d+)(?::(\d+)(?::(\d+))?)?$")
_CLOCK = re.compile(r"(\d+):(\d+)(?::(\d+))?$")


def seconds_of(text: str) -> int | None:
    """Seconds of a walltime; None if there is no limit.

    minutes:seconds, hours:minutes:seconds, days-hours, days-hours:minutes or
    days-hours:minutes:seconds, as in ``sbatch --time``; but no number alone, which is minutes there
    and seconds or hours for whoever does not know.

    Raises
    ------
    ValueError
        It is none of these, or nothing.

    >>> [seconds_of(text) for text in ("1:30", "01:00:00", "1-12", "UNLIMITED")]
    [90, 3600, 129600, None]
    """
    if text.upper() in UNLIMITED:
        return None
    if found := _DAYS.match(text):
        days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    elif found := _CLOCK.match(text):
        days = 0
        parts = [int(part) for part in found.groups() if part is not None]
        hours, minutes, seconds = parts if len(parts) == 3 else (0, *parts)
    else:
        raise ValueError("no walltime")
    total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    if total == 0:
        raise ValueError("no time")
    return total


def clock_of(value: object) -> str:
    """How to write a walltime that cannot be read; a number alone is taken for minutes.

    >>> clock_of("90")
    'give "hours:minutes:seconds"; 90 minutes are "01:30:00"'
    >>> clock_of("an hour")
    'give "hours:minutes:seconds", such as "01:00:00"'
    """
    text = str(value)
    if re.fullmatch("[0-9]{1,6}", text) and int(text) > 0:
        hours, minutes = divmod(int(text), 60)
        unit = "minute is" if int(text) == 1 else "minutes are"
        return f'give "hours:minutes:seconds"; {text} {unit} "{hours:02d}:{minutes:02d}:00"'
    return 'give "hours:minutes:seconds", such as "01:00:00"'

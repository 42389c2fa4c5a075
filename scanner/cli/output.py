"""What goes to standard output: JSON or plain lines; notes go to standard error."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from scanner.cli.terminal import one_line


def show_json(value: Any) -> None:
    """Print JSON; numbers that JSON does not have (NaN, infinities) become null."""
    print(json.dumps(_plain(value), indent=2, allow_nan=False))


def show_json_line(value: Any) -> None:
    """Print JSON on a line of its own, at once, for a reader that follows."""
    print(json.dumps(_plain(value), allow_nan=False), flush=True)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def show_table(rows: Iterable[Sequence[object]], indent: str = "") -> None:
    """Print rows in aligned columns, a line each."""
    texts = [[one_line(str(cell)) for cell in row] for row in rows]
    if not texts:
        return
    widths = [max(len(row[i]) for row in texts) for i in range(len(texts[0]))]
    for row in texts:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print(indent + "  ".join(cells).rstrip())


def note(sentence: str) -> None:
    """Say something on standard error."""
    print(sentence, file=sys.stderr)


def size(n_bytes: float) -> str:
    """Bytes for people.

    >>> size(1536000)
    '1.54 MB'
    """
    for unit in ("B", "kB", "MB", "GB"):
        if n_bytes < 1000:
            return f"{n_bytes:.3g} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.3g} TB"


def duration(seconds: float) -> str:
    """Seconds for people.

    >>> duration(0.5), duration(75), duration(7300)
    ('0.5 s', '1 min 15 s', '2 h 1 min')
    """
    if seconds < 60:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"

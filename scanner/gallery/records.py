"""What the gallery says of its figures, as plain records: for its pages and for machines."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from scanner.bibliography import citation
from scanner.gallery.comparing import Compared
from scanner.gallery.entries import entries
from scanner.gallery.making import PACKAGE, Made
from scanner.gallery.strength import Said
from scanner.store.provenance import now_utc, package_version

FILE = "gallery.json"
Record = Mapping[str, Any]


def record(made: Made) -> dict[str, Any]:
    """A figure as plain numbers and strings."""
    entry = made.entry
    return {
        "name": entry.name,
        "section": entry.section,
        "title": made.title,
        "caption": entry.caption,
        "file": made.path.name,
        "command": entry.command,
        "scans": [vars(source) for source in made.sources],
        "papers": list(entry.papers),
        "references": [citation(reference) for reference in made.references],
        "rows": [_row(row) for row in made.rows],
        "seconds": round(made.seconds, 1),
        "version": package_version(PACKAGE),
        "made": now_utc(),
    }


def _row(one: Compared) -> dict[str, Any]:
    published = one.row.published
    best, intervals = one.row.expected()
    cl, dof = one.row.level
    limited = bool(one.here[1])
    return {
        "id": one.row.id,
        "parameter": published.parameter,
        "unit": published.unit,
        "level": f"{100.0 * cl:.4g} %, {dof} dof" if limited else "",
        "paper": published.paper,
        "recalled": published.recalled,
        "published": in_words((best, intervals if limited else ())),
        "here": in_words(one.here),
        "difference_percent": None if math.isnan(one.difference) else round(one.difference, 1),
        "sigmas": None if math.isnan(one.sigmas) else round(one.sigmas, 2),
        "incomparable": one.incomparable,
        "variant": one.row.variant,
        "verdict": one.verdict,
        "analysis": one.row.analysis,
        "explains": one.row.explains,
    }


def summary(made: Sequence[Record]) -> str:
    """How many figures there are, and how many published values agree."""
    verdicts = [row["verdict"] for one in made for row in one["rows"]]
    agree, explained, differ = (verdicts.count(v) for v in ("agrees", "explained", "differs"))
    figures = "1 figure" if len(made) == 1 else f"{len(made)} figures"
    return (
        f"{figures}, made by `scanner gallery` from ready-made definitions and the data that are "
        f"shipped. Published values that stand beside them: {len(verdicts)}, of which {agree} "
        f"agree, {explained} differ for a reason that is named, {differ} differ. A value agrees "
        "within 3 % of the interval's width (of the value where it has one end) and half a unit "
        f"of its last digit; nothing is adjusted to it.{_distances(made)}"
    )


def _distances(made: Sequence[Record]) -> str:
    """A sentence on the best values that were published with errors; nothing for none."""
    rows = [row for one in made for row in one["rows"] if row.get("sigmas") is not None]
    if not rows:
        return ""
    furthest = math.ceil(10.0 * max(row["sigmas"] for row in rows)) / 10.0  # never too near
    near = sum(row["sigmas"] <= 1.0 for row in rows)
    return (
        f" Best values that were published with errors of like length: {len(rows)}, of which "
        f"{near} lie within one of their standard deviations here, all within {furthest:.1f}."
    )


def gap(row: Record) -> str:
    """How far a row is apart, in per cent and in standard deviations, or why it is not told.

    >>> gap({"difference_percent": 4.04, "sigmas": 0.2})
    '+4.0 %, 0.2 sigma'
    """
    percent, sigmas = row["difference_percent"], row.get("sigmas")
    told = [
        row.get("incomparable", "") if percent is None else f"{percent:+.1f} %",
        "" if sigmas is None else f"{sigmas:.2g} sigma",
    ]
    return ", ".join(part for part in told if part)


def in_words(said: Said) -> str:
    """A best value with its errors; an interval, or a limit, where there is no best value inside.

    >>> in_words((0.2335, ((0.2092, 0.2607),)))
    '0.2335 +0.0272 -0.0243'
    >>> in_words((None, ((None, 85.0),))), in_words((None, ((-8.4, -2.0), (1.0, 4.2))))
    ('< 85', '(-8.4, -2) or (1, 4.2)')
    """
    best, intervals = said
    if not intervals:
        return "" if best is None else f"{best:.4g}"
    if len(intervals) == 1:
        low, high = intervals[0]
        if low is None and high is None:
            return "not limited"
        if low is None or high is None:
            return f"< {high:.4g}" if low is None else f"> {low:.4g}"
        if best is not None and low < best < high:
            return f"{best:.4g} +{high - best:.3g} -{best - low:.3g}"
    return " or ".join(f"({_end(low)}, {_end(high)})" for low, high in intervals)


def _end(end: float | None) -> str:
    return "open" if end is None else f"{end:.4g}"


def merged(folder: Path, fresh: Iterable[Record] = ()) -> list[Record]:
    """Records of all figures that the folder holds, the fresh ones in place of older ones.

    In the order of the gallery; what is damaged counts as not made.
    """
    known = {one["name"]: one for one in [*_read(folder / FILE), *fresh]}
    return [
        known[name]
        for name in entries()
        if name in known and (folder / "figures" / known[name]["file"]).is_file()
    ]


def write(folder: Path, records: Iterable[Record]) -> Path:
    """Write the records, whole or not at all."""
    path = folder / FILE
    partial = path.with_suffix(".part")
    partial.write_text(json.dumps({"figures": list(records)}, indent=1) + "\n", encoding="utf-8")
    return partial.replace(path)


def _read(path: Path) -> list[Record]:
    try:
        return list(json.loads(path.read_text(encoding="utf-8"))["figures"])
    except (OSError, ValueError, KeyError, TypeError):
        return []

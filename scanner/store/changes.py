"""What differs between two definitions, entry by entry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scanner import described
from scanner.definition import ScanDefinition

_LABELS = ("name", "title", "description", "chunks")
_NONE = "-"
_TOLD = 3


@dataclass(frozen=True)
class Change:
    """One entry that differs.

    Parameters
    ----------
    section : str
        ``definition`` (parameters, options, axes, experiments, engine), ``sources`` (sha256 of a
        scenario or an experiment with its tables), ``labels`` or ``environment`` (versions,
        processor, hosts).
    key, one, other : str
        Entry and its two values; ``-`` where there is none.
    """

    section: str
    key: str
    one: str
    other: str


def changes(one: ScanDefinition, other: ScanDefinition) -> Iterator[Change]:
    """Entries that differ, labels too."""
    records = [_record(scan) for scan in (one, other)]
    orders = [", ".join(record["axes"]) for record in records]
    if orders[0] != orders[1]:
        yield Change("definition", "axes", *orders)
    for key, left, right in unlike(*records):
        yield Change(_section(key), key, left, right)


def told_apart(scans: Sequence[ScanDefinition]) -> list[str]:
    """What each has of the first entries that are not the same in all: ``axes.mass.n = 5``."""
    records = [dict(_flat(_record(scan))) for scan in scans]
    keys = dict.fromkeys(key for record in records for key in record if _section(key) != "labels")
    unequal = [k for k in keys if len({_shown(record.get(k)) for record in records}) > 1][:_TOLD]
    return [", ".join(f"{k} = {_shown(r.get(k))}" for k in unequal) for r in records]


def _record(scan: ScanDefinition) -> dict[str, Any]:
    record = scan.to_dict()
    record.pop("digest")
    record["axes"] = {axis.pop("name"): axis for axis in record["axes"]}
    return record


def _section(key: str) -> str:
    """What a change of that entry is: of labels, sources or the definition."""
    top, *rest = key.split(".")
    if top in _LABELS or (top == "experiment" and rest[1:2] and rest[1] in described.LABELS):
        return "labels"
    return "sources" if top == "sources" else "definition"


def unlike(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Keys, dotted, whose values differ, in the order of the first, and both values as text."""
    left, right = dict(_flat(one)), dict(_flat(other))
    for key in {**left, **right}:
        if left.get(key) != right.get(key):
            yield key, _shown(left.get(key)), _shown(right.get(key))


def _flat(record: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in record.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(entry) for entry in value)
    return _NONE if value is None else repr(value) if isinstance(value, float) else str(value)

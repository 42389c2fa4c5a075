"""What differs between two scans, or between a scan and a definition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from scanner import catalog, definition
from scanner.definition import ScanDefinition
from scanner.reading import document
from scanner.store.archive import Archive
from scanner.store.changes import Change, changes, unlike
from scanner.store.compare import CubeDifference, compare_cubes
from scanner.store.layout import DEFINITION
from scanner.store.location import folder_at
from scanner.store.stored import StoredScan


@dataclass(frozen=True)
class Side:
    """One of the two: a definition, perhaps with the scan that is stored of it."""

    label: str
    definition: ScanDefinition
    stored: StoredScan | None


@dataclass(frozen=True)
class Difference:
    """All that differs.

    Parameters
    ----------
    one, other : str
        What is compared.
    changes : tuple of Change
        Entries that differ.
    cubes : CubeDifference or None
        Of the values; None where there are no two cubes over the same axes.
    """

    one: str
    other: str
    changes: tuple[Change, ...]
    cubes: CubeDifference | None

    @property
    def same(self) -> bool:
        """Whether both are the same physics, and hold the same numbers where both hold some.

        Labels and the environment do not count.
        """
        physics = [c for c in self.changes if c.section in ("definition", "sources")]
        return not physics and (self.cubes is None or self.cubes.same)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {"same": self.same, **asdict(self)}


def side(text: str, store: str | Path | None = None) -> Side:
    """Stored scan by id, prefix, name or folder; else the definition of that name or file.

    Raises
    ------
    CatalogError, DefinitionError
        There is neither.
    """
    if folder_at(text).exists(DEFINITION):
        stored = StoredScan.open(text)
        return Side(text, stored.definition, stored)
    archive = Archive(store)
    if text in catalog.definition_names() or Path(text).suffix in document.SUFFIXES:
        chosen = definition.load(text)
        return Side(text, chosen, archive.find(chosen))
    stored = archive.open(text)
    return Side(stored.id, stored.definition, stored)


def difference(one: Side, other: Side) -> Difference:
    """Compare definitions, sources, environments, and values where both have a cube.

    Raises
    ------
    MismatchError
        A chunk is damaged.
    """
    found = [*changes(one.definition, other.definition)]
    cubes = None
    if one.stored is not None and other.stored is not None:
        found += _environments(one.stored, other.stored)
        cubes = compare_cubes(one.stored, other.stored)
    return Difference(one.label, other.label, tuple(found), cubes)


def _environments(one: StoredScan, other: StoredScan) -> Iterator[Change]:
    """Versions and machine that the cubes were made with, and the hosts of their chunks."""
    records = []
    for stored in (one, other):
        attributes = stored.cube.attributes
        origins = [origin for origin, _ in stored.ledger.markers().by_origin()]
        records.append(
            {
                "created": attributes.get("created"),
                "package": attributes.get("versions", {}).get("cevns-scanner"),
                "environment": attributes.get("environment", {}),
                "chunk_shape": list(stored.grid.chunk_shape),
                "hosts": _all(origin.host for origin in origins),
                "instruction_sets": _all(origin.instruction_set for origin in origins),
                "versions": _all(
                    f"{name} {text}" for o in origins for name, text in o.versions.items()
                ),
            }
        )
    for key, left, right in unlike(*records):
        yield Change("environment", key, left, right)


def _all(values: Iterable[str]) -> str:
    return ", ".join(sorted(set(values)))

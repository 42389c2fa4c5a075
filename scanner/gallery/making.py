"""Making a figure of the gallery: run what it needs, draw it, compare it, say what it is."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from scanner import bibliography, definition
from scanner.comparison import draw_intervals, limits
from scanner.definition import ScanDefinition
from scanner.drawing import draw
from scanner.figures.curves import curves_figure
from scanner.figures.save import save
from scanner.gallery.asking import Grids
from scanner.gallery.comparing import Compared, comparisons
from scanner.gallery.entries import Entry
from scanner.gallery.theory import DRAWN
from scanner.pictures import draw_spectra
from scanner.reference import Reference
from scanner.spectra import spectra
from scanner.store.provenance import package_version

PACKAGE = "cevns-scanner"


@dataclass(frozen=True)
class Source:
    """A scan that a figure is drawn from."""

    definition: str
    id: str
    digest: str


@dataclass(frozen=True)
class Made:
    """A figure that was drawn.

    Parameters
    ----------
    entry : Entry
        What was asked for.
    title : str
        With formulas between dollars.
    path : Path
        Of the picture.
    sources : tuple of Source
        Scans.
    references : tuple of Reference
        What the scans, their data and conventions cite.
    rows : tuple of Compared
        Published values beside this code's.
    seconds : float
        From the first scan to the last answer.
    """

    entry: Entry
    title: str
    path: Path
    sources: tuple[Source, ...]
    references: tuple[Reference, ...]
    rows: tuple[Compared, ...]
    seconds: float


def make(entry: Entry, grids: Grids, folder: Path) -> Made:
    """Draw an entry into a folder and answer its comparisons.

    Raises
    ------
    ScannerError
        A scan cannot be run, or the figure not be written.
    """
    begun = time.monotonic()
    path = folder / f"{entry.name}.png"
    with grids.noting() as scans:
        points = _draw(entry, grids, path)
    cited = [*points, *(scan.definition for scan in scans)]
    rows = tuple(grids.compare(comparisons()[name]) for name in entry.compared)
    return Made(
        entry,
        entry.title or scans[0].definition.title,
        path,
        tuple(Source(one.definition.name, one.id, one.stored.digest) for one in scans),
        bibliography.once(reference for one in cited for reference in _cited(one)),
        rows,
        time.monotonic() - begun,
    )


def _draw(entry: Entry, grids: Grids, path: Path) -> list[ScanDefinition]:
    """Draw, and return what is to be cited beside the scans that were asked for."""
    if entry.scan:
        scan = grids.scan(entry.scan)
        draw(scan, path, overlays=entry.overlays, driven=entry.drivers)
        return []
    if entry.intervals:
        scans = [grids.scan(name) for name in entry.intervals]
        draw_intervals([limits(scan) for scan in scans], path)
        return []
    if entry.data:
        point = _standard_model(entry)
        draw_spectra(point, spectra(point), path)
        return [point]
    panels = DRAWN[entry.draws](grids)
    provenance = f"{PACKAGE} {package_version(PACKAGE)}"
    save(curves_figure(panels, title=entry.title, provenance=provenance), path)
    return []


def _standard_model(entry: Entry) -> ScanDefinition:
    """The Standard Model in one experiment, as a point."""
    raw = {
        "title": entry.title,
        "scenario": "standard_model",
        "experiments": [entry.data],
        "experiment": {entry.data: dict(entry.choices)},
    }
    return definition.from_mapping(raw, f"figure {entry.name}", point=True)


def _cited(chosen: ScanDefinition) -> Iterable[Reference]:
    return (*bibliography.cited(chosen), *bibliography.conventions(chosen.options))

"""Building the gallery: its figures one after the other, then the pages of all that are there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scanner import definition
from scanner.errors import ScannerError, StoreError, error_of
from scanner.gallery import index, markdown, records, reference
from scanner.gallery.asking import Grids
from scanner.gallery.entries import Entry, chosen, entries
from scanner.gallery.making import make

FIGURES = "figures"


@dataclass(frozen=True)
class Built:
    """What `build` did.

    Parameters
    ----------
    index : Path
        The page to begin with.
    figures : tuple of records
        All that the folder holds now, see `scanner.gallery.records`.
    failed : mapping from name to error
        Figures that could not be made.
    """

    index: Path
    figures: tuple[records.Record, ...]
    failed: Mapping[str, ScannerError]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        failed = {name: str(error) for name, error in self.failed.items()}
        return {"index": str(self.index), "figures": list(self.figures), "failed": failed}

    def check(self) -> None:
        """Raise the error of what failed; all else was made.

        Raises
        ------
        ScannerError
            Of the kind of the first one.
        """
        if self.failed:
            first = next(iter(self.failed.values()))
            told = "; ".join(f"{name}: {error}" for name, error in self.failed.items())
            raise error_of(first.exit_code, f"not made: {told}")


def build(
    folder: Path,
    only: Sequence[str] = (),
    *,
    store: str | Path | None = None,
    said: Callable[[str], None] = lambda _: None,
    **cluster: Any,
) -> Built:
    """Make figures and the pages around them; what the folder holds already stays.

    Parameters
    ----------
    folder : Path
        Made where it is not there: ``index.html``, ``README.md``, ``gallery.json``, the figures,
        and a page for every scenario and experiment.
    only : sequence of str
        Figures or sections; all by default.
    store, cluster
        As for `Grids`.
    said : callable
        Told a line for each figure.

    Raises
    ------
    CatalogError
        There is neither a figure nor a section of that name.
    StoreError
        The folder cannot be written.
    """
    wanted = chosen(only)
    try:
        (folder / FIGURES).mkdir(parents=True, exist_ok=True)
        failed = _make(wanted, folder, Grids(store, said=said, **cluster))
        made = records.merged(folder)
        reference.write(folder, _shown(made))
        markdown.write(folder, made)
        return Built(index.write(folder, made, failed), tuple(made), failed)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written ({error.strerror})") from error


def _make(wanted: Sequence[Entry], folder: Path, grids: Grids) -> dict[str, ScannerError]:
    """Make figures, each noted at once, so that what an interrupt leaves is known; what failed."""
    failed: dict[str, ScannerError] = {}
    with grids:
        for number, entry in enumerate(wanted, 1):
            try:
                fresh = records.record(make(entry, grids, folder / FIGURES))
                records.write(folder, records.merged(folder, [fresh]))
                told = f"{fresh['seconds']:.1f} s"
            except ScannerError as error:
                failed[entry.name] = error
                told = f"not made: {error}"
            grids.said(f"{number}/{len(wanted)} {entry.name}: {told}")
    return failed


def _shown(made: Sequence[records.Record]) -> dict[str, list[reference.Shown]]:
    """Figures by the scenarios and experiments that they are of."""
    found: dict[str, list[reference.Shown]] = {}
    known = entries()
    for one in made:
        for name in _about(known[one["name"]]):
            found.setdefault(name, []).append(reference.Shown(one["name"], one["title"]))
    return found


def _about(entry: Entry) -> tuple[str, ...]:
    """Scenarios and experiments of a figure, each once."""
    if entry.data:
        return (entry.data,)
    loaded = [definition.load(name) for name in entry.scans]
    named = [name for one in loaded for name in (one.scenario, *one.experiments)]
    return tuple(dict.fromkeys(named))

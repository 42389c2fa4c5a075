"""Building and checking shipped tables: of an experiment by its name, and of the overlays."""

from __future__ import annotations

from pathlib import Path

from scanner import catalog
from scanner.errors import CatalogError, DataError
from scanner.experiments import _tables
from scanner.overlays import building, shelf

OVERLAYS = "overlays"
"""Stands for the published limits, where an experiment can be named."""


def build(experiment: str, release: Path, output: Path | None = None) -> tuple[str, ...]:
    """Rebuild the tables of an experiment or of the overlays; returns the files that changed.

    Parameters
    ----------
    experiment : str
        Catalogue name, or ``overlays``.
    release : Path
        Folder of the release, or the folder that holds it (and those it needs besides).
    output : Path, optional
        Where to write; the shipped tables by default.

    Raises
    ------
    CatalogError
        No such experiment, or it has no tables made from a release.
    DataError
        A release file is missing or malformed; nothing is written.
    StoreError
        `output` is not writable.
    """
    if experiment == OVERLAYS:
        return _build_overlays(release, output or shelf.DATA)
    make = getattr(catalog.experiment_module(experiment), "build", None)
    if make is None:
        raise CatalogError(
            f"experiment {experiment!r} is not made from a release: nothing to build"
        )
    if not release.is_dir():
        raise DataError(f"release {release} is not a folder: give the folder of the release")
    inside = (release / experiment).is_dir()
    root = release if inside else release.absolute().parent
    return _tables.write(experiment, make(root), output or _tables.folder(experiment))


def _build_overlays(release: Path, output: Path) -> tuple[str, ...]:
    if not release.is_dir():
        raise DataError(f"release {release} is not a folder: give the folder of the releases")
    needed = {source["release"] for source in building.sources().values()}
    root = release.absolute().parent if release.resolve().name in needed else release
    made, found = building.tables(root)
    sums = building.checksums_toml(made, found)
    return _tables.write_files(output, {**made, shelf.CHECKSUMS: sums})


def verify(experiment: str) -> tuple[str, ...]:
    """Check the shipped tables of an experiment or of the overlays; returns their names.

    Raises
    ------
    DataError
        A table is missing or damaged.
    DefinitionError
        An experiment that is a text has a mistake; it has no tables.
    """
    if experiment == OVERLAYS:
        return shelf.verify()
    if experiment in catalog.text_names():
        catalog.experiment(experiment)
        return ()
    return _tables.verify(experiment)

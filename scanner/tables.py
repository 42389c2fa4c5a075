"""Building and checking the shipped measurement tables of an experiment, by catalogue name."""

from __future__ import annotations

from pathlib import Path

from scanner import catalog
from scanner.errors import CatalogError, DataError
from scanner.experiments import _tables


def build(experiment: str, release: Path, output: Path | None = None) -> tuple[str, ...]:
    """Rebuild the tables of an experiment; returns the files that changed.

    Parameters
    ----------
    experiment : str
        Catalogue name.
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


def verify(experiment: str) -> tuple[str, ...]:
    """Check the shipped tables of an experiment against their sha256; returns their names.

    Raises
    ------
    DataError
        A table is missing or damaged.
    """
    return _tables.verify(experiment)

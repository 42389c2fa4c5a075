"""Building and checking shipped tables: of an experiment, of a flux, and of the overlays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

from scanner import catalog
from scanner.errors import CatalogError, DataError
from scanner.experiments import _reactor_tables, _solar_tables, _tables
from scanner.overlays import building, shelf
from scanner.physics.fluxes import reactor, solar
from scanner.physics.fluxes import tables as flux_tables

OVERLAYS = "overlays"
"""Stands for the published limits, where an experiment can be named."""
FLUXES: Mapping[str, Callable[[Path], _tables.Built]] = {
    reactor.SOURCE: _reactor_tables.build,
    solar.SOURCE: _solar_tables.build,
}
"""Sources of fluxes whose tables are shipped, where an experiment can be named."""
OTHERS = (*FLUXES, OVERLAYS)
"""Everything with shipped tables that is not an experiment."""


def build(experiment: str, release: Path, output: Path | None = None) -> tuple[str, ...]:
    """Rebuild the tables of an experiment, flux or the overlays; returns the files that changed.

    Parameters
    ----------
    experiment : str
        Catalogue name, one of `FLUXES`, or ``overlays``.
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
    if experiment in FLUXES:
        home = flux_tables.folder(experiment)
        made = FLUXES[experiment](_root(experiment, release))
        return _tables.write(experiment, made, output or home, home)
    make = _maker(experiment)
    made = make(_root(experiment, release))
    return _tables.write(experiment, made, output or _tables.folder(experiment))


def buildable() -> tuple[str, ...]:
    """Everything whose tables are made from a release."""
    texts = catalog.text_names()
    modules = (name for name in catalog.experiment_names() if name not in texts)
    made = (name for name in modules if hasattr(catalog.experiment_module(name), "build"))
    return (*made, *OTHERS)


def _maker(experiment: str) -> Callable[[Path], _tables.Built]:
    """What makes the tables of an experiment."""
    if experiment in catalog.text_names():
        where = f"the text {catalog.experiment_text(experiment)}"
    else:
        make = getattr(catalog.experiment_module(experiment), "build", None)
        if make is not None:
            return cast("Callable[[Path], _tables.Built]", make)
        where = "its module"
    raise CatalogError(
        f"experiment {experiment!r} has no tables, its numbers are in {where}: nothing to build; "
        f"tables are built for {', '.join(buildable())}"
    )


def _root(name: str, release: Path) -> Path:
    """Folder that holds the releases, given that one or the folder of one release."""
    if not release.is_dir():
        raise DataError(f"release {release} is not a folder: give the folder of the release")
    return release if (release / name).is_dir() else release.absolute().parent


def _build_overlays(release: Path, output: Path) -> tuple[str, ...]:
    if not release.is_dir():
        raise DataError(f"release {release} is not a folder: give the folder of the releases")
    needed = {source["release"] for source in building.sources().values()}
    root = release.absolute().parent if release.resolve().name in needed else release
    made, found = building.tables(root)
    sums = building.checksums_toml(made, found)
    return _tables.write_files(output, {**made, shelf.CHECKSUMS: sums})


def verify(experiment: str) -> tuple[str, ...]:
    """Check the shipped tables of an experiment, flux or the overlays; returns their names.

    Raises
    ------
    DataError
        A table is missing or damaged.
    DefinitionError
        An experiment that is a text has a mistake; it has no tables.
    """
    if experiment == OVERLAYS:
        return shelf.verify()
    if experiment in FLUXES:
        return flux_tables.verify(experiment)
    if experiment in catalog.text_names():
        catalog.experiment(experiment)
        return ()
    return _tables.verify(experiment)

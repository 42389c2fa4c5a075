"""Submit a scan: make it where its workers see it, and start a driver that outlives the command."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scanner import catalog, definition, prepare
from scanner.definition import ScanDefinition
from scanner.errors import CatalogError, error_of
from scanner.reading import document
from scanner.store.archive import Archive
from scanner.store.runs import Kind, Run, new_run
from scanner.store.stored import StoredScan
from scanner.store.watching import finished

Source = str | Path | ScanDefinition


@dataclass(frozen=True)
class Submission:
    """What became of a submission.

    Parameters
    ----------
    stored : StoredScan
        The scan.
    run : Run or None
        Who works on it: the driver that was started, or whoever worked already; None for a scan
        that is complete.
    started : bool
        Whether a driver was started.
    """

    stored: StoredScan
    run: Run | None
    started: bool


def submit(
    source: Source,
    overrides: Iterable[str] = (),
    *,
    store: str | Path | None = None,
    said: Callable[[str], None] = lambda _: None,
    **cluster: Any,
) -> Submission:
    """Start a detached driver for a scan, unless it is complete or somebody works on it.

    Nothing is made where the cluster does not answer, or its workers do not see the store or have
    other versions.

    Parameters
    ----------
    source : str, Path or ScanDefinition
        Definition by name or file, a resolved one, or a stored scan by its id.
    overrides, store
        See `scanner.scan.Scan.of`.
    said : callable
        Told in one sentence which running cluster is used.
    cluster
        For `execution.clusters.connect`. On a cluster that runs already the driver is a task of
        it; otherwise a process of this host, which starts the workers and ends them.

    Raises
    ------
    DefinitionError, CatalogError, MismatchError, ClusterError, StoreError
        The definition, the cluster or the store cannot be used.
    """
    archive = Archive(store)
    chosen = _wanted(source, tuple(overrides), archive)
    stored = archive.find(chosen)
    if stored is not None and finished(stored):
        return Submission(stored, None, started=False)
    if stored is not None and (working := stored.runs.working()):
        return Submission(stored, working[0].run, started=False)
    chosen.check_sources()
    archive.check()
    from scanner.execution import clusters, driver
    from scanner.execution.preflight import check_place

    clusters.check(**cluster)
    workers = clusters.planned_workers(cluster.get("workers"), cluster.get("cluster"))
    if clusters.joins(**cluster):
        with clusters.connect(**cluster, told=said) as connection:
            client = connection.client
            said(connection.description)
            check_place(client, chosen, archive.folder)
            stored = _made(stored, chosen, store, workers or len(client.nthreads()))
            return _handed(
                stored, "cluster", lambda s, run: driver.start_on_cluster(client, s, run)
            )
    stored = _made(stored, chosen, store, workers)
    return _handed(stored, "host", lambda s, run: driver.start_here(s, run, cluster))


def _wanted(source: Source, overrides: tuple[str, ...], archive: Archive) -> ScanDefinition:
    if isinstance(source, ScanDefinition):
        return source
    defined = source in catalog.definition_names() or Path(source).suffix in document.SUFFIXES
    if not defined and not overrides:
        with suppress(CatalogError):  # then it is said which definitions there are
            return archive.open(str(source)).definition
    return definition.load(source, overrides)


def _made(
    stored: StoredScan | None, chosen: ScanDefinition, store: str | Path | None, workers: int | None
) -> StoredScan:
    if stored is None:
        grid, _ = prepare.cut(chosen, workers)
        stored = prepare.create(chosen, grid, store)
    stored.add_name(chosen.name)
    return stored.entitled(chosen.title)


def _handed(stored: StoredScan, kind: Kind, start: Callable[[StoredScan, Run], Run]) -> Submission:
    """Write the record of a new run, then start its driver; of two at once the first stays."""
    stored.clear_stop()
    run = new_run(kind)
    stored.runs.write(run)
    try:
        earlier = [one.run for one in stored.runs.working() if one.run.key < run.key]
        if earlier:
            stored.runs.remove([run.key])
            return Submission(stored, earlier[0], started=False)
        begun = start(stored, run)
    except BaseException:
        stored.runs.remove([run.key])  # a driver that begins all the same finds no record and ends
        raise
    if begun.phase == "failed":
        raise error_of(begun.exit_code, begun.message)
    return Submission(stored, begun, started=True)

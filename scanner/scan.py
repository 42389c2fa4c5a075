"""Scan: the handle people hold. Run, resume, ask, draw.

>>> from scanner.scan import Scan
>>> scan = Scan.of("light_vector_universal", ["axes.mass.n=60"])  # doctest: +SKIP
>>> scan.run()  # doctest: +SKIP
>>> scan.interval("coupling", cl=0.9, dof=2, at={"mass": 1.0}).text()  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scanner import bibliography, catalog, definition, prepare, sources
from scanner.bibliography import Entry
from scanner.definition import ScanDefinition
from scanner.errors import UnknownScanError
from scanner.limits.answers import Answers
from scanner.limits.finalise import finalise
from scanner.limits.workers import Workers
from scanner.reading import document
from scanner.store.archive import Archive
from scanner.store.runs import Run, new_run
from scanner.store.stored import StoredScan
from scanner.store.watching import Cancelled, cancel, watch
from scanner.submission import Submission, submit

if TYPE_CHECKING:
    from distributed import Client

    from scanner.execution.progress import Progress, Report
    from scanner.execution.recording import Recorder
    from scanner.limits.cls import Cls
    from scanner.limits.expected import Expected
    from scanner.limits.feldman_cousins import FeldmanCousins
    from scanner.limits.marginal import Marginal
    from scanner.limits.refinement.refinement import RefinedPlane, Refinement
    from scanner.limits.refinement.tolerance import Wish

Source = str | Path | ScanDefinition
Say = Callable[[str], None]
Show = Callable[["Progress"], None]


class Scan(Answers):
    """One scan in a store: made or opened, run, and asked (see `Answers`)."""

    @classmethod
    def of(
        cls,
        source: Source,
        overrides: Iterable[str] = (),
        *,
        store: str | Path | None = None,
        workers: int | None = None,
    ) -> Scan:
        """Scan of a definition: the stored one, or a new one whose chunks fit this machine.

        Parameters
        ----------
        source : str, Path or ScanDefinition
            Ready-made name, file, or a resolved definition.
        overrides : iterable of str
            Such as ``axes.mass.n=60``.
        store : path, optional
            Root of the store; default ``$SCANNER_STORE``, else ``./scans``.
        workers : int, optional
            Workers that the chunks are cut for; default: the processors of this machine.

        Raises
        ------
        DefinitionError, CatalogError, MismatchError, StoreError
            See `scanner.definition.load` and `scanner.store.archive.Archive.create`.
        """
        chosen = _resolved(source, overrides)
        stored = Archive(store).find(chosen)
        if stored is None:
            grid, _ = prepare.cut(chosen, workers)
            stored = prepare.create(chosen, grid, store)
        stored.add_name(chosen.name)
        return cls(stored.entitled(chosen.title))

    @classmethod
    def launch(
        cls,
        source: Source,
        overrides: Iterable[str] = (),
        *,
        store: str | Path | None = None,
        progress: Show | None = None,
        said: Say = lambda _: None,
        told: Say = lambda _: None,
        **cluster: Any,
    ) -> tuple[Scan, Report | None]:
        """Make the scan of a definition and run it; nothing is made where no cluster answers.

        A small scan needs none: unless one is named it is run in this process.

        Parameters
        ----------
        source, overrides, store
            As for `of`.
        progress, said, cluster
            As for `run`.
        told : callable
            Told in one sentence of each long reading of a large cube.
        """
        chosen = _resolved(source, overrides)
        if Archive(store).find(chosen) is not None:
            scan = cls.of(chosen, store=store)._on(cluster, told)
            return scan, scan.run(progress=progress, said=said, **cluster)
        Archive(store).check()
        grid, cpu_seconds = prepare.cut(chosen, _planned(cluster))
        with _connected(None, said, {**cluster, "cpu_seconds": cpu_seconds}, told) as client:
            _check_place(client, chosen, store)
            stored = prepare.create(chosen, grid, store)
            stored.add_name(chosen.name)
            scan = cls(stored)._on(cluster, told)
            return scan, scan.run(client, progress=progress)

    @classmethod
    def submit(
        cls,
        source: Source,
        overrides: Iterable[str] = (),
        *,
        store: str | Path | None = None,
        said: Say = lambda _: None,
        **cluster: Any,
    ) -> tuple[Scan, Submission]:
        """Start a detached driver that runs the scan; see `scanner.submission.submit`."""
        submission = submit(source, overrides, store=store, said=said, **cluster)
        return cls(submission.stored), submission

    @classmethod
    def open(
        cls,
        scan: str,
        *,
        store: str | Path | None = None,
        partial: bool = False,
        told: Say = lambda _: None,
        **cluster: Any,
    ) -> Scan:
        """Stored scan by id, unique prefix of an id, name or file of its definition.

        Of several scans of one name, the one of the ready-made definition as it stands is meant.

        Parameters
        ----------
        partial
            See `Answers`.
        told, cluster
            See `launch`: told of, and used for, long readings of a large cube.

        Raises
        ------
        CatalogError
            There is none, or several; lists the candidates.
        """
        archive = Archive(store)
        defined = scan in catalog.definition_names() or Path(scan).suffix in document.SUFFIXES
        stored = archive.find(definition.load(scan)) if defined else None
        try:
            return cls(stored or archive.open(scan), partial)._on(cluster, told)
        except UnknownScanError as error:
            if not defined:
                raise
            raise UnknownScanError(
                f"{archive.folder}: {scan} has not been run there: `scanner run {scan}` first"
            ) from error

    def _on(self, cluster: Mapping[str, Any], told: Say) -> Scan:
        """The same scan, whose long readings run on that cluster."""
        return replace(self, workers=Workers(dict(cluster), told=told))

    def run(
        self,
        client: Client | None = None,
        *,
        progress: Show | None = None,
        said: Say = lambda _: None,
        record: Run | None = None,
        **cluster: Any,
    ) -> Report | None:
        """Compute what is missing, then the minima and the SM chi2; None if nothing was missing.

        Parameters
        ----------
        client : distributed.Client, optional
            Used and left open. Without it, `cluster` goes to `execution.clusters.connect`
            (``scheduler``, ``scheduler_file``, ``cluster``, ``workers``).
        progress : callable, optional
            Called about four times a second.
        said : callable
            Told in one sentence which cluster is used.
        record : Run, optional
            What a driver goes on with; by default a new one in the store, for everybody to see.

        Raises
        ------
        IncompleteScanError, ClusterError, MismatchError, StoreError
            See `scanner.execution.runner.run`.
        """
        finished = self.stored.finished()
        state = self.stored.state(finished)
        complete = state.complete
        if complete and "minimum" in self.stored.summary:
            _check(cluster)
            return None
        from scanner.execution.recording import recording

        report = None
        begun = replace(record or new_run("run"), done_before=state.done)
        with recording(self.stored, begun) as recorder:
            if not complete:
                self.definition.check_sources()
                self.stored.check_ready(self.stored.missing(finished))
                report = self._compute(client, recorder, progress, said, cluster)
            recorder.finishing()
            options = cluster or self.workers.options
            self.finalise(replace(self.workers, options=options, client=client))
        return report

    def _compute(
        self,
        client: Client | None,
        recorder: Recorder,
        progress: Show | None,
        said: Say,
        cluster: Mapping[str, Any],
    ) -> Report:
        from scanner.execution.runner import run

        options = {**cluster, "should_stop": recorder.should_stop}
        say, tell = recorder.saying(said), recorder.saying(self.workers.told)
        for other in recorder.others():
            self.workers.told(other)  # no place where chunks are computed
        with _connected(client, say, options, tell) as connected:
            report = run(
                self.stored,
                connected,
                progress=recorder.telling(progress),
                should_stop=recorder.should_stop,
                **recorder.manner(connected),
            )
        recorder.computed(report)
        report.raise_if_incomplete()
        return report

    def watch(self) -> Iterator[Run]:
        """News of whoever works on the scan until it is done; see `store.watching.watch`."""
        return watch(self.stored)

    def cancel(self, *, wait: bool = True) -> Cancelled:
        """Ask whoever works on the scan to end; see `store.watching.cancel`."""
        return cancel(self.stored, wait=wait)

    def finalise(self, workers: Workers | None = None) -> None:
        """Find the minima off the grid with the exact likelihood; store them with the SM chi2.

        Parameters
        ----------
        workers : Workers, optional
            Where a large cube is read; by default as for questions.
        """
        finalise(self, workers or self.workers)

    def bibliography(self) -> tuple[Entry, ...]:
        """What a result cites: what the cube says, its conventions, and this software."""
        stored = self.stored.cube.attributes.get("references", ())
        papers = [bibliography.reference_of(line) for line in stored]
        return bibliography.entries([*papers, *bibliography.conventions(self.definition.options)])

    def export(self, path: str | Path, form: str, what: str | None = None, **asked: Any) -> Path:
        """Write limits or the cube for others; `asked`: see `scanner.limits.export.Question`."""
        from scanner.limits.export.content import Question
        from scanner.limits.export.writer import export

        return export(self, form, Path(path), what=what, asked=Question(**asked))

    def refine(self, *, to: Wish, **how: Any) -> Refinement:
        """Points near contours; see `scanner.limits.refinement.doors.refine_of`."""
        from scanner.limits.refinement.doors import refine_of

        return refine_of(self, to=to, **how)

    def refined_contour(self, **how: Any) -> RefinedPlane:
        """Contours made of them; see `scanner.limits.refinement.doors.refined_contour_of`."""
        from scanner.limits.refinement.doors import refined_contour_of

        return refined_contour_of(self, **how)

    def feldman_cousins(self, keep: Sequence[str] | None = None, **how: Any) -> FeldmanCousins:
        """Toys near the Wilks contour; see `scanner.limits.testing.feldman_cousins_of`."""
        from scanner.limits.testing import feldman_cousins_of

        return feldman_cousins_of(self, keep, **how)

    def expected(self, parameter: str, **how: Any) -> Expected:
        """Expected limits with bands; see `scanner.limits.testing.expected_of`."""
        from scanner.limits.testing import expected_of

        return expected_of(self, parameter, **how)

    def cls(self, parameter: str, **how: Any) -> Cls:
        """CLs upper limits; see `scanner.limits.testing.cls_of`."""
        from scanner.limits.testing import cls_of

        return cls_of(self, parameter, **how)

    def marginal(self, keep: Sequence[str], **how: Any) -> Marginal:
        """Posterior of the kept axes; see `scanner.limits.testing.marginal_of`."""
        from scanner.limits.testing import marginal_of

        return marginal_of(self, keep, **how)


def _resolved(source: Source, overrides: Iterable[str]) -> ScanDefinition:
    if isinstance(source, ScanDefinition):
        return source
    return definition.load(source, overrides)


def _check(cluster: Mapping[str, Any]) -> None:
    """Refuse what names no cluster also where none is needed."""
    named = ("scheduler", "scheduler_file", "cluster", "workers")
    given = {name: cluster[name] for name in named if cluster.get(name) is not None}
    if given:
        from scanner.execution.clusters import check

        check(**given)


def _check_place(client: Client, chosen: ScanDefinition, store: str | Path | None) -> None:
    """Refuse workers that see another store before a scan is made there."""
    from scanner.execution.preflight import check_place

    check_place(client, chosen, Archive(store).folder)


def _planned(cluster: Mapping[str, Any]) -> int | None:
    """Number of workers that is asked for, or that the profile of a batch system names."""
    if cluster.get("cluster") is None:
        return cluster.get("workers")
    from scanner.execution.clusters import planned_workers

    return planned_workers(cluster.get("workers"), cluster["cluster"])


@contextmanager
def _connected(
    client: Client | None, said: Say, cluster: Mapping[str, Any], told: Say = lambda _: None
) -> Iterator[Client]:
    """The given client, left open; else one of our own, closed at the end."""
    if client is not None:
        yield client
        return
    from scanner.execution.clusters import connect

    with connect(told=told, **cluster) as connection:
        said(connection.description)
        yield connection.client


def drive(stored: StoredScan, record: Run, client: Client | None = None, **cluster: Any) -> None:
    """What a detached driver does: see `Scan.run`."""
    sources.ask_for(stored.definition.scenario)  # by who submitted it
    Scan(stored).run(client, record=record, **cluster)

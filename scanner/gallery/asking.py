"""Asking: a row's question, put to stored grids of ready-made definitions or to one experiment."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from scanner import catalog, definition
from scanner.amplitudes import Conventions
from scanner.gallery.comparing import Compared, Comparison, compared
from scanner.gallery.strength import (
    FITS,
    VALUES,
    Said,
    cross_section,
    standard_model,
    times,
)
from scanner.scan import Scan
from scanner.store.watching import finished

if TYPE_CHECKING:
    from distributed import Client


class Grids:
    """Stored grids of ready-made definitions; what is missing is run, on one cluster for all.

    Parameters
    ----------
    store : str or Path, optional
        Root of the store, as for `Scan.of`.
    client : distributed.Client, optional
        Whose workers compute; it is left open.
    said : callable
        Told in one sentence which cluster is used.
    cluster
        Without a client, for `execution.clusters.connect`: asked for when something is missing,
        ended with the context.
    """

    def __init__(
        self,
        store: str | Path | None = None,
        client: Client | None = None,
        said: Callable[[str], None] = lambda _: None,
        **cluster: Any,
    ) -> None:
        self._store, self._client, self.said, self._cluster = store, client, said, cluster
        self._scans: dict[tuple[str, tuple[str, ...]], Scan] = {}
        self._noted: list[Scan] = []
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._open.close()

    def scan(self, name: str, overrides: Sequence[str] = ()) -> Scan:
        """The complete scan of a definition.

        Raises
        ------
        ScannerError
            See `Scan.of` and `Scan.run`.
        """
        key = (name, tuple(overrides))
        if key not in self._scans:
            made = Scan.of(name, overrides, store=self._store, workers=self._cluster.get("workers"))
            if not finished(made.stored):
                made.run(self._workers())
            self._scans[key] = made
        found = self._scans[key]
        if all(found is not one for one in self._noted):
            self._noted.append(found)
        return found

    @contextmanager
    def noting(self) -> Iterator[list[Scan]]:
        """The scans that are asked for meanwhile, each once."""
        noted: list[Scan] = []
        self._noted = noted
        yield noted
        self._noted = []

    def _workers(self) -> Client:
        if self._client is None:
            from scanner.execution.clusters import connect

            connection = self._open.enter_context(connect(**self._cluster))
            self.said(connection.description)
            self._client = connection.client
        return self._client

    def compare(self, row: Comparison) -> Compared:
        """A row with its answer."""
        cl, dof = row.level
        return compared(row, self.ask(row.asked, cl, dof))

    def ask(self, asked: Mapping[str, Any], cl: float, dof: int) -> Said:
        """What this code says to the question of a row, in the unit of the row.

        Parameters
        ----------
        asked : mapping
            See ``comparisons.toml``.
        cl, dof
            Confidence level as a fraction, and degrees of freedom.
        """
        if "definition" not in asked:
            return _in_unit(asked, _of_data(asked, cl))
        scan = self.scan(asked["definition"], asked.get("set", ()))
        if asked.get("ask") == "distance":
            return math.sqrt(rise(scan, asked["parameter"], asked["at"][0])), ()
        if asked.get("ask") == "preference":
            fall = sum(scan.chi2_sm.values()) - scan.minima["combined"].chi2
            return math.sqrt(fall), ()
        interval = scan.interval(
            asked["parameter"],
            cl=cl,
            dof=dof,
            at=asked.get("hold"),
            experiments=asked.get("experiments"),
            reference=asked.get("reference", "global"),
            sided=asked.get("sides", "two"),
        )
        if "derived" in asked:
            interval = interval.shifted(asked["derived"])
        found = tuple((low, high) for low, high in interval.intervals)
        return _in_unit(asked, (interval.best, found))


def rise(scan: Scan, parameter: str, value: float) -> float:
    """Delta chi2 of one value of a parameter, the others profiled."""
    return float(scan.query({parameter: value}).answers["combined"].delta_chi2)


def _of_data(asked: Mapping[str, Any], cl: float) -> Said:
    """What the data of one experiment say of the Standard Model."""
    choices = tuple(asked.get("choices", {}).items())
    model = standard_model(asked["experiment"], choices, conventions_of(asked))
    if asked["ask"] in VALUES:
        return VALUES[asked["ask"]](model), ()
    return FITS[asked["ask"]](model, cl)


def _in_unit(asked: Mapping[str, Any], said: Said) -> Said:
    """An answer in the unit of the row: times `scale`, over `per`, times a cross section."""
    factor = asked.get("scale", 1.0) / asked.get("per", 1.0)
    if asked.get("times") == "cross_section":
        experiment = catalog.experiment(experiments_of(asked)[0])
        factor *= cross_section(experiment, conventions_of(asked), asked.get("flux", ""))
    best, intervals = times(said, factor)
    return best, (intervals[asked["piece"]],) if "piece" in asked else intervals


def conventions_of(asked: Mapping[str, Any]) -> Conventions:
    """Conventions that a row asks the data of an experiment with."""
    return Conventions(**asked.get("options", {}))


def experiments_of(asked: Mapping[str, Any]) -> tuple[str, ...]:
    """Experiments that answer a row."""
    if "experiment" in asked:
        return (asked["experiment"],)
    if "experiments" in asked:
        return tuple(asked["experiments"])
    return definition.load(asked["definition"], asked.get("set", ())).experiments


def settings_of(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Conventions, and choices of experiments, that a row changes or asks with."""
    changed = {key: value for key, _, value in (t.partition("=") for t in asked.get("set", ()))}
    chosen = {f"{asked.get('experiment')}.{k}": v for k, v in asked.get("choices", {}).items()}
    of_experiments = {k.partition(".")[2]: v for k, v in changed.items() if "experiment." in k}
    options = {k.partition(".")[2]: v for k, v in changed.items() if "options." in k}
    return {**asked.get("options", {}), **options, **chosen, **of_experiments}

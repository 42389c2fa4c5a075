"""RemoteAnswers: what can be asked of a scan that a service holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from scanner import bibliography
from scanner.bibliography import Entry
from scanner.client import cube
from scanner.client.events import News, news
from scanner.client.failures import understood
from scanner.client.records import Argument, Names, arguments, surface
from scanner.client.transport import Transport
from scanner.definition import ScanDefinition
from scanner.errors import CatalogError, ClusterError, IncompleteScanError
from scanner.limits.interval import Interval
from scanner.limits.plane import Plane
from scanner.limits.query import Query, point
from scanner.limits.reference import Minimum
from scanner.limits.summary import SUMMARY_LEVELS, Summary, limited, places
from scanner.limits.surface import Surface
from scanner.store.state import ScanState
from scanner.store.trust import printable

if TYPE_CHECKING:
    import xarray as xr

TRIES = 5
"""Times that a growing scan is asked for a contour and its plane before they fit together."""
TOLD_POINTS = 1000
"""Points of an axis that a service tells at most; of more the cube is read."""


class RemoteAnswers:
    """A scan behind HTTP, and the questions to it: those of `scanner.limits.answers.Answers`.

    Parameters
    ----------
    transport : Transport
        The way to the service.
    scan : str
        Its id.
    partial : bool
        Whether questions may be asked before every chunk is done.
    """

    def __init__(self, transport: Transport, scan: str, *, partial: bool = False) -> None:
        self.id, self.partial = scan, partial
        self._transport = transport
        self._whole: xr.Dataset | None = None  # of a complete scan, once it was read

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.id}, {self._transport.place.url})"

    @property
    def url(self) -> str:
        """Where the service answers questions to it."""
        return f"{self._transport.place.api}/scans/{self.id}"

    @property
    def record(self) -> dict[str, Any]:
        """All that the service tells of it: progress, provenance, minima, job.

        Raises
        ------
        CatalogError
            There is no such scan.
        IncompleteScanError
            It was asked for, and is not made yet.
        """
        try:
            return self._transport.record(f"scans/{self.id}")
        except CatalogError:
            if (told := self._asked_for()) is None:
                raise
            raise self._unmade(told.phase) from None

    def now(self) -> News:
        """How far it is now, in the queue of the service too."""
        with understood(self.url):
            return next(news(self._transport, f"scans/{self.id}/events"))

    def _asked_for(self) -> News | None:
        """How far a scan is that is not in the store; None where nobody asked for it."""
        try:
            return self.now()
        except CatalogError:
            return None

    @cached_property
    def definition(self) -> ScanDefinition:
        """The resolved definition, as it was when it was computed.

        Raises
        ------
        ClusterError
            What the service tells is none, or that of another scan.
        """
        with understood(self.url):
            found = ScanDefinition.from_dict(printable(self.record["definition"]), self.url)
        if found.id != self.id:
            raise ClusterError(f"{self.url}: tells the definition of another scan, {found.id}")
        return found

    def state(self) -> ScanState:
        """How far the scan is."""
        with understood(self.url):
            return ScanState(**self._told("state"))

    @property
    def phase(self) -> str:
        """``queued``, ``running``, ``incomplete``, ``complete`` or ``failed``."""
        try:
            record = self._transport.record(f"scans/{self.id}")
        except CatalogError:
            if (told := self._asked_for()) is None:
                raise
            return told.phase
        with understood(self.url):
            return str(record["phase"])

    @property
    def minima(self) -> dict[str, Minimum]:
        """Minimum of each experiment and of all combined, empty before the scan is complete."""
        with understood(self.url):
            told = self._told("minima")
            return {name: Minimum.from_dict(found) for name, found in told.items()}

    @property
    def chi2_sm(self) -> dict[str, float]:
        """chi2 of the Standard Model in each layer of the cube.

        Raises
        ------
        IncompleteScanError
            The scan is not complete: it is found at the end.
        """
        told = self._summary().get("chi2_sm")
        if told is None:
            raise IncompleteScanError(
                f"scan {self.id}: the chi2 of the Standard Model is found when it is complete"
            )
        return {name: float(value) for name, value in told.items()}

    def query(
        self,
        at: Mapping[str, float] | None = None,
        *,
        dof: int | None = None,
        experiments: Names = None,
        reference: str = "global",
        **values: float,
    ) -> Query:
        """See `Answers.query`: ``query(mass=10)`` and ``query({"mass": 10})`` are alike."""
        asked = arguments(point(at, values), experiments, dof=dof, reference=reference)
        with understood(self.url):
            return Query.from_dict(self._asked("query", asked))

    def interval(
        self,
        parameter: str,
        *,
        cl: float = 0.9,
        dof: int = 1,
        at: Mapping[str, float] | None = None,
        experiments: Names = None,
        reference: str = "global",
        sided: str = "two",
        exact: bool = False,
    ) -> Interval:
        """See `Answers.interval`."""
        how = {"parameter": parameter, "cl": cl, "dof": dof, "sided": sided, "exact": exact}
        asked = arguments(at, experiments, reference=reference, **how)
        with understood(self.url):
            return Interval.from_dict(self._asked("interval", asked))

    def contour(
        self,
        keep: Sequence[str] | None = None,
        *,
        cls: Sequence[float] = (0.9,),
        dof: int = 2,
        at: Mapping[str, float] | None = None,
        experiments: Names = None,
        reference: str = "global",
    ) -> Plane:
        """See `Answers.contour`."""
        how = {"keep": listed(keep), "cl": list(cls), "dof": dof}
        asked = arguments(at, experiments, reference=reference, **how)
        for _ in range(TRIES):
            record = self._asked("contour", asked)
            with understood(self.url):
                kept = [axis["name"] for axis in record["axes"]]
            delta = self.delta_chi2(kept, at=at, experiments=experiments, reference=reference)
            with understood(self.url):
                found = Plane.from_dict(record, delta)
            if found.computed == delta.computed:  # else chunks came between the two answers
                return found
        raise IncompleteScanError(f"scan {self.id} grows while it is asked: ask again later")

    def summary(self, reference: str = "global") -> Summary:
        """See `Answers.summary`; one question for each of its lines."""
        definition = self.definition
        target = limited(definition)
        found = (
            self.interval(target, cl=cl, dof=len(place) + 1, at=place, reference=reference)
            for place in places(definition.axes, target)
            for cl in SUMMARY_LEVELS
        )
        return Summary(
            intervals=tuple(replace(one, derived={}) for one in found),
            units={axis.name: axis.unit for axis in definition.axes},
        )

    def profile(
        self,
        keep: Sequence[str],
        *,
        at: Mapping[str, float] | None = None,
        experiments: Names = None,
    ) -> Surface:
        """See `Answers.profile`."""
        record = self._profiled(keep, at, experiments, "global")
        if record is None:
            return self.surface(experiments).at(**dict(at or {})).profile(keep)
        return self._surface(record)

    def delta_chi2(
        self,
        keep: Sequence[str],
        *,
        at: Mapping[str, float] | None = None,
        experiments: Names = None,
        reference: str = "global",
    ) -> Surface:
        """See `Answers.delta_chi2`."""
        record = self._profiled(keep, at, experiments, reference)
        if record is not None:
            return self._surface(record, "delta_chi2")
        whole, held = self.surface(experiments), dict(at or {})
        told = (self.definition, self.minima, self._summary().get("chi2_sm") or {})
        return cube.delta(whole, keep, held, reference, *told)

    def _profiled(
        self, keep: Sequence[str], at: Mapping[str, float] | None, experiments: Names, kind: str
    ) -> dict[str, Any] | None:
        """Record of a profile; None where the service tells less than all its points."""
        lengths = {axis.name: len(axis) for axis in self.definition.axes}
        told = all(lengths.get(name, 0) <= TOLD_POINTS for name in keep)
        if not 1 <= len(keep) <= 2 or not told:
            return None
        how = {"keep": list(keep), "reference": kind, "most": TOLD_POINTS}
        record = self._asked("profile", arguments(at, experiments, **how))
        return None if record.get("thinned") else record

    def _surface(self, record: Mapping[str, Any], variable: str = "chi2") -> Surface:
        axes = self.definition.axes
        with understood(self.url):
            return surface(record, axes, variable)

    def surface(self, experiments: Names = None) -> Surface:
        """See `Answers.surface`; the cube is read for it."""
        return cube.surface(self.dataset(), self.definition, experiments)

    def dataset(self) -> xr.Dataset:
        """chi2 and status over (experiment, *axes), in memory; a large cube is read when used.

        Raises
        ------
        IncompleteScanError
            Chunks are missing and `partial` was not asked for.
        """
        complete = self.phase == "complete"
        if complete and self._whole is not None:
            return self._whole
        if not complete and not self.partial:
            raise IncompleteScanError(
                f"scan {self.id} is {self.phase}: wait with watch(), or open it with partial=True"
            )
        found = cube.dataset(self._transport, self.cube_url, self._summary())
        self._whole = found if complete else None
        return found

    @property
    def cube_url(self) -> str:
        """Address of the Zarr cube, for ``xarray.open_zarr``."""
        return f"{self.url}/cube.zarr"

    @property
    def storage_options(self) -> dict[str, Any]:
        """The argument of that name for ``xarray.open_zarr(scan.cube_url)``: holds the token."""
        return cube.storage_options(self._transport)

    def explain(self, at: Mapping[str, float]) -> dict[str, Any]:
        """One point: counts, pulls, residuals and spectra; as the service tells it."""
        return self._asked("explain", arguments(at))

    def bibliography(self) -> tuple[Entry, ...]:
        """See `Scan.bibliography`."""
        told = self._provenance().get("references", ())
        papers = [bibliography.reference_of(line) for line in told]
        return bibliography.entries([*papers, *bibliography.conventions(self.definition.options)])

    def _summary(self) -> dict[str, Any]:
        found: dict[str, Any] = self._provenance().get("summary", {})
        return found

    def _provenance(self) -> dict[str, Any]:
        return dict(self._told("provenance"))

    def _told(self, key: str) -> Any:
        """An entry of the record; IncompleteScanError where the scan waits to be made."""
        record = self.record
        if key not in record and "provenance" not in record:
            raise self._unmade(str(record.get("phase", "queued")))
        return record[key]

    def _unmade(self, phase: str) -> IncompleteScanError:
        return IncompleteScanError(f"scan {self.id} is {phase} and not made yet: wait with watch()")

    def _asked(self, verb: str, asked: Sequence[Argument]) -> dict[str, Any]:
        with self._if_made():
            return self._transport.record(*self._question(verb, asked))

    def _sent(self, verb: str, asked: Sequence[Argument]) -> bytes:
        with self._if_made():
            return self._transport.get(*self._question(verb, asked))

    @contextmanager
    def _if_made(self) -> Iterator[None]:
        """What a service does not find may be a scan that waits to be made: then it says so."""
        try:
            yield
        except CatalogError:
            with suppress(CatalogError):
                self._provenance()
            raise

    def _question(self, verb: str, asked: Sequence[Argument]) -> tuple[str, list[Argument]]:
        return f"scans/{self.id}/{verb}", [*asked, *arguments(partial=self.partial)]


def listed(values: Sequence[Any] | None) -> list[Any] | None:
    """A list, or None for the service's own choice."""
    return None if values is None else list(values)

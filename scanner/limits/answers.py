"""Answers: what can be asked of a stored scan, finished or growing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from scanner.definition import ScanDefinition
from scanner.errors import IncompleteScanError, ScannerError
from scanner.evaluate import Evaluator, evaluator_of
from scanner.known import derived_shifts
from scanner.limits import query as questions
from scanner.limits.interval import Interval, interval
from scanner.limits.layers import chosen_experiments, summed_layers
from scanner.limits.minimum import stored_minimum
from scanner.limits.plane import Plane, plane
from scanner.limits.reference import Minimum
from scanner.limits.reference import reference as make_reference
from scanner.limits.space import Space
from scanner.limits.spaces import Names, Spaces
from scanner.limits.summary import Summary, limited, summary
from scanner.limits.surface import Surface
from scanner.limits.workers import Workers
from scanner.store.stored import ScanState, StoredScan

if TYPE_CHECKING:
    import xarray as xr

    from scanner.exact.likelihood import Likelihood


@dataclass(frozen=True)
class Answers:
    """A scan in a store, and the questions to it.

    Parameters
    ----------
    stored : StoredScan
        Definition, cube and ledger on disk.
    partial : bool
        Whether questions may be asked before every chunk is done.
    workers : Workers
        Where readings of a large cube run: by default on the cluster that a run would use.
    settled : bool
        Whether the scan is known to be complete and to stay: the ledger is not read again.
    """

    stored: StoredScan
    partial: bool = False
    workers: Workers = field(default_factory=Workers, compare=False)
    settled: bool = field(default=False, compare=False)

    @property
    def id(self) -> str:
        """Identity of the scan: the name of its folder."""
        return self.stored.id

    @property
    def definition(self) -> ScanDefinition:
        """The resolved definition."""
        return self.stored.definition

    @cached_property
    def evaluator(self) -> Evaluator:
        """The exact likelihood behind the cube; MismatchError if its sources changed."""
        self.definition.check_sources()
        return evaluator_of(self.definition)

    def state(self) -> ScanState:
        """How far the scan is, from the store alone."""
        return self.stored.state()

    @cached_property
    def spaces(self) -> Spaces:
        """What questions are put to."""
        return Spaces(self.stored, self.partial, self.workers, self.settled)

    def dataset(self) -> xr.Dataset:
        """chi2 and status over (experiment, *axes), in memory; a large cube is read when used.

        Raises
        ------
        IncompleteScanError
            Chunks are missing and `partial` was not asked for.
        """
        return self.spaces.dataset()

    @property
    def minima(self) -> dict[str, Minimum]:
        """Minimum of each experiment and of all combined, empty before the scan is complete."""
        stored = self.stored.summary.get("minimum", {})
        return {name: Minimum.from_dict(found) for name, found in stored.items()}

    @property
    def chi2_sm(self) -> dict[str, float]:
        """chi2 of the Standard Model in each layer of the cube."""
        stored = self.stored.summary.get("chi2_sm")
        if stored is None:
            values = self.evaluator.standard_model().tolist()
            stored = dict(zip(self.definition.layers, values, strict=True))
        return dict(stored)

    def surface(self, experiments: Names = None) -> Surface:
        """chi2 summed over experiments (all by default), in memory.

        Raises
        ------
        DefinitionError
            The cube is too large for that.
        """
        return self.spaces.surface(experiments)

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
        """Allowed intervals of one parameter; see `scanner.limits.interval.interval`.

        With `exact` the ends are roots of the likelihood; see `scanner.limits.exact`.
        """
        whole = self.spaces.of(experiments)
        found = interval(
            whole,
            parameter,
            cl=cl,
            dof=dof,
            at=at,
            kind=reference,
            line=self._line(whole, parameter, dict(at or {})),
            sided=sided,
            **self._zero(experiments, reference),
        )
        if exact:
            from scanner.limits.exact import exact_interval

            curve = whole.at(**dict(at or {})).profile([parameter])
            found = exact_interval(found, self.likelihood(whole.experiments), curve)
        return replace(found, derived=self._derived(parameter))

    def likelihood(self, experiments: Names = None) -> Likelihood:
        """The exact likelihood of the scan in its ranges; MismatchError if its sources changed."""
        from scanner.limits.exact import likelihood_of

        self.definition.check_sources()
        chosen = chosen_experiments(self.definition.layers, experiments)
        return likelihood_of(self.definition, chosen)

    def _derived(self, parameter: str) -> dict[str, float]:
        """Shift of every quantity that the scenario derives from the parameter."""
        try:
            return derived_shifts(self.definition, parameter)
        except ScannerError:  # a scan may outlive the scenario it was made with
            return {}

    def _line(self, whole: Space, parameter: str, at: dict[str, float]) -> Surface | None:
        """Exact chi2 along one axis with all others held; None where that cannot be had.

        Between grid points chi2 may bend more than any interpolation follows (thin strips), and
        the likelihood costs milliseconds.
        """
        all_held = bool(at) and set(whole.names) - {parameter} == set(at)
        if not all_held or whole.computed < 1.0 or not self.unchanged:
            return None
        between = whole.at(**at).profile([parameter])  # refuses values outside their axes
        axis = whole.axis(parameter)
        layers = self.definition.layers
        rows = [layers.index(name) for name in summed_layers(layers, whole.experiments)]
        chi2 = self.evaluator.chi2_at({parameter: axis.coordinates, **at}, rows)
        return replace(between, chi2=chi2.sum(axis=0))

    @cached_property
    def unchanged(self) -> bool:
        """Whether the sources that the scan was computed with are those installed."""
        try:
            self.definition.check_sources()
        except ScannerError:
            return False
        return True

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
        """Contours of two parameters; see `scanner.limits.plane.plane`."""
        return plane(
            self.spaces.of(experiments),
            keep or self.default_plane(at),
            cls=cls,
            dof=dof,
            at=at,
            kind=reference,
            **self._zero(experiments, reference),
        )

    def query(
        self,
        at: Mapping[str, float] | None = None,
        *,
        dof: int | None = None,
        experiments: Names = None,
        reference: str = "global",
        **values: float,
    ) -> questions.Query:
        """chi2 at named values, profiled over the rest; see `scanner.limits.query.query`.

        ``query(mass=10, coupling=5e-5)`` and ``query({"mass": 10, "coupling": 5e-5})`` are alike.
        """
        at = questions.point(at, values)
        found = questions.query_spaces(
            self.definition.layers,
            self.definition.axes,
            self.spaces.held(),
            at,
            experiments=experiments,
            dof=dof,
            kind=reference,
            minima=self.minima,
            chi2_sm=self.chi2_sm if reference == "sm" else None,
        )
        if not all(math.isfinite(answer.chi2) for answer in found.answers.values()):
            where = ", ".join(f"{name} = {value:g}" for name, value in at.items())
            raise IncompleteScanError(
                f"scan {self.id}: no usable point at {where}: it is not computed yet, or failed "
                f"(see `scanner status {self.stored.words}`)"
            )
        return found

    def profile(
        self,
        keep: Sequence[str],
        *,
        at: Mapping[str, float] | None = None,
        experiments: Names = None,
    ) -> Surface:
        """chi2 over the kept axes, profiled over the others, with the place of the minimum."""
        return self.spaces.of(experiments).at(**dict(at or {})).profile(keep)

    def delta_chi2(
        self,
        keep: Sequence[str],
        *,
        at: Mapping[str, float] | None = None,
        experiments: Names = None,
        reference: str = "global",
    ) -> Surface:
        """Delta chi2 over the kept axes, profiled over the others, in place of chi2."""
        whole = self.spaces.of(experiments)
        kept = whole.at(**dict(at or {})).profile(keep)
        zero = make_reference(kept, reference, space=whole, **self._zero(experiments, reference))
        return replace(kept, chi2=zero.delta(kept))

    def summary(self, reference: str = "global") -> Summary:
        """The limit that a finished run prints: on the last coupling among the axes."""
        whole = self.spaces.of()
        return summary(
            whole,
            parameter=limited(self.definition),
            kind=reference,
            line=lambda parameter, at: self._line(whole, parameter, at),
            **self._zero(None, reference),
        )

    def default_plane(self, at: Mapping[str, float] | None = None) -> tuple[str, ...]:
        """Axes of the figure: the first free axis and the last one (one axis: that one)."""
        free = [axis.name for axis in self.definition.axes if axis.name not in (at or {})]
        return (free[0], free[-1]) if len(free) > 1 else tuple(free)

    def _zero(self, experiments: Names, reference: str) -> dict[str, Any]:
        """What Delta chi2 is counted from, for a set of experiments."""
        known = self.definition.experiments
        chosen = tuple(experiments) if experiments else known
        minimum = stored_minimum(self.minima, chosen, known)
        if reference != "sm":
            return {"minimum": minimum}
        sm, layers = self.chi2_sm, summed_layers(self.definition.layers, chosen)
        return {"minimum": minimum, "chi2_sm": sum(sm[name] for name in layers)}

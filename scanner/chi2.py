"""templates x couplings -> chi2 of one experiment: from a point or a chunk to profiled chi2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from scanner import catalog
from scanner.amplitudes import Conventions
from scanner.bank import TemplateBank
from scanner.errors import DefinitionError
from scanner.experiment import Experiment
from scanner.grid import Chunk, Grid
from scanner.inputs import all_parameters, usual_values
from scanner.morph import Morph
from scanner.moving import Moving, at_fixed, linear_pulls
from scanner.scenario import NOT_TOUCHED, Scenario, Value
from scanner.statistics.background import CurveLikelihood
from scanner.statistics.gaussian import GaussianLikelihood
from scanner.statistics.lines import Lines
from scanner.statistics.parts import PartedPulls
from scanner.statistics.poisson import PoissonLikelihood
from scanner.statistics.poisson_kernel import PoissonKernel
from scanner.statistics.pulls import Profile, Status
from scanner.templates import TemplateMaker, Templates

Array = npt.NDArray[np.float64]
T = TypeVar("T", bound=np.generic)

STANDARD_MODEL = Scenario(
    "Standard Model", "Q = Q_SM", references=(), parameters=(), electrons=NOT_TOUCHED
)
ROUNDING = 1e-12
"""Relative change of counts that is none."""
WORTH_COMPILING = 2**18
"""Points of a grid from which on its Poisson chi2 are made by a compiled kernel."""


class Scanned(Protocol):
    """The seam behind which grids are evaluated: a statistic, or a kernel for it."""

    def scan(self, templates: Array, lines: Lines) -> tuple[Array, Status]:
        """chi2 and status (n_shapes, n_lines, n_points) of templates along lines."""


class Pulls(Protocol):
    """Nuisance parameters of a likelihood; see `LinearPulls`."""

    @property
    def n(self) -> int:
        """Number of pulls."""

    def at(self, signal: Array, x: Array) -> Array:
        """mu (n_bins,) of a signal at pulls x (n_pulls,) in units of sigma."""


class Likelihood(Scanned, Protocol):
    """A statistic; see `PoissonLikelihood`."""

    @property
    def pulls(self) -> Pulls:
        """Responses of the pulls."""

    def exchanged(self, observed: Array, measured: Array | None = None) -> Likelihood:
        """The same with other counts (n_bins,) and auxiliary measurements (n_pulls,)."""

    def drawn(self, signal: Array, x: Array, random: np.random.Generator) -> Likelihood:
        """The same with the data of a toy experiment about a signal (n_bins,) and pulls x."""

    def profile(self, signal: Array) -> Profile:
        """Profiled points of signals (n, n_bins)."""


def likelihood(experiment: Experiment, moving: Sequence[str] = ()) -> Likelihood:
    """Likelihood of an experiment: its counts, its backgrounds and its pulls.

    Parameters
    ----------
    moving : sequence of str
        Backgrounds that are given with every point, behind its signal.
    """
    if experiment.background_curve is not None:
        if experiment.variance is None:
            raise ValueError(f"{experiment.name}: a background curve needs a variance")
        if [p.name for p in experiment.pulls] != [f.name for f in experiment.background_curve.free]:
            raise ValueError(f"{experiment.name}: beside a background curve there are no pulls")
        return CurveLikelihood(experiment.data, experiment.variance, experiment.background_curve)
    pulls = linear_pulls(experiment, moving)
    if experiment.statistic == "poisson":
        return PoissonLikelihood(experiment.data, pulls)
    if experiment.variance is None:
        raise ValueError(f"{experiment.name}: a gaussian statistic needs a variance")
    return GaussianLikelihood(experiment.data, experiment.variance, pulls)


def fitted_backgrounds(experiment: Experiment, x: Array) -> dict[str, Array]:
    """Counts (n_bins,) of each background at fitted pulls x (n_pulls,): all that act on it."""
    if experiment.background_curve is not None:
        return experiment.background_curve.components(x)
    fitted = {name: counts.copy() for name, counts in experiment.backgrounds.items()}
    for pull, value in zip(experiment.pulls, x, strict=True):
        for name, relative in pull.backgrounds.items():
            fitted[name] += value * pull.sigma * relative * experiment.backgrounds[name]
    return fitted


class ExperimentModel:
    """One scenario in one experiment: from parameter values to counts and profiled chi2.

    Parameters
    ----------
    scenario, experiment, conventions
        As for `TemplateMaker`.
    fixed : mapping
        Values of the parameters that are not scanned; inputs may be left out.
    scanned : sequence of str
        Parameters and inputs that are axes; those that this experiment does not depend on are
        passed over.
    profiled : mapping from input to (low, high)
        Inputs that are to be profiled, with the range that they may take.
    compiled : bool
        Whether grids are evaluated by a compiled kernel: the same chi2 to 1e-10.
    data_at : mapping, optional
        Values of the inputs that Asimov's data are made at, where `fixed` holds more than the
        definition does: data do not move with a value that is tried. `fixed` by default.
    """

    def __init__(
        self,
        scenario: Scenario,
        experiment: Experiment,
        conventions: Conventions,
        fixed: Mapping[str, Value],
        scanned: Sequence[str],
        profiled: Mapping[str, tuple[float, float]] | None = None,
        *,
        compiled: bool = False,
        data_at: Mapping[str, Value] | None = None,
    ) -> None:
        self.compiled = compiled
        known = all_parameters(scenario, [experiment])
        roles = {name: parameter.role for name, parameter in known.items()}
        self.couplings = tuple(n for n in scanned if roles.get(n) == "coupling")
        self.shapes = tuple(n for n in scanned if roles.get(n, "coupling") != "coupling")
        ranges = {n: ends for n, ends in (profiled or {}).items() if n in roles}
        self.ranges = ranges
        self.profiled = tuple(ranges)
        self._free = tuple(n for n in ranges if roles[n] == "coupling")
        shaped = {n: e for n, e in ranges.items() if roles[n] != "coupling"}
        self.morph = Morph(shaped, experiment.nodes)
        own = {n: v for n, v in fixed.items() if n in roles and n not in ranges}
        couplings = (*self.couplings, *self._free)
        self._maker = TemplateMaker(scenario, experiment, conventions, own, couplings)
        sm = usual_values(scenario, own)
        self._sm_maker = TemplateMaker(STANDARD_MODEL, experiment, conventions, sm, ())
        self._bank = TemplateBank(self._folded, self.shapes)
        made_at = own if data_at is None else data_at
        truth = {n: v for n, v in made_at.items() if n in roles and n not in ranges}
        data = self._data(experiment, conventions, usual_values(scenario, truth))
        self.experiment = replace(at_fixed(experiment, own), observed=data)
        self._moving = Moving(self.experiment, (*self.shapes, *self.morph.names))
        self.likelihood = likelihood(self.experiment, self._moving.names)
        self.gridded = self.fast(self.likelihood)

    @staticmethod
    def _data(
        experiment: Experiment, conventions: Conventions, inputs: Mapping[str, Value]
    ) -> Array:
        """Counts of the experiment; without any, what the Standard Model expects at the inputs."""
        if experiment.observed is not None:
            return experiment.observed
        maker = TemplateMaker(STANDARD_MODEL, experiment, conventions, inputs, ())
        backgrounds = at_fixed(experiment, inputs).backgrounds.values()
        expected = np.sum([np.zeros(experiment.n_bins), *backgrounds], axis=0)
        return np.asarray(maker.fold({}).counts[0] + expected)

    @property
    def n_counts(self) -> int:
        """Length of a signal: its bins, and those of the backgrounds that move."""
        return (1 + len(self._moving.names)) * self.experiment.n_bins

    def fast(self, data: Likelihood) -> Scanned:
        """What evaluates grids of that likelihood: a kernel, or itself."""
        parted = isinstance(data.pulls, PartedPulls)
        if self.compiled and isinstance(data, PoissonLikelihood) and not parted:
            return PoissonKernel(data)
        return data

    def fold(self, shapes: Mapping[str, Array]) -> Templates:
        """Templates at shape values that broadcast with each other."""
        return self._moving.added(self._maker.fold(shapes), shapes)

    def _folded(self, shapes: Mapping[str, Array]) -> Templates:
        """Templates at shape values (n,) each, and behind them at the nodes of the morph."""
        if not self.morph.names:
            return self.fold(shapes)
        nodes = self.morph.nodes()
        grown = {name: np.asarray(values)[:, np.newaxis] for name, values in shapes.items()}
        return self.fold({**grown, **nodes})

    def standard_model(self) -> Array:
        """Standard Model counts at nominal pulls, as `signal` has them."""
        return self._moving.usual(self._standard_model())

    def _standard_model(self) -> Array:
        """Signal of the Standard Model (n_bins,)."""
        return np.asarray(self._sm_maker.fold({}).counts[0])

    def standard_model_bins(self) -> dict[str, Array]:
        """Standard Model counts (n_bins,) of each flux component at nominal pulls."""
        return self._sm_maker.components()

    def signal(self, values: Mapping[str, Array]) -> Array:
        """Counts (n, n_bins) at points given by all scanned parameters, each (n,).

        Only without profiled inputs. Where backgrounds change with a scanned input, they stand
        behind the signal: (n, n_parts x n_bins).
        """
        couplings = {name: values[name] for name in self.couplings}
        if not self.shapes:
            templates = self.fold({})
            return np.atleast_2d(templates.monomials(couplings) @ templates.counts)
        columns = np.stack(np.broadcast_arrays(*(values[name] for name in self.shapes)), axis=1)
        # points on a line have one shape value, which is folded once
        unique, index = np.unique(columns, axis=0, return_inverse=True)
        templates = self.templates(unique)
        monomials = templates.monomials(couplings)
        counts = templates.counts[:, index.ravel()]
        return np.asarray(np.einsum("...k,k...b->...b", monomials, counts))

    def components(self) -> dict[str, float]:
        """Signal counts of each flux component; only for a point (nothing scanned)."""
        return {name: float(counts.sum()) for name, counts in self.component_bins().items()}

    def component_bins(self) -> dict[str, Array]:
        """Signal counts (n_bins,) of each flux component; only for a point (nothing scanned)."""
        return self._maker.components()

    def idle(self, values: Mapping[str, Array]) -> set[str]:
        """Scanned parameters that change no count.

        Parameters
        ----------
        values : mapping from shape parameter to array
            Some values of each; one after the other is moved, the rest held at their first.
        """
        base = {name: v[:1] for name, v in values.items()}
        folded = [self.fold(self._moved(base, name, values[name])) for name in self.shapes]
        still = {n for n, t in zip(self.shapes, folded, strict=True) if _alike(t.counts)}
        seen = {
            name
            for templates in (folded or [self.fold({})])
            for powers, counts in zip(templates.exponents, templates.counts, strict=True)
            for name, power in zip(templates.variables, powers, strict=True)
            if power and np.any(counts)
        }
        return still | (set(self.couplings) - seen)

    @staticmethod
    def _moved(base: Mapping[str, Array], name: str, values: Array) -> dict[str, Array]:
        """Shape values: one parameter takes several, the others their first."""
        return {n: values if n == name else np.repeat(v, len(values)) for n, v in base.items()}

    def profile(self, values: Mapping[str, Array]) -> Profile:
        """Profiled points (n,) given by all scanned parameters, each (n,)."""
        return self.likelihood.profile(self.signal(values))

    def templates(self, shapes: Array) -> Templates:
        """Templates at shape values (n, n_shapes): counts (n_rows, n, n_bins).

        With a morph (n_rows, n, n_nodes, n_bins).
        """
        return self._bank.templates(shapes)

    def scan(self, grid: Grid, chunk: Chunk) -> tuple[Array, Status]:
        """chi2 and status of a chunk, both of the chunk's shape."""
        coordinates = chunk_coordinates(grid, chunk)
        shapes = product([coordinates[n] for n in self.shapes])
        couplings = [coordinates[n] for n in self.couplings]
        templates = self.templates(shapes)
        rows = np.ascontiguousarray(np.moveaxis(templates.counts, 1, 0))
        chi2, status = self.gridded.scan(rows, lines_of(templates.exponents, couplings))
        names = (*self.shapes, *self.couplings)
        return on_grid(chi2, names, grid, chunk), on_grid(status, names, grid, chunk)


def lines_of(exponents: Sequence[Sequence[int]], couplings: Sequence[Array]) -> Lines:
    """All points of a grid of couplings (C order), as lines along the last."""
    if not couplings:
        return Lines.single(len(exponents))
    *held, along = couplings
    return Lines.of_couplings(exponents, list(product(held).T), along)


def _alike(counts: Array) -> bool:
    """Whether counts (n_rows, n_shapes, n_bins) are the same for every shape value, to rounding."""
    return bool(np.ptp(counts, axis=1).max() <= ROUNDING * np.abs(counts).max())


def chunk_coordinates(grid: Grid, chunk: Chunk) -> dict[str, Array]:
    """Values of every axis inside a chunk."""
    ranges = zip(grid.axes, chunk.slices, strict=True)
    return {axis.name: axis.coordinates[part] for axis, part in ranges}


def on_grid(
    values: npt.NDArray[T], names: Sequence[str], grid: Grid, chunk: Chunk
) -> npt.NDArray[T]:
    """Values over the named axes (C order), in the chunk's shape; alike along the other axes."""
    order = [grid.names.index(n) for n in names]
    full = values.reshape([chunk.shape[i] for i in order]).transpose(np.argsort(order))
    index = tuple(slice(None) if n in names else np.newaxis for n in grid.names)
    return np.broadcast_to(full[index], chunk.shape)


def product(columns: Sequence[Array]) -> Array:
    """All combinations of values, (n, n_columns) in C order; one empty row for no columns."""
    mesh = np.meshgrid(*columns, indexing="ij")
    return np.stack([m.ravel() for m in mesh], axis=1) if mesh else np.empty((1, 0))


def models(
    scenario: str | None,
    experiments: Mapping[str, Mapping[str, str]],
    conventions: Conventions,
    fixed: Mapping[str, Value],
    scanned: Sequence[str],
    profiled: Mapping[str, tuple[float, float]] | None = None,
    *,
    compiled: bool = False,
    data_at: Mapping[str, Value] | None = None,
) -> tuple[ExperimentModel, ...]:
    """One model per experiment, by catalogue names and choices; without a scenario the SM.

    The arguments are those of `ExperimentModel`.

    Raises
    ------
    CatalogError, DefinitionError, DataError
        As the catalogue does; and where two experiments name the same pull, whose chi2 would have
        to be profiled jointly.
    """
    form = STANDARD_MODEL if scenario is None else catalog.scenario(scenario)
    loaded = [catalog.experiment(name, choices) for name, choices in experiments.items()]
    _check_pulls(loaded)
    return tuple(
        ExperimentModel(
            form, e, conventions, fixed, scanned, profiled, compiled=compiled, data_at=data_at
        )
        for e in loaded
    )


def _check_pulls(experiments: Sequence[Experiment]) -> None:
    owner: dict[str, str] = {}
    for experiment in experiments:
        for pull in experiment.pulls:
            if pull.name in owner:
                raise DefinitionError(
                    f"experiments {owner[pull.name]} and {experiment.name} share the pull "
                    f"{pull.name!r}: they cannot be added up; make it an input that both name in "
                    "their constraints, which is profiled jointly, or scan them apart"
                )
        owner |= {pull.name: experiment.name for pull in experiment.pulls}

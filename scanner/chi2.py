"""templates x couplings -> chi2: the whole path from a point or a chunk to profiled chi2."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from scanner import catalog
from scanner.definition import ScanDefinition
from scanner.experiment import Experiment
from scanner.grid import Chunk, Grid
from scanner.scenario import Scenario, Value
from scanner.statistics.gaussian import GaussianLikelihood
from scanner.statistics.poisson import PoissonLikelihood
from scanner.statistics.pulls import LinearPulls, Profile, Status
from scanner.templates import Conventions, TemplateMaker, Templates

Array = npt.NDArray[np.float64]
Index = tuple[int, ...]

STANDARD_MODEL = Scenario("Standard Model", "Q = Q_SM", references=(), parameters=())
SHAPES_PER_FOLD = 256
"""Shape values folded at once: bounds the memory of a fold to some tens of MB."""
POINTS_AT_ONCE = 2048
"""Points off the grid folded at once, each with its own shape value."""


class Likelihood(Protocol):
    """The seam behind which a statistic evaluates points; see `PoissonLikelihood`."""

    def profile(self, signal: Array) -> Profile:
        """Profiled points of signals (n, n_bins)."""

    def scan(self, templates: Array, coefficients: Array) -> tuple[Array, Status]:
        """chi2 and status (n_shapes, n_points) of templates and coefficients."""


def likelihood(experiment: Experiment) -> Likelihood:
    """Likelihood of an experiment: its counts, its backgrounds and its pulls."""
    pulls = linear_pulls(experiment)
    if experiment.statistic == "poisson":
        return PoissonLikelihood(experiment.observed, pulls)
    if experiment.variance is None:
        raise ValueError(f"{experiment.name}: a gaussian statistic needs a variance")
    return GaussianLikelihood(experiment.observed, experiment.variance, pulls)


def linear_pulls(experiment: Experiment) -> LinearPulls:
    """Responses of all pulls, one sigma each, in all bins."""
    n_bins = experiment.n_bins
    signal = np.array([np.full(n_bins, p.sigma) * p.signal for p in experiment.pulls])
    background = np.zeros((len(experiment.pulls), n_bins))
    for row, pull in zip(background, experiment.pulls, strict=True):
        for name, relative in pull.backgrounds.items():
            row += pull.sigma * relative * experiment.backgrounds[name]
    expected = np.sum(list(experiment.backgrounds.values()), axis=0)
    return LinearPulls(signal, background, expected)


@dataclass(frozen=True)
class Block:
    """One chunk evaluated: chi2 and status (uint8), both (n_experiments, *chunk.shape)."""

    chi2: Array
    status: Status


class ExperimentModel:
    """One scenario in one experiment: from parameter values to counts and profiled chi2."""

    def __init__(
        self,
        scenario: Scenario,
        experiment: Experiment,
        conventions: Conventions,
        fixed: Mapping[str, Value],
        scanned: Sequence[str],
    ) -> None:
        self.experiment = experiment
        self.likelihood = likelihood(experiment)
        self.couplings = tuple(n for n in scanned if scenario.parameter(n).role == "coupling")
        self.shapes = tuple(n for n in scanned if n not in self.couplings)
        self._maker = TemplateMaker(scenario, experiment, conventions, fixed, self.couplings)
        self._sm_maker = TemplateMaker(STANDARD_MODEL, experiment, conventions, {}, ())
        self._folded: dict[Index, Array] = {}
        self._templates: Templates | None = None

    def fold(self, shapes: Mapping[str, Array]) -> Templates:
        """Templates at shape values that broadcast with each other."""
        return self._maker.fold(shapes)

    def standard_model(self) -> Array:
        """Standard Model counts (n_bins,) at nominal pulls."""
        return np.asarray(self._sm_maker.fold({}).counts[0])

    def signal(self, values: Mapping[str, Array]) -> Array:
        """Counts (n, n_bins) at points given by all scanned parameters, each (n,)."""
        templates = self.fold({name: values[name] for name in self.shapes})
        monomials = templates.monomials({name: values[name] for name in self.couplings})
        if self.shapes:
            return np.asarray(np.einsum("...k,k...b->...b", monomials, templates.counts))
        return np.atleast_2d(monomials @ templates.counts)

    def components(self) -> dict[str, float]:
        """Signal counts of each flux component; only for a point (nothing scanned)."""
        return {name: float(counts.sum()) for name, counts in self._maker.components().items()}

    def chi2(self, values: Mapping[str, Array]) -> Array:
        """Profiled chi2 (n,) at points given by all scanned parameters, each (n,)."""
        return self.likelihood.profile(self.signal(values)).chi2

    def scan(self, grid: Grid, chunk: Chunk) -> tuple[Array, Status]:
        """chi2 and status of a chunk, both of the chunk's shape."""
        ranges = dict(zip(grid.names, chunk.slices, strict=True))
        rows = self._rows(grid, [ranges[name] for name in self.shapes])
        coefficients = self._coefficients(grid, ranges)
        chi2, status = self.likelihood.scan(rows, coefficients)
        order = [grid.names.index(name) for name in (*self.shapes, *self.couplings)]
        lengths = [chunk.shape[i] for i in order]
        back = np.argsort(order)
        return chi2.reshape(lengths).transpose(back), status.reshape(lengths).transpose(back)

    def _coefficients(self, grid: Grid, ranges: Mapping[str, slice]) -> Array:
        """Monomials (n_points, n_terms) of the chunk's couplings, in C order of the couplings."""
        coordinates = [grid.axis(name).coordinates[ranges[name]] for name in self.couplings]
        mesh = np.meshgrid(*coordinates, indexing="ij", sparse=True)
        assert self._templates is not None
        monomials = self._templates.monomials(dict(zip(self.couplings, mesh, strict=True)))
        return monomials.reshape(-1, monomials.shape[-1])

    def _rows(self, grid: Grid, ranges: Sequence[slice]) -> Array:
        """Templates (n_shapes, n_terms, n_bins) of the chunk; each shape value is folded once."""
        axes = [grid.axis(name) for name in self.shapes]
        indices = list(np.ndindex(*(r.stop - r.start for r in ranges)))
        wanted = [
            tuple(int(i) + r.start for i, r in zip(index, ranges, strict=True)) for index in indices
        ]
        missing = [index for index in wanted if index not in self._folded]
        for i in range(0, len(missing), SHAPES_PER_FOLD):
            part = missing[i : i + SHAPES_PER_FOLD]
            columns = zip(*part, strict=True)
            values = {a.name: a.coordinates[list(c)] for a, c in zip(axes, columns, strict=True)}
            self._templates = self.fold(values)
            counts = self._templates.counts
            self._folded |= (
                {index: counts[:, k] for k, index in enumerate(part)} if values else {(): counts}
            )
        return np.stack([self._folded[index] for index in wanted])


class Evaluator:
    """A definition bound to its scenario and experiments: chi2 of chunks and of points.

    Raises
    ------
    CatalogError, DefinitionError, DataError
        As the catalogue does; see there.
    """

    def __init__(self, definition: ScanDefinition) -> None:
        self.experiments = definition.experiments
        self.models = models(
            definition.scenario,
            {e: definition.experiment_options[e] for e in definition.experiments},
            Conventions(**definition.options),
            definition.parameters,
            [axis.name for axis in definition.axes],
        )

    def block(self, grid: Grid, chunk: Chunk) -> Block:
        """All experiments in one chunk."""
        results = [model.scan(grid, chunk) for model in self.models]
        return Block(
            np.ascontiguousarray([chi2 for chi2, _ in results]),
            np.ascontiguousarray([status for _, status in results]),
        )

    def chi2_at(self, points: Mapping[str, npt.ArrayLike]) -> Array:
        """Exact chi2 (n_experiments, n) at points off the grid; every axis is given, each (n,)."""
        values = dict(
            zip(
                points,
                np.broadcast_arrays(*(np.atleast_1d(v) for v in points.values())),
                strict=True,
            )
        )
        values = {name: np.asarray(v, dtype=np.float64) for name, v in values.items()}
        n = len(next(iter(values.values())))
        parts = [
            {name: v[i : i + POINTS_AT_ONCE] for name, v in values.items()}
            for i in range(0, n, POINTS_AT_ONCE)
        ]
        return np.stack([np.concatenate([m.chi2(part) for part in parts]) for m in self.models])

    def standard_model(self) -> Array:
        """chi2 (n_experiments,) of the Standard Model."""
        return np.array(
            [m.likelihood.profile(m.standard_model()[np.newaxis]).chi2[0] for m in self.models]
        )


def models(
    scenario: str,
    experiments: Mapping[str, Mapping[str, str]],
    conventions: Conventions,
    fixed: Mapping[str, Value],
    scanned: Sequence[str],
) -> tuple[ExperimentModel, ...]:
    """One model per experiment, by catalogue names and choices."""
    form = catalog.scenario(scenario)
    return tuple(
        ExperimentModel(form, catalog.experiment(name, choices), conventions, fixed, scanned)
        for name, choices in experiments.items()
    )


def n_templates(grid: Grid, scenario: Scenario) -> int:
    """Number of shape values of a grid: templates to fold per experiment."""
    return math.prod(len(a) for a in grid.axes if scenario.parameter(a.name).role == "shape")

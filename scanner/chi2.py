"""templates x couplings -> chi2: the whole path from a point or a chunk to profiled chi2."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from scanner import catalog
from scanner.bank import TemplateBank
from scanner.definition import ScanDefinition
from scanner.errors import DefinitionError
from scanner.experiment import Experiment
from scanner.grid import Chunk, Grid
from scanner.scenario import Scenario, Value
from scanner.statistics.gaussian import GaussianLikelihood
from scanner.statistics.poisson import PoissonLikelihood
from scanner.statistics.pulls import LinearPulls, Profile, Status
from scanner.templates import Conventions, TemplateMaker, Templates

Array = npt.NDArray[np.float64]

STANDARD_MODEL = Scenario("Standard Model", "Q = Q_SM", references=(), parameters=())
POINTS_AT_ONCE = 2048
"""Points off the grid folded at once, each with its own shape value."""
COUPLINGS_AT_ONCE = 16384
"""Points of the couplings evaluated at once at each shape value: bounds the memory of a chunk."""


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
        self._bank = TemplateBank(self._maker.fold, self.shapes)

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
        coordinates = {n: grid.axis(n).coordinates[ranges[n]] for n in ranges}
        shapes = _product([coordinates[n] for n in self.shapes])
        couplings = [coordinates[n] for n in self.couplings]
        templates = self._bank.templates(shapes)
        chi2, status = self._evaluate(templates, couplings)
        order = [grid.names.index(n) for n in (*self.shapes, *self.couplings)]
        lengths = [chunk.shape[i] for i in order]
        back = np.argsort(order)
        return chi2.reshape(lengths).transpose(back), status.reshape(lengths).transpose(back)

    def _evaluate(self, templates: Templates, couplings: Sequence[Array]) -> tuple[Array, Status]:
        """chi2 and status (n_shapes, n_coupling_points), the couplings in C order."""
        rows = np.moveaxis(templates.counts, 1, 0)
        lengths = [len(values) for values in couplings]
        total = math.prod(lengths)
        chi2 = np.empty((len(rows), total))
        status = np.empty((len(rows), total), dtype=np.uint8)
        for start in range(0, total, COUPLINGS_AT_ONCE):
            part = np.arange(start, min(start + COUPLINGS_AT_ONCE, total))
            places = np.unravel_index(part, lengths) if lengths else ()
            values = [v[i] for v, i in zip(couplings, places, strict=True)]
            monomials = templates.monomials(dict(zip(self.couplings, values, strict=True)))
            monomials = np.broadcast_to(monomials, (len(part), monomials.shape[-1]))
            chi2[:, part], status[:, part] = self.likelihood.scan(rows, monomials)
        return chi2, status


def _product(columns: Sequence[Array]) -> Array:
    """All combinations of values, (n, n_columns) in C order; one empty row for no columns."""
    mesh = np.meshgrid(*columns, indexing="ij")
    return np.stack([m.ravel() for m in mesh], axis=1) if mesh else np.empty((1, 0))


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
    """One model per experiment, by catalogue names and choices.

    Raises
    ------
    CatalogError, DefinitionError, DataError
        As the catalogue does; and where two experiments name the same pull, whose chi2 would have
        to be profiled jointly.
    """
    form = catalog.scenario(scenario)
    loaded = [catalog.experiment(name, choices) for name, choices in experiments.items()]
    _check_pulls(loaded)
    return tuple(ExperimentModel(form, e, conventions, fixed, scanned) for e in loaded)


def _check_pulls(experiments: Sequence[Experiment]) -> None:
    owner: dict[str, str] = {}
    for experiment in experiments:
        for pull in experiment.pulls:
            if pull.name in owner:
                raise DefinitionError(
                    f"experiments {owner[pull.name]} and {experiment.name} share the pull "
                    f"{pull.name!r}: they cannot be added up; scan them apart"
                )
        owner |= {pull.name: experiment.name for pull in experiment.pulls}

"""A definition bound to its experiments: chi2 of chunks and of points, in all layers of the cube.

A layer is one experiment alone, or all together where they share an input that is profiled: then
the sum of the experiments' own minima is not the minimum of the sum.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from scanner import catalog
from scanner.amplitudes import Conventions
from scanner.chi2 import (
    WORTH_COMPILING,
    ExperimentModel,
    chunk_coordinates,
    models,
    on_grid,
    product,
)
from scanner.definition import ScanDefinition
from scanner.grid import Axis, Chunk, Grid
from scanner.inputs import all_parameters, usual_values
from scanner.parameter import Constraint
from scanner.profiling import Layers
from scanner.scenario import call_with
from scanner.statistics.pulls import UNPHYSICAL, Status

Array = npt.NDArray[np.float64]

POINTS_AT_ONCE = 2048
"""Points off the grid folded at once, each with its own shape value."""


@dataclass(frozen=True)
class Block:
    """One chunk evaluated: chi2 and status (uint8), both (n_layers, *chunk.shape)."""

    chi2: Array
    status: Status


class Evaluator:
    """A definition bound to its scenario and experiments.

    Raises
    ------
    CatalogError, DefinitionError, DataError
        As the catalogue does; see there.
    """

    def __init__(self, definition: ScanDefinition) -> None:
        self.experiments = definition.experiments
        self.layers = definition.layers
        self._joint = definition.joint
        self._scenario = catalog.scenario(definition.scenario)
        self._fixed = dict(definition.parameters)
        self._experiment_options = {
            e: definition.experiment_options[e] for e in definition.experiments
        }
        self._conventions = Conventions(**definition.options)
        loaded = [catalog.experiment(n, c) for n, c in self._experiment_options.items()]
        known = all_parameters(self._scenario, loaded)
        self._profile = {
            name: Constraint.of_record(record) for name, record in definition.profile.items()
        }
        self._ranges = {name: c.ends(known[name]) for name, c in self._profile.items()}
        # by the size of the whole grid, so that every chunk on every worker goes the same way
        points = math.prod(len(axis) for axis in definition.axes)
        self._compiled = points >= WORTH_COMPILING
        self.models = self._models(definition.scenario, [axis.name for axis in definition.axes])

    def _models(self, scenario: str | None, scanned: Sequence[str]) -> tuple[ExperimentModel, ...]:
        fixed = self._fixed if scenario else usual_values(self._scenario, self._fixed)
        return models(
            scenario,
            self._experiment_options,
            self._conventions,
            fixed,
            scanned,
            self._ranges,
            compiled=self._compiled,
        )

    def idle(self, axes: Sequence[Axis]) -> tuple[str, ...]:
        """Axes along which no count of any experiment changes."""
        some = {a.name: a.coordinates[[0, len(a) // 3, len(a) // 2, -1]] for a in axes}
        moving: set[str] = set()
        for model in self.models:
            idle = model.idle({name: some[name] for name in model.shapes})
            moving |= {*model.shapes, *model.couplings} - idle
        return tuple(axis.name for axis in axes if axis.name not in moving)

    def block(self, grid: Grid, chunk: Chunk) -> Block:
        """All layers in one chunk."""
        if self._profile:
            chi2, status = self._profiled_block(grid, chunk)
        else:
            results = [model.scan(grid, chunk) for model in self.models]
            chi2 = np.array([found for found, _ in results])
            status = np.array([found for _, found in results])
        return self._physical(Block(chi2, status), chunk_coordinates(grid, chunk))

    def _physical(self, block: Block, coordinates: Mapping[str, Array]) -> Block:
        """The block, with points that the scenario calls unphysical taken out."""
        if self._scenario.physical is not None:
            mesh = dict(
                zip(coordinates, np.meshgrid(*coordinates.values(), indexing="ij"), strict=True)
            )
            sound = self.sound(mesh)
            block.chi2[:, ~sound], block.status[:, ~sound] = np.nan, UNPHYSICAL
        return Block(np.ascontiguousarray(block.chi2), np.ascontiguousarray(block.status))

    def sound(self, values: Mapping[str, Array]) -> npt.NDArray[np.bool_]:
        """Whether points make sense, in the shape of the values."""
        shape = np.broadcast_shapes(*(np.shape(v) for v in values.values()))
        if self._scenario.physical is None:
            return np.ones(shape, dtype=np.bool_)
        found = call_with(self._scenario.physical, values={**self._fixed, **values})
        return np.broadcast_to(np.asarray(found, dtype=np.bool_), shape)

    def chi2_at(
        self, points: Mapping[str, npt.ArrayLike], rows: Sequence[int] | None = None
    ) -> Array:
        """Exact chi2 (n_layers, n) at points off the grid; every axis is given, each (n,).

        Of the layers with these numbers only, where `rows` is given.
        """
        chosen = range(len(self.layers)) if rows is None else rows
        columns = np.broadcast_arrays(*(np.atleast_1d(v) for v in points.values()))
        values = {n: np.asarray(v, dtype=np.float64) for n, v in zip(points, columns, strict=True)}
        n = len(next(iter(values.values())))
        parts = [
            self._chi2_at({name: v[i : i + POINTS_AT_ONCE] for name, v in values.items()}, chosen)
            for i in range(0, n, POINTS_AT_ONCE)
        ]
        return np.where(self.sound(values), np.concatenate(parts, axis=1), np.nan)

    def _chi2_at(self, values: Mapping[str, Array], rows: Sequence[int]) -> Array:
        if not self._profile:
            return np.stack([self.models[row].profile(values).chi2 for row in rows])
        # points on a line have one shape value, whose nodes are folded once
        names = list(dict.fromkeys(n for model in self.models for n in model.shapes))
        n = len(next(iter(values.values())))
        columns = np.stack([values[name] for name in names], axis=1) if names else np.empty((n, 0))
        few, index = np.unique(columns, axis=0, return_inverse=True)
        shapes = dict(zip(names, few.T, strict=True))
        layers = Layers(self.models, self._profile, self._joint)
        return layers.at(shapes, index.ravel(), values, rows)[0]

    def standard_models(self) -> tuple[ExperimentModel, ...]:
        """The Standard Model in each experiment."""
        return self._models(None, ())

    def standard_model(self) -> Array:
        """chi2 (n_layers,) of the Standard Model."""
        bound = self.standard_models()
        if self._profile:
            return Layers(bound, self._profile, self._joint).at({}, np.zeros(1, int), {})[0][:, 0]
        counts = [m.standard_model()[np.newaxis] for m in bound]
        return np.array(
            [m.likelihood.profile(c).chi2[0] for m, c in zip(bound, counts, strict=True)]
        )

    def _profiled_block(self, grid: Grid, chunk: Chunk) -> tuple[Array, Status]:
        """chi2 and status (n_layers, *chunk.shape)."""
        coordinates = chunk_coordinates(grid, chunk)
        shaping = {n for model in self.models for n in model.shapes}
        outer = [n for n in grid.names if n in shaping]
        inner = [n for n in grid.names if n not in shaping]
        shapes = product([coordinates[n] for n in outer])
        couplings = product([coordinates[n] for n in inner])
        index = np.repeat(np.arange(len(shapes)), len(couplings))
        tiled = np.tile(couplings, (len(shapes), 1))
        layers = Layers(self.models, self._profile, self._joint)
        chi2, status = layers.at(
            dict(zip(outer, shapes.T, strict=True)), index, dict(zip(inner, tiled.T, strict=True))
        )
        names = (*outer, *inner)
        return (
            np.stack([on_grid(row, names, grid, chunk) for row in chi2]),
            np.stack([on_grid(row, names, grid, chunk) for row in status]),
        )


@lru_cache(maxsize=2)
def evaluator_of(definition: ScanDefinition) -> Evaluator:
    """The evaluator of a definition, made once: its templates serve the probe and the limits."""
    return Evaluator(definition)

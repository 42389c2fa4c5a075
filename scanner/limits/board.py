"""Board: the likelihood over a grid of free parameters, for whatever data.

Templates do not depend on the data: they are folded once, and a toy experiment costs one pass of
the fast likelihood over the grid. The minimum lies off the grid: around the lowest local minima of
the grid the couplings are refined, again with the likelihood itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from scanner.chi2 import Likelihood, Scanned, lines_of, product
from scanner.grid import Axis
from scanner.statistics.lines import Lines
from scanner.templates import Templates

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]
Fast = Sequence[Scanned]
Sound = Callable[[Mapping[str, Array]], npt.NDArray[np.bool_]]

PITS = 3
"""Local minima of the grid that are refined."""
FINER = {1: 17, 2: 9, 3: 5, 4: 5}
"""Points per coupling of a refined grid over two cells, by the number of couplings; else 3."""
ZOOMS = 3
"""Times that a minimum is refined."""


class Model(Protocol):
    """What a board needs of an experiment; see `scanner.chi2.ExperimentModel`."""

    @property
    def likelihood(self) -> Likelihood:
        """Of the real data."""

    @property
    def shapes(self) -> tuple[str, ...]:
        """Scanned parameters that change templates."""

    @property
    def couplings(self) -> tuple[str, ...]:
        """Scanned parameters in which counts are a polynomial."""

    def templates(self, shapes: Array) -> Templates:
        """Templates at shape values (n, n_shapes)."""

    def signal(self, values: Mapping[str, Array]) -> Array:
        """Counts (n, n_bins) at points."""

    def fast(self, data: Likelihood) -> Scanned:
        """What evaluates grids of that likelihood."""


@dataclass(frozen=True)
class _Part:
    """One experiment on a board: templates (n_shapes, n_terms, n_bins) and their monomials."""

    model: Model
    templates: Array
    exponents: Sequence[Sequence[int]]

    @classmethod
    def of(cls, model: Model, values: Mapping[str, Array]) -> _Part:
        templates = model.templates(product([values[n] for n in model.shapes]))
        rows = np.ascontiguousarray(np.moveaxis(templates.counts, 1, 0))
        return cls(model, rows, templates.exponents)


@dataclass(frozen=True)
class Board:
    """chi2 summed over experiments on a grid of free parameters.

    Parameters
    ----------
    parts : tuple
        Templates of the experiments.
    axes : tuple of Axis
        The parameters, in order.
    values : mapping from axis to array
        Points of the grid, inside the axes; a single one holds the parameter.
    sound : callable, optional
        ``sound({axis: mesh})``: whether points are physical.
    """

    parts: tuple[_Part, ...]
    axes: tuple[Axis, ...]
    values: Mapping[str, Array]
    sound: Sound | None = None

    @classmethod
    def of(
        cls,
        models: Sequence[Model],
        axes: Sequence[Axis],
        values: Mapping[str, Array],
        sound: Sound | None = None,
    ) -> Board:
        """Board of models whose scanned parameters are the axes."""
        parts = tuple(_Part.of(model, values) for model in models)
        return cls(parts, tuple(axes), dict(values), sound)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the axes."""
        return tuple(axis.name for axis in self.axes)

    @property
    def shape(self) -> tuple[int, ...]:
        """Points along every axis."""
        return tuple(len(self.values[name]) for name in self.names)

    @property
    def size(self) -> int:
        """Number of points."""
        return math.prod(self.shape)

    def chi2(self, fast: Fast) -> Array:
        """chi2 of the grid, infinite where there is none; `fast` as of `fast_of`."""
        total = np.zeros(self.shape)
        for (part, lines), one in zip(self._lined, fast, strict=True):
            found, _ = one.scan(part.templates, lines)
            total += self._spread(found, (*part.model.shapes, *part.model.couplings))
        return np.where(np.isfinite(total) & self._sound, total, np.inf)

    @cached_property
    def _lined(self) -> list[tuple[_Part, Lines]]:
        return [
            (part, lines_of(part.exponents, [self.values[n] for n in part.model.couplings]))
            for part in self.parts
        ]

    @cached_property
    def _sound(self) -> npt.NDArray[np.bool_] | bool:
        if self.sound is None:
            return True
        mesh = np.meshgrid(*(self.values[n] for n in self.names), indexing="ij")
        return self.sound(dict(zip(self.names, mesh, strict=True)))

    def _spread(self, found: Array, names: Sequence[str]) -> Array:
        """Values over some axes, in the order of all axes, to broadcast."""
        own = found.reshape([len(self.values[n]) for n in names])
        order = [names.index(n) for n in self.names if n in names]
        return own.transpose(order)[tuple(slice(None) if n in names else None for n in self.names)]

    def minimum(self, fast: Fast) -> tuple[float, dict[str, float]]:
        """Lowest chi2, off the grid in the couplings, and its place; infinite without any."""
        chi2 = self.chi2(fast)
        lowest, place = math.inf, {name: float(v[0]) for name, v in self.values.items()}
        for index in _pits(chi2):
            for found, where in self._refined(fast, index, float(chi2[index])):
                if found < lowest:
                    lowest, place = found, where
        return lowest, place

    def _refined(
        self, fast: Fast, index: tuple[int, ...], chi2: float
    ) -> Iterator[tuple[float, dict[str, float]]]:
        """A point of the grid, then lower ones around it."""
        at = dict(zip(self.names, index, strict=True))
        place = {name: float(self.values[name][i]) for name, i in at.items()}
        yield chi2, place
        if not self._moving:
            return
        ends = {n: self._beside(self._axis(n), at[n]) for n in self._moving}
        points = FINER.get(len(self._moving), 3)
        for _ in range(self.zooms):
            values = {n: np.array([place[n]]) for n in self.names}
            for n, (low, high) in ends.items():
                values[n] = self._axis(n).from_scale(np.linspace(low, high, points))
            board = self.near(values, at)
            around = board.chi2(fast)
            lowest = np.unravel_index(int(np.argmin(around)), around.shape)
            found = {n: float(values[n][i]) for n, i in zip(self.names, lowest, strict=True)}
            if float(around[lowest]) < chi2:
                chi2, place = float(around[lowest]), found
                yield chi2, place
            ends = {n: self._narrowed(n, place[n], ends[n], points) for n in ends}

    def near(self, values: Mapping[str, Array], at: Mapping[str, int]) -> Board:
        """Other values of the couplings, at the shape values with those numbers."""
        return replace(self, parts=tuple(self._row(part, at) for part in self.parts), values=values)

    def _row(self, part: _Part, at: Mapping[str, int]) -> _Part:
        """Templates of one shape value."""
        names = part.model.shapes
        lengths = [len(self.values[n]) for n in names]
        row = int(np.ravel_multi_index([at[n] for n in names], lengths)) if names else 0
        return replace(part, templates=part.templates[row : row + 1])

    @property
    def zooms(self) -> int:
        """Times that a minimum is refined: a grid thinner than its axes is refined further."""
        thinned = [(len(self._axis(n)) - 1) / max(len(self.values[n]) - 1, 1) for n in self._moving]
        return ZOOMS + math.ceil(math.log(max([1.0, *thinned]), 4) - 1e-9)

    @cached_property
    def _moving(self) -> tuple[str, ...]:
        """Couplings that are refined: those that are free."""
        couplings = {name for part in self.parts for name in part.model.couplings}
        shapes = {name for part in self.parts for name in part.model.shapes}
        free = couplings - shapes
        return tuple(n for n in self.names if n in free and len(self.values[n]) > 1)

    def _axis(self, name: str) -> Axis:
        return self.axes[self.names.index(name)]

    def _beside(self, axis: Axis, i: int) -> tuple[float, float]:
        """The neighbours of a point of the grid, on the axis scale."""
        scaled = axis.to_scale(self.values[axis.name])
        return float(scaled[max(i - 1, 0)]), float(scaled[min(i + 1, len(scaled) - 1)])

    def _narrowed(
        self, name: str, value: float, ends: tuple[float, float], points: int
    ) -> tuple[float, float]:
        """One step of a refined grid to either side of its lowest point, inside its ends."""
        step = (ends[1] - ends[0]) / (points - 1)
        middle = float(self._axis(name).to_scale(value))
        return max(ends[0], middle - step), min(ends[1], middle + step)


def fast_of(models: Sequence[Model], data: Sequence[Likelihood]) -> list[Scanned]:
    """What evaluates grids of these data, one per experiment; it serves all boards."""
    return [model.fast(one) for model, one in zip(models, data, strict=True)]


def _pits(chi2: Array) -> list[tuple[int, ...]]:
    """Lowest local minima of a grid, lowest first."""
    if chi2.size == 1:
        return [(0,) * chi2.ndim] if np.isfinite(chi2).all() else []
    around = ndimage.minimum_filter(chi2, size=3, mode="nearest")
    found = np.flatnonzero((chi2 <= around) & np.isfinite(chi2))
    chosen = found[np.argsort(chi2.ravel()[found], kind="stable")[:PITS]]
    return [tuple(int(i) for i in np.unravel_index(k, chi2.shape)) for k in chosen]

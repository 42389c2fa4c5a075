"""The search: from level to level, the cells near a contour are evaluated, with guards.

Evaluating stays apart: the search asks for points and gets their chi2, so the same search runs in
tests on a formula, in one process or on a cluster, and again after it was killed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from scanner.grid import Axis
from scanner.limits.reference import Minimum
from scanner.limits.refinement.mesh import INTERPOLATED, NOT_RUN, OK, Mesh, Status
from scanner.limits.refinement.near import Mask, grown, near_cells, nodes_of
from scanner.limits.surface import Array

Index = npt.NDArray[np.intp]
Evaluate = Callable[[int, Index], tuple[Array, Status]]
Descend = Callable[[Sequence[int], tuple[Axis, Axis], Array], Minimum]

LOWER = 1e-6
"""Delta chi2 below the reference from which on the search starts again with the new one."""

_GUARDED = 2  # first levels, at which a ring around the near cells is halved as well
_RESTARTS = 5


@dataclass(frozen=True)
class Wanted:
    """One set of experiments, and what its Delta chi2 counts from.

    Parameters
    ----------
    rows : tuple of int
        Layers that are summed.
    zero : Minimum, optional
        The reference; None for the minimum of each line of the first axis (raster).
    movable : bool
        Whether a lower point found takes its place.
    """

    rows: tuple[int, ...]
    zero: Minimum | None
    movable: bool = True


@dataclass(frozen=True)
class Level:
    """What was done at one level: near cells, and points evaluated for them."""

    level: int
    near: int
    points: int


@dataclass
class Search:
    """The values found so far, and the way on.

    Parameters
    ----------
    mesh : Mesh
        Coarse axes and halvings.
    levels : sequence of float
        Delta chi2 of the contours.
    wanted : mapping from label to Wanted
        Sets of experiments.
    chi2, status : arrays, shape (n_layers, *mesh.shape)
        The coarse points filled in, or nothing.
    evaluate : callable
        ``evaluate(level, indices (n, 2))`` -> chi2, status, each (n_layers, n).
    descend : callable, optional
        ``descend(rows, axes, chi2)`` -> the minimum off the grid within a small plane around a
        point that is below the reference.
    told : callable
        Told of each level in one sentence.
    """

    mesh: Mesh
    levels: Sequence[float]
    wanted: Mapping[str, Wanted]
    chi2: Array
    status: Status
    evaluate: Evaluate
    descend: Descend | None = None
    told: Callable[[str], None] = lambda _: None
    steps: dict[int, Level] = field(default_factory=dict)
    lowered: dict[str, float] = field(default_factory=dict)

    def run(self) -> None:
        """Evaluate until no level asks for more; again from the start below a lower reference."""
        for _ in range(_RESTARTS):
            self._need(0, np.ones_like(self.mesh.view(self.status[0], 0), dtype=np.bool_))
            near = self._settled(0)
            for level in range(1, self.mesh.levels + 1):
                parents = grown(near) if level <= _GUARDED else near
                self._need(level, nodes_of(self.mesh.children(parents, level)))
                near = self._settled(level)
            if not self._lower():
                return

    def _settled(self, level: int) -> Mask:
        """Cells near a contour, once they and a ring of guards around them are evaluated."""
        while True:
            near = self._near(level)
            if not self._need(level, nodes_of(grown(near))):
                n = self.steps[level].points if level in self.steps else 0
                self.steps[level] = Level(level, int(near.sum()), n)
                return near

    def _need(self, level: int, nodes: Mask) -> int:
        """Evaluate those of the nodes that are not yet; the rest of the level is interpolated."""
        status = self.mesh.view(self.status, level)
        missing = nodes & ((status == NOT_RUN) | (status == INTERPOLATED)).any(axis=0)
        places = np.argwhere(missing) * self.mesh.strides(level)
        if len(places):
            cells = " x ".join(f"{size:.3g}" for size in self.mesh.cells(level))
            self.told(
                f"level {level} of {self.mesh.levels}: {len(places)} points, cells of {cells}"
            )
            chi2, found = self.evaluate(level, places)
            self.chi2[:, places[:, 0], places[:, 1]] = chi2
            self.status[:, places[:, 0], places[:, 1]] = found
            before = self.steps.get(level, Level(level, 0, 0))
            self.steps[level] = replace(before, points=before.points + len(places))
        for finer in range(1, level + 1):
            self.mesh.fill(self.chi2, self.status, finer)
        return len(places)

    def _near(self, level: int) -> Mask:
        shape = self.mesh.view(self.status[0], level).shape
        near = np.zeros((shape[0] - 1, shape[1] - 1), dtype=np.bool_)
        for one in self.wanted.values():
            total = self.mesh.view(self.chi2, level)[list(one.rows)].sum(axis=0)
            near |= self._near_of(one, total, level)
        return near

    def _near_of(self, one: Wanted, total: Array, level: int) -> Mask:
        if one.zero is None:
            zero, lowest = _lowest_of_lines(total)
            return near_cells(total - zero, self.levels) | lowest
        near = near_cells(total - one.zero.chi2, self.levels)
        home = self._cell_of(one.zero, level)
        if home is not None:
            near[home] = True
        return near

    def _cell_of(self, zero: Minimum, level: int) -> tuple[int, int] | None:
        """Cell that holds the reference: a small island around it may touch no node."""
        axes, strides = self.mesh.axes, self.mesh.strides(level)
        if set(zero.at) != {axis.name for axis in axes}:
            return None
        found = []
        for axis, stride in zip(axes, strides, strict=True):
            nodes = axis.coordinates[::stride]
            cell = np.searchsorted(nodes, zero.at[axis.name], side="right") - 1
            found.append(int(np.clip(cell, 0, len(nodes) - 2)))
        return found[0], found[1]

    def _lower(self) -> bool:
        """Take over lower points as references; whether one is so much lower that it counts."""
        again = False
        moved = dict(self.wanted)
        for label, one in self.wanted.items():
            if one.zero is None or not one.movable:
                continue
            place, lowest = self._lowest(one.rows)
            if lowest < one.zero.chi2:
                drop = one.zero.chi2 - lowest
                moved[label] = replace(one, zero=self._minimum(one, lowest, place))
                if drop > LOWER:
                    self.lowered[label] = self.lowered.get(label, 0.0) + drop
                    again = True
        self.wanted = moved
        return again

    def _lowest(self, rows: Sequence[int]) -> tuple[tuple[int, int], float]:
        """Lowest evaluated point."""
        run = (self.status[list(rows)] == OK).all(axis=0)
        total = np.where(run, self.chi2[list(rows)].sum(axis=0), np.inf)
        first, second = np.unravel_index(int(np.argmin(total)), total.shape)
        return (int(first), int(second)), float(total[first, second])

    def _minimum(self, one: Wanted, chi2: float, place: tuple[int, int]) -> Minimum:
        """The new reference: the point, or where the likelihood leads to from there."""
        assert one.zero is not None
        if self.descend is not None and one.zero.chi2 - chi2 > LOWER:
            found = self._descended(one, place)
            if found.chi2 < chi2:
                return replace(found, at={**one.zero.at, **found.at})
        coordinates = zip(self.mesh.axes, place, strict=True)
        here = {axis.name: float(axis.coordinates[i]) for axis, i in coordinates}
        return Minimum(chi2, {**one.zero.at, **here}, (), "exact", one.zero.evaluations)

    def _descended(self, one: Wanted, place: tuple[int, int]) -> Minimum:
        """Minimum within two coarse cells of a point."""
        nodes, axes = [], []
        for axis, i, stride in zip(self.mesh.axes, place, self.mesh.strides(0), strict=True):
            near = i + stride * np.arange(-2, 3)
            near = near[(near >= 0) & (near < len(axis))]
            values = axis.coordinates[near].tolist()
            nodes.append(near)
            axes.append(
                Axis(axis.name, "list", values[0], values[-1], len(near), axis.unit, tuple(values))
            )
        total = self.chi2[list(one.rows)].sum(axis=0)[np.ix_(*nodes)]
        assert self.descend is not None
        return replace(self.descend(one.rows, (axes[0], axes[1]), total), on_edge=())


def _lowest_of_lines(total: Array) -> tuple[Array, Mask]:
    """Minimum of each line of the first axis (n, 1), and the cells beside where it is taken."""
    filled = np.where(np.isnan(total), np.inf, total)
    at = filled.argmin(axis=1)
    lowest = filled[np.arange(len(at)), at]
    cells = np.zeros((total.shape[0] - 1, total.shape[1] - 1), dtype=np.bool_)
    lines = np.arange(len(at))
    for row in (lines - 1, lines):
        for column in (at - 1, at):
            inside = (row >= 0) & (row < cells.shape[0])
            inside &= (column >= 0) & (column < cells.shape[1])
            cells[row[inside], column[inside]] = True
    return np.where(np.isfinite(lowest), lowest, np.nan)[:, np.newaxis], cells

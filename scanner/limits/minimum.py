"""Global minimum of a scan, off the grid: the likelihood itself, started from the best grid points.

A limit counted from the lowest grid point depends on where the grid happens to lie. Here every
distinct local minimum of the grid that could hold the global one is polished with the exact chi2,
bounded by the axes, in units of one cell of each axis scale.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy import ndimage, optimize

from scanner.grid import Axis
from scanner.limits.layers import chosen_experiments, layer_names, summed_layers
from scanner.limits.pits import STARTS, find_pits
from scanner.limits.reference import Minimum, estimate, no_usable_point
from scanner.limits.surface import Surface
from scanner.limits.usable import SUMMARY, row_key
from scanner.limits.valleys import valley_floors
from scanner.limits.workers import Workers
from scanner.store.stored import StoredScan

Array = npt.NDArray[np.float64]
Chi2At = Callable[[Mapping[str, Array]], Array]
LayersAt = Callable[[Mapping[str, Array], Sequence[int]], Array]

COMBINED = "combined"

_BUDGET = 400  # exact evaluations per minimum, soft: a started step is finished
_FROM_NODE = 200  # more of them, where none of the descents came below the lowest grid point
_STEP = 0.01  # cells, of the central difference
_TOLERANCE = 1e-9  # relative change of chi2 that ends a descent
_ON_EDGE = 1e-3  # cells


def find_minima(dataset: xr.Dataset, axes: Sequence[Axis], chi2_at: LayersAt) -> dict[str, Minimum]:
    """Minimum of each experiment alone and of all combined.

    Parameters
    ----------
    dataset : Dataset
        ``chi2`` and ``status`` over (experiment, *axes).
    axes : sequence of Axis
        Axes of the scan.
    chi2_at : callable
        ``chi2_at({name: array (n,)}, rows)`` -> exact chi2, shape (len(rows), n), of those layers
        of the dataset; NaN where there is none.

    Returns
    -------
    dict
        Experiment, and ``combined``, -> Minimum; never above the lowest grid point.

    Raises
    ------
    DefinitionError
        An experiment without any usable grid point.
    """
    layers = layer_names(dataset)
    found = {}
    for label, subset in _subsets(layers).items():
        surface = Surface.from_dataset(dataset, axes, subset)
        rows = [layers.index(layer) for layer in summed_layers(layers, subset)]
        found[label] = find_minimum(surface, _summed(chi2_at, rows))
    return _with_combined(found)


def find_minima_large(
    stored: StoredScan, chi2_at: LayersAt, workers: Workers
) -> tuple[dict[str, Minimum], dict[str, dict[str, float]]]:
    """As `find_minima`, of a cube that is larger than memory: every chunk is read once.

    The descents start at the lowest local minima of the grid themselves.

    Returns
    -------
    minima : dict
        As `find_minima`.
    attributes : dict
        For the summary of the scan: the share of usable points of each set of layers, which
        `scanner.limits.usable` looks up.
    """
    axes, layers = tuple(stored.definition.axes), tuple(stored.definition.layers)
    subsets = _subsets(layers)
    rows = {
        label: tuple(layers.index(layer) for layer in summed_layers(layers, subset))
        for label, subset in subsets.items()
    }
    pits = find_pits(stored, list(dict.fromkeys(rows.values())), workers)
    found = {}
    for label, subset in subsets.items():
        nodes = [np.array(p.place, dtype=np.float64) for p in pits[rows[label]].pits]
        if not nodes:
            raise no_usable_point(subset)
        lowest = pits[rows[label]].pits[0].chi2
        found[label] = _polished(axes, nodes, nodes[0], lowest, _summed(chi2_at, rows[label]))
    usable = {row_key(r): pits[r].usable / stored.grid.size for r in rows.values()}
    return _with_combined(found), {SUMMARY: usable}


def _subsets(layers: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Each experiment alone and, where there are several, all of them combined."""
    names = chosen_experiments(layers)
    return {name: (name,) for name in names} | ({COMBINED: names} if len(names) > 1 else {})


def _with_combined(found: dict[str, Minimum]) -> dict[str, Minimum]:
    """One experiment is its own combination."""
    return {COMBINED: next(iter(found.values())), **found} if len(found) == 1 else found


def _summed(chi2_at: LayersAt, rows: Sequence[int]) -> Chi2At:
    """Chi2 of some of the layers, shape (n,)."""
    return lambda points: chi2_at(points, rows).sum(axis=0)


def find_minimum(surface: Surface, chi2_at: Chi2At) -> Minimum:
    """Minimum of one surface; `chi2_at` gives the exact chi2 of named arrays, shape (n,)."""
    lowest = estimate(surface)
    scaled = [float(axis.to_scale(lowest.at[axis.name])) for axis in surface.axes]
    positions = [_Position(axis) for axis in surface.axes]
    guess = np.array([p.index_of(u) for p, u in zip(positions, scaled, strict=True)])
    nodes = _local_minima(surface.chi2)
    stored = float(surface.chi2[tuple(nodes[0].astype(np.intp))])
    # the interpolated minimum stands for the lowest node, beside which it lies
    return _polished(surface.axes, [guess, *nodes[1:]], nodes[0], stored, chi2_at, surface.chi2)


def _polished(
    axes: tuple[Axis, ...],
    starts: Sequence[Array],
    node: Array,
    stored: float,
    chi2_at: Chi2At,
    grid: Array | None = None,
) -> Minimum:
    """Lowest chi2 of all descents, or the lowest grid point `node` with its `stored` chi2.

    Where the `grid` is given, its thin valleys are looked into first.
    """
    descent = _Descent(axes, chi2_at)
    floors = [] if grid is None else valley_floors(grid, descent.exact)
    descent.most += descent.evaluations
    for start in [*floors, *starts]:
        if descent.evaluations < descent.most:
            descent.run(start)
    if not descent.lowest < stored:
        # others took the whole budget, or the lowest point is where it seems to be
        descent.most = descent.evaluations + _FROM_NODE
        descent.run(node)
    at, chi2 = descent.best, descent.lowest
    if not chi2 < stored:
        at, chi2 = node, stored
    return Minimum(
        chi2=chi2,
        at=descent.values(at),
        on_edge=tuple(
            axis.name
            for axis, index in zip(axes, at, strict=True)
            if min(index, len(axis) - 1 - index) < _ON_EDGE
        ),
        source="exact",
        evaluations=descent.evaluations,
    )


def stored_minimum(
    minima: Mapping[str, Minimum], experiments: Sequence[str], known: Sequence[str]
) -> Minimum | None:
    """Minimum of a set of experiments out of those that were found, None if it is not there."""
    if set(experiments) == set(known):
        return minima.get(COMBINED)
    return minima.get(experiments[0]) if len(experiments) == 1 else None


@dataclass(frozen=True)
class _Position:
    """Axis scale <-> position in cells, linear between the nodes."""

    axis: Axis

    @property
    def scaled(self) -> Array:
        return self.axis.to_scale(self.axis.coordinates)

    def index_of(self, scaled: float) -> float:
        return float(np.interp(scaled, self.scaled, np.arange(len(self.axis))))

    def value_of(self, index: Array) -> Array:
        """Values in the axis unit, exact on the nodes."""
        nodes = np.arange(len(self.axis))
        between = self.axis.from_scale(np.interp(index, nodes, self.scaled))
        nearest = np.clip(np.round(index), 0, len(self.axis) - 1).astype(np.intp)
        return np.where(index == nearest, self.axis.coordinates[nearest], between)


@dataclass
class _Descent:
    """Bounded descents in cell units that remember the lowest point ever seen."""

    axes: tuple[Axis, ...]
    chi2_at: Chi2At
    evaluations: int = 0
    most: int = _BUDGET
    lowest: float = np.inf
    best: Array = field(default_factory=lambda: np.empty(0))

    @property
    def positions(self) -> list[_Position]:
        return [_Position(axis) for axis in self.axes]

    def values(self, index: Array) -> dict[str, float]:
        """Position in cells -> values by name."""
        pairs = zip(self.axes, self._columns(index[None]).values(), strict=True)
        return {axis.name: float(column[0]) for axis, column in pairs}

    def run(self, start: Array) -> None:
        """Descend from `start`; the outcome is in `best` and `lowest`."""
        bounds = [(0.0, len(axis) - 1.0) for axis in self.axes]
        steps = max((self.most - self.evaluations) // (2 * len(self.axes) + 1), 1)
        optimize.minimize(
            self._value_and_slope,
            start,
            jac=True,
            bounds=bounds,
            method="L-BFGS-B",
            options={"maxfun": steps, "ftol": _TOLERANCE, "gtol": 1e-6},
        )

    def _value_and_slope(self, index: Array) -> tuple[float, Array]:
        """Chi2 and its central differences, one batch; one-sided at an edge or a missing point."""
        top = np.array([len(axis) - 1.0 for axis in self.axes])
        shifts = _STEP * np.eye(len(index))
        batch = np.clip(np.vstack([index, index + shifts, index - shifts]), 0.0, top)
        chi2 = self.exact(batch)
        up, down = np.split(chi2[1:], 2)
        high, low = (np.diagonal(part) for part in np.split(batch[1:], 2))
        here = chi2[0]
        up, high = np.where(np.isnan(up), here, up), np.where(np.isnan(up), index, high)
        down, low = np.where(np.isnan(down), here, down), np.where(np.isnan(down), index, low)
        width = high - low
        slope = np.where(width > 0.0, (up - down) / np.where(width > 0.0, width, 1.0), 0.0)
        if np.isnan(here):
            # a wall that the line search steps back from, without infinities that spoil it
            return 10.0 * abs(self.lowest) + 1e3 if np.isfinite(self.lowest) else 1e9, slope * 0.0
        return float(here), slope

    def exact(self, batch: Array) -> Array:
        """chi2 (n,) at positions (n, n_axes) in cells, NaN where there is none."""
        chi2 = np.asarray(self.chi2_at(self._columns(batch)), dtype=np.float64)
        self.evaluations += len(batch)
        chi2 = np.where(np.isfinite(chi2), chi2, np.nan)
        if not np.isnan(chi2).all() and np.nanmin(chi2) < self.lowest:
            lowest = int(np.nanargmin(chi2))
            self.lowest, self.best = float(chi2[lowest]), batch[lowest].copy()
        return chi2

    def _columns(self, batch: Array) -> dict[str, Array]:
        columns = zip(self.axes, self.positions, batch.T, strict=True)
        return {axis.name: position.value_of(column) for axis, position, column in columns}


def _local_minima(chi2: Array) -> list[Array]:
    """Positions of the lowest local minima of the grid, lowest first; a plateau counts once."""
    filled = np.where(np.isnan(chi2), np.inf, chi2)
    around = ndimage.minimum_filter(filled, size=3, mode="nearest")
    pits, n = ndimage.label((filled <= around) & np.isfinite(filled), np.ones((3,) * chi2.ndim))
    labels = np.arange(1, n + 1)
    depths = np.asarray(ndimage.minimum(filled, pits, labels))
    chosen = labels[np.argsort(depths, kind="stable")[:STARTS]]
    places = ndimage.minimum_position(filled, pits, chosen)
    return [np.asarray(place, dtype=np.float64) for place in places]

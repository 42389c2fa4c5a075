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
from scanner.limits.reference import Minimum, estimate
from scanner.limits.surface import Surface, chosen_experiments, layer_names, summed_layers

Array = npt.NDArray[np.float64]
Chi2At = Callable[[Mapping[str, Array]], Array]
LayersAt = Callable[[Mapping[str, Array], Sequence[int]], Array]

COMBINED = "combined"

_STARTS = 6  # distinct local minima that are polished
_BUDGET = 400  # exact evaluations per minimum, soft: a started step is finished
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
    names, layers = chosen_experiments(dataset), layer_names(dataset)
    found = {}
    for subset in dict.fromkeys([*((name,) for name in names), names]):
        surface = Surface.from_dataset(dataset, axes, subset)
        rows = [layers.index(layer) for layer in summed_layers(layers, subset)]
        label = subset[0] if len(subset) == 1 else COMBINED
        found[label] = find_minimum(surface, _summed(chi2_at, rows))
    return {COMBINED: found[names[0]], **found} if len(names) == 1 else found


def _summed(chi2_at: LayersAt, rows: Sequence[int]) -> Chi2At:
    """Chi2 of some of the layers, shape (n,)."""
    return lambda points: chi2_at(points, rows).sum(axis=0)


def find_minimum(surface: Surface, chi2_at: Chi2At) -> Minimum:
    """Minimum of one surface; `chi2_at` gives the exact chi2 of named arrays, shape (n,)."""
    lowest = estimate(surface)
    descent = _Descent(surface.axes, chi2_at)
    scaled = [float(axis.to_scale(lowest.at[axis.name])) for axis in surface.axes]
    guess = np.array([p.index_of(u) for p, u in zip(descent.positions, scaled, strict=True)])
    nodes = _local_minima(surface.chi2)
    # the interpolated minimum stands for the lowest node, beside which it lies
    for start in [guess, *nodes[1:]]:
        if descent.evaluations < _BUDGET:
            descent.run(start)
    at, chi2 = descent.best, descent.lowest
    stored = float(surface.chi2[tuple(nodes[0].astype(np.intp))])
    if not chi2 < stored:
        at, chi2 = nodes[0], stored
    return Minimum(
        chi2=chi2,
        at=descent.values(at),
        on_edge=tuple(
            axis.name
            for axis, index in zip(surface.axes, at, strict=True)
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
        steps = max((_BUDGET - self.evaluations) // (2 * len(self.axes) + 1), 1)
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
        chi2 = self._exact(batch)
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

    def _exact(self, batch: Array) -> Array:
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
    chosen = labels[np.argsort(depths, kind="stable")[:_STARTS]]
    places = ndimage.minimum_position(filled, pits, chosen)
    return [np.asarray(place, dtype=np.float64) for place in places]

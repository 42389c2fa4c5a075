"""Surface: chi2 of a set of experiments over some axes, to fix, profile and ask."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from scanner import interpolation
from scanner.errors import DefinitionError, unknown
from scanner.grid import Axis
from scanner.limits.layers import chosen_experiments, layer_names, summed_layers

Array = npt.NDArray[np.float64]

NOT_RUN = 0
USABLE = (1, 2)  # ok, refined


@dataclass(frozen=True)
class Surface:
    """Chi2 summed over experiments, in memory.

    Parameters
    ----------
    axes : tuple of Axis
        Dimensions of `chi2`, in order; none for a single number.
    chi2 : array
        NaN where there is no usable value.
    experiments : tuple of str
        Experiments that are summed.
    computed : float
        Share of the grid points that were run.
    coverage : float
        Share of the grid points with a usable value.
    fixed : mapping
        Axes that were fixed, with their value.
    profiled : mapping from name to array, shape of `chi2`
        Axes that were profiled, with the value at the minimum.
    """

    axes: tuple[Axis, ...]
    chi2: Array
    experiments: tuple[str, ...]
    computed: float = 1.0
    coverage: float = 1.0
    fixed: Mapping[str, float] = field(default_factory=dict)
    profiled: Mapping[str, Array] = field(default_factory=dict)

    @classmethod
    def from_dataset(
        cls,
        dataset: xr.Dataset,
        axes: Sequence[Axis],
        experiments: Sequence[str] | None = None,
        at: Mapping[str, float] | None = None,
    ) -> Surface:
        """Sum over the chosen experiments (all of them by default).

        With `at` the same as ``from_dataset(dataset, axes, experiments).at(**at)``, but of a
        dataset that is not in memory only the points beside the held values are read (and every
        status, for the coverage).

        Parameters
        ----------
        dataset : Dataset
            ``chi2`` and ``status`` over (experiment, *axes); a point counts where every chosen
            experiment has status 1 (ok) or 2 (refined).
        at : mapping
            Axes held at a value.

        Raises
        ------
        DefinitionError
            An experiment that the scan does not have, one named twice, or some of those that share
            a profiled input; as for `at`.
        """
        known = layer_names(dataset)
        names = chosen_experiments(known, experiments)
        layers = summed_layers(known, names)
        order = ("experiment", *(axis.name for axis in axes))
        part = dataset[["chi2", "status"]].sel(experiment=list(layers)).transpose(*order)
        status = part["status"].to_numpy()
        usable = np.asarray(np.isin(status, USABLE).all(axis=0))
        held = dict(at or {})
        near = windows(axes, held)
        chi2 = part["chi2"][(slice(None), *near)].to_numpy().sum(axis=0, dtype=np.float64)
        return cls(
            axes=tuple(axis for axis in axes if axis.name not in held),
            chi2=hold(axes, np.where(usable[near], chi2, np.nan), held),
            experiments=names,
            computed=float((status != NOT_RUN).all(axis=0).mean()),
            coverage=float(usable.mean()),
            fixed={name: float(value) for name, value in held.items()},
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the axes that are left."""
        return tuple(axis.name for axis in self.axes)

    def axis(self, name: str) -> Axis:
        """Axis of that name; DefinitionError with the names of the others if there is none."""
        return self.axes[self._position(name)]

    def at(self, **values: float) -> Surface:
        """Fix axes by interpolation in axis scale (log axes in log10).

        Raises
        ------
        DefinitionError
            An unknown axis, or a value outside its range: nothing is extrapolated.
        """
        if not self.profiled:
            return self._beside(values)
        surface = self
        for name, value in values.items():
            surface = surface._fix(name, float(value))
        return surface

    def _beside(self, values: Mapping[str, float]) -> Surface:
        """The same of the points beside the held values alone, where nothing was profiled yet."""
        held = {name: float(value) for name, value in values.items()}
        near = windows(self.axes, held)
        return replace(
            self,
            axes=tuple(axis for axis in self.axes if axis.name not in held),
            chi2=hold(self.axes, self.chi2[near], held),
            fixed={**self.fixed, **held},
        )

    def profile(self, keep: Sequence[str] = ()) -> Surface:
        """Minimum over all axes but `keep`, off the grid, with the place of the minimum.

        One axis after the other is minimised along its interpolant, so every step is at or below
        the lowest grid point. The axes come out in the order of `keep`.
        """
        check_kept(keep, self.names)
        surface = self
        for name in reversed(self.names):
            if name not in keep:
                surface = surface._minimise(name)
        return surface._ordered(keep)

    def has_below(self, chi2: float) -> bool:
        """Whether a point lies below `chi2`; True for NaN where there is a usable point."""
        lowest = np.nanmin(self.chi2, initial=np.inf)
        return not chi2 <= lowest

    def to_dataset(self) -> xr.Dataset:
        """Chi2 and the profiled places as a Dataset with units."""
        coordinates = {
            axis.name: (axis.name, axis.coordinates, {"units": axis.unit}) for axis in self.axes
        }
        variables = {"chi2": (self.names, self.chi2)}
        variables |= {f"best_{name}": (self.names, at) for name, at in self.profiled.items()}
        attributes: dict[str, Any] = {
            "experiments": ", ".join(self.experiments),
            "coverage": self.coverage,
            "computed": self.computed,
            **{f"fixed_{name}": value for name, value in self.fixed.items()},
        }
        return xr.Dataset(variables, coordinates, attributes)

    def _position(self, name: str) -> int:
        for position, axis in enumerate(self.axes):
            if axis.name == name:
                return position
        raise DefinitionError(unknown("axis", name, self.names))

    def _fix(self, name: str, value: float) -> Surface:
        position = self._position(name)
        axis = self.axes[position]
        scaled, at = _held(axis, value)
        nearest = int(np.argmin(np.abs(scaled - at)))
        return Surface(
            axes=self.axes[:position] + self.axes[position + 1 :],
            chi2=interpolation.interpolate(scaled, np.moveaxis(self.chi2, position, -1), at),
            experiments=self.experiments,
            computed=self.computed,
            coverage=self.coverage,
            fixed={**self.fixed, name: value},
            profiled={k: np.take(v, nearest, axis=position) for k, v in self.profiled.items()},
        )

    def _minimise(self, name: str) -> Surface:
        position = self._position(name)
        chi2, profiled = minimise(self.axes[position], position, self.chi2, self.profiled)
        return Surface(
            axes=self.axes[:position] + self.axes[position + 1 :],
            chi2=chi2,
            experiments=self.experiments,
            computed=self.computed,
            coverage=self.coverage,
            fixed=self.fixed,
            profiled=profiled,
        )

    def _ordered(self, names: Sequence[str]) -> Surface:
        order = [self._position(name) for name in names]
        return Surface(
            axes=tuple(self.axes[i] for i in order),
            chi2=self.chi2.transpose(order),
            experiments=self.experiments,
            computed=self.computed,
            coverage=self.coverage,
            fixed=self.fixed,
            profiled={k: v.transpose(order) for k, v in self.profiled.items()},
        )


def minimise(
    axis: Axis, position: int, chi2: Array, profiled: Mapping[str, Array]
) -> tuple[Array, dict[str, Array]]:
    """Lowest chi2 along one dimension, off the grid, and what was profiled, at the node beside it.

    Every line by itself: parts of a cube give the same as the whole, to the last bit.

    Parameters
    ----------
    axis : Axis
        The axis that runs along dimension `position`.
    chi2 : array
        NaN where missing.
    profiled : mapping from name to array, shape of `chi2`
        Places of the minima along axes that are gone already.

    Returns
    -------
    chi2, profiled
        Without that dimension; the axis has joined `profiled`, in its unit.
    """
    scaled = axis.to_scale(axis.coordinates)
    place, lowest = interpolation.minimum_along(scaled, np.moveaxis(chi2, position, -1))
    found = {}
    if profiled:
        nearest = np.abs(scaled - np.nan_to_num(place)[..., None]).argmin(axis=-1)[..., None]
        found = {
            k: np.take_along_axis(np.moveaxis(v, position, -1), nearest, axis=-1)[..., 0]
            for k, v in profiled.items()
        }
    found[axis.name] = np.clip(axis.from_scale(place), *axis.coordinates[[0, -1]])
    return lowest, found


def check_kept(keep: Sequence[str], names: Sequence[str]) -> None:
    """DefinitionError for an axis that is kept twice, or is not one of `names`."""
    repeated = sorted({name for name in keep if list(keep).count(name) > 1})
    if repeated:
        raise DefinitionError(f"keep = {', '.join(keep)}: {repeated[0]} is named twice")
    for name in keep:
        if name not in names:
            raise DefinitionError(unknown("axis", name, names))


def _held(axis: Axis, value: float) -> tuple[Array, float]:
    """Nodes and a held value on the axis scale; DefinitionError where it lies outside."""
    low, high = axis.coordinates[0], axis.coordinates[-1]
    if not low <= value <= high:
        raise DefinitionError(
            f"{axis.name} = {value:g} is outside the scanned {low:g} .. {high:g}"
            f"{' ' + axis.unit if axis.unit else ''}; choose a value inside or scan further"
        )
    scaled = axis.to_scale(axis.coordinates)
    # log10 of an end may differ from the end's own log10 by one rounding
    at = float(np.clip(axis.to_scale(value), scaled[0], scaled[-1]))
    return scaled, interpolation.on_node(scaled, at)


def windows(axes: Sequence[Axis], at: Mapping[str, float]) -> tuple[slice, ...]:
    """Points of every axis that the held values depend on; whole axes where nothing is held."""
    names = [axis.name for axis in axes]
    for name in at:
        if name not in names:
            raise DefinitionError(unknown("axis", name, names))
    return tuple(
        interpolation.window(*_held(axis, at[axis.name])) if axis.name in at else slice(None)
        for axis in axes
    )


def hold(axes: Sequence[Axis], chi2: Array, at: Mapping[str, float]) -> Array:
    """Interpolate at the held values, one axis after the other in the order of `at`.

    Parameters
    ----------
    axes : sequence of Axis
        Dimensions of `chi2`.
    chi2 : array
        Along the held axes only the points of `windows`, along the others whatever part.
    """
    left = [axis.name for axis in axes]
    for name, value in at.items():
        position = left.index(name)
        left.pop(position)
        nodes, place = _held(next(axis for axis in axes if axis.name == name), value)
        nodes = nodes[interpolation.window(nodes, place)]
        chi2 = interpolation.interpolate(nodes, np.moveaxis(chi2, position, -1), place)
    return chi2


def plain(value: float) -> float | None:
    """A number for JSON: NaN and infinities, which JSON does not have, become None."""
    return float(value) if math.isfinite(value) else None


def number(value: float | None) -> float:
    """Inverse of `plain`: what JSON does not have comes back as NaN.

    >>> number(1), number(None)
    (1.0, nan)
    """
    return math.nan if value is None else float(value)

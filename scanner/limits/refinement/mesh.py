"""Mesh: a coarse plane whose cells are halved level by level, on the indices of the finest grid."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from scanner.grid import Axis
from scanner.limits.refinement.near import Mask
from scanner.limits.surface import Array

T = TypeVar("T", bound=np.generic)
Status = npt.NDArray[np.uint8]

NOT_RUN, OK, INTERPOLATED, UNPHYSICAL, FAILED = range(5)


@dataclass(frozen=True)
class Mesh:
    """Two coarse axes and how often the cells of each are halved.

    Parameters
    ----------
    coarse : pair of Axis
        Axes of the plane that was scanned.
    halvings : pair of int
        Of each axis, 0 or more. Level l has min(l, halvings) of them.
    """

    coarse: tuple[Axis, Axis]
    halvings: tuple[int, int]

    @property
    def levels(self) -> int:
        """Number of the finest level; 0 is the coarse grid."""
        return max(self.halvings)

    @cached_property
    def axes(self) -> tuple[Axis, Axis]:
        """Axes of the finest level."""
        first, second = (
            halved_axis(axis, k) for axis, k in zip(self.coarse, self.halvings, strict=True)
        )
        return first, second

    @property
    def shape(self) -> tuple[int, int]:
        """Points of the finest level along each axis."""
        return len(self.axes[0]), len(self.axes[1])

    def strides(self, level: int) -> tuple[int, int]:
        """Finest cells along each edge of a cell of that level."""
        first, second = (2 ** max(k - level, 0) for k in self.halvings)
        return first, second

    def view(self, values: npt.NDArray[T], level: int) -> npt.NDArray[T]:
        """The nodes of a level among those of the finest (the last two dimensions), as a view."""
        first, second = self.strides(level)
        return values[..., ::first, ::second]

    def cells(self, level: int) -> tuple[float, float]:
        """Largest edge of a cell of that level along each axis, on the axis scale."""
        first, second = (
            float(np.diff(axis.to_scale(axis.coordinates[::stride])).max())
            for axis, stride in zip(self.axes, self.strides(level), strict=True)
        )
        return first, second

    def children(self, cells: Mask, level: int) -> Mask:
        """The same cells of level - 1, on the cells of `level`."""
        for k, (coarser, finer) in enumerate(
            zip(self.strides(level - 1), self.strides(level), strict=True)
        ):
            cells = np.repeat(cells, coarser // finer, axis=k)
        return cells

    def fill(self, chi2: Array, status: Status, level: int) -> None:
        """Interpolate the nodes of `level` that were not run between those of the level before.

        In place, linearly between the two neighbours along an edge: what is filled in lies between
        the corners of its cell, so that a cell clear of a level stays clear of it.

        Parameters
        ----------
        chi2, status : arrays, shape (n_layers, *shape)
            Interpolated points get status 2, those beside a point without chi2 the status of that.
        """
        (s0, s1), (t0, t1) = self.strides(level - 1), self.strides(level)
        if t0 < s0:
            _fill_middles(chi2[:, ::t0, ::s1], status[:, ::t0, ::s1])
        if t1 < s1:
            _fill_middles(chi2[:, ::t0, ::t1].swapaxes(1, 2), status[:, ::t0, ::t1].swapaxes(1, 2))


def _fill_middles(chi2: Array, status: Status) -> None:
    """Every second node along dimension 1, where it was not run."""
    middle = status[:, 1::2]
    before, after = status[:, :-1:2], status[:, 2::2]
    open_ = (middle == NOT_RUN) | (middle == INTERPOLATED)
    mean = 0.5 * (chi2[:, :-1:2] + chi2[:, 2::2])
    chi2[:, 1::2] = np.where(open_, mean, chi2[:, 1::2])
    worst = np.maximum(np.maximum(before, after), INTERPOLATED)
    status[:, 1::2] = np.where(open_, worst, middle)


def halved_axis(axis: Axis, times: int) -> Axis:
    """The axis with every cell halved so often, on the axis scale; its nodes stay.

    >>> halved_axis(Axis("x", "list", 0.0, 4.0, 3, "", (0.0, 1.0, 4.0)), 1).values
    (0.0, 0.5, 1.0, 2.5, 4.0)
    """
    n = (axis.n - 1) * 2**times + 1
    if axis.spacing != "list":
        return Axis(axis.name, axis.spacing, axis.start, axis.stop, n, axis.unit)
    scaled = axis.to_scale(axis.coordinates)
    places = np.arange(n) / 2**times
    values = axis.from_scale(np.interp(places, np.arange(axis.n), scaled))
    values[:: 2**times] = axis.coordinates
    return Axis(axis.name, "list", axis.start, axis.stop, n, axis.unit, tuple(values.tolist()))

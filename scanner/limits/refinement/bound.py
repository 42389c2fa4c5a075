"""How far a contour on a refined grid may be from the true one, in axis scale.

Where a line crosses an edge of a cell, both ends of that edge were evaluated and lie on different
sides of the level: the true line crosses the same edge, so it is not further than one cell along
that axis, whatever the interpolation does. How far it really is, is estimated by the distance
between the place that a straight line gives on the edge and the place of the cubic that is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from scanner.contours import Contour
from scanner.limits.plane import Plane
from scanner.limits.refinement.mesh import OK
from scanner.limits.refinement.near import Mask
from scanner.limits.surface import Array

_ON_NODE = 1e-6  # cells


@dataclass(frozen=True)
class Bound:
    """Distance of a contour from the true one along each axis, in dex or the axis unit.

    Parameters
    ----------
    cell : mapping from axis to float
        Edge of the cells that the line crosses: a true bound for lines on evaluated cells.
    interpolation : mapping from axis to float
        Estimate of the error on an edge: straight line against cubic, the largest.
    unit : mapping from axis to str
    unevaluated : int
        Crossed cells of which a corner was interpolated; for these there is no bound.
    """

    cell: Mapping[str, float]
    interpolation: Mapping[str, float]
    unit: Mapping[str, str]
    unevaluated: int

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers by axis; ``bound`` is cell and estimate together."""
        axes = {
            name: {
                "bound": self.cell[name] + self.interpolation[name],
                "cell": self.cell[name],
                "interpolation": self.interpolation[name],
                "unit": self.unit[name],
            }
            for name in self.cell
        }
        return {"axes": axes, "unevaluated_cells": self.unevaluated}

    def text(self) -> str:
        """The bound in one sentence."""
        parts = [
            f"{self.cell[n] + self.interpolation[n]:.2g} {self.unit[n]}".rstrip()
            + f" in {n} (interpolation {self.interpolation[n]:.1g})"
            for n in self.cell
        ]
        gaps = (
            f"; {self.unevaluated} crossed cells were not evaluated and have no bound"
            if self.unevaluated
            else ""
        )
        return f"within {' and '.join(parts)} of the true line{gaps}"


def bound_of(contour: Contour, plane: Plane, status: npt.NDArray[np.uint8]) -> Bound:
    """Bound of one contour of a plane.

    Parameters
    ----------
    status : array, shape of the plane
        1 where every layer was evaluated.
    """
    scaled = [axis.to_scale(axis.coordinates) for axis in plane.axes]
    offsets = _offsets(contour, plane, scaled)
    names = [axis.name for axis in plane.axes]
    crossed = crossed_cells(plane.delta_chi2, contour.level)
    unevaluated = crossed & ~_all_corners(status == OK)
    return Bound(
        cell={n: float(np.diff(x).max()) for n, x in zip(names, scaled, strict=True)},
        interpolation=dict(zip(names, offsets, strict=True)),
        unit={a.name: "dex" if a.logarithmic else a.unit for a in plane.axes},
        unevaluated=int(unevaluated.sum()),
    )


def crossed_cells(delta_chi2: Array, level: float) -> Mask:
    """Cells with corners on both sides of a level, none of them missing."""
    corners = _corners(delta_chi2)
    with np.errstate(invalid="ignore"):
        above = np.sum([corner > level for corner in corners], axis=0)
    finite = _all_corners(np.isfinite(delta_chi2))
    return np.asarray(finite & (above > 0) & (above < 4))


def _corners(values: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], ...]:
    return values[:-1, :-1], values[1:, :-1], values[:-1, 1:], values[1:, 1:]


def _all_corners(mask: Mask) -> Mask:
    return np.asarray(np.logical_and.reduce(_corners(mask)))


def _offsets(contour: Contour, plane: Plane, scaled: list[Array]) -> list[float]:
    """Largest distance along each axis between straight line and drawn place, on the axis scale."""
    largest = [0.0, 0.0]
    for line in contour.lines:
        places = np.stack(
            [
                np.interp(axis.to_scale(column), x, np.arange(len(x)))
                for axis, x, column in zip(plane.axes, scaled, line.vertices.T, strict=True)
            ],
            axis=1,
        )
        for k in (0, 1):
            found = _offset(places, plane.delta_chi2, contour.level, k, scaled[k])
            largest[k] = max(largest[k], found)
    return largest


def _offset(places: Array, delta: Array, level: float, k: int, x: Array) -> float:
    """Of the vertices (n, 2), in cells, that lie on an edge of the grid along axis `k`."""
    node = np.round(places).astype(np.intp)
    off = np.abs(places - node) > _ON_NODE
    places = places[off[:, k] & ~off[:, 1 - k]]
    if not len(places):
        return 0.0
    start = np.round(places).astype(np.intp)
    start[:, k] = np.floor(places[:, k])
    stop = start.copy()
    stop[:, k] += 1
    low, high = delta[tuple(start.T)], delta[tuple(stop.T)]
    crossed = (low > level) != (high > level)  # on a doubled plane an edge may be another's middle
    fraction = (level - low[crossed]) / (high[crossed] - low[crossed])
    width = np.diff(x)[start[crossed, k]]
    offset = np.abs(places[crossed, k] - start[crossed, k] - fraction) * width
    return float(offset.max(initial=0.0))

"""Delta chi2 on a plane -> polylines at a confidence level (arrays only).

Marching squares (contourpy, in axis scale) decides how the lines run: every vertex lies on an edge
of the grid. Its place on that edge is then found by the cubic of `scanner.interpolation`, not by a
straight line. Measured on 60 x 60 points: a parabolic Delta chi2 gives its circle to rounding; for
r^4 and r^8 the worst vertex is 5e-6 and 3e-4 of a cell off, thousands and hundreds of times closer
than with straight lines. A cell with a missing corner carries no line.

Where a strip is narrow, the lines run on a plane four times as fine (`scanner.doubling`), which
follows it across the cells instead of breaking it into beads.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Literal

import contourpy
import numpy as np
import numpy.typing as npt

from scanner import doubling, interpolation
from scanner.grid import Axis
from scanner.statistics import levels
from scanner.strips import narrow_points

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]

_ON_NODE = 1e-9  # cells; closer than this to a node, a vertex is the node
_BISECTIONS = 50
_LARGE = 2**20  # points; a larger plane is drawn as it is


@dataclass(frozen=True)
class Line:
    """One polyline.

    Parameters
    ----------
    vertices : array, shape (n, 2)
        Values on the two axes, in their units; a closed line repeats its first vertex.
    encloses : "allowed", "excluded" or None
        What lies just inside a closed line; None for a line that ends at the edge of the plane
        or at missing points.
    """

    vertices: Array
    encloses: Literal["allowed", "excluded"] | None

    @property
    def closed(self) -> bool:
        """True for a line that comes back to its first vertex."""
        return self.encloses is not None

    @property
    def is_hole(self) -> bool:
        """True for an excluded hole inside the allowed region."""
        return self.encloses == "excluded"

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and strings."""
        return {
            "closed": self.closed,
            "encloses": self.encloses,
            "vertices": self.vertices.tolist(),
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Line:
        """Inverse of `to_dict`, to the last bit."""
        vertices = np.asarray(record["vertices"], dtype=np.float64).reshape(-1, 2)
        return cls(vertices, record["encloses"])


@dataclass(frozen=True)
class Contour:
    """All lines of one confidence level.

    Parameters
    ----------
    axes : pair of str
        Names of the two columns of the vertices.
    cl, dof, level : float, int, float
        Confidence level, degrees of freedom and the Delta chi2 they stand for.
    coverage : float
        Share of the points of the plane that have a value.
    narrow : int
        Size of what is too narrow for the grid, see `scanner.strips.narrow_points`, on the
        plane of twice as many points: strips and beads below about two cells of the grid.
    """

    axes: tuple[str, str]
    cl: float
    dof: int
    level: float
    lines: tuple[Line, ...]
    coverage: float
    narrow: int

    @property
    def under_resolved(self) -> bool:
        """True where a strip or a bead needs a finer grid to be drawn with confidence."""
        return self.narrow > 0

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, numbers and strings."""
        return {
            "axes": list(self.axes),
            "cl": self.cl,
            "dof": self.dof,
            "statistic": levels.WILKS,
            "delta_chi2": self.level,
            "coverage": self.coverage,
            "under_resolved": self.under_resolved,
            "narrow_points": self.narrow,
            "lines": [line.to_dict() for line in self.lines],
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Contour:
        """Inverse of `to_dict`, to the last bit.

        Raises
        ------
        KeyError
            An entry is missing.
        """
        first, second = record["axes"]
        return cls(
            axes=(first, second),
            cl=float(record["cl"]),
            dof=int(record["dof"]),
            level=float(record["delta_chi2"]),
            lines=tuple(Line.from_dict(line) for line in record["lines"]),
            coverage=float(record["coverage"]),
            narrow=int(record["narrow_points"]),
        )


def contours(
    delta_chi2: Array, axes: tuple[Axis, Axis], cls: Sequence[float], dof: int = 2
) -> tuple[Contour, ...]:
    """Contours of a plane, one for each confidence level.

    Parameters
    ----------
    delta_chi2 : array, shape (len(axes[0]), len(axes[1]))
        NaN where there is no value.
    axes : pair of Axis
        Of the first and the second dimension; log axes are contoured in log10.
    cls : sequence of float
        Confidence levels as fractions.
    dof : int
        Degrees of freedom.

    Raises
    ------
    ValueError
        A plane of another shape than its axes, or a level that makes no sense.
    """
    plane = _plane(delta_chi2, axes)
    return tuple(_contour(plane, cl, dof) for cl in cls)


def excluded_polygons(
    delta_chi2: Array, axes: tuple[Axis, Axis], level: float
) -> tuple[tuple[Array, ...], ...]:
    """Region above `level` as polygons; its inner edges are the vertices of the contour lines.

    Returns
    -------
    tuple of polygons
        Each a tuple of closed rings, arrays (n, 2) in axis units: the outer one, then its holes,
        which run the other way round.
    """
    plane, _ = _resolved(_plane(delta_chi2, axes), level)
    points, offsets = plane.generator(contourpy.FillType.OuterOffset).filled(level, math.inf)
    return tuple(
        tuple(plane.place(ring, level) for ring in np.split(polygon, starts[1:-1]))
        for polygon, starts in zip(points, offsets, strict=True)
    )


def _plane(delta_chi2: Array, axes: tuple[Axis, Axis]) -> _Plane:
    values = np.asarray(delta_chi2, dtype=np.float64)
    expected = (len(axes[0]), len(axes[1]))
    if values.shape != expected:
        names = f"({axes[0].name}, {axes[1].name})"
        raise ValueError(f"plane has shape {values.shape}, its axes {names} have {expected}")
    if values.size > _LARGE:
        return _Plane.of(values, axes)
    return _small_plane(values.tobytes(), values.shape, axes)


# a figure asks twice for each plane, its lines and its regions
@lru_cache(maxsize=8)
def _small_plane(values: bytes, shape: tuple[int, int], axes: tuple[Axis, Axis]) -> _Plane:
    return _Plane.of(np.frombuffer(values).reshape(shape), axes)


def _resolved(plane: _Plane, level: float) -> tuple[_Plane, int]:
    """The plane to draw that level on, and how much of it is narrow."""
    if plane.values.size > _LARGE:
        return plane, narrow_points(plane.values, level)
    finer = plane.doubled
    narrow = narrow_points(finer.values, level)
    return (finer.doubled if narrow else plane), narrow


def _contour(plane: _Plane, cl: float, dof: int) -> Contour:
    level = levels.delta_chi2(cl, dof)
    drawn, narrow = _resolved(plane, level)
    return Contour(
        axes=(plane.axes[0].name, plane.axes[1].name),
        cl=cl,
        dof=dof,
        level=level,
        lines=drawn.lines(level),
        coverage=float(np.isfinite(plane.values).mean()),
        narrow=narrow,
    )


@dataclass(frozen=True)
class _Plane:
    """Values on grid indices, and the way back to axis units."""

    values: Array
    scaled: tuple[Array, Array]
    axes: tuple[Axis, Axis]

    @classmethod
    def of(cls, values: Array, axes: tuple[Axis, Axis]) -> _Plane:
        """The plane on the nodes of its axes."""
        first, second = (axis.to_scale(axis.coordinates) for axis in axes)
        return cls(np.where(np.isfinite(values), values, np.nan), (first, second), axes)

    @cached_property
    def doubled(self) -> _Plane:
        """The same plane on twice as fine a grid."""
        first, second = self.scaled
        return _Plane(
            doubling.doubled(first, second, self.values),
            (doubling.doubled_nodes(first), doubling.doubled_nodes(second)),
            self.axes,
        )

    def generator(self, fill_type: contourpy.FillType) -> Any:
        """contourpy on grid indices: first axis as x, so that its z is the transpose."""
        masked = np.ma.masked_invalid(self.values.T)
        return contourpy.contour_generator(
            z=masked, corner_mask=False, line_type=contourpy.LineType.Separate, fill_type=fill_type
        )

    def lines(self, level: float) -> tuple[Line, ...]:
        """All lines at that level, closed or open."""
        generator = self.generator(contourpy.FillType.OuterOffset)
        return tuple(
            Line(self.place(vertices, level), _encloses(vertices))
            for vertices in generator.lines(level)
            if len(vertices) > 1
        )

    def place(self, vertices: Array, level: float) -> Array:
        """Vertices in grid indices -> the same, moved along their edges, in axis units."""
        node = np.round(vertices)
        off_node = np.abs(vertices - node) > _ON_NODE
        index = np.where(off_node, np.floor(vertices), node).astype(np.intp)
        columns = []
        for k, (axis, scaled) in enumerate(zip(self.axes, self.scaled, strict=True)):
            column = scaled[index[:, k]]
            moves = off_node[:, k] & ~off_node[:, 1 - k]
            start = index[moves]
            width = scaled[start[:, k] + 1] - scaled[start[:, k]]
            column[moves] += width * self._fraction(start, k, width, level)
            columns.append(np.clip(axis.from_scale(column), *axis.coordinates[[0, -1]]))
        return np.stack(columns, axis=1)

    def _fraction(self, start: Index, k: int, width: Array, level: float) -> Array:
        """Fraction of the edge from node `start` along `k` at which the cubic crosses `level`."""
        a = (start[:, 0], start[:, 1])
        b = (start[:, 0] + (k == 0), start[:, 1] + (k == 1))
        at_a, at_b = self._slopes(start, k)
        terms = interpolation.cubic(
            self.values[a] - level, self.values[b] - level, at_a * width, at_b * width
        )
        low, high = np.zeros(len(start)), np.ones(len(start))
        excluded_first = terms[0] > 0.0
        for _ in range(_BISECTIONS):
            middle = 0.5 * (low + high)
            before = (interpolation.horner(terms, middle) > 0.0) == excluded_first
            low, high = np.where(before, middle, low), np.where(before, high, middle)
        return 0.5 * (low + high)

    def _slopes(self, start: Index, k: int) -> tuple[Array, Array]:
        """Derivatives along `k` at both ends of the edges, per unit of the axis scale.

        Only the nodes that they depend on are looked at; those outside the plane count as missing.
        """
        reach = interpolation.REACH
        nodes = start[:, k, np.newaxis] + np.arange(-reach, reach + 2)
        scaled, last = self.scaled[k], len(self.scaled[k]) - 1
        inside = np.clip(nodes, 0, last)
        across = start[:, 1 - k, np.newaxis]
        values = self.values[inside, across] if k == 0 else self.values[across, inside]
        step = np.where(nodes < 0, scaled[1] - scaled[0], scaled[-1] - scaled[-2])
        slopes = interpolation.slopes(
            scaled[inside] + (nodes - inside) * step,
            np.where(nodes == inside, values, np.nan),
        )
        return slopes[:, reach], slopes[:, reach + 1]


def _encloses(vertices: Array) -> Literal["allowed", "excluded"] | None:
    """contourpy keeps the higher side to the left: a clockwise ring has it outside."""
    if not np.array_equal(vertices[0], vertices[-1]):
        return None
    x, y = vertices.T
    twice_area = float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))
    return "excluded" if twice_area > 0.0 else "allowed"

"""Points that are marked in a frame, named beside the sign where there is room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.transforms import Bbox

from scanner.figures import style
from scanner.figures.legend import covers, points_in_pixels
from scanner.figures.lettering import width
from scanner.figures.planes import Mark

Array = npt.NDArray[np.float64]

_LOOKS: dict[str, dict[str, Any]] = {
    "best fit": {"marker": "P", "markersize": 5.5, "markerfacecolor": "#E69F00"},
    "Standard Model": {"marker": "o", "markersize": 4.5, "markerfacecolor": "white"},
}
_OTHER: dict[str, Any] = {"marker": "D", "markersize": 4.0, "markerfacecolor": "#56B4E9"}
_SIZE = 7.0  # pt
_OFF = 6.0  # pt, from the point to its name
_HALO = 1.2  # pt
# right, left, and beside it above and below
_SIDES = ((1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1))


def draw_marks(
    frame: Axes, marks: Sequence[Mark], lines: Sequence[Array], legend: Bbox
) -> tuple[list[Artist], list[Array]]:
    """A sign at each point, above everything, and its name.

    Parameters
    ----------
    lines : sequence of array (n, 2)
        In data units; no name may lie on them.
    legend : Bbox
        In pixels; nor there.

    Returns
    -------
    handles, boxes
        Legend entries of those marks that have no room for their name, and the boxes of the names,
        as rings in data units.
    """
    handles: list[Artist] = []
    signs = [np.array([mark.at, mark.at]) for mark in marks]
    boxes: list[Array] = []
    for mark in marks:
        look = _look(mark.label)
        frame.plot(*mark.at, clip_on=False, **look)
        box = _named(frame, mark, [*lines, *signs, *boxes], legend)
        if box is None:
            handles.append(Line2D([], [], label=mark.label, **look))
        else:
            boxes.append(box)
    return handles, boxes


def _look(label: str) -> dict[str, Any]:
    look = {"markeredgecolor": "black", "linestyle": "none", **_LOOKS.get(label, _OTHER)}
    look |= {"markeredgewidth": style.stroke(0.7), "zorder": 5.0}
    return {**look, "markersize": style.stroke(look["markersize"])}


def _named(frame: Axes, mark: Mark, obstacles: Sequence[Array], legend: Bbox) -> Array | None:
    """Write the name on the first side where it is free; its box, None where there is none."""
    points = points_in_pixels(frame, obstacles)
    for side in _SIDES:
        box = _box(frame, mark, side)
        inside = frame.bbox.x0 < box.x0 and box.x1 < frame.bbox.x1
        inside = inside and frame.bbox.y0 < box.y0 and box.y1 < frame.bbox.y1
        if inside and not box.overlaps(legend) and not covers(box, points):
            _write(frame, mark, side)
            corners = box.corners()[[0, 1, 3, 2, 0]]
            return np.asarray(frame.transData.inverted().transform(corners))
    return None


def _box(frame: Axes, mark: Mark, side: tuple[int, int]) -> Bbox:
    """Box of a name, in pixels."""
    pixels = frame.figure.dpi / 72.0
    size, off = style.points(_SIZE), style.points(_OFF) * pixels
    across, high = width(mark.label, size) * frame.figure.dpi, 1.2 * size * pixels
    x, y = frame.transData.transform(mark.at) + off * np.array(side)
    left = x if side[0] > 0 else x - across
    return Bbox.from_bounds(left, y - 0.5 * high, across, high)


def _write(frame: Axes, mark: Mark, side: tuple[int, int]) -> None:
    frame.annotate(
        mark.label,
        xy=mark.at,
        xytext=tuple(style.points(_OFF) * np.array(side, dtype=np.float64)),
        textcoords="offset points",
        ha="left" if side[0] > 0 else "right",
        va="center",
        fontsize=style.points(_SIZE),
        zorder=5.0,
        path_effects=[withStroke(linewidth=style.stroke(_HALO), foreground="white")],
    ).set_in_layout(False)

"""Where a legend hides nothing: the emptiest corner, else above the frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.legend import Legend
from matplotlib.transforms import Bbox

from scanner.figures.lettering import safe, width, words, wrapped

Array = npt.NDArray[np.float64]

Corner = Literal["lower right", "upper left", "lower left", "upper right"]

_CORNERS: tuple[Corner, ...] = ("lower right", "upper left", "lower left", "upper right")
_SAMPLES = 20  # points on each segment of a line
_MARGIN = 4.0  # pixels kept free around the legend
_SLACK = 0.96  # of the width of the frame: renderers differ by a percent
_MOST_COLUMNS = 3
_POINTS_PER_INCH = 72.0


def place_legend(
    axes: Axes, handles: Sequence[Artist], lines: Sequence[Array], heading: Sequence[str] = ()
) -> Legend:
    """Put the legend into the first corner where no line runs, else above the frame.

    It is never wider than the frame: headings and labels are broken into lines. Above the frame it
    needs more room, see `scanner.figures.frame.finish`.

    Parameters
    ----------
    handles : sequence of artists
        Entries, with their labels.
    lines : sequence of arrays, shape (n, 2)
        What must stay visible, in data units.
    heading : sequence of str
        Lines above the entries.
    """
    obstacles = points_in_pixels(axes, lines)
    size = float(mpl.rcParams["legend.fontsize"])
    for handle in handles:
        label = words(safe(str(handle.get_label())))
        handle.set_label(wrapped(label, _room(axes, size, with_handle=True), size))
    room = _room(axes, size, with_handle=False)  # headings have the size of labels
    title = "\n".join(wrapped(words(line), room, size) for line in heading)
    for corner in _CORNERS:
        legend = _legend(axes, handles, title, loc=corner)
        if _inside(axes, legend) and not covers(_box(legend), obstacles):
            return legend
    return _above(axes, handles, _joined(heading, room, size))


def _above(axes: Axes, handles: Sequence[Artist], title: str) -> Legend:
    """As many columns as the frame is wide enough for; one always fits."""
    most = min(_MOST_COLUMNS, max(len(handles) - 1, 1))
    for columns in range(most, 0, -1):
        legend = _legend(
            axes,
            handles,
            title,
            loc="lower left",
            bbox_to_anchor=(0.0, 1.02),
            borderaxespad=0.0,
            ncols=columns,
        )
        if _box(legend).width <= axes.get_window_extent().width:
            break
    return legend


def _joined(heading: Sequence[str], room: float, size: float) -> str:
    """In one line if that fits: height is scarce above the frame."""
    line = ", ".join(heading)
    if width(line, size) <= room:
        return line
    return "\n".join(wrapped(words(line), room, size) for line in heading)


def _legend(axes: Axes, handles: Sequence[Artist], title: str, **where: Any) -> Legend:
    return axes.legend(handles=list(handles), title=title, alignment="left", **where)


def _room(axes: Axes, size: float, *, with_handle: bool) -> float:
    """Inches that a line of the legend may be long."""
    pads = 2.0 * mpl.rcParams["legend.borderpad"] + 2.0 * mpl.rcParams["legend.borderaxespad"]
    if with_handle:
        pads += mpl.rcParams["legend.handlelength"] + mpl.rcParams["legend.handletextpad"]
    frame = axes.get_window_extent().width / axes.figure.dpi
    return _SLACK * frame - float(pads) * size / _POINTS_PER_INCH


def points_in_pixels(axes: Axes, lines: Sequence[Array]) -> Array:
    """Points along all lines, dense enough that a legend cannot slip between two vertices."""
    dense = [np.empty((0, 2))]
    for line in lines:
        points = np.asarray(axes.transData.transform(line))
        t = np.linspace(0.0, 1.0, _SAMPLES)[:, None, None]
        dense.append(((1.0 - t) * points[:-1] + t * points[1:]).reshape(-1, 2))
    return np.concatenate(dense)


def covers(box: Bbox, points: Array) -> bool:
    """True where one of the points (in pixels) lies in the box."""
    inside = (points >= (box.x0, box.y0)) & (points <= (box.x1, box.y1))
    return bool(inside.all(axis=1).any())


def _box(legend: Legend) -> Bbox:
    return legend.get_window_extent().padded(_MARGIN)


def _inside(axes: Axes, legend: Legend) -> bool:
    frame, box = axes.get_window_extent(), legend.get_window_extent()
    return bool(
        frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
    )

"""Where a legend hides nothing: the emptiest corner, else above the frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.legend import Legend

Array = npt.NDArray[np.float64]

Corner = Literal["lower right", "upper left", "lower left", "upper right"]

_CORNERS: tuple[Corner, ...] = ("lower right", "upper left", "lower left", "upper right")
_SAMPLES = 20  # points on each segment of a line
_MARGIN = 4.0  # pixels kept free around the legend


def place_legend(
    axes: Axes, handles: Sequence[Artist], lines: Sequence[Array], title: str = ""
) -> Legend:
    """Put the legend into the first corner where no line runs, else above the frame.

    Parameters
    ----------
    handles : sequence of artists
        Entries, with their labels.
    lines : sequence of arrays, shape (n, 2)
        What must stay visible, in data units.
    """
    obstacles = _in_pixels(axes, lines)
    for corner in _CORNERS:
        legend = axes.legend(handles=list(handles), loc=corner, title=title, alignment="left")
        if not _covers(axes, legend, obstacles):
            return legend
    legend.remove()
    return axes.legend(
        handles=list(handles),
        loc="lower left",
        bbox_to_anchor=(0.0, 1.02),
        borderaxespad=0.0,
        ncols=1 if len(handles) < 3 else 2,
        title=title.replace("\n", ", ", 1),
        alignment="left",
    )


def _in_pixels(axes: Axes, lines: Sequence[Array]) -> Array:
    """Points along all lines, dense enough that a legend cannot slip between two vertices."""
    dense = [np.empty((0, 2))]
    for line in lines:
        points = np.asarray(axes.transData.transform(line))
        t = np.linspace(0.0, 1.0, _SAMPLES)[:, None, None]
        dense.append(((1.0 - t) * points[:-1] + t * points[1:]).reshape(-1, 2))
    return np.concatenate(dense)


def _covers(axes: Axes, legend: Legend, points: Array) -> bool:
    figure = axes.get_figure(root=True)
    if figure is None:
        return False
    box = legend.get_window_extent(figure.canvas.get_renderer()).padded(_MARGIN)  # type: ignore[attr-defined]
    inside = (points >= (box.x0, box.y0)) & (points <= (box.x1, box.y1))
    return bool(inside.all(axis=1).any())

"""Vertices that no eye and no printer can see, left out of the file."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

Array = npt.NDArray[np.float64]

_TOLERANCE = 0.02  # pixels of the figure (1/100 inch): 0.014 pt


def thinned(axes: Axes, vertices: Array) -> Array:
    """The line without those vertices that lie on it anyway, to 0.014 pt; ends are kept.

    Parameters
    ----------
    vertices : array, shape (n, 2)
        In data units of `axes`, whose scales and limits are set.
    """
    keep = np.zeros(len(vertices), dtype=bool)
    keep[[0, -1]] = True
    points = np.asarray(axes.transData.transform(vertices), dtype=np.float64)
    spans = [(0, len(points) - 1)]
    while spans:
        # Douglas and Peucker: the farthest vertex stays and splits the span
        first, last = spans.pop()
        if last - first < 2:
            continue
        away = _distance(points[first + 1 : last], points[first], points[last])
        farthest = int(np.argmax(away))
        if away[farthest] > _TOLERANCE:
            middle = first + 1 + farthest
            keep[middle] = True
            spans += [(first, middle), (middle, last)]
    return vertices[keep]


def _distance(points: Array, start: Array, stop: Array) -> Array:
    """Distance of points from a segment; from its one point where it is closed."""
    along = stop - start
    length = float(along @ along)
    t = np.clip((points - start) @ along / length, 0.0, 1.0) if length > 0.0 else 0.0
    return np.asarray(np.hypot(*(points - start - np.multiply.outer(t, along)).T))

"""Which vertices of a polyline are needed (arrays only)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def needed(points: Array, tolerance: float) -> npt.NDArray[np.bool_]:
    """Vertices without which the line would move by more than `tolerance`; the ends always.

    Source: Douglas and Peucker, Cartographica 10, 112 (1973): the farthest vertex stays and splits
    the span.

    Parameters
    ----------
    points : array, shape (n, 2)
        On the scale in which distances count.
    tolerance : float
        Largest distance of a vertex that is left out, in the unit of `points`.

    Returns
    -------
    array of bool, shape (n,)
    """
    keep = np.zeros(len(points), dtype=bool)
    keep[[0, -1]] = True
    spans = [(0, len(points) - 1)]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        away = distance(points[first + 1 : last], points[first], points[last])
        farthest = int(np.argmax(away))
        if away[farthest] > tolerance:
            middle = first + 1 + farthest
            keep[middle] = True
            spans += [(first, middle), (middle, last)]
    return keep


def distance(points: Array, start: Array, stop: Array) -> Array:
    """Distance of points, shape (n, 2), from a segment; from its one point where it is closed."""
    along = stop - start
    length = float(along @ along)
    t = np.clip((points - start) @ along / length, 0.0, 1.0) if length > 0.0 else 0.0
    return np.asarray(np.hypot(*(points - start - np.multiply.outer(t, along)).T))

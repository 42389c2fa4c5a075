"""Vertices that no eye and no printer can see, left out of the file."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from scanner.polyline import needed

Array = npt.NDArray[np.float64]

_TOLERANCE = 0.02  # pixels of the figure (1/100 inch): 0.014 pt


def thinned(axes: Axes, vertices: Array) -> Array:
    """The line without those vertices that lie on it anyway, to 0.014 pt; ends are kept.

    Parameters
    ----------
    vertices : array, shape (n, 2)
        In data units of `axes`, whose scales and limits are set.
    """
    points = np.asarray(axes.transData.transform(vertices), dtype=np.float64)
    return vertices[needed(points, _TOLERANCE)]

"""Which cells of a plane may hold a contour: the rule "near the level" (arrays only).

A cell whose corners lie on both sides of a level is crossed; but so may be one whose corners all
lie on one side, where a thin strip runs wholly between the grid points. The rule works on the
signed root of Delta chi2, which is a V around a degenerate solution and a cone around a minimum.
The tip of a V between two nodes lies below both by at most half of its second difference at one of
them; so the range of the corners is extended by that, in each direction, and a margin. Where a
plane is well resolved second differences fall with the square of the cell, and what is left are the
cells that the level crosses.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

MARGIN = 1.5
"""Of the half second difference.

Measured on seven planes of mediators, NSI, sterile and heavy leptons, from 12 x 12 to 45 x 45
points: every crossed cell of the dense grid is found, with 0.5 still; 1.5 costs a tenth more.
"""

_BAND = 2**19  # points looked at in one go


def signed_root(delta_chi2: Array) -> Array:
    """sqrt(Delta chi2), negative where Delta chi2 is; NaN stays.

    >>> signed_root(np.array([4.0, -9.0])).tolist()
    [2.0, -3.0]
    """
    return np.asarray(np.copysign(np.sqrt(np.abs(delta_chi2)), delta_chi2))


def near_cells(delta_chi2: Array, levels: Sequence[float]) -> Mask:
    """Cells that may hold a contour of one of the levels.

    Parameters
    ----------
    delta_chi2 : array, shape (n, m)
        NaN where missing; a cell is judged by the corners that it has.
    levels : sequence of float
        Delta chi2 of the contours, above 0.

    Returns
    -------
    array of bool, shape (n - 1, m - 1)
    """
    n, m = delta_chi2.shape
    roots = [float(np.sqrt(level)) for level in levels]
    near = np.empty((n - 1, m - 1), dtype=np.bool_)
    step = max(_BAND // m, 1)
    for start in range(0, n - 1, step):
        stop = min(start + step, n - 1)
        above = min(start, 1)
        part = signed_root(delta_chi2[start - above : stop + 2])
        near[start:stop] = _near(part, roots)[above : above + stop - start]
    return near


def _near(root: Array, roots: Sequence[float]) -> Mask:
    low, high = _over_corners(np.fmin, root), _over_corners(np.fmax, root)
    reach = 0.5 * MARGIN * (_bend_of_cells(root) + _bend_of_cells(root.T).T)
    low, high = low - reach, high + reach
    with np.errstate(invalid="ignore"):  # a cell without any corner is near nothing
        return np.asarray(np.any([(low <= one) & (one <= high) for one in roots], axis=0))


def _over_corners(choose: np.ufunc, values: Array) -> Array:
    along = choose(values[:-1], values[1:])
    return np.asarray(choose(along[:, :-1], along[:, 1:]))


def _bend_of_cells(values: Array) -> Array:
    """Largest second difference along the first dimension at the corners of every cell."""
    bend = np.zeros_like(values)
    if len(values) > 2:
        bend[1:-1] = np.nan_to_num(np.abs(values[:-2] - 2.0 * values[1:-1] + values[2:]))
        # an end has none of its own
        bend[0], bend[-1] = bend[1], bend[-2]
    return _over_corners(np.maximum, bend)


def grown(cells: Mask, rings: int = 1) -> Mask:
    """Cells and `rings` rings of cells around them, corners included."""
    square = np.ones((2 * rings + 1, 2 * rings + 1), dtype=np.bool_)
    return np.asarray(ndimage.binary_dilation(cells, structure=square))


def nodes_of(cells: Mask) -> Mask:
    """Corners of cells, shape (n, m) for cells (n - 1, m - 1)."""
    n, m = cells.shape
    nodes = np.zeros((n + 1, m + 1), dtype=np.bool_)
    for i in (0, 1):
        for j in (0, 1):
            nodes[i : i + n, j : j + m] |= cells
    return nodes

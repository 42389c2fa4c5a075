"""Is a plane fine enough for its strips? (arrays only)

A thin allowed strip inside an excluded region is physics: a coarse grid misses it or breaks it into
beads, and the picture looks smooth all the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_THIN_STRETCH = 6  # points; fewer are the tip of a well-resolved region


_BEAD = 2.0  # cells; a ring that spans fewer both ways is of the size of the grid


def beads(rings: Sequence[Array], nodes: tuple[Array, Array]) -> int:
    """Closed lines that span less than two cells both ways: a strip that the grid broke up.

    Parameters
    ----------
    rings : sequence of array (n, 2)
        Closed lines, in axis scale.
    nodes : pair of array
        Grid points of the two axes, in axis scale, increasing.

    Examples
    --------
    >>> x = np.arange(10.0)
    >>> ring = np.array([[4.5, 3.1], [5.2, 3.4], [4.9, 3.9], [4.5, 3.1]])
    >>> beads([ring, 3.0 * (ring - 3.0)], (x, x))
    1
    """
    spans = [
        max(np.ptp(np.interp(v, x, np.arange(len(x)))) for v, x in zip(ring.T, nodes, strict=True))
        for ring in rings
    ]
    return sum(bool(span < _BEAD) for span in spans)


def narrow_points(delta_chi2: Array, level: float) -> int:
    """Grid points that belong to strips or beads narrower than about two cells.

    Three signs: a bead (a connected piece without any 3 x 3 block of points), a thin stretch of six
    or more points that no such block covers, both on the allowed and on the excluded side, and a
    dip of Delta chi2 between two excluded points whose flanks meet below the level, so that a strip
    may run between the grid points.

    Parameters
    ----------
    delta_chi2 : array, shape (n, m)
        NaN where missing.
    level : float
        Delta chi2 of the contour, above 0.
    """
    finite = np.isfinite(delta_chi2)
    allowed = finite & (np.where(finite, delta_chi2, np.inf) <= level)
    # beside an allowed point the flanks meet below the level anyway: the line is tangent there
    far = finite & ~ndimage.binary_dilation(allowed, structure=np.ones((3, 3), dtype=bool))
    depth = np.where(far, np.sqrt(np.maximum(delta_chi2, 0.0)), np.nan)
    missed = _missed_dips(depth, np.sqrt(level)) + _missed_dips(depth.T, np.sqrt(level))
    return _thin(allowed, finite) + _thin(finite & ~allowed, finite) + missed


def _thin(region: Mask, finite: Mask) -> int:
    """Points of a region in stretches of six or more, or in whole pieces, thinner than 3 x 3.

    Beyond the edge of the plane, and where points are missing, the region may go on: a layer along
    the edge is the border of something wider, and its one line is well placed.
    """
    goes_on = np.pad(region | ~finite, 2, mode="edge")
    opened = ndimage.binary_opening(goes_on, structure=np.ones((3, 3), dtype=bool))
    thick = region & opened[2:-2, 2:-2]
    left, n_left = ndimage.label(region & ~thick, structure=np.ones((3, 3), dtype=bool))
    if not n_left:
        return 0
    pieces, _ = ndimage.label(region, structure=np.ones((3, 3), dtype=bool))
    whole = np.setdiff1d(pieces[region & ~thick], pieces[thick])
    sizes = np.bincount(left.ravel(), minlength=n_left + 1)
    counted = (left > 0) & ((sizes[left] >= _THIN_STRETCH) | np.isin(pieces, whole))
    return int(counted.sum())


def _missed_dips(depth: Array, bottom: float) -> int:
    """Cells along the last dimension where a strip may hide between two excluded points.

    `depth`, sqrt(Delta chi2), is a V around a degenerate solution: its flanks, carried on as
    straight lines from the two cells beside, meet inside the cell and below `bottom`.
    """
    a, b, c, d = depth[:, :-3], depth[:, 1:-2], depth[:, 2:-1], depth[:, 3:]
    down, up = a - b, d - c
    dips = (down > 0.0) & (up > 0.0)
    down, up, b, c = down[dips], up[dips], b[dips], c[dips]
    meet = (b - c + up) / (down + up)
    return int(((meet > 0.0) & (meet < 1.0) & (b - down * meet < bottom)).sum())

"""Is a plane fine enough for its strips? (arrays only)

A thin allowed strip inside an excluded region is physics: a coarse grid misses it or breaks it into
beads, and the picture looks smooth all the same.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Array = npt.NDArray[np.float64]

_THIN_STRETCH = 3  # points; shorter ones are the tips of well-resolved regions


def narrow_points(delta_chi2: Array, level: float) -> int:
    """Grid points that belong to strips or beads narrower than about two cells.

    Three signs, on both the allowed and the excluded side: a bead (a connected piece without any
    2 x 2 block of points), a thin stretch of three or more points that no such block covers, and a
    dip of Delta chi2 between two excluded points whose flanks meet below the level, so that a strip
    may run between the grid points.
    """
    finite = np.isfinite(delta_chi2)
    allowed = finite & (np.where(finite, delta_chi2, np.inf) <= level)
    missed = _missed_dips(delta_chi2, level) + _missed_dips(delta_chi2.T, level)
    return _thin(allowed) + _thin(finite & ~allowed) + missed


def _thin(region: npt.NDArray[np.bool_]) -> int:
    """Points of a region in stretches of three or more, or in whole pieces, thinner than 2 x 2."""
    thick = ndimage.binary_opening(region, structure=np.ones((2, 2)))
    left, n_left = ndimage.label(region & ~thick, structure=np.ones((3, 3)))
    if not n_left:
        return 0
    pieces, _ = ndimage.label(region, structure=np.ones((3, 3)))
    whole = np.setdiff1d(pieces[region & ~thick], pieces[thick])
    sizes = np.bincount(left.ravel(), minlength=n_left + 1)
    counted = (left > 0) & ((sizes[left] >= _THIN_STRETCH) | np.isin(pieces, whole))
    return int(counted.sum())


def _missed_dips(delta_chi2: Array, level: float) -> int:
    """Cells along the last dimension where a strip may hide between two excluded points.

    sqrt(Delta chi2) is a V around a degenerate solution: its flanks, carried on as straight lines
    from the two cells beside, meet inside the cell and below the level.
    """
    depth = np.sqrt(np.maximum(delta_chi2, 0.0))
    a, b, c, d = depth[:, :-3], depth[:, 1:-2], depth[:, 2:-1], depth[:, 3:]
    down, up = a - b, d - c
    with np.errstate(divide="ignore", invalid="ignore"):
        meet = (b - c + up) / (down + up)
    inside = (down > 0.0) & (up > 0.0) & (meet > 0.0) & (meet < 1.0)
    excluded = (b > np.sqrt(level)) & (c > np.sqrt(level))
    return int((inside & excluded & (b - down * meet < np.sqrt(level))).sum())

"""Floors of valleys too thin for the grid: where the deepest point may lie between its nodes.

A degenerate solution is a strip in which chi2 falls by any amount within a fraction of a cell, so
that the lowest node says little about the lowest point. Along every line of the grid, chi2 is
carried on from both flanks of a dip; the dips that may be deepest are looked into.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

WORTH = 0.1
"""Depth below the lowest node, on the flanks carried on, from which a dip is looked into."""
LOOKED_INTO = 16
"""Dips of each axis that are evaluated."""
ACROSS = 9
"""Points across a dip, twice: the second time about the lowest of the first."""
FLOORS = 4
APART = 3.0
"""Cells between floors that count as two."""


def valley_floors(chi2: Array, exact: Callable[[Array], Array]) -> list[Array]:
    """Low places in thin valleys, lowest first.

    Parameters
    ----------
    chi2 : array
        Of the grid; NaN where there is no value.
    exact : callable
        chi2 (n,) at places (n, chi2.ndim), counted in cells.

    Returns
    -------
    list of arrays (chi2.ndim,)
        At most `FLOORS`; none where no line of the grid has a dip.
    """
    places, values = [], []
    for axis in range(chi2.ndim):
        centre = _dips(chi2, axis)
        lowest = np.full(len(centre), np.nan)
        for half in (1.0, 2.0 / (ACROSS - 1)):
            if len(centre):
                centre, lowest = _lowest_across(centre, axis, half, chi2.shape[axis], exact)
        places.append(centre)
        values.append(lowest)
    return _apart(np.concatenate(places), np.concatenate(values))


def _dips(chi2: Array, axis: int) -> Array:
    """Nodes that are lowest along a line, those whose flanks meet lowest, (n, ndim)."""
    last = np.moveaxis(chi2, axis, -1)
    if last.shape[-1] < 5:
        return np.empty((0, chi2.ndim))
    far_left, left, middle, right, far_right = (
        last[..., i : last.shape[-1] - 4 + i] for i in range(5)
    )
    with np.errstate(invalid="ignore"):
        dip = (middle <= left) & (middle <= right)
        flanks = np.fmin(2.0 * left - far_left, 2.0 * right - far_right)
        found = np.argwhere(dip & (flanks < np.nanmin(chi2) - WORTH))
    depth = flanks[tuple(found.T)]
    chosen = found[np.argsort(depth, kind="stable")[:LOOKED_INTO]].astype(np.float64)
    chosen[:, -1] += 2.0
    # the line's axis back to its place
    return np.insert(chosen[:, :-1], axis, chosen[:, -1], axis=1)


def _lowest_across(
    centre: Array, axis: int, half: float, length: int, exact: Callable[[Array], Array]
) -> tuple[Array, Array]:
    """The lowest of `ACROSS` points within `half` cells of each centre, and chi2 there."""
    batch = np.repeat(centre[:, np.newaxis], ACROSS, axis=1)
    batch[..., axis] += half * np.linspace(-1.0, 1.0, ACROSS)
    batch[..., axis] = np.clip(batch[..., axis], 0.0, length - 1.0)
    chi2 = exact(batch.reshape(-1, batch.shape[-1])).reshape(batch.shape[:2])
    chi2 = np.where(np.isfinite(chi2), chi2, np.inf)
    lowest = np.argmin(chi2, axis=1)
    rows = np.arange(len(centre))
    return batch[rows, lowest], chi2[rows, lowest]


def _apart(places: Array, values: Array) -> list[Array]:
    """The lowest places, each some cells away from those before."""
    chosen: list[Array] = []
    for i in np.argsort(values, kind="stable"):
        far = all(np.abs(places[i] - other).max() >= APART for other in chosen)
        if np.isfinite(values[i]) and far:
            chosen.append(places[i])
        if len(chosen) == FLOORS:
            break
    return chosen

"""Tables of limits -> regions: edges, closed rings, bands, and which points can be left out."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from scanner.overlays.overlay import Region
from scanner.polyline import needed

Array = npt.NDArray[np.float64]

NO_LIMIT = 1.0
"""Couplings from here on stand for "no limit" in the releases (they write 1, 10, 1e5 or 1e7)."""


def above(mass: Array, lower: Array) -> tuple[Region, ...]:
    """Regions above a lower edge; rows without a limit part it into pieces.

    Parameters
    ----------
    mass, lower : array, shape (n,)
        In the order in which the edge runs.
    """
    return tuple(
        Region(np.stack([mass[rows], lower[rows]], axis=1), above=True)
        for rows in _runs(lower < NO_LIMIT)
    )


def between(mass: Array, lower: Array, upper: Array) -> tuple[Region, ...]:
    """Regions between two edges, each run of rows with a limit by itself."""
    regions = []
    for rows in _runs((lower < NO_LIMIT) & (lower < upper)):
        edge = np.stack([mass[rows], lower[rows]], axis=1)
        if (upper[rows] >= NO_LIMIT).all():
            regions.append(Region(edge, above=True))
        else:
            back = np.stack([mass[rows], upper[rows]], axis=1)[::-1]
            regions.append(Region(closed(np.concatenate([edge, back]))))
    return tuple(regions)


def closed(vertices: Array) -> Array:
    """The ring that ends where it starts."""
    if np.array_equal(vertices[0], vertices[-1]):
        return vertices
    return np.concatenate([vertices, vertices[:1]])


def _runs(good: npt.NDArray[np.bool_]) -> Iterator[slice]:
    """Runs of two or more rows in a row that are good."""
    steps = np.flatnonzero(np.diff(np.concatenate([[False], good, [False]]).astype(int)))
    for start, stop in zip(steps[::2], steps[1::2], strict=True):
        if stop - start > 1:
            yield slice(int(start), int(stop))


def reduced(vertices: Array, tolerance: float) -> Array:
    """The line without vertices that lie on it anyway; both axes logarithmic.

    Parameters
    ----------
    vertices : array, shape (n, 2)
        Above 0.
    tolerance : float
        In decades; no vertex that is left out lies farther from the line (Douglas and Peucker).
    """
    return vertices[needed(np.log10(vertices), tolerance)]

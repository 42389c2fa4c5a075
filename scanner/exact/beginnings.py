"""Where descents begin: the lowest of many drawn places are of little use where they lie together.

A mediator too heavy to matter leaves a plateau that is low everywhere, while the deepest valley is
thin. So the lowest places that are lower than all their neighbours are taken, and some more from
all heights.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial import KDTree

from scanner.exact.walk import Walk

Array = npt.NDArray[np.float64]

DRAWN = 1024
SHAPES, PER_SHAPE = 64, 48
"""Different masses or radii, each of which wants templates of its own, and places for each."""
DRAWN_SLOWLY = 64
"""Where every chi2 is a minimum over profiled inputs."""
NEIGHBOURS = 9


def beginnings(walk: Walk, n: int, generator: np.random.Generator) -> list[Array]:
    """Up to `n` places (n_parameters,) with a chi2."""
    places = _drawn(walk, generator)
    chi2 = walk.chi2(places)
    places, chi2 = places[np.isfinite(chi2)], chi2[np.isfinite(chi2)]
    if not len(chi2):
        return []
    pits = _pits(walk, places, chi2)[: (n + 1) // 2]
    rest = np.setdiff1d(np.arange(len(chi2)), pits)
    chosen = [*pits, *generator.permutation(rest)[: n - len(pits)]]
    return [places[i] for i in chosen]


def _drawn(walk: Walk, generator: np.random.Generator) -> Array:
    if not walk.like.direct:
        return walk.drawn(DRAWN_SLOWLY, generator)
    shaped = [i for i, s in enumerate(walk.scales) if s.parameter.role != "coupling"]
    if not shaped:
        return walk.drawn(DRAWN, generator)
    places = walk.drawn(SHAPES * PER_SHAPE, generator)
    places[:, shaped] = np.repeat(places[:SHAPES, shaped], PER_SHAPE, axis=0)
    return places


def _pits(walk: Walk, places: Array, chi2: Array) -> list[int]:
    """Numbers of the places that are lower than their neighbours, lowest first."""
    reach = np.array([s.reach() for s in walk.scales])
    scaled = (places - reach[:, 0]) / np.maximum(np.diff(reach)[:, 0], np.finfo(np.float64).tiny)
    k = min(NEIGHBOURS, len(chi2))
    _, near = KDTree(scaled).query(scaled, k=list(range(1, k + 1)))
    lowest = np.flatnonzero(chi2 <= chi2[near].min(axis=1))
    return [int(i) for i in lowest[np.argsort(chi2[lowest], kind="stable")]]

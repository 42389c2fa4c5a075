"""Minimum over a few inputs with known slopes, for many points at once.

An input (the weak mixing angle, a radius, a shift in time) does not enter the counts linearly, so
it is no pull. It is profiled by a guarded Newton iteration on

    f(u) = sum over experiments of chi2(u) + sum_j p_j u_j^2,   u_j = (input_j - mean_j)/sigma_j,

with p_j = 1, or 0 for an input that is free inside its range. Each step costs one profiled chi2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scanner.statistics.constrained import Minimum, inside, starting_places

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]

MAX_STEPS = 40
TOLERANCE = 1e-8
"""Expected fall of chi2 at which the iteration ends."""
HALVINGS = 10
"""Of a step that does not go down."""
ROUNDING = 1e-11
"""Relative change of chi2 that is none."""
LEAST_BEND = 1e-4
"""Of chi2 along an input, in its standard deviations: a step is no longer than this makes it."""


@dataclass(frozen=True)
class Slopes:
    """Values (n,), first (n, m) and second derivatives (n, m, m) of chi2 by the inputs."""

    value: Array
    gradient: Array
    hessian: Array


Value = Callable[[Index, Array], Array]
WithSlopes = Callable[[Index, Array], Slopes]


def descend(
    value: Value, slopes: WithSlopes, n: int, low: Array, high: Array, weight: Array
) -> Minimum:
    """Minimum of f over u between `low` and `high` for points 0..n-1.

    The descent begins at the lowest of a few places along each input: chi2 may have more minima
    than one (both sides of a degenerate radius, say).

    Parameters
    ----------
    value, slopes : callable
        ``function(points (k,), u (k, m))``: chi2 without the constraint, NaN where there is none.
    n : int
        Points.
    low, high : arrays (m,)
        Range of each input, in units of its scale from its mean.
    weight : array (m,)
        p_j: 1 for a Gaussian constraint of that scale, 0 for none.

    Examples
    --------
    >>> def chi2(points, u):
    ...     return 3.0 * (u[:, 0] - 2.0) ** 2
    >>> def slopes(points, u):
    ...     return Slopes(chi2(points, u), 6.0 * (u - 2.0), np.full((len(u), 1, 1), 6.0))
    >>> ends = np.array([5.0])
    >>> found = descend(chi2, slopes, 1, -ends, ends, np.ones(1))
    >>> found.u.round(6).tolist(), found.value.round(6).tolist()
    ([[1.5]], [3.0])
    """

    def f(points: Index, u: Array) -> Array:
        found = value(points, u) + np.sum(weight * u**2, axis=1)
        return np.where(np.isfinite(found), found, np.inf)

    walk = _Walk(slopes, low, high, weight, *starting_places(f, n, low, high))
    for _ in range(MAX_STEPS):
        if not walk.active.size:
            break
        walk.step()
    failed = ~np.isfinite(walk.lowest)
    return Minimum(
        np.where(failed, np.nan, walk.lowest), np.where(failed[:, np.newaxis], np.nan, walk.u)
    )


class _Walk:
    """Where the points are on their way down: one fit for each of them at every step."""

    def __init__(
        self,
        slopes: WithSlopes,
        low: Array,
        high: Array,
        weight: Array,
        u: Array,
        value: Array,
    ) -> None:
        self._slopes, self._ends, self._weight = slopes, (low, high), weight
        self.u, self.lowest = u, value
        self.active = np.flatnonzero(np.isfinite(value)) if u.shape[1] else np.arange(0)
        self._move = np.zeros_like(u)
        self._length = np.zeros(len(u))
        self._halved = np.zeros(len(u), np.intp)

    def step(self) -> None:
        """Try the move of every active point: where it goes down, go, and make the next one."""
        points = self.active
        length = self._length[points, np.newaxis]
        tried = np.clip(self.u[points] + length * self._move[points], *self._ends)
        found = self._slopes(points, tried)
        value = found.value + np.sum(self._weight * tried**2, axis=1)
        before = self.lowest[points]
        lower = value <= before + ROUNDING * np.abs(before)
        there = points[lower]
        self.u[there] = tried[lower]
        self.lowest[there] = np.minimum(value[lower], before[lower])
        self._length[points] *= 0.5
        self._halved[points] += 1
        arrived = self._halved > HALVINGS
        if there.size:
            gradient = found.gradient[lower] + 2.0 * self._weight * tried[lower]
            hessian = found.hessian[lower] + 2.0 * np.diag(self._weight)
            move, fall = inside(gradient, _upward(hessian), tried[lower], *self._ends)
            self._move[there], self._length[there], self._halved[there] = move, 1.0, 0
            arrived[there] = fall < TOLERANCE
        self.active = points[~arrived[points]]


def _upward(hessian: Array) -> Array:
    """The same with bends that all go up: where chi2 bends down, as much the other way."""
    values, vectors = np.linalg.eigh(hessian)
    bends = np.maximum(np.abs(values), LEAST_BEND)
    return np.asarray(np.einsum("nik,nk,njk->nij", vectors, bends, vectors))

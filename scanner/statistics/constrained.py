"""Minimum over a few inputs with Gaussian constraints, for many points at once.

An input (the weak mixing angle, a radius, a quenching parameter) does not enter the counts
linearly, so it is no pull. It is profiled by a guarded Newton iteration on

    f(u) = sum over experiments of chi2(u) + sum_j p_j u_j^2,   u_j = (input_j - mean_j)/sigma_j,

with p_j = 1, or 0 for an input that is free inside its range. Here the slopes are differences: f
costs a profiled chi2, and there are one to four inputs. Where a likelihood knows its slopes,
`scanner.statistics.sloped` needs fewer of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]
Function = Callable[[Index, Array], Array]

STARTS = (-2.0, 0.0, 2.0)
"""Places along each input where the descent may begin: the lowest is taken."""
STEP, LEAST_STEP = 0.2, 0.01
"""Step of the differences, in standard deviations: it shrinks with the Newton step."""
MAX_STEPS = 25
TOLERANCE = 1e-7
"""Expected fall of chi2 at which the iteration ends."""
LEAST_BEND, LEAST_FREE_BEND = 1.0, 1e-2
"""Of f in a step, with constraints and without: the constraint alone bends by 2, and where the data
bend the other way, half is kept."""
LONGEST = 2.0
"""Longest Newton step along an input, in standard deviations."""
SWEEPS, LITTLE = 200, 1e-9
"""Most rounds over the inputs inside one step, and the change that ends them."""


@dataclass(frozen=True)
class Minimum:
    """Lowest value (n,) and its place u (n, m), in standard deviations; NaN where there is none."""

    value: Array
    u: Array


def minimise(
    function: Function, n: int, low: Array, high: Array, weight: Array | float = 1.0
) -> Minimum:
    """Minimum of f over u between `low` and `high` for points 0..n-1.

    Parameters
    ----------
    function : callable
        ``function(points (k,), u (k, m))`` -> values (k,), the constraint not included; NaN where
        there is none.
    n : int
        Points.
    low, high : arrays (m,)
        Range of each input in standard deviations from its mean.
    weight : array (m,)
        1 where the input is constrained, 0 where it is free in its range.

    Examples
    --------
    >>> ends = np.array([5.0])
    >>> found = minimise(lambda points, u: 3.0 * (u[:, 0] - 2.0) ** 2, 1, -ends, ends)
    >>> found.u.round(6).tolist(), found.value.round(6).tolist()
    ([[1.5]], [3.0])
    """

    def f(points: Index, u: Array) -> Array:
        value = function(points, u) + np.sum(weight * u**2, axis=1)
        return np.where(np.isfinite(value), value, np.inf)

    least = LEAST_BEND if np.all(np.asarray(weight) > 0.0) else LEAST_FREE_BEND
    u, value = starting_places(f, n, low, high)
    active = np.flatnonzero(np.isfinite(value)) if len(low) else np.arange(0)
    step = np.full(n, STEP)
    for _ in range(MAX_STEPS):
        if not active.size:
            break
        move, fall = _newton(f, active, u[active], value[active], step[active], low, high, least)
        here, lower = _descend(f, active, u[active], value[active], move)
        gained = value[active] - lower
        u[active], value[active] = here, lower
        step[active] = np.clip(np.max(np.abs(move), axis=1), LEAST_STEP, STEP)
        active = active[(fall > TOLERANCE) & ((gained > 0.0) | (step[active] > LEAST_STEP))]
    failed = ~np.isfinite(value)
    return Minimum(np.where(failed, np.nan, value), np.where(failed[:, np.newaxis], np.nan, u))


def starting_places(f: Function, n: int, low: Array, high: Array) -> tuple[Array, Array]:
    """Places u (n, m) and values (n,): the lowest of a few along each input in turn."""
    points = np.arange(n)
    u = np.tile(np.clip(0.0, low, high), (n, 1))
    value = f(points, u)
    for j in range(len(low)):
        for start in STARTS:
            if not low[j] <= start <= high[j] or start == 0.0:
                continue
            tried = u.copy()
            tried[:, j] = start
            there = f(points, tried)
            better = there < value
            u[better], value[better] = tried[better], there[better]
    return u, value


def _newton(
    f: Function,
    points: Index,
    u: Array,
    value: Array,
    step: Array,
    low: Array,
    high: Array,
    least: float,
) -> tuple[Array, Array]:
    """Newton move (k, m) from differences, kept inside the range, and the fall that it promises.

    f is taken to bend by `least` at least.
    """
    m = u.shape[1]
    gradient, hessian = np.zeros_like(u), np.zeros((len(u), m, m))
    for j in range(m):
        # at an end of the range the middle of the three places moves inside
        h = np.minimum(step, 0.5 * (high[j] - low[j]))
        centre = np.clip(u[:, j], low[j] + h, high[j] - h)
        a, b, c = (_at(f, points, u, j, centre + k * h) for k in (-1.0, 0.0, 1.0))
        slope, bend = _parabola(a, b, c, h)
        hessian[:, j, j] = bend
        gradient[:, j] = slope + bend * (u[:, j] - centre)
    for i in range(m):
        for j in range(i):
            h = np.minimum(step, 0.25 * np.minimum(high[i] - low[i], high[j] - low[j]))
            signs = [np.where(u[:, k] + h <= high[k], 1.0, -1.0) for k in (i, j)]
            both = u.copy()
            both[:, i] += signs[0] * h
            both[:, j] += signs[1] * h
            one = [
                _at(f, points, u, k, u[:, k] + s * h) for k, s in zip((i, j), signs, strict=True)
            ]
            corner = f(points, both)
            finite = np.isfinite(corner) & np.isfinite(one[0]) & np.isfinite(one[1])
            sums = [np.where(finite, part, 0.0) for part in (corner, *one, value)]
            cross = (sums[0] - sums[1] - sums[2] + sums[3]) / (h**2 * signs[0] * signs[1])
            hessian[:, i, j] = hessian[:, j, i] = cross
    eigenvalues, vectors = np.linalg.eigh(hessian)
    bends = np.maximum(eigenvalues, least)
    return inside(gradient, np.einsum("nik,nk,njk->nij", vectors, bends, vectors), u, low, high)


def _parabola(a: Array, b: Array, c: Array, h: Array) -> tuple[Array, Array]:
    """Slope and second derivative in the middle of three places; one-sided beside no value.

    There the bend is that of the constraint alone.
    """
    left, middle, right = np.isfinite(a), np.isfinite(b), np.isfinite(c)
    a, b, c = (np.where(np.isfinite(value), value, 0.0) for value in (a, b, c))
    bend = np.where(left & middle & right, (a - 2.0 * b + c) / h**2, 2.0)
    slope = np.where(right & middle & ~left, (c - b) / h - h, 0.0)
    slope = np.where(left & middle & ~right, (b - a) / h + h, slope)
    return np.where(left & right & middle, (c - a) / (2.0 * h), slope), bend


def inside(
    gradient: Array, convex: Array, u: Array, low: Array, high: Array
) -> tuple[Array, Array]:
    """Lowest place of a convex parabola inside the range, as a move, and the fall it promises.

    One input after the other goes to its own minimum between its ends (Gauss-Seidel with
    projection, which finds the minimum of a convex parabola in a box). No input moves further than
    `LONGEST`.
    """
    least, most = np.maximum(low - u, -LONGEST), np.minimum(high - u, LONGEST)
    move = np.zeros_like(u)
    for _ in range(SWEEPS if u.shape[1] > 1 else 1):
        before = move.copy()
        for j in range(u.shape[1]):
            slope = gradient[:, j] + np.einsum("nk,nk->n", convex[:, j], move)
            wanted = move[:, j] - slope / convex[:, j, j]
            move[:, j] = np.clip(wanted, least[:, j], most[:, j])
        if np.max(np.abs(move - before), initial=0.0) < LITTLE:
            break
    fall = -np.sum(gradient * move, axis=1) - 0.5 * np.einsum("ni,nij,nj->n", move, convex, move)
    return move, np.abs(fall)


def _at(f: Function, points: Index, u: Array, j: int, value: Array) -> Array:
    moved = u.copy()
    moved[:, j] = value
    return f(points, moved)


def _descend(
    f: Function, points: Index, u: Array, value: Array, move: Array
) -> tuple[Array, Array]:
    """Where the move, halved until it goes down, ends; the place itself where nothing does."""
    best, lowest = u.copy(), value.copy()
    left = np.arange(len(u))
    length = 1.0
    for _ in range(8):
        tried = u[left] + length * move[left]
        there = f(points[left], tried)
        lower = there < lowest[left]
        best[left[lower]], lowest[left[lower]] = tried[lower], there[lower]
        left = left[~lower]
        if not left.size:
            break
        length *= 0.5
    return best, lowest

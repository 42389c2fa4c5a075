"""Piecewise cubic interpolation along one axis that keeps parabolas exact and does not ring.

A chi2 curve is a parabola near its minimum, rises like the eighth power of a coupling and may then
saturate. A global spline rings at the bend, a monotone (Fritsch-Carlson) cubic flattens every
minimum to the grid. The slopes here are of fourth order and limited as in H. T. Huynh, SIAM J.
Numer. Anal. 30 (1993) 57 (method M3): the limiter acts at bends and is inactive on a parabola. At
an extremum of the nodes twice the slope is let through. Measured on a universal light vector, 200
masses: the dip of a thin strip, 150 deep, is right to 0.1; with M3 as it stands to 0.3.

Everything acts on the last axis and knows NaN: a cell with a missing end is missing, a cell with a
missing neighbour falls back to a parabola or a straight line.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]

REACH = 3  # nodes on each side that the two cells around a node depend on
_TOGETHER = 2**14  # values whose minima are searched in one go: what is made of them fits the cache
_ROUNDING = 1e-12  # of an axis; another processor may round log-spaced nodes otherwise


def slopes(x: Array, y: Array) -> Array:
    """Derivative of the interpolant at every node.

    Parameters
    ----------
    x : array, shape (n,) or that of `y`
        Nodes, strictly increasing, n >= 2.
    y : array, shape (..., n)
        Values; NaN where missing.

    Returns
    -------
    array, shape (..., n)
        Unit of `y` per unit of `x`; NaN where both neighbouring cells are missing.
    """
    h = np.broadcast_to(np.diff(x, axis=-1), (*y.shape[:-1], y.shape[-1] - 1))
    secant = np.diff(y, axis=-1) / h
    before, after = _shift_in(secant)
    h_before, h_after = _shift_in(h)
    bend = (after - before) / (h_before + h_after)
    cell_bend = _cell_bend(bend)
    bend_before, bend_after = _shift_in(np.nan_to_num(cell_bend, nan=0.0))
    tangent = minmod(before + bend_before * h_before, after - bend_after * h_after)
    central = (before * h_after + after * h_before) / (h_before + h_after)
    central = central - _third(bend, h) * h_before * h_after
    # at an extremum there is no monotony to keep, and the bend may differ from cell to cell
    loose = np.where(before * after < 0.0, 3.0, 1.5)
    steepest = np.maximum(3.0 * np.abs(minmod(before, after)), loose * np.abs(tangent))
    limited: Array = minmod(central, np.sign(tangent) * steepest)
    return np.where(np.isnan(central), tangent, limited)


def _cell_bend(bend: Array) -> Array:
    """Second divided difference of every cell, the smaller of its two nodes'.

    Beside an end there is that of one node. Where it falls off towards the end (a curve that
    saturates), the cell's is taken to fall off further by the same share: a parabola through the
    last three nodes would dip below both ends of the last cell. A parabola keeps its bend.
    """
    cells = minmod(bend[..., :-1], bend[..., 1:])
    further, nearer = np.full_like(cells, np.nan), np.full_like(cells, np.nan)
    nearer[..., 1:] = bend[..., :-2]
    further[..., :-1] = bend[..., 2:]
    left_end, right_end = np.isnan(bend[..., :-1]), np.isnan(bend[..., 1:])
    inner = np.where(left_end, further, np.where(right_end, nearer, np.nan))
    falls_off = (cells * inner > 0.0) & (np.abs(cells) < np.abs(inner))
    return np.where(falls_off, cells * cells / np.where(falls_off, inner, 1.0), cells)


def _third(bend: Array, h: Array) -> Array:
    """Third divided difference at every node, from the cubics on both sides; 0 without them.

    With it the central slope is exact on cubics: of fourth order on even nodes, which a dip of a
    few cells needs for its depth.
    """
    cells = np.full(h.shape, np.nan)
    span = h[..., :-2] + h[..., 1:-1] + h[..., 2:]
    cells[..., 1:-1] = np.diff(bend, axis=-1)[..., 1:-1] / span
    before, after = _shift_in(cells)
    # a missing one leaves the other
    before = np.where(np.isnan(before), after, before)
    after = np.where(np.isnan(after), before, after)
    return np.nan_to_num(0.5 * (before + after))


def cubic(start: Array, stop: Array, slope_start: Array, slope_stop: Array) -> tuple[Array, ...]:
    """Coefficients (constant first) of the Hermite cubic on 0..1; slopes per cell width."""
    rise = stop - start
    return (
        start,
        slope_start,
        3.0 * rise - 2.0 * slope_start - slope_stop,
        slope_start + slope_stop - 2.0 * rise,
    )


def interpolate(x: Array, y: Array, at: float) -> Array:
    """Value of the interpolant at one place inside x[0]..x[-1].

    Parameters
    ----------
    x : array, shape (n,)
        Nodes, strictly increasing; one node has a value only there.
    y : array, shape (..., n)
        Values; NaN where missing.

    Returns
    -------
    array, shape (...)
        Exactly the stored value on a node, whatever its neighbours.

    Raises
    ------
    ValueError
        Outside the nodes: nothing is extrapolated.
    """
    if not x[0] <= at <= x[-1]:
        raise ValueError(f"{at:g} is outside {x[0]:g} .. {x[-1]:g}")
    node = int(np.searchsorted(x, at))
    if at == x[node]:
        return np.array(y[..., node])
    cell, near = _cell(x, at), window(x, at)
    part, k = y[..., near], cell - near.start
    width = x[cell + 1] - x[cell]
    slope = slopes(x[near], part) * width
    terms = cubic(part[..., k], part[..., k + 1], slope[..., k], slope[..., k + 1])
    return horner(terms, np.asarray((at - x[cell]) / width))


def window(x: Array, at: float) -> slice:
    """Nodes that the interpolant at `at` depends on: the others need not be read."""
    node = int(np.searchsorted(x, at))
    if node < x.size and at == x[node]:
        return slice(node, node + 1)
    cell = _cell(x, at)
    return slice(max(cell - REACH + 1, 0), min(cell + REACH + 1, x.size))


def on_node(x: Array, at: float) -> float:
    """`at`, or the node that it differs from by less than 1e-12 of the axis: a rounding.

    >>> on_node(np.array([0.0, 1.0, 2.0]), 1.0 + 1e-15)
    1.0
    """
    nearest = float(x[np.argmin(np.abs(x - at))])
    return nearest if abs(at - nearest) <= _ROUNDING * (x[-1] - x[0]) else at


def _cell(x: Array, at: float) -> int:
    return int(np.clip(np.searchsorted(x, at, side="right") - 1, 0, x.size - 2))


def along(x: Array, y: Array, at: Array) -> Array:
    """Values of one curve at many places inside its nodes.

    Parameters
    ----------
    x, y : arrays, shape (n,)
        Nodes and values, n >= 2; NaN where missing, and then in both cells beside it.
    at : array, shape (m,)
        Places between x[0] and x[-1].

    Returns
    -------
    array, shape (m,)
    """
    width, slope = np.diff(x), slopes(x, y)
    terms = cubic(y[:-1], y[1:], slope[:-1] * width, slope[1:] * width)
    cell = np.clip(np.searchsorted(x, at, side="right") - 1, 0, x.size - 2)
    return horner(tuple(term[cell] for term in terms), (at - x[cell]) / width[cell])


def horner(terms: tuple[Array, ...], t: Array) -> Array:
    """Value of the polynomial with coefficients `terms` (constant first) at `t`."""
    value = terms[-1]
    for term in reversed(terms[:-1]):
        value = value * t + term
    return value


def crossings(x: Array, y: Array, level: float) -> list[float]:
    """All places where the interpolant of one curve crosses `level`, increasing.

    Several crossings inside one cell are all found: a dip between two nodes counts.

    Parameters
    ----------
    x, y : arrays, shape (n,)
        Nodes and values; NaN where missing.
    """
    width = np.diff(x)
    slope = slopes(x, y)
    terms = cubic(y[:-1] - level, y[1:] - level, slope[:-1] * width, slope[1:] * width)
    found: list[float] = []
    for cell in _cells_that_may_cross(terms):
        coefficients = [float(term[cell]) for term in terms]
        found += [float(x[cell] + t * width[cell]) for t in _roots(coefficients)]
    return sorted(set(found))


def _cells_that_may_cross(terms: tuple[Array, ...]) -> list[int]:
    """Cells whose Bezier control values, which enclose the cubic, do not all have one sign."""
    a, b, c, d = terms
    control = np.stack([a, a + b / 3.0, a + (2.0 * b + c) / 3.0, a + b + c + d])
    return [int(i) for i in np.flatnonzero((control.min(0) <= 0.0) & (control.max(0) >= 0.0))]


def _roots(coefficients: list[float]) -> list[float]:
    """Real roots in 0 <= t < 1 (the next cell owns t = 1) where the cubic changes sign."""
    if not any(coefficients):
        return []
    roots = np.roots(coefficients[::-1])
    real = np.sort(roots.real[np.abs(roots.imag) < 1e-9])
    return [float(t) for t in real if -1e-12 <= t < 1.0 - 1e-12]


def minimum_along(x: Array, y: Array) -> tuple[Array, Array]:
    """Place and value of the minimum of the interpolant, off the nodes.

    The cells beside every local minimum of the nodes are searched: the deepest dip may lie between
    two nodes that are both above the lowest one, as where a thin strip passes between them.

    Parameters
    ----------
    x : array, shape (n,)
        Nodes, strictly increasing; one node is its own minimum.
    y : array, shape (..., n)
        Values; NaN where missing.

    Returns
    -------
    place, value : arrays, shape (...)
        Never above the lowest node; NaN where the whole line is missing.
    """
    lines = y.reshape(-1, y.shape[-1])
    step = max(_TOGETHER // x.size, 1)
    places, values = np.empty((2, len(lines)))
    for start in range(0, len(lines), step):
        part = slice(start, start + step)
        places[part], values[part] = _lowest_of_lines(x, lines[part])
    return places.reshape(y.shape[:-1]), values.reshape(y.shape[:-1])


def _lowest_of_lines(x: Array, lines: Array) -> tuple[Array, Array]:
    """`minimum_along` of an array (m, n)."""
    line, node = _local_minima(lines)
    place, value = x[node], lines[line, node]
    if x.size > 1:
        place, value = _beside(place, value, *_window(x, lines, line, node))
    places, values = np.full((2, len(lines)), np.nan)
    if np.any(line[1:] == line[:-1]):
        # the lowest of each line first
        order = np.lexsort((value, line))
        line, first = np.unique(line[order], return_index=True)
        place, value = place[order][first], value[order][first]
    places[line], values[line] = place, value
    return places, values


def _local_minima(lines: Array) -> tuple[Index, Index]:
    """Line and node of every local minimum; a plateau counts once, a missing node as high."""
    filled = np.where(np.isnan(lines), np.inf, lines)
    minimal = filled < np.inf  # what lies beyond the ends is high, too
    minimal[:, 1:] &= filled[:, 1:] < filled[:, :-1]
    minimal[:, :-1] &= filled[:, :-1] <= filled[:, 1:]
    line, node = np.divmod(np.flatnonzero(minimal), lines.shape[-1])
    return line, node


def _beside(place: Array, value: Array, near_x: Array, near_y: Array) -> tuple[Array, Array]:
    """Lowest place and value in the two cells beside the middle of each window."""
    width = np.diff(near_x, axis=-1)
    slope = slopes(near_x, near_y)
    for k in (REACH - 1, REACH):
        h = width[..., k]
        terms = cubic(near_y[..., k], near_y[..., k + 1], slope[..., k] * h, slope[..., k + 1] * h)
        t, low = _lowest_inside(terms)
        better = low < value
        place = np.where(better, near_x[..., k] + t * h, place)
        value = np.where(better, low, value)
    return place, value


def _window(x: Array, lines: Array, line: Index, node: Index) -> tuple[Array, Array]:
    """The nodes around each `node` as arrays (m, 7); beyond the ends the values are NaN.

    Laid out so that the m windows lie beside each other in memory: what is computed of them runs
    over long rows, three times as fast.
    """
    wanted = node + np.arange(-REACH, REACH + 1)[:, None]
    inside = np.clip(wanted, 0, x.size - 1)
    # nodes beyond the ends only have to be increasing: their values are missing
    near_x = x[inside] + (wanted - inside) * (x[-1] - x[0])
    near_y = np.where(wanted == inside, lines[line, inside], np.nan)
    return near_x.T, near_y.T


def _lowest_inside(terms: tuple[Array, ...]) -> tuple[Array, Array]:
    """Interior minimum of a cubic on 0..1; value inf where there is none."""
    _, b, c, d = terms
    root = np.sqrt(np.maximum(c * c - 3.0 * b * d, 0.0))
    # b + 2 c t + 3 d t^2 = 0 with growing derivative, in the form without cancellation
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(c >= 0.0, -b / (c + root), (root - c) / (3.0 * d))
    inside = (t > 0.0) & (t < 1.0) & (c * c - 3.0 * b * d > 0.0)
    t = np.where(inside, t, 0.0)
    return t, np.where(inside, horner(terms, t), np.inf)


def _shift_in(cells: Array) -> tuple[Array, Array]:
    """The cell before and the cell after every node; NaN beyond the ends."""
    gap = np.full((*cells.shape[:-1], 1), np.nan)
    return np.concatenate([gap, cells], axis=-1), np.concatenate([cells, gap], axis=-1)


def minmod(a: Array, b: Array) -> Array:
    """The smaller of two numbers of one sign, else 0; a missing one leaves the other."""
    smaller = np.where(a * b > 0.0, np.where(np.abs(a) < np.abs(b), a, b), 0.0)
    return np.where(np.isnan(a), b, np.where(np.isnan(b), a, smaller))

"""Stretches of one axis at or below a level, and what each of their ends is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scanner import interpolation
from scanner.grid import Axis

Array = npt.NDArray[np.float64]
Ends = tuple[float | None, float | None]


@dataclass(frozen=True)
class Stretch:
    """Allowed values without a break.

    Parameters
    ----------
    limits : pair
        Ends, in the axis unit, where the level is crossed; None where it is not.
    points_end : pair
        Ends, in the axis unit, that lie beside a missing point; None elsewhere. Where both are None
        the stretch reaches the end of the axis.
    cells : float
        Width in cells of the axis.
    """

    limits: Ends
    points_end: Ends
    cells: float

    @property
    def enclosed(self) -> bool:
        """True where both ends are limits."""
        return None not in self.limits


def stretches_below(axis: Axis, delta: Array, level: float) -> tuple[Stretch, ...]:
    """Stretches where the interpolant is at or below the level, disjoint and increasing.

    Parameters
    ----------
    delta : array, shape (len(axis),)
        NaN where missing; nothing is said about the cells beside a missing point, and a point
        between two missing ones is a stretch of no width.
    """
    x = axis.to_scale(axis.coordinates)
    return tuple(_stretch(axis, x, delta, start, stop) for start, stop in _pieces(x, delta, level))


def _pieces(x: Array, delta: Array, level: float) -> list[tuple[float, float]]:
    """Ends of the stretches on the axis scale."""
    crossings = np.clip(interpolation.crossings(x, delta, level), x[0], x[-1])
    cuts = np.union1d(x, crossings)
    # between two cuts lies no crossing: the middle speaks for the whole
    allowed = interpolation.along(x, delta, 0.5 * (cuts[:-1] + cuts[1:])) <= level
    changes = np.diff(allowed.astype(np.int8), prepend=0, append=0)
    pieces = zip(cuts[changes > 0].tolist(), cuts[changes < 0].tolist(), strict=True)
    gaps = np.isnan(np.pad(delta, 1, constant_values=np.nan))
    alone = x[gaps[:-2] & gaps[2:] & (delta <= level)].tolist()
    return sorted([*pieces, *zip(alone, alone, strict=True)])


def _stretch(axis: Axis, x: Array, delta: Array, start: float, stop: float) -> Stretch:
    low, high = _end(axis, x, delta, start, -1), _end(axis, x, delta, stop, +1)
    positions = np.interp([start, stop], x, np.arange(x.size))
    return Stretch((low[0], high[0]), (low[1], high[1]), float(positions[1] - positions[0]))


def _end(axis: Axis, x: Array, delta: Array, end: float, outwards: int) -> Ends:
    """The limit and the end of the points at one end of a stretch; both None for the axis end."""
    node = int(np.searchsorted(x, end))
    beyond = node + outwards
    if x[node] != end:
        return float(axis.from_scale(end)), None
    if not 0 <= beyond < x.size:
        return None, None
    value = float(axis.coordinates[node])
    return (None, value) if np.isnan(delta[beyond]) else (value, None)


def in_words(name: str, limits: Ends, points_end: Ends) -> str:
    """Ends that are limits in words, and where usable points end.

    >>> in_words("eps", (-0.08, 0.07), (None, None)), in_words("g", (None, 2e-5), (None, None))
    ('-0.08 < eps < 0.07', 'g < 2e-05')
    """
    low, high = limits
    first, last = points_end
    bounds = [f"from {first:.3g}"] if first is not None else []
    bounds += [f"to {last:.3g}"] if last is not None else []
    if low is None and high is None:
        words = f"every {name}" if bounds else f"every scanned {name}"
    elif low is None:
        words = f"{name} < {high:.3g}"
    elif high is None:
        words = f"{name} > {low:.3g}"
    else:
        words = f"{low:.3g} < {name} < {high:.3g}"
    return f"{words} (usable points only {' '.join(bounds)})" if bounds else words


def measured(value: float, unit: str) -> str:
    """A value with its unit; one that begins with a number is a factor.

    >>> measured(10.0, "MeV"), measured(55.6, "1e-10 muB"), measured(0.3, "")
    ('10 MeV', '55.6 x 1e-10 muB', '0.3')
    """
    return f"{value:g} {'x ' if unit[:1].isdigit() else ''}{unit}".rstrip()

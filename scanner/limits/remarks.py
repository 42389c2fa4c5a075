"""Remarks: what a reader of an interval has to know, in sentences."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np

from scanner import doubling
from scanner.grid import Axis
from scanner.limits.reference import Minimum, Reference
from scanner.limits.space import Space
from scanner.limits.stretches import Stretch
from scanner.limits.surface import Surface
from scanner.strips import narrow_points

_LISTED = 4  # values that a note names
_ABOVE = 0.05  # Delta chi2 at the held values that is worth a word

UNDERSHOOT = 0.05
"""chi2 below the exact minimum at which an interpolated curve is said to be unreliable."""


_BELOW = "between the grid points the interpolation falls to"


def of_undershoot(chi2_min: float, minimum: Minimum | None) -> tuple[str, ...]:
    """Said where the interpolation goes below the minimum that the likelihood has."""
    if minimum is None or not chi2_min < minimum.chi2 - UNDERSHOOT:
        return ()
    return (
        f"{_BELOW} {chi2_min:.2f}, below the minimum"
        f" {minimum.chi2:.2f} of the likelihood: finer axes are needed here",
    )


def of_elsewhere(
    zero: Reference, fixed: Mapping[str, float], chi2_min: float, dof: int
) -> tuple[str, ...]:
    """Said where a limit of one parameter counts from a minimum at other held values."""
    above = chi2_min - float(np.min(zero.chi2))
    if zero.kind != "global" or not fixed or dof > 1 or not above > _ABOVE:
        return ()
    held = ", ".join(fixed)
    return (
        f"Delta chi2 counts from the minimum over {held} too, and is {above:.2f} at its lowest"
        f" here: --reference raster counts from this value of {held} alone, --dof"
        f" {1 + len(fixed)} limits all of them at once",
    )


_STRIP = "follows a strip narrower than about two cells"


def follows_strip(notes: Iterable[str]) -> bool:
    """Whether `of_strips` said so."""
    return any(_STRIP in note for note in notes)


def of_the_grid(notes: Iterable[str]) -> tuple[str, ...]:
    """Of an interval's remarks those that hold for any other limit from the same grid."""
    return tuple(note for note in notes if _STRIP in note or _BELOW in note)


def of_strips(plane: Surface, zero: Reference, level: float) -> tuple[str, ...]:
    """Said where the last axis that is profiled over follows a strip too thin for the grid."""
    if len(plane.axes) != 2:
        return ()
    # on twice as fine a grid, as contours look: a border three points wide is no strip
    first, second = (axis.to_scale(axis.coordinates) for axis in plane.axes)
    if not narrow_points(doubling.doubled(first, second, zero.delta(plane)), level):
        return ()
    profiled, kept = plane.names
    return (
        f"the profile over {profiled} {_STRIP}: between its"
        f" points the ends and gaps are uncertain, a finer {profiled} or {kept} axis is needed",
    )


def of_pieces(axis: Axis, surface: Space, pieces: tuple[Stretch, ...]) -> tuple[str, ...]:
    """Said of points that are missing or failed, of ends that are no limits, of thin intervals."""
    notes = []
    if surface.computed < 1.0:
        notes.append(f"{math.floor(100.0 * surface.computed)} % of the grid computed")
    unusable = surface.computed - surface.coverage
    if unusable > 0.0:
        notes.append(f"{100.0 * unusable:.2g} % of the grid points are unphysical or failed")
    ends = [f"{end:.3g}" for piece in pieces for end in piece.points_end if end is not None]
    if ends:
        more = f" and {len(ends) - _LISTED} more" if len(ends) > _LISTED else ""
        unit = f" {axis.unit}" if axis.unit else ""
        notes.append(
            f"the usable points end at {axis.name} = {', '.join(ends[:_LISTED])}{unit}{more}:"
            " no limit there, the allowed values may go on"
        )
    narrow = [piece for piece in pieces if piece.enclosed and piece.cells < 2.0]
    if narrow:
        verb = "is" if len(narrow) == 1 else "are"
        notes.append(
            f"{len(narrow)} of the intervals {verb} narrower than two cells of the {axis.name}"
            " axis: a finer axis is needed to trust its ends"
        )
    return tuple(notes)

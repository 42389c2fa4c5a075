"""A definition on thinned axes: the same ranges with few points, to look at first."""

from __future__ import annotations

from dataclasses import replace

from scanner.definition import ScanDefinition
from scanner.grid import Axis

MOST_POINTS = {1: 64, 2: 32, 3: 16, 4: 9, 5: 7, 6: 5}
"""Points on each axis of a preview, by the number of axes: a second or two of evaluation."""
FEWEST = 4
"""Points on each axis where there are more axes."""
PREFIX = "Preview: "


def preview(chosen: ScanDefinition) -> tuple[ScanDefinition, tuple[str, ...]]:
    """The preview of a definition, and what to say of it: it is a scan of its own.

    Where no axis has too many points it is the scan itself.

    Examples
    --------
    >>> from scanner.definition import load
    >>> thin, said = preview(load("light_vector_universal"))
    >>> [len(axis) for axis in thin.axes], thin.name
    ([32, 32], 'light_vector_universal_preview')
    >>> thin.title
    'Preview: Universal light vector mediator, COHERENT'
    """
    most = MOST_POINTS.get(len(chosen.axes), FEWEST)
    axes = tuple(_thinned(axis, most) for axis in chosen.axes)
    if axes == chosen.axes:
        return chosen, ("no axis has points to spare: this is the scan itself, no preview",)
    thin = replace(
        chosen, axes=axes, name=f"{chosen.name[:91]}_preview", title=f"{PREFIX}{chosen.title}"
    )
    return thin, (
        f"preview on {_shape(axes)} points in place of {_shape(chosen.axes)}, a scan of its own "
        f"({thin.id}): strips and islands narrower than a few of its cells are missed; the scan "
        f"proper is {chosen.id}, run it without --quick",
    )


def _thinned(axis: Axis, most: int) -> Axis:
    """The axis with at most so many points, both ends kept."""
    if len(axis) <= most:
        return axis
    if axis.spacing != "list":
        return replace(axis, n=most)
    places = [round(i * (len(axis) - 1) / (most - 1)) for i in range(most)]
    values = tuple(axis.values[place] for place in places)
    return replace(axis, n=most, values=values)


def _shape(axes: tuple[Axis, ...]) -> str:
    return " x ".join(str(len(axis)) for axis in axes)

"""Delta chi2 of one parameter, with the usual levels (arrays only)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Annotation

from scanner import interpolation
from scanner.figures import style
from scanner.figures.frame import Note, finish, lay_out, new_frame
from scanner.figures.legend import covers, place_legend, points_in_pixels
from scanner.grid import Axis
from scanner.statistics import levels

Array = npt.NDArray[np.float64]

LEVELS = (0.6827, 0.9, 0.9545, 0.9973)
"""1 sigma, 90 %, 2 and 3 sigma."""

_PER_CELL = 8  # points drawn in each cell, on the interpolant that the limits come from
_HEADROOM = 1.3  # times the highest level
_FOOTROOM = 1.05  # times the lowest Delta chi2, where that is negative
_LINE = 7.5  # points from one name of a level to the next


def profile_figure(
    axis: Axis,
    combined: Array,
    *,
    combined_label: str = "combined",
    singles: Mapping[str, Array] | None = None,
    cls: Sequence[float] = LEVELS,
    dof: int = 1,
    note: Note | None = None,
    label: str | None = None,
    size: tuple[float, float] | None = None,
) -> Figure:
    """Delta chi2 curves over one axis with a dotted line at each confidence level.

    Parameters
    ----------
    axis : Axis
        The parameter.
    combined : array, shape (len(axis),)
        Delta chi2 of the combination; NaN where there is no value.
    singles : mapping from label to array (len(axis),)
        Delta chi2 of each experiment alone, from its own reference.
    cls : sequence of float
        Confidence levels as fractions; the frame ends above the highest.

    Raises
    ------
    ValueError
        A curve of another length than its axis, or a level that makes no sense.
    """
    said = note or Note()
    curves = {**(singles or {}), combined_label: combined}
    for name, curve in curves.items():
        if np.shape(curve) != (len(axis),):
            raise ValueError(
                f"curve {name!r} has shape {np.shape(curve)}, axis {axis.name} has {len(axis)}"
            )
    with style.journal():
        figure, frame = new_frame(said, size or style.size())
        style.set_scale(frame, "x", axis)
        frame.set_xlabel(style.scaled(label or style.label(axis.name, axis.unit), axis))
        frame.set_ylabel(r"$\Delta\chi^2$")
        marks = _draw_levels(frame, cls, dof)
        frame.set_ylim(_FOOTROOM * _lowest(curves), _HEADROOM * max(mark.xy[1] for mark in marks))
        imprint = lay_out(figure, frame, said)
        handles, lines = _draw(frame, axis, curves, combined_label)
        lines += [np.array([[x, mark.xy[1]] for x in frame.get_xlim()]) for mark in marks]
        legend = place_legend(frame, handles, lines, [", ".join(said.heading(f"{dof} dof"))])
        finish(figure, frame, legend, imprint)
        _spread(frame, marks)
    return figure


def _lowest(curves: Mapping[str, Array]) -> float:
    """Lowest Delta chi2: below 0 where the reference is not the minimum."""
    return min(float(np.nanmin(curve, initial=0.0)) for curve in curves.values())


def _draw_levels(frame: Axes, cls: Sequence[float], dof: int) -> list[Annotation]:
    """A dotted line at each level, named outside on the right where no curve runs; lowest first."""
    marks = []
    for cl in sorted(cls):
        height = levels.delta_chi2(cl, dof)
        frame.axhline(
            height, color=style.QUIET, linewidth=style.stroke(0.7), linestyle=":", zorder=1.0
        )
        mark = frame.annotate(
            levels.percent(cl),
            xy=(1.0, height),
            xycoords=("axes fraction", "data"),
            xytext=(3.0, 0.0),
            textcoords="offset points",
            va="center",
            fontsize=style.points(7.0),
            color=style.QUIET,
        )
        marks.append(mark)
    return marks


def _spread(frame: Axes, marks: Sequence[Annotation]) -> None:
    """Move the names of levels that lie close together apart: up, then down from the top."""
    pixels = frame.figure.dpi / 72.0
    heights = np.array([frame.transData.transform((0.0, mark.xy[1]))[1] for mark in marks]) / pixels
    steps = style.points(_LINE) * np.arange(len(marks))
    places = np.maximum.accumulate(heights - steps)
    top = frame.bbox.y1 / pixels - steps[-1]
    for mark, height, place in zip(marks, heights, np.minimum(places, top) + steps, strict=True):
        mark.set_position((3.0, place - height))


def _draw(
    frame: Axes, axis: Axis, curves: Mapping[str, Array], combined: str
) -> tuple[list[Artist], list[Array]]:
    handles: list[Artist] = []
    drawn = []
    for number, (name, curve) in enumerate(curves.items()):
        look = {**style.line(number), "linewidth": style.stroke(1.1), "zorder": 3.0}
        if name == combined:
            look = {"color": style.COMBINED, "linewidth": style.stroke(1.4), "zorder": 4.0}
        vertices = _smooth(axis, np.asarray(curve, dtype=np.float64))
        frame.add_line(Line2D(*vertices.T, **look))
        drawn.append(vertices)
        seen = covers(frame.bbox, points_in_pixels(frame, [vertices]))
        handles.append(Line2D([], [], label=name + ("" if seen else " (outside)"), **look))
    # the combination first, as in the exclusion figure
    return [handles[-1], *handles[:-1]], drawn


def _smooth(axis: Axis, curve: Array) -> Array:
    """The interpolant between the grid points, shape (n, 2); NaN where there is no value."""
    nodes = axis.to_scale(axis.coordinates)
    steps = np.arange(_PER_CELL) / _PER_CELL
    width = np.diff(nodes)
    slope = interpolation.slopes(nodes, curve)
    terms = interpolation.cubic(curve[:-1], curve[1:], slope[:-1] * width, slope[1:] * width)
    y = interpolation.horner(tuple(term[:, None] for term in terms), steps).ravel()
    x = (nodes[:-1, None] + width[:, None] * steps).ravel()
    return np.stack([axis.from_scale(np.append(x, nodes[-1])), np.append(y, curve[-1])], axis=1)

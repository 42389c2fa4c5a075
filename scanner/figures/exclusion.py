"""Exclusion figure: Delta chi2 on a plane -> excluded region, lines, legend (arrays only)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend

from scanner.figures import style
from scanner.figures.frame import Note, finish, lay_out, new_frame
from scanner.figures.legend import place_legend
from scanner.figures.marks import draw_marks
from scanner.figures.planes import Mark, Planes
from scanner.figures.published import Piece, Published, draw_published, entries
from scanner.figures.regions import draw_scan
from scanner.figures.tags import write_tags
from scanner.statistics import levels

Array = npt.NDArray[np.float64]

__all__ = ["Mark", "Piece", "Planes", "Published", "exclusion_figure"]


def exclusion_figure(
    planes: Planes,
    *,
    cl: float | Sequence[float] = 0.9,
    dof: int = 2,
    note: Note | None = None,
    labels: tuple[str, str] | None = None,
    size: tuple[float, float] | None = None,
) -> Figure:
    """Excluded region of the combination, lines of each experiment, in one journal column.

    With one level the experiments differ in colour and dashes; with several the dashes say the
    level: the lowest is solid.

    Parameters
    ----------
    planes : Planes
        Delta chi2 to draw.
    cl : float or sequence of float
        Confidence levels as fractions.
    dof : int
        Degrees of freedom.
    note : Note
        Title, reference, provenance and share of the grid that is computed.
    labels : pair of str
        Axis labels, see `scanner.figures.style.label`; names and units of the axes by default.
    size : pair of float, optional
        Inches; of the style in use by default.

    Returns
    -------
    Figure
        Not shown and not saved; see `scanner.figures.save.save`.

    Raises
    ------
    ValueError
        A plane of another shape than its axes, or a level that makes no sense.
    """
    said = note or Note()
    cls = sorted({cl} if isinstance(cl, float | int) else set(cl))
    with style.journal():
        figure, frame = new_frame(said, size or style.size())
        for which, axis in zip("xy", planes.axes, strict=True):
            style.set_scale(frame, which, axis)
        x_label, y_label = labels or tuple(style.label(a.name, a.unit) for a in planes.axes)
        frame.set_xlabel(style.scaled(x_label, planes.axes[0]))
        frame.set_ylabel(style.scaled(y_label, planes.axes[1]))
        imprint = lay_out(figure, frame, said)
        handles, lines, warning = draw_scan(frame, planes, cls, dof)
        said = replace(said, warnings=(*said.warnings, warning) if warning else said.warnings)
        level = f"{', '.join(levels.percent(c) for c in cls)} CL, {dof} dof"
        verb = "expected to be excluded" if planes.expected else "excluded"
        heading = said.heading(f"{verb} at {level}" if handles else level)
        legend = _dress(frame, planes, handles, lines, heading)
        finish(figure, frame, legend, imprint)
    return figure


def _dress(
    frame: Axes,
    planes: Planes,
    handles: Sequence[Artist],
    lines: Sequence[Array],
    heading: Sequence[str],
) -> Legend:
    """Published limits, marks and all that is written: nothing on our own lines."""
    drawn = draw_published(frame, planes.published)
    ours = [*lines, *(np.array([mark.at, mark.at]) for mark in planes.marks)]
    tags = write_tags(frame, drawn, ours)
    named = [*ours, *tags.values()]
    visible = [*named, *(ring for other in drawn for ring in other.outlines)]
    shown = [*handles, *entries(drawn, tags)]
    legend = place_legend(frame, shown, visible, heading)
    unnamed, names = draw_marks(frame, planes.marks, named, legend.get_window_extent())
    if unnamed:
        legend = place_legend(frame, [*shown, *unnamed], [*visible, *names], heading)
    return legend

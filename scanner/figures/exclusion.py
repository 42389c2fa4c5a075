"""Exclusion figure: Delta chi2 on a plane -> excluded region, lines, legend (arrays only)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path

from scanner.contours import Contour, contours, excluded_polygons
from scanner.figures import style
from scanner.figures.frame import Note, finish, lay_out, new_frame
from scanner.figures.legend import covers, place_legend, points_in_pixels
from scanner.figures.lettering import listed, safe, wrapped
from scanner.figures.thinning import thinned
from scanner.grid import Axis
from scanner.statistics import levels

Array = npt.NDArray[np.float64]

_NOTHING = "nothing excluded"
_TEXT_SIZE = 8.0  # pt, inside the frame
_TEXT_SHARE = 0.85  # of the width of the frame
_MOST_LINES = 8  # of names, in an empty frame


@dataclass(frozen=True)
class Published:
    """A published limit to draw beside ours: vertices (n, 2) in the units of the two axes."""

    label: str
    vertices: Array


@dataclass(frozen=True)
class Planes:
    """What an exclusion figure shows.

    Parameters
    ----------
    axes : pair of Axis
        x and y.
    combined : array, shape (len(axes[0]), len(axes[1]))
        Delta chi2 of the combination; NaN where there is no value.
    combined_label : str
        Its name in the legend.
    singles : mapping from label to array of the same shape
        Delta chi2 of each experiment alone, from its own reference.
    published : sequence of Published
        Limits of others.
    """

    axes: tuple[Axis, Axis]
    combined: Array
    combined_label: str = "combined"
    singles: Mapping[str, Array] = field(default_factory=dict)
    published: Sequence[Published] = ()


def exclusion_figure(
    planes: Planes,
    *,
    cl: float = 0.9,
    dof: int = 2,
    note: Note | None = None,
    labels: tuple[str, str] | None = None,
    size: tuple[float, float] = style.COLUMN_SIZE,
) -> Figure:
    """Excluded region of the combination, lines of each experiment, in one journal column.

    Parameters
    ----------
    planes : Planes
        Delta chi2 to draw.
    cl : float
        Confidence level as a fraction.
    dof : int
        Degrees of freedom.
    note : Note
        Title, reference, provenance and share of the grid that is computed.
    labels : pair of str
        Axis labels, see `scanner.figures.style.label`; names and units of the axes by default.
    size : pair of float
        Inches.

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
    with style.journal():
        figure, frame = new_frame(said, size)
        for which, axis in zip("xy", planes.axes, strict=True):
            style.set_scale(frame, which, axis)
        x_label, y_label = labels or tuple(style.label(a.name, a.unit) for a in planes.axes)
        frame.set_xlabel(x_label)
        frame.set_ylabel(y_label)
        imprint = lay_out(figure, frame, said)
        handles, lines = _draw(frame, planes, cl, dof)
        level = f"{levels.percent(cl)} CL, {dof} dof"
        heading = said.heading(f"excluded at {level}" if handles else level)
        legend = place_legend(frame, handles, lines, heading)
        finish(figure, frame, legend, imprint)
    return figure


def _draw(frame: Axes, planes: Planes, cl: float, dof: int) -> tuple[list[Artist], list[Array]]:
    """Region, lines and missing points; the legend entries and what must stay visible."""
    swatch, visible = _draw_scan(frame, planes, cl, dof)
    for number, other in enumerate(planes.published):
        look: dict[str, Any] = {"color": style.QUIET, "linewidth": 0.9, "zorder": 2.0}
        look["dashes"] = style.line(number)["dashes"]
        frame.add_line(Line2D(*other.vertices.T, **look))
        visible.append(other.vertices)
        seen = covers(frame.bbox, points_in_pixels(frame, [other.vertices]))
        swatch.append(Line2D([], [], label=other.label + ("" if seen else " (outside)"), **look))
    if not np.isfinite(planes.combined).all():
        swatch.append(_hatch_missing(frame, planes))
    return swatch, visible


def _draw_scan(
    frame: Axes, planes: Planes, cl: float, dof: int
) -> tuple[list[Artist], list[Array]]:
    """Region of the combination and lines of each experiment; in words where there is nothing."""
    curves = {planes.combined_label: planes.combined, **planes.singles}
    found = {name: contours(plane, planes.axes, [cl], dof)[0] for name, plane in curves.items()}
    remarks = {name: _remark(curves[name], contour) for name, contour in found.items()}
    if all(remark == _NOTHING for remark in remarks.values()):
        return [], [_say_nothing(frame, list(curves))]
    swatch: list[Artist] = []
    look: dict[str, Any]
    for number, (name, contour) in enumerate(found.items()):
        entry = f"{name} ({remarks[name]})" if remarks[name] else name
        polygons = excluded_polygons(curves[name], planes.axes, contour.level)
        if number == 0:
            look = {"color": style.COMBINED, "linewidth": 1.2, "zorder": 4.0}
            _outline(frame, contour, _fill(frame, polygons, facecolor=style.EXCLUDED), look)
            swatch.append(Patch(facecolor=style.EXCLUDED, edgecolor=style.COMBINED, label=entry))
        else:
            look = {**style.line(number - 1), "linewidth": 1.1, "zorder": 3.0}
            _outline(frame, contour, _fill(frame, polygons, facecolor="none"), look)
            swatch.append(Line2D([], [], label=entry, **look))
    return swatch, [line.vertices for contour in found.values() for line in contour.lines]


def _remark(plane: Array, contour: Contour) -> str:
    """Why there is no line of that plane inside the frame; empty where there is one."""
    if contour.lines:
        return ""
    values = plane[np.isfinite(plane)]
    if not values.size:
        return "no value"
    return "all excluded" if (values > contour.level).any() else _NOTHING


def _say_nothing(frame: Axes, names: Sequence[str]) -> Array:
    """An empty frame says whose it is, and that it is empty on purpose; the box of the text."""
    room = _TEXT_SHARE * frame.get_window_extent().width / frame.figure.dpi
    whose = wrapped(listed([safe(name) for name in names]), room, _TEXT_SIZE)
    if whose.count("\n") >= _MOST_LINES:
        whose = f"by any of {len(names) - 1} experiments"
    text = frame.text(
        0.5,
        0.55,
        f"{_NOTHING} at this level\n{whose}",
        transform=frame.transAxes,
        ha="center",
        va="center",
        fontsize=_TEXT_SIZE,
        zorder=5.0,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.9, "pad": 3.0},
    )
    (x0, y0), (x1, y1) = text.get_window_extent().get_points()
    ring = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)])
    return np.asarray(frame.transData.inverted().transform(ring))


def _outline(frame: Axes, contour: Contour, region: PathPatch | None, look: dict[str, Any]) -> None:
    """Draw the outline of a region, cut to its inside.

    The line is drawn twice as wide and cut to the excluded side: a strip that is as thin as the
    line stays open.
    """
    wide = {**look, "linewidth": 2.0 * look["linewidth"]}
    if "dashes" in look:
        wide["dashes"] = tuple(0.5 * length for length in look["dashes"])  # in line widths
    for line in contour.lines:
        artist = Line2D(*thinned(frame, line.vertices).T, solid_joinstyle="round", **wide)
        frame.add_line(artist)
        artist.set_in_layout(False)  # it ends at the frame, and to measure it takes long
        artist.set_clip_path(region)


def _fill(frame: Axes, polygons: Sequence[Sequence[Array]], **look: Any) -> PathPatch | None:
    """Polygons with their holes: rings that run the other way round stay empty."""
    rings = [ring for polygon in polygons for ring in polygon]
    if not rings:
        return None
    path = Path.make_compound_path(*(Path(thinned(frame, ring), closed=True) for ring in rings))
    patch = PathPatch(path, linewidth=0.0, zorder=1.0, **look)
    frame.add_patch(patch)
    patch.set_in_layout(False)
    return patch


def _hatch_missing(frame: Axes, planes: Planes) -> Patch:
    look: dict[str, Any] = {"facecolor": style.MISSING, "hatch": "/////", "edgecolor": "#BBBBBB"}
    missing = (~np.isfinite(planes.combined)).astype(np.float64)
    _fill(frame, excluded_polygons(missing, planes.axes, 0.5), **look)
    return Patch(label="no value", linewidth=0.0, **look)

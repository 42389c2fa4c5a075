"""Our own limits in a frame: excluded regions, lines of each experiment and level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path

from scanner.contours import Contour, contours, excluded_polygons
from scanner.figures import style
from scanner.figures.lettering import listed, safe, wrapped
from scanner.figures.planes import Planes
from scanner.figures.thinning import thinned
from scanner.statistics import levels
from scanner.strips import beads

Array = npt.NDArray[np.float64]

_NOTHING = "nothing excluded"
_SHADING = "shading: colour of the largest contribution"
_TEXT_SIZE = 8.0  # pt, inside the frame
_TEXT_SHARE = 0.85  # of the width of the frame
_MOST_LINES = 8  # of names, in an empty frame
_SHADE, _SHADE_OPACITY = 5.0, 0.45  # pt; of the line that tells the driver
_MANY_BEADS = 3  # one may be real
_ABOVE_OTHERS = 0.55  # opacity of our region where published ones lie beneath


def draw_scan(
    frame: Axes, planes: Planes, cls: Sequence[float], dof: int
) -> tuple[list[Artist], list[Array], str]:
    """Regions of the combination, lines of each experiment, missing points.

    Parameters
    ----------
    frame : Axes
        With its scales and limits.
    cls : sequence of float
        Confidence levels as fractions, lowest first.

    Returns
    -------
    handles, lines, warning
        Legend entries, what must stay visible, in data units, and a sentence where the line of the
        combination is one of the grid rather than of the likelihood.
    """
    curves = {planes.combined_label: planes.combined, **planes.singles}
    found = {name: contours(plane, planes.axes, cls, dof) for name, plane in curves.items()}
    remarks = {name: _remark(curves[name], lowest) for name, (lowest, *_) in found.items()}
    if all(remark == _NOTHING for remark in remarks.values()):
        swatch, lines = [], [_say_nothing(frame, list(curves))]
    else:
        swatch = _draw_curves(frame, planes, found, remarks)
        swatch += _shade(frame, planes)
        lines = [line.vertices for each in found.values() for one in each for line in one.lines]
    if not np.isfinite(planes.combined).all():
        swatch.append(_hatch_missing(frame, planes))
    return swatch, lines, _warning(found[planes.combined_label][0], planes)


def _warning(contour: Contour, planes: Planes) -> str:
    """Said where the line falls apart into islands of the size of the grid's cells."""
    x, y = planes.axes
    rings = [
        np.stack([x.to_scale(line.vertices[:, 0]), y.to_scale(line.vertices[:, 1])], axis=1)
        for line in contour.lines
        if line.closed
    ]
    number = beads(rings, (x.to_scale(x.coordinates), y.to_scale(y.coordinates)))
    return f"grid too coarse: {number} islands of a cell" if number >= _MANY_BEADS else ""


def _draw_curves(
    frame: Axes,
    planes: Planes,
    found: Mapping[str, Sequence[Contour]],
    remarks: Mapping[str, str],
) -> list[Artist]:
    """All curves at all levels; the legend entries."""
    swatch: list[Artist] = []
    curves = {planes.combined_label: planes.combined, **planes.singles}
    many = max(len(each) for each in found.values()) > 1
    for number, (name, each) in enumerate(found.items()):
        entry = f"{name} ({remarks[name]})" if remarks[name] else name
        for step, contour in enumerate(each):
            polygons = excluded_polygons(curves[name], planes.axes, contour.level)
            look = _line(number, step, many=many)
            _outline(frame, contour, _fill(frame, polygons, **_face(number, step, planes)), look)
        if number == 0 and not planes.expected:
            swatch.append(Patch(facecolor=style.EXCLUDED, edgecolor=style.COMBINED, label=entry))
        else:
            swatch.append(Line2D([], [], label=entry, **_line(number, 0, many=many)))
    if many:
        shared = found[planes.combined_label]
        swatch += [_level_entry(contour.cl, step) for step, contour in enumerate(shared)]
    return swatch


def _shade(frame: Axes, planes: Planes) -> list[Artist]:
    """A broad pale line along the combination's, in the colour of each stretch's driver."""
    names = list(planes.singles)
    look: dict[str, Any] = {"linewidth": style.stroke(_SHADE), "alpha": _SHADE_OPACITY}
    for name, vertices in planes.driven:
        colour = style.line(names.index(name))["color"]
        shade = Line2D(*thinned(frame, vertices).T, color=colour, zorder=3.5, **look)
        shade.set_solid_capstyle("butt")
        frame.add_line(shade)
        shade.set_in_layout(False)
    entry = Line2D([], [], color=style.QUIET, label=_SHADING, **look)
    return [entry] if planes.driven else []


def _line(number: int, step: int, *, many: bool) -> dict[str, Any]:
    """Line of curve `number` (0: the combination) at the level of number `step`."""
    if number == 0:
        look: dict[str, Any] = {"color": style.COMBINED, "linewidth": 1.2, "zorder": 4.0}
    else:
        look = {**style.line(number - 1), "linewidth": 1.0 if many else 1.1, "zorder": 3.0}
    if many:
        look.pop("dashes", None)
        look |= _dashes(step)
    return {**look, "linewidth": style.stroke(look["linewidth"])}


def _dashes(step: int) -> dict[str, Any]:
    dashes = style.LEVEL_DASHES[step % len(style.LEVEL_DASHES)]
    return {"dashes": dashes} if dashes else {}


def _level_entry(cl: float, step: int) -> Line2D:
    look = {"color": style.QUIET, "linewidth": style.stroke(1.0), **_dashes(step)}
    return Line2D([], [], label=f"{levels.percent(cl)} CL", **look)


def _face(number: int, step: int, planes: Planes) -> dict[str, Any]:
    """Only what is measured is filled, darker at each level, and lets published regions through."""
    if number > 0 or planes.expected:
        return {"facecolor": "none"}
    face = {"facecolor": style.EXCLUDED if step == 0 else style.EXCLUDED_MORE}
    return {**face, "alpha": _ABOVE_OTHERS} if planes.published else face


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
    whose = wrapped(listed([safe(name) for name in names]), room, style.points(_TEXT_SIZE))
    if whose.count("\n") >= _MOST_LINES:
        whose = f"by any of {len(names) - 1} experiments"
    text = frame.text(
        0.5,
        0.55,
        f"{_NOTHING} at this level\n{whose}",
        transform=frame.transAxes,
        ha="center",
        va="center",
        fontsize=style.points(_TEXT_SIZE),
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

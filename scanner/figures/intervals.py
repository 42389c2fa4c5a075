"""Allowed intervals of many parameters: one row each, experiments as colours, levels as bars."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import NullLocator

from scanner.figures import style
from scanner.figures.bars import BAR, Bar, Ends, draw_bar, look_of, paler
from scanner.figures.lettering import safe
from scanner.figures.lettering import width as text_width
from scanner.figures.names import unit_alone
from scanner.figures.panels import PAGE_INCHES, new_page, place
from scanner.grid import Axis
from scanner.statistics import levels

_GAP = 0.12  # inches between rows
_TEXT = 0.145  # inches of a line of a label
_FOOT = 0.42  # inches of the ticks and the label of a panel
_HEAD = 0.5  # inches of the legend
_USUAL_LINES = 2  # of the legend: series, signs
_HANDLE, _BETWEEN = 1.8, 1.2  # font sizes; handles of the legend, gap between its columns
_RENDERERS = 1.04  # they differ by some percent in the length of a line
_POINTS_PER_INCH = 72.0
_ALIKE = 8.0  # ratio of lengths up to which rows share a panel
_MARGIN = 0.10  # of the width of a panel
_COMBINED = "combined"
_SM: dict[str, Any] = {"color": style.QUIET, "linewidth": 0.9, "linestyle": (0, (3.0, 1.5))}


@dataclass(frozen=True)
class Row:
    """One parameter.

    Parameters
    ----------
    label : str
        What stands beside it: its symbol, or other lines.
    axis : Axis
        Its scanned values.
    bars : sequence of Bar
        From the top down.
    standard_model : float, optional
        Its value there.
    walls : pair of bool
        Whether the axis starts, and ends, at a bound of the parameter itself: no arrow there.
    symbol : str
        For the axis; by default the first line of the label.
    """

    label: str
    axis: Axis
    bars: Sequence[Bar]
    standard_model: float | None = None
    walls: tuple[bool, bool] = (False, False)
    symbol: str = ""

    @property
    def inches(self) -> float:
        """Height without the gap below."""
        return max(BAR * len(self.bars), _TEXT * (self.label.count("\n") + 1))


@dataclass(frozen=True)
class _Panel:
    rows: tuple[Row, ...]

    @property
    def inches(self) -> float:
        return sum(row.inches for row in self.rows) + _GAP * (len(self.rows) + 1) + _FOOT


def intervals_figure(
    rows: Sequence[Row],
    *,
    title: str = "",
    heading: str = "",
    x_label: str = "",
    provenance: str = "",
    shaded: Sequence[Ends] = (),
    width: float = PAGE_INCHES,
) -> Figure:
    """Bars of allowed values, nested by confidence level; rows of one unit share a panel.

    Parameters
    ----------
    rows : sequence of Row
        From the top down.
    heading : str
        Head of the legend: degrees of freedom, reference.
    x_label : str
        Where the rows have one parameter; by default from their labels and units.
    shaded : sequence of pairs
        Stretches of the first panel that are shaded.

    Raises
    ------
    ValueError
        No rows, or a level that makes no sense.
    """
    if not rows:
        raise ValueError("no rows: give at least one parameter")
    cls = sorted({cl for row in rows for bar in row.bars for cl in bar.pieces})
    for cl in cls:
        levels.delta_chi2(cl, 1)  # refuses what is no level
    panels = _panels(rows)
    colours = _colours([bar.series for row in rows for bar in row.bars])
    with style.journal():
        heights = [panel.inches for panel in panels]
        entries = _arranged(_series(colours), _signs(rows, cls), width)
        head = _HEAD + _TEXT * (len(entries) - _USUAL_LINES)
        figure = new_page(title, provenance, (width, sum(heights) + head))
        block = figure.subfigures(1, 1, squeeze=False)[0, 0]
        frames = block.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
        for frame, panel in zip(frames, panels, strict=True):
            _draw_panel(frame, panel, cls, colours)
        if x_label:
            frames[-1].set_xlabel(x_label)
        for ends in shaded:
            _shade(frames[0], ends)
        block.legend(
            handles=[handle for column in zip(*entries, strict=True) for handle in column],
            loc="outside upper center",
            ncols=len(entries[0]),
            title=heading or None,
            columnspacing=_BETWEEN,
            handlelength=_HANDLE,
        )
        place(figure)
    return figure


def _panels(rows: Sequence[Row]) -> list[_Panel]:
    """Neighbouring rows of one unit, scale and size together."""
    groups: list[list[Row]] = []
    for row in rows:
        if groups and _share(groups[-1][0], row):
            groups[-1].append(row)
        else:
            groups.append([row])
    return [_Panel(tuple(group)) for group in groups]


def _share(one: Row, other: Row) -> bool:
    if (one.axis.unit, one.axis.logarithmic) != (other.axis.unit, other.axis.logarithmic):
        return False
    (a, b), (c, d) = _limits((one,)), _limits((other,))
    together, least = max(b, d) - min(a, c), min(b - a, d - c)
    return together <= _ALIKE * least


def _limits(rows: Sequence[Row]) -> tuple[float, float]:
    """Range to draw on the axis scale: all ends, best fits and SM values; else the axes."""
    axis = rows[0].axis
    values = [v for row in rows for v in _values(row)]
    scaled = [float(axis.to_scale(v)) for v in values if v > 0.0 or not axis.logarithmic]
    ends = [float(axis.to_scale(row.axis.coordinates[i])) for row in rows for i in (0, -1)]
    if len(scaled) < 2 or max(scaled) == min(scaled):
        return min(ends), max(ends)
    margin = _MARGIN * (max(scaled) - min(scaled))
    if axis.logarithmic:
        margin = max(margin, 0.3)
    return max(min(scaled) - margin, min(ends)), min(max(scaled) + margin, max(ends))


def _values(row: Row) -> list[float]:
    ends = [e for bar in row.bars for p in bar.pieces.values() for pair in p for e in pair]
    found = [e for e in ends if e is not None]
    found += [bar.best for bar in row.bars if math.isfinite(bar.best)]
    sm = _sm(row)
    return found + ([] if sm is None else [sm])


def _sm(row: Row) -> float | None:
    """Standard Model value of a row; None where its axis has no place for it."""
    if row.standard_model is None or (row.axis.logarithmic and row.standard_model <= 0.0):
        return None
    return row.standard_model


def _colours(series: Sequence[str]) -> dict[str, str]:
    """Black for the combination, else the experiments' colours, in order of appearance."""
    names = list(dict.fromkeys(series))
    singles = [name for name in names if name != _COMBINED]
    found = {name: style.COLOURS[i % len(style.COLOURS)] for i, name in enumerate(singles)}
    first = [_COMBINED] if _COMBINED in names else []
    return {name: found.get(name, style.COMBINED) for name in [*first, *singles]}


def _draw_panel(
    frame: Axes, panel: _Panel, cls: Sequence[float], colours: Mapping[str, str]
) -> None:
    axis = panel.rows[0].axis
    low, high = (float(axis.from_scale(x)) for x in _limits(panel.rows))
    scale = Axis(axis.name, "log" if axis.logarithmic else "linear", low, high, 2)
    style.set_scale(frame, "x", scale)
    y, ticks = _GAP, []
    for row in panel.rows:
        top, y = y, y + 0.5 * (row.inches - BAR * len(row.bars))
        for bar in row.bars:
            draw_bar(frame, bar, y + 0.5 * BAR, cls, colours[bar.series], row.walls)
            y += BAR
        y = top + row.inches
        ticks.append(0.5 * (top + y))
        sm, half = _sm(row), 0.4 * _GAP
        if sm is not None:
            frame.plot([sm, sm], [top - half, y + half], zorder=5.0, **_SM)
        y += _GAP
    frame.set_ylim(y, 0.0)
    frame.set_yticks(ticks, [_safe_lines(row.label) for row in panel.rows], linespacing=1.15)
    frame.tick_params(axis="y", which="both", length=0.0)
    frame.yaxis.set_minor_locator(NullLocator())
    frame.set_xlabel(style.scaled(_axis_label(panel.rows), scale))


def _safe_lines(label: str) -> str:
    return "\n".join(safe(line) for line in label.split("\n"))


def _axis_label(rows: Sequence[Row]) -> str:
    unit = unit_alone(rows[0].axis.unit)
    labels = list(dict.fromkeys(row.symbol or row.label.split("\n")[0] for row in rows))
    name = labels[0] if len(labels) == 1 else "value"
    return safe(f"{name} [{unit}]" if unit else ("" if name == "value" else name))


def _shade(frame: Axes, band: Ends) -> None:
    left, right = frame.get_xlim()
    low, high = left if band[0] is None else band[0], right if band[1] is None else band[1]
    frame.axvspan(low, high, color=style.EXCLUDED, alpha=0.6, linewidth=0.0, zorder=0.5)


def _series(colours: Mapping[str, str]) -> list[Artist]:
    return [Patch(facecolor=colour, label=safe(name)) for name, colour in colours.items()]


def _signs(rows: Sequence[Row], cls: Sequence[float]) -> list[Artist]:
    """Levels, best fit and Standard Model."""
    signs: list[Artist] = []
    for number, cl in enumerate(cls):
        height, shade = look_of(number, len(cls))
        line: dict[str, Any] = {"color": paler("#444444", shade), "linewidth": 5.0 * height / BAR}
        signs.append(Line2D([], [], label=f"{levels.percent(cl)} CL", **line))
    if any(math.isfinite(bar.best) for row in rows for bar in row.bars):
        best: dict[str, Any] = {"markerfacecolor": "white", "color": "black", "linestyle": "none"}
        best |= {"marker": "o", "markersize": 3.0, "markeredgewidth": 0.6}
        signs.append(Line2D([], [], label="best fit", **best))
    if any(_sm(row) is not None for row in rows):
        signs.append(Line2D([], [], label="Standard Model", **_SM))
    return signs


def _arranged(
    series: Sequence[Artist], signs: Sequence[Artist], inches: float
) -> list[list[Artist]]:
    """Lines of the legend: series first, then signs, in as many columns as there is room for."""
    for columns in range(max(len(series), len(signs)), 0, -1):
        lines = [*_lines(series, columns), *_lines(signs, columns)]
        if _legend_inches(lines) <= inches:
            break
    return lines


def _lines(handles: Sequence[Artist], columns: int) -> list[list[Artist]]:
    """Lines of as many entries each, the last filled up with blanks."""
    blanks = [Line2D([], [], label=" ", linestyle="none")] * (-len(handles) % columns)
    filled = [*handles, *blanks]
    return [filled[i : i + columns] for i in range(0, len(filled), columns)]


def _legend_inches(lines: Sequence[Sequence[Artist]]) -> float:
    """Width of the legend with its pads: each column is as wide as its longest label."""
    size = float(mpl.rcParams["legend.fontsize"])
    texts = [
        max(text_width(str(h.get_label()), size) for h in column)
        for column in zip(*lines, strict=True)
    ]
    pads = len(texts) * (_HANDLE + mpl.rcParams["legend.handletextpad"])
    pads += (len(texts) - 1) * _BETWEEN
    pads += 2.0 * (mpl.rcParams["legend.borderpad"] + mpl.rcParams["legend.borderaxespad"])
    return _RENDERERS * sum(texts) + float(pads) * size / _POINTS_PER_INCH

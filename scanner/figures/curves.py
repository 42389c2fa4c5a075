"""Curves in panels side by side: spectra, cross sections, measured points (arrays only)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from scanner.figures import style
from scanner.figures.panels import PAGE_INCHES, new_page, place

Array = npt.NDArray[np.float64]
Scale = Literal["linear", "log"]

_HEIGHT = 2.9  # inches of the panels
_BROKEN = (4, 1.4)


@dataclass(frozen=True)
class Curve:
    """A line.

    Parameters
    ----------
    x, y : array (n,)
        Its points.
    label : str
        For the legend; "" leaves it out.
    look : int or None
        Number of its colour; None draws it black.
    broken : bool
        Whether it is dashed.
    """

    x: Array
    y: Array
    label: str = ""
    look: int | None = 0
    broken: bool = False


@dataclass(frozen=True)
class Measured:
    """A value with its errors.

    Parameters
    ----------
    x, y : float
        Where it is.
    low, high : float
        Ends of its vertical bar.
    label : str
        For the legend.
    look : int or None
        Number of its colour and sign; None: black.
    left, right : float, optional
        Ends of a horizontal bar.
    open : bool
        Whether the sign is empty: of others.
    """

    x: float
    y: float
    low: float
    high: float
    label: str = ""
    look: int | None = 0
    left: float | None = None
    right: float | None = None
    open: bool = False


@dataclass(frozen=True)
class Panel:
    """One frame.

    Parameters
    ----------
    x_label, y_label : str
        With units.
    shown : sequence of Curve or Measured
        Drawn in that order.
    x_range, y_range : pair of float, optional
        Ends of the axes.
    x_scale, y_scale : str
        ``linear`` or ``log``.
    heading : str
        Of the legend.
    """

    x_label: str
    y_label: str
    shown: Sequence[Curve | Measured]
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None
    x_scale: Scale = "linear"
    y_scale: Scale = "linear"
    heading: str = ""


_SIGNS = ("o", "s", "D", "^", "v", "P", "X")


def curves_figure(panels: Sequence[Panel], *, title: str = "", provenance: str = "") -> Figure:
    """One frame for each panel, side by side over two journal columns; one alone takes one.

    Raises
    ------
    ValueError
        A curve with another number of values than places.
    """
    for panel in panels:
        for one in panel.shown:
            _check(one)
    with style.journal():
        width = PAGE_INCHES if len(panels) > 1 else 0.62 * PAGE_INCHES
        figure = new_page(title, provenance, (width, _HEIGHT))
        frames = figure.subplots(1, len(panels), squeeze=False)[0]
        for frame, panel in zip(frames, panels, strict=True):
            _draw(frame, panel)
        place(figure)
    return figure


def _check(one: Curve | Measured) -> None:
    if isinstance(one, Curve) and np.shape(one.x) != np.shape(one.y):
        raise ValueError(
            f"curve {one.label!r} has {np.shape(one.x)} places and {np.shape(one.y)} values"
        )


def _draw(frame: Axes, panel: Panel) -> None:
    frame.set(xscale=panel.x_scale, yscale=panel.y_scale)
    for one in panel.shown:
        if isinstance(one, Curve):
            _draw_curve(frame, one)
        else:
            _draw_measured(frame, one)
    frame.set(xlabel=panel.x_label, ylabel=panel.y_label)
    if panel.x_range is not None:
        frame.set_xlim(panel.x_range)
    if panel.y_range is not None:
        frame.set_ylim(panel.y_range)
    for axis, scale in ((frame.xaxis, panel.x_scale), (frame.yaxis, panel.y_scale)):
        if scale == "log":
            axis.set_major_locator(LogLocator(numticks=10))
            subs = [float(k) for k in range(2, 10)]
            axis.set_minor_locator(LogLocator(subs=subs, numticks=100))
            axis.set_minor_formatter(NullFormatter())
    if any(one.label for one in panel.shown) or panel.heading:
        frame.legend(loc="best", title=panel.heading or None, alignment="left")


def _draw_curve(frame: Axes, one: Curve) -> None:
    (line,) = frame.plot(
        one.x, one.y, label=one.label, linewidth=style.stroke(1.2), color=_colour(one.look)
    )
    if one.broken:
        line.set_dashes(_BROKEN)


def _draw_measured(frame: Axes, one: Measured) -> None:
    colour = _colour(one.look)
    sides = None
    if one.left is not None and one.right is not None:
        sides = [[one.x - one.left], [one.right - one.x]]
    frame.errorbar(
        [one.x],
        [one.y],
        yerr=[[one.y - one.low], [one.high - one.y]],
        xerr=sides,
        fmt=_SIGNS[(one.look or 0) % len(_SIGNS)],
        color=colour,
        markersize=4.0,
        markerfacecolor="white" if one.open else colour,
        capsize=0.0,
        linewidth=style.stroke(1.0),
        label=one.label,
    )


def _colour(look: int | None) -> str:
    return style.COMBINED if look is None else style.COLOURS[look % len(style.COLOURS)]

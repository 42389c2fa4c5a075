"""The band that conventions give a limit: the limit itself, and its ratio to the nominal one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from scanner.figures import style
from scanner.figures.panels import new_page, place
from scanner.grid import Axis

Array = npt.NDArray[np.float64]

_SIZE = (style.COLUMN_INCHES, 4.1)
_RATIOS = (1.5, 1.0)
_FILL = "#DCE8F2"
_DASHES: tuple[Any, ...] = ("-", *((0, dash) for dash in style.DASHES))


@dataclass(frozen=True)
class Line:
    """One convention's limit (n,), NaN where there is none.

    `group` gives its colour and `kind` its dashes; an empty kind has none.
    """

    limit: Array
    group: str
    kind: str = ""


def band_figure(
    axis: Axis,
    lines: Sequence[Line],
    *,
    labels: tuple[str, str],
    logarithmic: bool = True,
    title: str = "",
    heading: str = "",
    provenance: str = "",
    size: tuple[float, float] = _SIZE,
) -> Figure:
    """Band, nominal line, and below both the ratio of every convention to the nominal one.

    Parameters
    ----------
    axis : Axis
        x.
    lines : sequence of Line
        The nominal one first.
    labels : pair of str
        Of x and of the limit.
    logarithmic : bool
        Scale of the limit.

    Raises
    ------
    ValueError
        No line, or one of another length than its axis.
    """
    if not lines:
        raise ValueError("no lines: the first is the nominal limit")
    for line in lines:
        if np.shape(line.limit) != (len(axis),):
            raise ValueError(
                f"a limit has shape {np.shape(line.limit)}, axis {axis.name} has {len(axis)}"
            )
    groups = list(dict.fromkeys(line.group for line in lines))
    colours = {g: style.COLOURS[i % len(style.COLOURS)] for i, g in enumerate(groups)}
    kinds = list(dict.fromkeys(line.kind for line in lines))
    dashes = {k: _DASHES[i % len(_DASHES)] for i, k in enumerate(kinds)}
    limits = np.array([line.limit for line in lines])
    with style.journal():
        figure = new_page(title, provenance, size)
        block = figure.subfigures(1, 1, squeeze=False)[0, 0]
        upper, lower = block.subplots(2, 1, sharex=True, height_ratios=_RATIOS)
        style.set_scale(upper, "x", axis)
        upper.set_yscale("log" if logarithmic else "linear")
        x = axis.coordinates
        _fill(upper, x, limits)
        upper.plot(x, limits[0], color=style.COMBINED, linewidth=1.0, zorder=3.0)
        upper.set_ylabel(labels[1])
        ratios = limits / limits[0]
        _fill(lower, x, ratios)
        for line, ratio in zip(lines[1:], ratios[1:], strict=True):
            look: dict[str, Any] = {"color": colours[line.group], "linestyle": dashes[line.kind]}
            lower.plot(x, ratio, linewidth=0.8, zorder=2.5, **look)
        lower.axhline(1.0, color=style.COMBINED, linewidth=1.0, zorder=3.0)
        lower.yaxis.set_major_locator(MaxNLocator(5))
        lower.set_ylabel("limit / nominal")
        lower.set_xlabel(labels[0])
        block.legend(
            handles=_handles(colours, dashes, len(lines)),
            loc="outside upper center",
            ncols=2,
            title=heading or None,
            columnspacing=1.0,
            handlelength=1.6,
        )
        place(figure)
    return figure


def _fill(frame: Axes, x: Array, limits: Array) -> None:
    look: dict[str, Any] = {"facecolor": _FILL, "linewidth": 0.0, "zorder": 1.0}
    frame.fill_between(x, np.min(limits, axis=0), np.max(limits, axis=0), **look)


def _handles(colours: dict[str, str], dashes: dict[str, Any], n: int) -> list[Artist]:
    handles: list[Artist] = [
        Line2D([], [], color=style.COMBINED, linewidth=1.0, label="nominal"),
        Patch(facecolor=_FILL, label=f"{n} conventions"),
    ]
    handles += [
        Line2D([], [], color=colour, linewidth=0.9, label=group)
        for group, colour in colours.items()
    ]
    return handles + [
        Line2D([], [], color=style.QUIET, linewidth=0.9, linestyle=dash, label=kind)
        for kind, dash in dashes.items()
        if kind
    ]

"""Bars of allowed values, nested by confidence level."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle

Ends = tuple[float | None, float | None]

BAR = 0.11  # inches of one experiment's bar


@dataclass(frozen=True)
class Bar:
    """One experiment's (or combination's) limits on a parameter.

    Parameters
    ----------
    series : str
        Experiment: the same name has the same colour everywhere.
    pieces : mapping from confidence level to pairs
        Disjoint intervals; an end is None where there is no limit.
    best : float
        Best fit; NaN where there is none.
    """

    series: str
    pieces: Mapping[float, Sequence[Ends]]
    best: float = math.nan


def draw_bar(
    frame: Axes,
    bar: Bar,
    y: float,
    cls: Sequence[float],
    colour: str,
    walls: tuple[bool, bool],
) -> None:
    """Widest level thin and pale, narrowest thick and dark; an arrow where there is no limit."""
    left, right = frame.get_xlim()
    for number, cl in reversed(list(enumerate(cls))):
        height, shade = look_of(number, len(cls))
        for low, high in bar.pieces.get(cl, ()):
            start, stop = left if low is None else low, right if high is None else high
            face = paler(colour, shade)
            frame.add_patch(
                Rectangle(
                    (start, y - 0.5 * height),
                    stop - start,
                    height,
                    facecolor=face,
                    linewidth=0.0,
                    zorder=2.0 + 0.1 * (len(cls) - number),
                )
            )
            edges = ((low, left, "<", walls[0]), (high, right, ">", walls[1]))
            for end, edge, marker, wall in edges:
                if end is None and not wall:
                    look: dict[str, Any] = {"color": face, "clip_on": False, "markersize": 4.0}
                    frame.plot([edge], [y], marker=marker, zorder=4.0, **look)
    if not any(bar.pieces.values()):
        _say_nothing(frame, bar, y, colour)
    if math.isfinite(bar.best):
        look = {"markerfacecolor": "white", "markeredgecolor": "black", "markeredgewidth": 0.6}
        frame.plot([bar.best], [y], marker="o", markersize=3.0, zorder=6.0, clip_on=True, **look)


def _say_nothing(frame: Axes, bar: Bar, y: float, colour: str) -> None:
    """In words, beside the best fit where there is more room."""
    left, right = frame.transAxes.transform([(0.0, 0.0), (1.0, 0.0)])[:, 0]
    middle = 0.5 * (left + right)
    x = frame.transData.transform((bar.best, y))[0] if math.isfinite(bar.best) else middle
    before = x > middle
    frame.annotate(
        "nothing allowed",
        xy=(frame.transData.inverted().transform((x, 0.0))[0], y),
        xytext=(-5.0 if before else 5.0, 0.0),
        textcoords="offset points",
        ha="right" if before else "left",
        va="center",
        fontsize=6.0,
        color=colour,
    )


def look_of(number: int, of: int) -> tuple[float, float]:
    """Height (inches of the panel) and paleness of the level of that number, lowest first."""
    share = number / max(of - 1, 1)
    return BAR * (0.78 - 0.48 * share), 0.62 * share


def paler(colour: str, share: float) -> tuple[float, float, float]:
    r, g, b = to_rgb(colour)
    return (r + (1 - r) * share, g + (1 - g) * share, b + (1 - b) * share)

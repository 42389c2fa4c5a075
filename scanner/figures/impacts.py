"""Ranked impacts of pulls on a parameter, with the pulls beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from scanner.figures import style
from scanner.figures.panels import PAGE_INCHES, new_page, place
from scanner.figures.pulls import BANDS, PullRow, draw_pulls

_ROW = 0.19  # inches
_REST = 1.05  # inches of heading, legend and labels
_HEIGHT = 0.34  # of a row, for one sign
_UP, _DOWN = style.COLOURS[1], style.COLOURS[0]


@dataclass(frozen=True)
class ImpactRow:
    """One pull, and the shifts of the parameter with it moved down and up.

    By its post-fit width (`postfit`) and by its prior width (`prior`).
    """

    pull: PullRow
    postfit: tuple[float, float]
    prior: tuple[float, float]


def impacts_figure(
    rows: Sequence[ImpactRow],
    *,
    label: str,
    title: str = "",
    heading: str = "",
    provenance: str = "",
    width: float = PAGE_INCHES,
) -> Figure:
    """Bars of both signs for each pull, the first row on top; pulls in a panel of their own.

    Parameters
    ----------
    rows : sequence of ImpactRow
        In their order.
    label : str
        Of the shift, with its unit.
    heading : str
        Head of the legend: the best fit and its errors.

    Raises
    ------
    ValueError
        No rows.
    """
    if not rows:
        raise ValueError("no rows: an impact needs a pull")
    with style.journal():
        figure = new_page(title, provenance, (width, _REST + _ROW * len(rows)))
        block = figure.subfigures(1, 1, squeeze=False)[0, 0]
        pulls, bars = block.subplots(1, 2, width_ratios=[1.0, 1.3])
        draw_pulls(pulls, [row.pull for row in rows])
        pulls.set_xlabel(r"pull [$\sigma$ of the prior]")
        _draw_bars(bars, rows)
        bars.set_xlabel(label)
        block.legend(
            handles=[
                Line2D([], [], color="black", marker="o", markersize=3.2, label="pull, post-fit"),
                Patch(facecolor=BANDS[1][1], label=r"$\pm$1 $\sigma$ prior"),
                Patch(facecolor=_DOWN, label=r"pull $-1\,\sigma$ post-fit"),
                Patch(facecolor=_UP, label=r"pull $+1\,\sigma$ post-fit"),
                Patch(facecolor="none", edgecolor=style.QUIET, label=r"$\pm1\,\sigma$ prior"),
            ],
            loc="outside upper center",
            ncols=5,
            title=heading or None,
            title_fontsize=8.0,
            columnspacing=1.2,
            handlelength=1.6,
        )
        place(figure)
    return figure


def _draw_bars(frame: Axes, rows: Sequence[ImpactRow]) -> None:
    places = np.arange(len(rows))
    outline: dict[str, Any] = {"facecolor": "none", "linewidth": 0.7, "zorder": 3.0}
    for sign, colour in ((0, _DOWN), (1, _UP)):
        # side by side: where both have one sign, neither hides the other
        at = places + (sign - 0.5) * _HEIGHT
        shifts = [row.postfit[sign] for row in rows]
        frame.barh(at, shifts, height=_HEIGHT, color=colour, linewidth=0.0, zorder=2.0)
        wide = [row.prior[sign] for row in rows]
        frame.barh(at, wide, height=_HEIGHT, edgecolor=colour, **outline)
    frame.axvline(0.0, color=style.QUIET, linewidth=0.6, zorder=4.0)
    largest = max(abs(shift) for row in rows for shift in (*row.postfit, *row.prior))
    frame.set_xlim(-1.08 * largest, 1.08 * largest) if largest > 0.0 else None
    frame.set_ylim(len(rows) - 0.4, -0.6)
    frame.set_yticks([])
    frame.tick_params(axis="y", which="both", length=0.0)
    frame.tick_params(axis="x", which="minor", length=0.0)

"""A point in its experiments: fitted pulls against their priors, residuals by observable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from scanner.experiment import BinAxis
from scanner.figures import style
from scanner.figures.names import observable_label, readable
from scanner.figures.panels import PAGE_INCHES, new_page, place

Array = npt.NDArray[np.float64]

_ROW = 0.17  # inches of one pull
_LEAST = 1.5  # inches of a block without its heading
_HEAD = 0.75  # inches of heading, legend and labels
BANDS = ((2.0, "#EEEEEE"), (1.0, "#D4D4D4"))
_POINT: dict[str, Any] = {"color": "black", "marker": "o", "markersize": 3.2, "linestyle": "none"}
_OTHER: dict[str, Any] = {
    "color": style.COLOURS[1],
    "marker": "s",
    "markersize": 3.0,
    "markerfacecolor": "white",
    "linestyle": "none",
}
_SHIFT = 0.17  # rows between the two fits


@dataclass(frozen=True)
class PullRow:
    """One pull: fitted value and post-fit width, in units of the prior width.

    `other` is the same of a second fit, to compare with. A parameter without a prior (`free`) is in
    its usual steps.
    """

    name: str
    value: float
    width: float
    other: tuple[float, float] | None = None
    free: bool = False


@dataclass(frozen=True)
class Residuals:
    """(data - fit)/error of one observable, (n_bins,), of the point and of a second fit."""

    axis: BinAxis
    point: Array
    other: Array | None = None


def point_figure(
    pulls: Mapping[str, Sequence[PullRow]],
    residuals: Mapping[str, Sequence[Residuals]],
    *,
    title: str = "",
    provenance: str = "",
    labels: tuple[str, str] = ("point", "Standard Model"),
    width: float = PAGE_INCHES,
) -> Figure:
    """One block for each experiment: pulls on the left, residuals on the right.

    Parameters
    ----------
    pulls, residuals : mappings with the same headings
        What to draw.
    labels : pair of str
        Names of the two fits.

    Raises
    ------
    ValueError
        Other headings, or residuals of another length than their observable has bins.
    """
    if set(pulls) != set(residuals):
        raise ValueError(f"pulls of {list(pulls)}, residuals of {list(residuals)}: give both")
    for projections in residuals.values():
        for row in projections:
            if np.shape(row.point) != (row.axis.n,):
                raise ValueError(
                    f"residuals of {row.axis.name}: {np.shape(row.point)} for {row.axis.n} bins"
                )
    heights = [_HEAD + max(_LEAST, _ROW * len(rows)) for rows in pulls.values()]
    with style.journal():
        figure = new_page(title, provenance, (width, sum(heights)))
        blocks = figure.subfigures(len(pulls), 1, squeeze=False, height_ratios=heights)[:, 0]
        for block, (heading, rows) in zip(blocks, pulls.items(), strict=True):
            _draw_block(block, heading, rows, residuals[heading], labels)
        place(figure)
    return figure


def _draw_block(
    block: SubFigure,
    heading: str,
    rows: Sequence[PullRow],
    residuals: Sequence[Residuals],
    labels: tuple[str, str],
) -> None:
    others = [*(row.other for row in rows), *(row.other for row in residuals)]
    both = any(other is not None for other in others)
    ratios = [1.3, *(1.0 for _ in residuals)]
    panels = block.subplots(1, 1 + len(residuals), squeeze=False, width_ratios=ratios)[0]
    draw_pulls(panels[0], rows, _SHIFT if both else 0.0)
    steps = "; steps of free ones" if any(row.free for row in rows) else ""
    panels[0].set_xlabel(rf"pull [$\sigma$ of the prior{steps}]")
    highest = max(3.0, 1.15 * max(_largest(row) for row in residuals))
    for frame, row in zip(panels[1:], residuals, strict=True):
        _draw_residuals(frame, row)
        frame.set_ylim(-highest, highest)
    panels[1].set_ylabel("(data $-$ fit) / error")
    block.legend(
        handles=_handles(labels, both),
        loc="outside upper center",
        ncols=4,
        title=heading,
        title_fontsize=8.0,
        columnspacing=1.4,
    )


def draw_pulls(frame: Axes, rows: Sequence[PullRow], shift: float = 0.0) -> None:
    """Rows from the top down; bands of one and two prior widths behind them."""
    for half, colour in BANDS:
        frame.axvspan(-half, half, color=colour, linewidth=0.0, zorder=0.5)
    frame.axvline(0.0, color=style.QUIET, linewidth=0.6, zorder=1.0)
    places = np.arange(len(rows), dtype=np.float64)
    values = np.array([row.value for row in rows])
    widths = np.array([row.width for row in rows])
    frame.errorbar(values, places - shift, xerr=widths, elinewidth=1.0, zorder=4.0, **_POINT)
    second = [(i + shift, *row.other) for i, row in enumerate(rows) if row.other is not None]
    if second:
        at, others, sizes = np.array(second).T
        frame.errorbar(others, at, xerr=sizes, elinewidth=0.8, zorder=3.0, **_OTHER)
    ends = [abs(row.value) + row.width for row in rows] + [abs(o) + w for _, o, w in second]
    most = max(2.2, 1.05 * max(ends, default=0.0))
    frame.set_xlim(-most, most)
    frame.set_ylim(len(rows) - 0.4, -0.6)
    frame.set_yticks(places, [readable(row.name) for row in rows], fontsize=7.0)
    frame.tick_params(axis="y", which="both", length=0.0)
    frame.minorticks_off()


def _draw_residuals(frame: Axes, row: Residuals) -> None:
    edges = row.axis.edges
    middle, half = 0.5 * (edges[:-1] + edges[1:]), 0.5 * np.diff(edges)
    for size, colour in BANDS:
        frame.axhspan(-size, size, color=colour, linewidth=0.0, zorder=0.5)
    frame.axhline(0.0, color=style.QUIET, linewidth=0.6, zorder=1.0)
    frame.errorbar(middle, row.point, xerr=half, elinewidth=0.8, zorder=4.0, **_POINT)
    if row.other is not None:
        frame.plot(middle, row.other, zorder=3.0, **_OTHER)
    frame.set_xlim(edges[0], edges[-1])
    frame.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    frame.set_xlabel(observable_label(row.axis))


def _largest(row: Residuals) -> float:
    both = [row.point] if row.other is None else [row.point, row.other]
    return float(np.abs(both).max())


def _handles(labels: tuple[str, str], both: bool) -> list[Artist]:
    handles: list[Artist] = [Line2D([], [], label=labels[0], **_POINT)]
    if both:
        handles.append(Line2D([], [], label=labels[1], **_OTHER))
    handles += [
        Patch(facecolor=colour, edgecolor="none", label=rf"$\pm${half:g} $\sigma$")
        for half, colour in reversed(BANDS)
    ]
    return handles

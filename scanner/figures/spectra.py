"""Data and prediction by observable: stacked backgrounds and signal, and the signal alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from scanner.experiment import BinAxis
from scanner.figures import style
from scanner.figures.names import component_label, observable_label, per_bin, readable
from scanner.figures.panels import PAGE_INCHES, new_page, place

Array = npt.NDArray[np.float64]

_GREYS = ("#DDDDDD", "#B0B0B0", "#848484", "#5C5C5C")
_COLOURS = (*style.COLOURS[:3], *style.COLOURS[4:])  # the other is the Standard Model's
_LEAST_SHARE = 0.02  # of the signal; smaller components are drawn as one
_ROWS = (1.75, 1.75)  # inches of the whole spectrum and of the signal
_HEAD = 0.6  # inches of heading and legend
_HEADROOM = 1.12
_MOST_COLUMNS = 9


@dataclass(frozen=True)
class Projection:
    """Bins of one observable, summed over the others; arrays are counts, shape (n,).

    Parameters
    ----------
    axis : BinAxis
        The observable.
    observed : array (n,)
        Data.
    errors : array (2, n)
        Lengths of the error bars, downwards and upwards.
    backgrounds, signal : mapping from name to array (n,)
        What the prediction is stacked from, fitted.
    standard_model : array (n,) or None
        Fitted total of the Standard Model; None where it is the prediction itself.
    data : str
        What the points are, for the legend.
    """

    axis: BinAxis
    observed: Array
    errors: Array
    backgrounds: Mapping[str, Array]
    signal: Mapping[str, Array]
    standard_model: Array | None = None
    data: str = "data"

    @property
    def background(self) -> Array:
        """All backgrounds, (n,)."""
        return np.asarray(sum(self.backgrounds.values(), np.zeros(self.axis.n)))


def spectra_figure(
    spectra: Mapping[str, Sequence[Projection]],
    *,
    title: str = "",
    provenance: str = "",
    width: float = PAGE_INCHES,
) -> Figure:
    """One block for each experiment: the whole spectrum above, less its backgrounds below.

    Parameters
    ----------
    spectra : mapping from heading to projections
        One column of panels for each projection.
    title, provenance : str
        Above and below.
    width : float
        Inches.

    Raises
    ------
    ValueError
        An array of another length than its axis has bins.
    """
    for heading, projections in spectra.items():
        for projection in projections:
            _check(heading, projection)
    with style.journal():
        height = len(spectra) * (_HEAD + sum(_ROWS))
        figure = new_page(title, provenance, (width, height))
        blocks = figure.subfigures(len(spectra), 1, squeeze=False)[:, 0]
        for block, (heading, projections) in zip(blocks, spectra.items(), strict=True):
            _draw_block(block, heading, projections)
        place(figure)
    return figure


def _check(heading: str, projection: Projection) -> None:
    arrays = {"observed": projection.observed, "errors": projection.errors[0]}
    arrays |= {**projection.backgrounds, **projection.signal}
    for name, counts in arrays.items():
        if np.shape(counts) != (projection.axis.n,):
            raise ValueError(
                f"{heading}: {name} has shape {np.shape(counts)}, observable "
                f"{projection.axis.name} has {projection.axis.n} bins"
            )


def _draw_block(block: SubFigure, heading: str, projections: Sequence[Projection]) -> None:
    projections = _merged(projections)
    panels = block.subplots(2, len(projections), sharex="col", squeeze=False, height_ratios=_ROWS)
    for column, projection in enumerate(projections):
        upper, lower = panels[0, column], panels[1, column]
        _draw_whole(upper, projection)
        _draw_signal(lower, projection)
        upper.set_ylabel(per_bin("Counts", projection.axis))
        lower.set_ylabel(per_bin(r"Counts $-$ backgr.", projection.axis))
        lower.set_xlabel(observable_label(projection.axis))
        lower.set_xlim(projection.axis.edges[0], projection.axis.edges[-1])
    handles = _handles(projections[0])
    block.legend(
        handles=handles,
        loc="outside upper center",
        ncols=min(len(handles), _MOST_COLUMNS),
        columnspacing=1.1,
        handlelength=1.6,
        title=heading,
        title_fontsize=8.0,
    )


def _merged(projections: Sequence[Projection]) -> list[Projection]:
    """The same with the small components of the signal in one, the same in all observables."""
    small = _small(projections[0].signal)
    if len(small) < 2:
        return list(projections)
    kinds = {name.partition(" ")[2] for name in small}
    label = (kinds.pop() if len(kinds) == 1 else "") or "other"
    return [replace(one, signal=_joined(one.signal, small, label)) for one in projections]


def _small(signal: Mapping[str, Array]) -> list[str]:
    """Components that are too small to be seen, or more than there are colours."""
    sizes = {name: float(np.abs(counts).sum()) for name, counts in signal.items()}
    least = _LEAST_SHARE * sum(sizes.values())
    large = sorted((n for n in sizes if sizes[n] >= least), key=lambda n: -sizes[n])
    return [name for name in signal if name not in large[: len(_COLOURS) - 1]]


def _joined(signal: Mapping[str, Array], names: Sequence[str], label: str) -> dict[str, Array]:
    rest = {name: counts for name, counts in signal.items() if name not in names}
    return {**rest, label: np.asarray(sum(signal[name] for name in names))}


def _draw_whole(frame: Axes, projection: Projection) -> None:
    """Backgrounds from the ground up, the signal on top of them."""
    foot = np.zeros(projection.axis.n)
    for _, counts, look in _parts(projection):
        _fill(frame, projection.axis, foot, foot + counts, look)
        foot = foot + counts
    _line(frame, projection.axis, foot, {"color": "black", "linewidth": 0.8})
    if projection.standard_model is not None:
        _line(frame, projection.axis, projection.standard_model, _SM)
    _points(frame, projection, 0.0)
    tops = projection.observed + projection.errors[1], foot, projection.standard_model
    highest = max(float((t / _unit(projection.axis)).max()) for t in tops if t is not None)
    frame.set_ylim(0.0, _HEADROOM * highest)


def _draw_signal(frame: Axes, projection: Projection) -> None:
    """Everything less the fitted backgrounds of the prediction."""
    foot = np.zeros(projection.axis.n)
    for counts, look in _signal_parts(projection):
        _fill(frame, projection.axis, foot, foot + counts, look)
        foot = foot + counts
    _line(frame, projection.axis, foot, {"color": "black", "linewidth": 0.8})
    frame.axhline(0.0, color="black", linewidth=0.6, zorder=2.5)
    if projection.standard_model is not None:
        _line(frame, projection.axis, projection.standard_model - projection.background, _SM)
    _points(frame, projection, projection.background)
    frame.margins(y=0.08)


_SM: dict[str, Any] = {
    "color": style.COLOURS[3],
    "linewidth": 1.3,
    "linestyle": (0, (3.0, 1.2)),
    "zorder": 4.0,
}
_DATA: dict[str, Any] = {
    "color": "black",
    "marker": "o",
    "markersize": 2.6,
    "linestyle": "none",
    "elinewidth": 0.8,
    "zorder": 5.0,
}


def _parts(projection: Projection) -> list[tuple[str, Array, dict[str, Any]]]:
    """The largest background at the bottom, the signal on top."""
    order = sorted(projection.backgrounds.items(), key=lambda item: -float(item[1].sum()))
    parts = [(n, c, {"facecolor": _GREYS[i % len(_GREYS)]}) for i, (n, c) in enumerate(order)]
    named = zip(projection.signal, _signal_parts(projection), strict=True)
    return parts + [(name, counts, look) for name, (counts, look) in named]


def _signal_parts(projection: Projection) -> list[tuple[Array, dict[str, Any]]]:
    return [
        (counts, {"facecolor": _COLOURS[i]}) for i, counts in enumerate(projection.signal.values())
    ]


def _handles(projection: Projection) -> list[Artist]:
    look: dict[str, Any] = {k: v for k, v in _DATA.items() if k not in ("zorder", "elinewidth")}
    handles: list[Artist] = [Line2D([], [], label=projection.data, **look)]
    if projection.standard_model is not None:
        look = {key: value for key, value in _SM.items() if key != "zorder"}
        handles.append(Line2D([], [], label="Standard Model, fitted", **look))
    for name, _, look in reversed(_parts(projection)):
        label = component_label(name) if name in projection.signal else readable(name)
        handles.append(Patch(label=label, edgecolor="none", **look))
    return handles


def _fill(frame: Axes, axis: BinAxis, low: Array, high: Array, look: dict[str, Any]) -> None:
    width = _unit(axis)
    frame.stairs(high / width, axis.edges, baseline=low / width, fill=True, linewidth=0.0, **look)


def _line(frame: Axes, axis: BinAxis, counts: Array, look: dict[str, Any]) -> None:
    frame.stairs(counts / _unit(axis), axis.edges, baseline=None, **look)


def _points(frame: Axes, projection: Projection, background: Array | float) -> None:
    width, edges = _unit(projection.axis), projection.axis.edges
    middle = 0.5 * (edges[:-1] + edges[1:])
    height = (projection.observed - background) / width
    frame.errorbar(middle, height, yerr=projection.errors / width, **_DATA)


def _unit(axis: BinAxis) -> Array:
    """What counts are divided by: the widths of unequal bins, else nothing."""
    widths = np.diff(axis.edges)
    return np.ones_like(widths) if np.allclose(widths, widths[0]) else widths

"""Several panels in one figure: title above, provenance as a footer, room for both."""

from __future__ import annotations

from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from scanner.figures import style
from scanner.figures.lettering import listed, safe, words, wrapped

PAGE_INCHES = 7.0  # two journal columns
_TITLE_SIZE = 9.0  # pt
_FOOT_SIZE = 6.0
_SHARE = 0.94  # of the width of the figure
_SLACK = 0.96  # the renderers differ by some percent in the length of a line
_EDGE = 0.04  # inches
_LABEL_SHARE = 1.2  # of the width of a panel: the gap beside it is wider than the rest
_LINE = 1.35 / 72.0  # inches of a line, for each point of its size


def new_page(title: str, provenance: str, size: tuple[float, float]) -> Figure:
    """Empty figure with its title and its footer; the caller holds `style.journal`.

    `size` (inches) is that of the panels: title and footer make the figure higher.
    """
    head = wrapped(words(safe(title)), _SHARE * size[0], _TITLE_SIZE) if title else ""
    pieces = listed(safe(provenance.replace("+-", "\N{PLUS-MINUS SIGN}")).split(", "))
    foot = wrapped(pieces, _SLACK * _SHARE * size[0], _FOOT_SIZE) if provenance else ""
    above = (head.count("\n") + 1) * _LINE * _TITLE_SIZE + _EDGE if head else 0.0
    below = (foot.count("\n") + 1) * _LINE * _FOOT_SIZE + _EDGE if foot else 0.0
    height = size[1] + above + below
    figure = Figure(figsize=(size[0], height), layout="constrained")
    figure.set_label(provenance)
    FigureCanvasAgg(figure)
    rect = (0.0, below / height, 1.0, size[1] / height)
    figure.set_layout_engine("constrained", rect=rect)
    at = _EDGE / height
    if head:
        figure.text(0.5, 1.0 - at, head, ha="center", va="top", fontsize=_TITLE_SIZE)
    if foot:
        look: dict[str, Any] = {"fontsize": _FOOT_SIZE, "color": style.QUIET, "linespacing": 1.25}
        figure.text(0.5 * (1.0 - _SHARE), at, foot, ha="left", va="bottom", **look)
    return figure


def place(figure: Figure) -> None:
    """Lay out once and keep it; labels that would run into their neighbours are broken."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
        if _break_labels(figure):
            engine.execute(figure)
        figure.set_layout_engine(None)


def _break_labels(figure: Figure) -> bool:
    """Break the labels below panels that are too wide; whether there was one."""
    broken = False
    for frame in figure.axes:
        label = frame.xaxis.label
        room = _LABEL_SHARE * frame.get_window_extent().width / figure.dpi
        text = wrapped(words(label.get_text()), room, float(label.get_fontsize()))
        if "\n" in text:
            frame.set_xlabel(text)
            broken = True
    return broken

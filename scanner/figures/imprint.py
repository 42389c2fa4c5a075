"""The provenance of a figure: up to three small lines along its right edge."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from scanner.figures import style
from scanner.figures.lettering import listed, safe, words, wrapped

_LINES = 3
_TAIL = 2  # pieces at the end that are kept
_SIZES = (7.0, 6.0)  # pt, the first that fits
_EDGE = 0.03  # inches kept free at the edge of the figure
_GAP = 0.02  # inches between the strip and what is left of it
_SLACK = 0.97  # the renderers differ by a percent in the length of a line


def add_imprint(figure: Figure, frame: Axes, provenance: str) -> Text | None:
    """Write the provenance and keep a strip of the figure for it alone.

    The layout then ends at the strip, so that no label and no legend can run into the text.
    """
    if not provenance:
        return None
    box = frame.get_window_extent()
    text, size = _fitted(provenance, box.height / figure.dpi, box.y1 / figure.dpi - _EDGE)
    total = figure.get_figwidth()
    imprint = figure.text(
        1.0 - _EDGE / total,
        0.5,
        text,
        rotation="vertical",
        ha="right",
        va="bottom",
        multialignment="left",
        fontsize=size,
        color=style.QUIET,
    )
    strip = imprint.get_window_extent().width / figure.dpi + _EDGE + _GAP
    figure.set_layout_engine("constrained", rect=(0.0, 0.0, 1.0 - strip / total, 1.0))
    return imprint


def place_imprint(imprint: Text, figure: Figure, frame: Axes) -> None:
    """Start at the foot of the frame; a text that is longer than the frame ends at its top."""
    box = frame.get_window_extent()
    bottom = min(box.y0, box.y1 - imprint.get_window_extent().height)
    imprint.set_y(max(bottom / figure.bbox.height, _EDGE / figure.get_figheight()))


def _fitted(provenance: str, frame: float, room: float) -> tuple[str, float]:
    """Text in at most three lines and its size: along the frame, else down to the lower edge.

    What fits nowhere loses pieces, but not the first, which are the scan and what is unusual in it,
    and not the last, which is the version.
    """
    pieces = safe(provenance.replace("+-", "\N{PLUS-MINUS SIGN}")).split(", ")
    sizes = [style.points(size) for size in _SIZES]
    size, smallest = sizes[0], sizes[-1]
    for size, inches in [*((size, frame) for size in sizes), (smallest, room)]:
        text = _lines(pieces, inches, size)
        if text.count("\n") < _LINES:
            return text, size
    for kept in range(len(pieces), 1, -1):
        tail = min(_TAIL, kept // 2)
        gap = ["..."] * (kept < len(pieces))
        told = listed([*pieces[: kept - tail], *gap, *pieces[len(pieces) - tail :]])
        text = wrapped(words(" ".join(told)), _SLACK * room, size)
        if text.count("\n") < _LINES:
            return text, size
    return "\n".join(text.split("\n")[:_LINES]), size


def _lines(pieces: Sequence[str], inches: float, size: float) -> str:
    return wrapped(listed(pieces), _SLACK * inches, size)

"""An empty journal column: frame, title, provenance line."""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from scanner.figures import style

_REFERENCES = {
    "global": "from the global minimum",
    "sm": "from the Standard Model",
    "raster": "from the minimum of each column",
}
_CHARACTERS_PER_INCH = 18.0  # of the provenance line, 7 pt
_TITLE_CHARACTERS_PER_INCH = 15.0


@dataclass(frozen=True)
class Note:
    """What is written around the curves.

    Parameters
    ----------
    title : str
        Of the definition.
    reference : str
        Zero of Delta chi2: ``global``, ``sm`` or ``raster``.
    provenance : str
        Scan id, coupling scheme, form factor, version.
    computed : float
        Share of the grid that was run.
    """

    title: str = ""
    reference: str = "global"
    provenance: str = ""
    computed: float = 1.0

    def heading(self, level: str = "") -> str:
        """Title of the legend, where no cropping loses it: level, reference, what is missing."""
        lines = [level] if level else []
        lines.append(rf"$\Delta\chi^2$ {_REFERENCES[self.reference]}")
        if self.computed < 1.0:
            lines.append(percent_done(self.computed))
        return "\n".join(lines)


def percent_done(computed: float) -> str:
    """Share of the grid in words, rounded down: 100 % means everything.

    >>> percent_done(0.9999)
    '99 % of the grid computed'
    """
    return f"{math.floor(100.0 * computed)} % of the grid computed"


def new_frame(note: Note, size: tuple[float, float]) -> tuple[Figure, Axes]:
    """Figure and frame with title and provenance; the caller holds `style.journal`."""
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    frame = figure.add_subplot()
    width, height = size
    if note.title:
        title = textwrap.fill(note.title, int(width * _TITLE_CHARACTERS_PER_INCH))
        figure.suptitle(title, fontsize=8.0)
    if note.provenance:
        text = textwrap.fill(note.provenance, int(height * _CHARACTERS_PER_INCH))
        # outside on the right: cropped by nobody by accident, hides nothing
        frame.annotate(
            text,
            xy=(1.0, 0.0),
            xycoords="axes fraction",
            xytext=(3.0, 0.0),
            textcoords="offset points",
            rotation="vertical",
            va="bottom",
            ha="left",
            fontsize=7.0,
            color=style.QUIET,
        )
    return figure, frame


def freeze(figure: Figure) -> None:
    """Lay out once and keep it: each further layout would move everything by a hair."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")

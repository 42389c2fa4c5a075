"""An empty journal column: frame, title, provenance, and the room that each of them needs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Text

from scanner.figures import style
from scanner.figures.imprint import add_imprint, place_imprint
from scanner.figures.lettering import safe, words, wrapped

_REFERENCES = {
    "global": "from the global minimum",
    "sm": "from the Standard Model",
    "raster": "from the minimum of each column",
    "held": "from the minimum at the held values",
}
_TITLE_SIZE = 8.0  # pt
_TITLE_SHARE = 0.95  # of the width of the figure
_TITLE_LINE = 1.3 / 72.0  # inches per point of type


@dataclass(frozen=True)
class Note:
    """What is written around the curves.

    Parameters
    ----------
    title : str
        Of the definition.
    reference : str
        Zero of Delta chi2: ``global``, ``sm``, ``raster``, or ``held`` for one with parameters
        held.
    provenance : str
        Scan id, coupling scheme, form factor, version.
    computed : float
        Share of the grid that was run.
    warnings : tuple of str
        What a reader of the curves has to know.
    bare : bool
        Without the title and without the provenance along the edge, for a paper whose caption says
        both; the file keeps the provenance in its metadata.
    """

    title: str = ""
    reference: str = "global"
    provenance: str = ""
    computed: float = 1.0
    warnings: tuple[str, ...] = ()
    bare: bool = False

    def heading(self, level: str) -> list[str]:
        """Head of the legend, where no cropping loses it: level, reference, what is missing."""
        lines = [level, rf"$\Delta\chi^2$ {_REFERENCES[self.reference]}"]
        if self.computed < 1.0:
            lines.append(percent_done(self.computed))
        return [*lines, *self.warnings]


def percent_done(computed: float) -> str:
    """Share of the grid in words, rounded down: 100 % means everything.

    >>> percent_done(0.9999)
    '99 % of the grid computed'
    """
    return f"{math.floor(100.0 * computed)} % of the grid computed"


def new_frame(note: Note, size: tuple[float, float]) -> tuple[Figure, Axes]:
    """Figure and frame with its title; the caller holds `style.journal`."""
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    frame = figure.add_subplot()
    if note.title and not note.bare:
        points = style.points(_TITLE_SIZE)
        title = wrapped(words(safe(note.title)), _TITLE_SHARE * size[0], points)
        figure.suptitle(title, fontsize=points)
        _heighten(figure, title.count("\n") * _TITLE_LINE * points)
    return figure, frame


def lay_out(figure: Figure, frame: Axes, note: Note) -> Text | None:
    """Give the frame its place, once labels and scales are set; the provenance, if there is one."""
    figure.set_label(note.provenance)  # `save` puts it into the file
    _place(figure)
    imprint = None if note.bare else add_imprint(figure, frame, note.provenance)
    _place(figure)
    return imprint


def finish(figure: Figure, frame: Axes, legend: Legend, imprint: Text | None) -> None:
    """Make room for a legend above the frame, and keep the layout as it is.

    Each further layout would move everything by a hair, so this one is the last.
    """
    above = legend.get_window_extent().y1 - frame.get_window_extent().y1
    _heighten(figure, above / figure.dpi)
    _place(figure)
    figure.set_layout_engine(None)  # the style names none; "none" would cost one more drawing
    if imprint is not None:
        place_imprint(imprint, figure, frame)


def _place(figure: Figure) -> None:
    """Lay out without drawing."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)


def _heighten(figure: Figure, inches: float) -> None:
    """Make the figure higher: a journal fixes its width, and the frame must not become flat."""
    if inches > 0.0:
        figure.set_figheight(figure.get_figheight() + inches)

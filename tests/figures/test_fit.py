"""Nothing that is written on a figure overlaps anything else or leaves the figure."""

import dataclasses
import itertools
from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from scanner.figures.exclusion import Planes, exclusion_figure
from scanner.figures.frame import Note
from scanner.figures.profile import profile_figure
from scanner.grid import Axis

AXES = (Axis("mass", "log", 0.1, 1e4, 30, "MeV"), Axis("coupling", "log", 1e-6, 1e-2, 40))
M, G = np.meshgrid(*(axis.coordinates for axis in AXES), indexing="ij")
WAVES = 20.0 * np.sin(3.0 * np.log(M)) ** 2 * np.sin(3.0 * np.log(G)) ** 2  # no corner is free
BAND = 60.0 * (G / 1e-4) ** 2
PROVENANCE = "scan a1b44587f5028e76, universal, AC22, helm, gaussian_500ns, cevns-scanner 0.1.0"
LONG = "A very long name of an experiment at a reactor, second run with more shielding, 2031"
NOTE = Note("Universal light vector mediator, COHERENT", "raster", PROVENANCE, 0.8333)

NOTES = {
    "usual": NOTE,
    "no words": Note(),
    "long title": dataclasses.replace(NOTE, title=r"$L_\mu - L_\tau$ light vector, " * 9),
    "one word": dataclasses.replace(NOTE, title="title" * 40),
    "longer": dataclasses.replace(
        NOTE, provenance=PROVENANCE.replace(", helm", ", helm" + ", neutron_radius = 5.41" * 3)
    ),
    "endless": dataclasses.replace(
        NOTE, provenance=PROVENANCE.replace(", helm", ", helm" + ", neutron_radius = 5.41" * 40)
    ),
    "unbroken": dataclasses.replace(NOTE, provenance="x" * 900),
}
NAMES = {
    "one": [],
    "two": ["COHERENT CsI 2021", "COHERENT LAr 2020"],
    "long": ["COHERENT CsI 2021", LONG, r"CONUS+ $\mathrm{^{76}Ge}$ " * 5],
    "many": [f"experiment {n}" for n in range(14)],
    "many long": [f"{LONG}, {n}" for n in range(8)],
}


def plane(values: np.ndarray) -> Callable[[Note, list[str]], Figure]:
    def make(note: Note, names: list[str]) -> Figure:
        return exclusion_figure(
            Planes(AXES, values, singles=dict.fromkeys(names, values)), note=note
        )

    return make


def line(note: Note, names: list[str]) -> Figure:
    x = AXES[0].coordinates
    curve = np.log(x) ** 2 - 40.0  # the levels lie close together
    return profile_figure(AXES[0], curve, singles=dict.fromkeys(names, curve / 2.0), note=note)


def ticks(figure: Figure) -> list[Text]:
    """Labels of those ticks that are drawn."""
    (frame,) = figure.axes
    return [t.label1 for axis in (frame.xaxis, frame.yaxis) for t in axis._update_ticks()]


def written(figure: Figure) -> list[Text]:
    """All words on the figure but the ticks."""
    (frame,) = figure.axes
    legend = frame.get_legend()
    texts = [*figure.findobj(lambda artist: artist is figure._suptitle), *figure.texts]
    texts += [*frame.texts, frame.xaxis.label, frame.yaxis.label]
    texts += [*legend.get_texts(), legend.get_title()]
    return [text for text in dict.fromkeys(texts) if text.get_text().strip()]


def check(figure: Figure) -> None:
    figure.draw_without_rendering()
    words = [(text.get_text(), text.get_window_extent()) for text in written(figure)]
    labels = [(tick.get_text(), tick.get_window_extent()) for tick in ticks(figure)]
    page = figure.bbox
    outside = [
        name
        for name, box in words
        if box.x0 < page.x0 or box.x1 > page.x1 or box.y0 < page.y0 or box.y1 > page.y1
    ]
    assert outside == []
    pairs = [*itertools.combinations(words, 2), *itertools.product(words, labels)]
    overlapping = [
        (one, other)
        for (one, a), (other, b) in pairs
        # line boxes of neighbours may touch; less than two pixels (1/50 inch) is air
        if min(min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)) > 2.0
    ]
    assert overlapping == []


@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize(
    "make",
    [plane(WAVES), plane(BAND), plane(0.0 * M), line],
    ids=["waves", "band", "nothing", "profile"],
)
def test_any_number_of_names_fits(
    make: Callable[[Note, list[str]], Figure], names: list[str]
) -> None:
    check(make(NOTE, names))


@pytest.mark.parametrize("note", NOTES.values(), ids=NOTES)
@pytest.mark.parametrize("make", [plane(WAVES), line], ids=["waves", "profile"])
def test_any_note_fits(make: Callable[[Note, list[str]], Figure], note: Note) -> None:
    check(make(note, NAMES["two"]))


def test_a_legend_above_makes_the_figure_higher_not_the_frame_flat() -> None:
    figure = plane(WAVES)(NOTE, NAMES["many"])
    width, height = figure.get_size_inches()
    assert width == pytest.approx(3.4)
    assert height > 3.5
    plain = plane(BAND)(NOTE, []).axes[0].get_window_extent().height
    assert figure.axes[0].get_window_extent().height > 0.99 * plain


def imprint(figure: Figure) -> Text:
    return next(text for text in figure.texts if text.get_text().startswith(("scan", "x")))


@pytest.mark.parametrize("name", ["usual", "longer", "endless", "unbroken"])
def test_the_provenance_has_three_lines_at_most_of_six_points_at_least(name: str) -> None:
    text = imprint(plane(WAVES)(NOTES[name], []))
    assert text.get_text().count("\n") <= 2
    assert 6.0 <= text.get_fontsize() <= 7.0


def test_a_provenance_is_whole_or_keeps_its_ends() -> None:
    whole = imprint(plane(WAVES)(NOTES["longer"], [])).get_text()
    assert whole.replace("\n", " ") == NOTES["longer"].provenance
    cut = imprint(plane(WAVES)(NOTES["endless"], [])).get_text().replace("\n", " ")
    assert cut.startswith("scan a1b44587f5028e76, universal")
    assert ", ..., " in cut
    assert cut.endswith("cevns-scanner 0.1.0")


@pytest.mark.parametrize(
    "title",
    [
        "costs 5 $",
        r"$\nosuchsymbol$",
        "$",
        "$$",
        r"$L_\mu$ for 5 $ or 6",
        r"a \$ b $x$",
        "$x$ % _ ^",
    ],
)
def test_no_title_breaks_a_figure(title: str) -> None:
    for make in (plane(WAVES), plane(0.0 * M), line):
        check(make(dataclasses.replace(NOTE, title=title, provenance=title), [title]))

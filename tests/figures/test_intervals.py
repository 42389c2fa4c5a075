"""Interval summary: every piece is a bar of its own, open ends are arrows, units are not mixed."""

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from scanner.figures import style
from scanner.figures.bars import Bar
from scanner.figures.intervals import Row, intervals_figure
from scanner.grid import Axis

EPS = Axis("eps", "linear", -1.0, 1.0, 11)
TWO = Bar("CsI", {0.9: [(-0.1, 0.1), (0.3, 0.4)], 0.6827: [(-0.05, 0.05)]}, 0.0)
OPEN = Bar("LAr", {0.9: [(None, 0.2)]}, -0.3)


def bars(frame):
    patches = [patch for patch in frame.patches if isinstance(patch, Rectangle)]
    return sorted((p.get_x(), p.get_x() + p.get_width()) for p in patches)


def arrows(frame):
    return [line for line in frame.lines if line.get_marker() in "<>"]


def test_disjoint_pieces_and_levels_are_bars_of_their_own() -> None:
    [frame] = intervals_figure([Row("eps", EPS, [TWO])]).axes
    np.testing.assert_allclose(bars(frame), [(-0.1, 0.1), (-0.05, 0.05), (0.3, 0.4)])
    heights = {p.get_width(): p.get_height() for p in frame.patches if isinstance(p, Rectangle)}
    assert heights[min(heights)] > 0.0
    assert not arrows(frame)


def test_an_open_end_reaches_the_frame_with_an_arrow() -> None:
    [frame] = intervals_figure([Row("eps", EPS, [TWO, OPEN])]).axes
    [arrow] = arrows(frame)
    assert arrow.get_marker() == "<"
    assert arrow.get_xdata()[0] == frame.get_xlim()[0] == bars(frame)[0][0]


def test_a_bound_of_the_parameter_is_no_open_end() -> None:
    [frame] = intervals_figure([Row("eps", EPS, [OPEN], walls=(True, False))]).axes
    assert not arrows(frame)


def test_units_sizes_and_scales_have_panels_of_their_own() -> None:
    radius = Axis("R_n", "linear", 3.0, 9.0, 11, "fm")
    wide = Bar("CsI", {0.9: [(4.0, 6.0)]}, 5.0)
    figure = intervals_figure(
        [Row("a", EPS, [TWO]), Row("b", EPS, [OPEN]), Row("R_n", radius, [wide])]
    )
    assert [len(frame.get_yticks()) for frame in figure.axes] == [2, 1]
    assert figure.axes[1].get_xlabel() == "R_n [fm]"


def test_best_fit_and_standard_model_are_drawn_and_named() -> None:
    figure = intervals_figure([Row("eps", EPS, [TWO], standard_model=0.02)])
    names = [text.get_text() for text in figure.subfigs[0].legends[0].get_texts()]
    assert [name for name in names if name.strip()] == [
        "CsI",
        "68.27 % CL",
        "90 % CL",
        "best fit",
        "Standard Model",
    ]
    [sm] = [line for line in figure.axes[0].lines if line.get_linestyle() == "--"]
    assert sm.get_xdata()[0] == 0.02


def test_nothing_to_draw_and_a_percentage_are_refused() -> None:
    with pytest.raises(ValueError, match="no rows"):
        intervals_figure([])
    with pytest.raises(ValueError, match="cl = 90: give a fraction"):
        intervals_figure([Row("eps", EPS, [Bar("CsI", {90.0: [(0.0, 0.1)]})])])


def test_an_empty_row_says_so_and_a_log_axis_has_no_place_for_zero() -> None:
    empty = Bar("CsI", {0.9: []}, 0.4)
    coupling = Axis("g", "log", 1e-6, 1e-2, 9)
    limit = Bar("CsI", {0.9: [(None, 1e-4)]})
    figure = intervals_figure(
        [Row("eps", EPS, [empty]), Row("g", coupling, [limit], standard_model=0.0)]
    )
    assert [text.get_text() for text in figure.axes[0].texts] == ["nothing allowed"]
    names = [text.get_text() for text in figure.subfigs[0].legends[0].get_texts()]
    assert "Standard Model" not in names


@pytest.mark.parametrize("number", [2, 5, 9])
def test_the_legend_stays_inside_and_keeps_series_and_signs_in_lines_of_their_own(number) -> None:
    names = ["combined", *(f"COHERENT detector {i} (expected)" for i in range(1, number))]
    bars = [Bar(name, {0.9: [(-0.1, 0.1)], 0.6827: [(-0.05, 0.05)]}, 0.0) for name in names]
    figure = intervals_figure([Row("eps", EPS, bars, standard_model=0.02)])
    with style.journal():
        figure.canvas.draw()
    [legend] = figure.subfigs[0].legends
    box = legend.get_window_extent()
    assert figure.bbox.x0 <= box.x0
    assert box.x1 <= figure.bbox.x1
    assert box.y0 > figure.axes[0].get_window_extent().y1
    places = {t.get_text(): t.get_window_extent().y0 for t in legend.get_texts()}
    assert min(places[name] for name in names) > places["best fit"]

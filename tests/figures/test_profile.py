"""One parameter: curves on the interpolant, a line at each level."""

import numpy as np
import pytest

from scanner.figures.frame import Note
from scanner.figures.profile import profile_figure
from scanner.grid import Axis
from scanner.statistics.levels import delta_chi2

AXIS = Axis("radius", "linear", 2.0, 9.0, 36, "fm")
X = AXIS.coordinates


def test_levels_are_drawn_where_they_belong() -> None:
    frame = profile_figure(AXIS, (X - 5.4) ** 2, cls=[0.9, 0.9545], dof=1).axes[0]
    heights = [line.get_ydata()[0] for line in frame.lines if line.get_linestyle() == ":"]
    assert heights == pytest.approx([delta_chi2(0.9, 1), delta_chi2(0.9545, 1)])
    assert [text.get_text() for text in frame.texts] == ["90 %", "95.45 %"]
    assert frame.get_ylim()[1] > max(heights)


def test_curves_follow_the_interpolant_and_are_named() -> None:
    figure = profile_figure(
        AXIS, (X - 5.43) ** 2, singles={"CsI": (X - 6.0) ** 2}, combined_label="CsI + LAr"
    )
    frame = figure.axes[0]
    assert [t.get_text() for t in frame.get_legend().get_texts()] == ["CsI + LAr", "CsI"]
    curve = next(line for line in frame.lines if line.get_color() == "black")
    x, y = curve.get_xydata().T
    np.testing.assert_allclose(y, (x - 5.43) ** 2, atol=1e-9)
    assert len(x) > 4 * len(X)


def test_negative_delta_chi2_stays_in_view() -> None:
    frame = profile_figure(AXIS, (X - 5.4) ** 2 - 2.0, note=Note(reference="sm")).axes[0]
    assert frame.get_ylim()[0] <= -1.9
    assert "from the Standard Model" in frame.get_legend().get_title().get_text()


def test_missing_points_leave_a_gap() -> None:
    curve = (X - 5.4) ** 2
    curve[10] = np.nan
    frame = profile_figure(AXIS, curve).axes[0]
    drawn = next(line for line in frame.lines if line.get_color() == "black")
    assert np.isnan(drawn.get_ydata()).any()


def test_a_curve_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match=r"curve 'CsI' has shape \(3,\), axis radius has 36"):
        profile_figure(AXIS, X, singles={"CsI": np.zeros(3)})


def test_levels_are_named_outside_the_frame_where_no_curve_runs() -> None:
    frame = profile_figure(AXIS, (X - 5.4) ** 2).axes[0]
    edge = frame.get_window_extent().x1
    assert all(text.get_window_extent().x0 > edge for text in frame.texts)
    tips = [frame.transData.transform((0.0, text.xy[1]))[1] for text in frame.texts]
    middles = [(box.y0 + box.y1) / 2 for box in (t.get_window_extent() for t in frame.texts)]
    assert middles == pytest.approx(tips, abs=2.0)


def test_the_legend_says_dof_and_which_curves_lie_outside() -> None:
    legend = (
        profile_figure(AXIS, (X - 5.4) ** 2, singles={"LAr": X + 99.0}, dof=2).axes[0].get_legend()
    )
    assert legend.get_title().get_text().startswith("2 dof")
    assert [t.get_text() for t in legend.get_texts()] == ["combined", "LAr (outside)"]


def test_the_legend_hides_no_level() -> None:
    frame = profile_figure(AXIS, (X - 5.4) ** 2, singles={f"e{n}": X - n for n in range(6)}).axes[0]
    box = frame.get_legend().get_window_extent()
    for mark in frame.texts:
        assert not box.y0 < frame.transData.transform((0.0, mark.xy[1]))[1] < box.y1

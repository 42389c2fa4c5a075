"""Impacts: bars of the shifts that are given, in the order that is given."""

import numpy as np
import pytest

from scanner.figures.impacts import ImpactRow, impacts_figure
from scanner.figures.pulls import PullRow

ROWS = [
    ImpactRow(PullRow("csi_signal", -0.2, 0.9), (0.02, -0.017), (0.03, -0.02)),
    ImpactRow(PullRow("csi_brn", 0.1, 1.0), (-0.001, -0.002), (-0.001, -0.002)),
]


def test_bars_have_the_lengths_of_the_shifts_and_do_not_cover_each_other() -> None:
    pulls, bars = impacts_figure(ROWS, label="shift").axes
    assert [text.get_text() for text in pulls.get_yticklabels()] == ["csi signal", "csi brn"]
    down, down_prior, up, up_prior = (
        [patch.get_width() for patch in bars.patches[i : i + 2]] for i in (0, 2, 4, 6)
    )
    np.testing.assert_allclose(down, [0.02, -0.001])
    np.testing.assert_allclose(down_prior, [0.03, -0.001])
    np.testing.assert_allclose(up, [-0.017, -0.002])
    np.testing.assert_allclose(up_prior, [-0.02, -0.002])
    lower, upper = bars.patches[4], bars.patches[0]
    assert lower.get_y() >= upper.get_y() + upper.get_height() - 1e-12
    assert bars.get_xlim()[1] >= 0.03


def test_the_title_is_not_under_the_legend() -> None:
    figure = impacts_figure(ROWS, label="shift", title="Weak mixing angle", heading="best fit")
    title = next(text for text in figure.texts if text.get_text() == "Weak mixing angle")
    legend = figure.subfigs[0].legends[0]
    assert legend.get_window_extent().y1 < title.get_window_extent().y0


def test_without_pulls_there_is_nothing_to_rank() -> None:
    with pytest.raises(ValueError, match="an impact needs a pull"):
        impacts_figure([], label="shift")

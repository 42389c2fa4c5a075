"""Pulls and residuals: values, widths and both fits where they belong."""

import itertools

import numpy as np
import pytest

from scanner.experiment import BinAxis
from scanner.figures.pulls import PullRow, Residuals, point_figure

ROWS = [PullRow("csi_signal", 0.5, 0.4, (1.0, 0.3)), PullRow("csi_brn", -3.0, 1.0, (0.0, 1.0))]
AXIS = BinAxis("energy", "PE", np.array([0.0, 8.0, 16.0]))
RESIDUALS = [Residuals(AXIS, np.array([4.0, -1.0]), np.array([0.0, 0.5]))]


def frames(rows=ROWS, residuals=RESIDUALS):
    return point_figure({"CsI": rows}, {"CsI": residuals}).subfigs[0].axes


def test_values_stand_beside_their_names_with_their_widths() -> None:
    pulls, _ = frames()
    assert [text.get_text() for text in pulls.get_yticklabels()] == ["csi signal", "csi brn"]
    point = next(line for line in pulls.lines if line.get_color() == "black")
    np.testing.assert_allclose(point.get_xdata(), [0.5, -3.0])
    bars = pulls.collections[0].get_segments()
    np.testing.assert_allclose([np.ptp(bar[:, 0]) for bar in bars], [0.8, 2.0])
    low, high = pulls.get_xlim()
    assert low <= -4.0
    assert high >= 2.0


def test_residuals_stay_in_view() -> None:
    _, residuals = frames()
    assert residuals.get_ylim()[1] > 4.0
    assert residuals.get_xlim() == (0.0, 16.0)


def test_one_fit_alone_is_named_alone() -> None:
    figure = point_figure(
        {"CsI": [PullRow("csi_signal", 0.5, 0.4)]}, {"CsI": [Residuals(AXIS, np.zeros(2))]}
    )
    names = [text.get_text() for text in figure.subfigs[0].legends[0].get_texts()]
    assert names == ["point", r"$\pm$1 $\sigma$", r"$\pm$2 $\sigma$"]


def test_what_does_not_fit_together_is_refused() -> None:
    with pytest.raises(ValueError, match=r"residuals of energy: \(3,\) for 2 bins"):
        frames(residuals=[Residuals(AXIS, np.zeros(3))])
    with pytest.raises(ValueError, match="give both"):
        point_figure({"CsI": ROWS}, {"LAr": RESIDUALS})


def test_labels_of_neighbouring_panels_keep_apart() -> None:
    bins = BinAxis("bin of cS2 in SR0, SR1, SR2", "", np.arange(10.0))
    figure = point_figure({"Xe": ROWS}, {"Xe": [Residuals(bins, np.zeros(9))] * 4})
    figure.canvas.draw()
    boxes = [frame.xaxis.label.get_window_extent() for frame in figure.axes]
    assert all(one.x1 < other.x0 for one, other in itertools.pairwise(boxes))
    assert boxes[-1].x1 <= figure.bbox.x1

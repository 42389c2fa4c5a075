"""Thinning keeps the shape and drops what lies on a line."""

import numpy as np
from matplotlib.figure import Figure

from scanner.figures.thinning import thinned


def test_a_straight_line_keeps_its_ends_only() -> None:
    axes = Figure().add_subplot(xlim=(0, 1), ylim=(0, 1))
    line = np.stack([np.linspace(0, 1, 100)] * 2, axis=1)
    np.testing.assert_array_equal(thinned(axes, line), line[[0, -1]])


def test_a_closed_curve_on_log_axes_stays_within_a_hundredth_of_a_point() -> None:
    axes = Figure().add_subplot(xlim=(1, 1e4), ylim=(1e-6, 1e-2), xscale="log", yscale="log")
    angle = np.linspace(0.0, 2.0 * np.pi, 2001)
    ring = 10.0 ** np.stack([2.0 + np.cos(angle), -4.0 + np.sin(angle)], axis=1)
    kept = thinned(axes, ring)
    assert 20 < len(kept) < 400
    np.testing.assert_array_equal(kept[0], kept[-1])
    corners, every = (axes.transData.transform(v) for v in (kept, ring))
    t = np.linspace(0.0, 1.0, 50)[:, None, None]
    dense = ((1 - t) * corners[:-1] + t * corners[1:]).reshape(-1, 2)
    gaps = np.hypot(*(every[::40, None] - dense).transpose(2, 0, 1)).min(axis=1)
    assert gaps.max() < 0.05

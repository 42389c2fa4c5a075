"""Stretches below a level: limits, ends of the axis and ends of the points told apart."""

import numpy as np
import pytest

from scanner.grid import Axis
from scanner.limits.stretches import Stretch, stretches_below

AXIS = Axis("x", "linear", 0.0, 10.0, 11)
X = AXIS.coordinates


def test_a_limit_on_each_side() -> None:
    (found,) = stretches_below(AXIS, (X - 4.2) ** 2, 4.0)
    assert found.limits == pytest.approx((2.2, 6.2), abs=1e-12)
    assert found.points_end == (None, None)
    assert found.enclosed
    assert found.cells == pytest.approx(4.0, abs=1e-12)


def test_the_end_of_the_axis_is_neither_a_limit_nor_an_end_of_the_points() -> None:
    assert stretches_below(AXIS, X, 20.0) == (Stretch((None, None), (None, None), 10.0),)


@pytest.mark.parametrize("level", [2.0, 20.0])
def test_a_point_beside_a_missing_one_is_no_limit_even_on_the_level(level: float) -> None:
    delta = np.where((X < 2.0) | (X > 7.0), np.nan, 2.0 + 0.0 * X)
    assert stretches_below(AXIS, delta, level) == (Stretch((None, None), (2.0, 7.0), 5.0),)


def test_a_limit_on_a_node_is_a_limit() -> None:
    (found,) = stretches_below(AXIS, X, 3.0)
    assert found.limits == (None, 3.0)


def test_points_between_missing_ones_are_stretches_of_no_width() -> None:
    delta = np.full(11, np.nan)
    delta[[0, 4, 10]] = 1.0
    delta[7] = 50.0
    found = stretches_below(AXIS, delta, 2.0)
    assert [stretch.points_end for stretch in found] == [(None, 0.0), (4.0, 4.0), (10.0, None)]
    assert all(stretch.cells == 0.0 and not stretch.enclosed for stretch in found)


def test_log_axes_end_exactly_on_their_values() -> None:
    axis = Axis("g", "log", 1e-5, 1e-2, 31)
    delta = np.where(np.arange(31) > 12, np.nan, 0.0)
    (found,) = stretches_below(axis, delta, 1.0)
    assert found.points_end == (None, axis.coordinates[12])

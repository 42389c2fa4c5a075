"""Confidence levels against the numbers everybody quotes."""

import math

import numpy as np
import pytest

from scanner.statistics.levels import USUAL_LEVELS, confidence_level, delta_chi2, percent


@pytest.mark.parametrize(
    ("cl", "dof", "expected"),
    [
        (0.6826894921, 1, 1.0),
        (0.90, 1, 2.7055),
        (0.9544997361, 1, 4.0),
        (0.9973002039, 1, 9.0),
        (0.6826894921, 2, 2.2957),
        (0.90, 2, 4.6052),
        (0.9545, 2, 6.1801),
        (0.9973, 2, 11.829),
    ],
)
def test_published_thresholds(cl: float, dof: int, expected: float) -> None:
    assert delta_chi2(cl, dof) == pytest.approx(expected, abs=5e-4)


def test_two_dof_in_closed_form() -> None:
    for cl in USUAL_LEVELS:
        assert delta_chi2(cl, 2) == pytest.approx(-2.0 * math.log1p(-cl), rel=1e-12)


@pytest.mark.parametrize("dof", [1, 2, 5])
def test_confidence_level_is_the_inverse(dof: int) -> None:
    for cl in USUAL_LEVELS:
        assert float(confidence_level(delta_chi2(cl, dof), dof)) == pytest.approx(cl, rel=1e-12)


def test_confidence_level_of_arrays_with_negative_and_missing_values() -> None:
    got = confidence_level([-1.0, 0.0, np.nan, 1e4], 1)
    np.testing.assert_array_equal(got, [0.0, 0.0, np.nan, 1.0])


def test_a_percentage_is_refused_with_the_fraction() -> None:
    with pytest.raises(ValueError, match=r"cl = 90: give a fraction, 0\.9 for 90 %"):
        delta_chi2(90, 1)


@pytest.mark.parametrize("cl", [0.0, 1.0, -0.5, 100.0, math.nan, math.inf])
def test_levels_outside_zero_and_one_are_refused(cl: float) -> None:
    with pytest.raises(ValueError, match=r"^cl = .*give a fraction"):
        delta_chi2(cl, 1)


@pytest.mark.parametrize("dof", [0, -1, 1.5, "2", True])
def test_dof_is_a_whole_number_of_at_least_one(dof: object) -> None:
    with pytest.raises(ValueError, match=r"^dof = .*whole number"):
        delta_chi2(0.9, dof)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^dof = "):
        confidence_level(1.0, dof)  # type: ignore[arg-type]


def test_numpy_integers_count_as_integers() -> None:
    assert delta_chi2(0.9, np.int64(2)) == delta_chi2(0.9, 2)  # type: ignore[arg-type]


def test_percent() -> None:
    assert [percent(cl) for cl in USUAL_LEVELS] == ["68.27 %", "90 %", "95.45 %", "99.73 %"]

"""Levels, two-sided and one-sided, and upper limits by them."""

import numpy as np
import pytest
from scipy.stats import norm

from scanner.errors import DefinitionError
from scanner.grid import Axis
from scanner.limits.interval import interval
from scanner.limits.level import level_of, upper_only
from scanner.limits.surface import Surface

X = Axis("x", "linear", -3.0, 5.0, 161)


def gaussian(best: float) -> Surface:
    return Surface((X,), (X.coordinates - best) ** 2 + 7.0, ("a",))


@pytest.mark.parametrize("cl", [0.6827, 0.9, 0.95, 0.999])
def test_a_one_sided_level_is_the_square_of_the_one_sided_quantile(cl: float):
    assert level_of(cl, 1, "one") == pytest.approx(norm.ppf(cl) ** 2, rel=1e-10)
    assert level_of(cl, 1) == pytest.approx(norm.ppf(0.5 + cl / 2.0) ** 2, rel=1e-10)


@pytest.mark.parametrize("best", [0.0, 1.3])
def test_an_upper_limit_of_a_gaussian(best: float):
    found = interval(gaussian(best), "x", cl=0.9, sided="one")
    ((low, high),) = found.intervals
    assert low is None
    assert high == pytest.approx(best + norm.ppf(0.9), abs=1e-5)
    assert found.to_dict()["sided"] == "one"
    assert interval(gaussian(best), "x", cl=0.9).to_dict()["sided"] == "two"


def test_an_upper_limit_at_a_held_value_counts_from_the_best_value_there():
    y = Axis("y", "linear", 0.0, 1.0, 2)
    chi2 = (X.coordinates[:, np.newaxis] - 1.0) ** 2 + np.array([0.0, 1.5])  # y = 0 fits better
    plane = Surface((X, y), chi2, ("a",))
    found = interval(plane, "x", cl=0.9, at={"y": 1.0}, sided="one")
    assert found.reference.kind == "raster"
    assert found.intervals[0][1] == pytest.approx(1.0 + norm.ppf(0.9), abs=1e-5)
    assert interval(plane, "x", cl=0.9, at={"y": 1.0}).reference.kind == "global"


def test_a_gap_above_the_best_fit_stays_and_one_below_goes():
    chi2 = 100.0 * ((X.coordinates - 1.0) * (X.coordinates + 1.0)) ** 2
    twin = Surface((X,), chi2 + 0.5 * (X.coordinates < 0.0), ("a",))  # best at 1
    assert len(interval(twin, "x").intervals) == 2
    assert len(interval(twin, "x", sided="one").intervals) == 1
    mirrored = Surface((X,), chi2 + 0.5 * (X.coordinates > 0.0), ("a",))  # best at -1
    assert len(interval(mirrored, "x", sided="one").intervals) == 2


def test_missing_values_stay_missing():
    delta = np.array([np.nan, 3.0, 0.0, np.nan, 4.0])
    found = upper_only(np.arange(5.0), delta, 2.0)
    np.testing.assert_array_equal(found, [np.nan, 0.0, 0.0, np.nan, 4.0])


@pytest.mark.parametrize(
    ("cl", "dof", "sided", "said"),
    [
        (0.9, 1, "both", "unknown kind 'both'"),
        (0.9, 2, "one", "dof = 1"),
        (0.3, 1, "one", "at least 0.5"),
        (90.0, 1, "one", "0.9 for 90 %"),
    ],
)
def test_what_makes_no_sense_is_refused(cl: float, dof: int, sided: str, said: str):
    with pytest.raises(DefinitionError, match=said):
        level_of(cl, dof, sided)

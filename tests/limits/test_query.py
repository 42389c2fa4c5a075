"""Chi2 and verdict at named values."""

import json
from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from scanner.errors import DefinitionError
from scanner.grid import Axis
from scanner.limits.query import query
from scanner.limits.reference import Minimum

X = Axis("x", "linear", -2.0, 2.0, 41)
Y = Axis("y", "linear", -3.0, 3.0, 61)
AXES = (X, Y)


@pytest.fixture
def data(make_cube: Callable[..., xr.Dataset]) -> xr.Dataset:
    return make_cube(
        AXES,
        first=lambda x, y: 10.0 + 4.0 * (x - 0.3) ** 2 + (y - x) ** 2,
        second=lambda x, y: 20.0 + 4.0 * (x + 0.3) ** 2 + (y - x) ** 2,
    )


def test_each_experiment_has_its_own_minimum(data: xr.Dataset) -> None:
    found = query(data, AXES, {"x": 0.3, "y": 0.3})
    assert found.answers["first"].chi2 == pytest.approx(10.0, abs=1e-9)
    assert found.answers["first"].delta_chi2 == pytest.approx(0.0, abs=1e-9)
    assert found.answers["second"].delta_chi2 == pytest.approx(1.44, abs=1e-9)
    assert found.answers["combined"].chi2 == pytest.approx(31.44, abs=1e-9)
    assert found.answers["combined"].delta_chi2 == pytest.approx(1.44 - 0.72, abs=1e-9)
    assert found.dof == 2


def test_what_is_not_named_is_profiled(data: xr.Dataset) -> None:
    found = query(data, AXES, {"x": 1.03})
    assert found.dof == 1
    assert found.answers["first"].chi2 == pytest.approx(10.0 + 4.0 * 0.73**2, abs=1e-9)
    assert found.answers["first"].profiled["y"] == pytest.approx(1.03, abs=1e-9)


def test_excluded_at_the_usual_levels(data: xr.Dataset) -> None:
    found = query(data, AXES, {"x": 1.2}, experiments=["first"])
    # Delta chi2 = 3.24, 1 dof: above 1 and 2.706, below 4
    assert found.answers["first"].excluded == {
        "68.27 %": True,
        "90 %": True,
        "95.45 %": False,
        "99.73 %": False,
    }


def test_references(data: xr.Dataset) -> None:
    at = {"x": 1.0, "y": 1.5}
    raster = query(data, AXES, at, kind="raster")
    assert raster.answers["combined"].delta_chi2 == pytest.approx(0.5, abs=1e-9)
    sm = query(data, AXES, at, kind="sm", chi2_sm={"first": 10.36, "second": 20.36})
    assert sm.answers["combined"].chi2_reference == pytest.approx(30.72)
    with pytest.raises(DefinitionError, match="no Standard Model chi2"):
        query(data, AXES, at, kind="sm", chi2_sm={"first": 10.36})


def test_stored_minima_are_used(data: xr.Dataset) -> None:
    minima = {
        "first": Minimum(9.0, {"x": 0.3, "y": 0.3}),
        "combined": Minimum(29.0, {"x": 0.0, "y": 0.0}),
    }
    found = query(data, AXES, {"x": 0.3}, minima=minima)
    assert found.answers["first"].chi2_reference == 9.0
    assert found.answers["second"].chi2_reference == pytest.approx(20.0, abs=1e-9)
    assert found.answers["combined"].chi2_reference == 29.0
    alone = query(data, AXES, {"x": 0.3}, experiments=["first"], minima=minima)
    assert alone.answers["combined"].chi2_reference == 9.0


def test_nothing_named_is_the_minimum(data: xr.Dataset) -> None:
    found = query(data, AXES, {})
    assert found.answers["combined"].delta_chi2 == pytest.approx(0.0, abs=1e-9)


def test_json(data: xr.Dataset) -> None:
    found = query(data, AXES, {"x": 0.3}).to_dict()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert set(found["experiments"]) == {"first", "second"}
    assert 0.0 <= found["combined"]["confidence_level"] < 1.0


def test_a_missing_point_is_null_and_not_excluded(data: xr.Dataset) -> None:
    data["status"][:] = np.where(data["x"].to_numpy()[None, :, None] > 1.5, 3, 1)
    found = query(data, AXES, {"x": 1.9, "y": 0.0}).to_dict()
    assert found["combined"]["chi2"] is None
    assert not any(found["combined"]["excluded"].values())


def test_excluded_by_whom_and_by_how_much(data: xr.Dataset) -> None:
    # Delta chi2 with y profiled: 1.44, 4.84 and 8 0.8^2 = 5.12
    found = query(data, AXES, {"x": 0.8})
    assert found.excluded_by["90 %"] == ["second", "combined"]
    assert found.excluded_by["99.73 %"] == []
    assert found.to_dict()["excluded_by"] == found.excluded_by
    assert found.text() == (
        "excluded at 90 % by second (Delta chi2 = 4.8, 2.2 sigma) and combined (Delta chi2 = 5.1, "
        "2.3 sigma); allowed by first (Delta chi2 = 1.0, 1.0 sigma)"
    )
    assert query(data, AXES, {}).text().startswith("allowed at 90 % by first (")
    assert "combined" not in query(data, AXES, {"x": 0.8}, experiments=["first"]).text()
    nowhere = query(data.where(data["x"] > 1.0), AXES, {"x": 0.5}, kind="sm", chi2_sm=SM)
    assert nowhere.text().startswith("not known: no usable point of first, second and combined")


SM = {"first": 10.5, "second": 20.5}

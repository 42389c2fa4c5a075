"""Two kept axes, profiled over the rest."""

import json
from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from scanner.errors import DefinitionError
from scanner.grid import Axis
from scanner.limits.plane import plane
from scanner.limits.surface import Surface

AXES = (
    Axis("x", "linear", -3.0, 3.0, 41),
    Axis("n", "linear", -4.0, 4.0, 33),
    Axis("y", "linear", -3.0, 3.0, 45),
)


@pytest.fixture
def surface(make_cube: Callable[..., xr.Dataset]) -> Surface:
    data = make_cube(AXES, a=lambda x, n, y: 9.0 + (x - 0.1 + n) ** 2 + n**2 + 2.0 * y**2)
    return Surface.from_dataset(data, AXES)


def test_profiled_contour_is_the_widened_ellipse(surface: Surface) -> None:
    found = plane(surface, ["x", "y"], cls=[0.6827], dof=2)
    (contour,) = found.contours
    (line,) = contour.lines
    x, y = line.vertices.T
    np.testing.assert_allclose(0.5 * (x - 0.1) ** 2 + 2.0 * y**2, contour.level, atol=1e-9)
    assert found.delta_chi2.shape == (41, 45)
    assert found.profiled["n"].shape == (41, 45)


def test_the_order_of_keep_is_the_order_of_the_columns(surface: Surface) -> None:
    found = plane(surface, ["y", "x"], cls=[0.6827])
    assert found.contours[0].axes == ("y", "x")
    assert found.delta_chi2.shape == (45, 41)


def test_fixed_instead_of_profiled(surface: Surface) -> None:
    found = plane(surface, ["x", "y"], cls=[0.9], at={"n": 1.0})
    assert dict(found.fixed) == {"n": 1.0}
    assert np.nanmin(found.delta_chi2) == pytest.approx(1.0, abs=0.01)


def test_raster_counts_each_first_value_from_its_own_minimum(surface: Surface) -> None:
    found = plane(surface, ["x", "y"], cls=[0.9], kind="raster")
    np.testing.assert_allclose(found.delta_chi2[0], found.delta_chi2[20], atol=1e-9)


def test_bad_questions_name_the_mend(surface: Surface) -> None:
    with pytest.raises(DefinitionError, match="a contour needs two axes"):
        plane(surface, ["x"])
    with pytest.raises(DefinitionError, match=r"0\.95 for 95 %"):
        plane(surface, ["x", "y"], cls=[0.9, 95])


def test_json(surface: Surface) -> None:
    found = plane(surface, ["x", "y"], cls=[0.6827, 0.9]).to_dict()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["profiled"] == ["n"]
    assert len(found["contours"]) == 2

"""The three zeros of Delta chi2."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from scanner.errors import DefinitionError
from scanner.grid import Axis
from scanner.limits.reference import Minimum, estimate, reference
from scanner.limits.surface import Surface

X = Axis("x", "linear", 0.0, 1.0, 21)
Y = Axis("y", "linear", 0.0, 2.0, 31)


@pytest.fixture
def bowl(make_cube: Callable[..., xr.Dataset]) -> Surface:
    data = make_cube((X, Y), a=lambda x, y: 7.0 + (x - 0.333) ** 2 + (y - 1.234) ** 2)
    return Surface.from_dataset(data, (X, Y))


def test_global_is_found_between_the_grid_points(bowl: Surface) -> None:
    zero = reference(bowl)
    assert float(zero.chi2) == pytest.approx(7.0, abs=1e-12)
    assert dict(zero.at) == pytest.approx({"x": 0.333, "y": 1.234})
    assert (zero.kind, zero.source) == ("global", "interpolated")
    assert np.nanmin(bowl.chi2) > 7.0


def test_global_is_that_of_the_whole_scan_not_of_the_cut(bowl: Surface) -> None:
    cut = bowl.at(x=1.0)
    assert float(reference(cut, space=bowl).chi2) == pytest.approx(7.0)
    assert float(reference(cut).chi2) == pytest.approx(7.0 + 0.667**2)


def test_an_exact_minimum_is_used(bowl: Surface) -> None:
    found = Minimum(6.9, {"x": 0.3, "y": 1.2})
    zero = reference(bowl, minimum=found)
    assert (float(zero.chi2), zero.source, dict(zero.at)) == (6.9, "exact", dict(found.at))


def test_a_minimum_above_the_grid_is_not_believed(bowl: Surface) -> None:
    for wrong in (9.0, float("nan")):
        zero = reference(bowl, minimum=Minimum(wrong, {"x": 0.3, "y": 1.2}))
        assert float(zero.chi2) == pytest.approx(7.0)


def test_sm_needs_its_chi2(bowl: Surface) -> None:
    zero = reference(bowl, "sm", chi2_sm=7.5)
    assert (float(zero.chi2), zero.source) == (7.5, "standard model")
    with pytest.raises(DefinitionError, match="no Standard Model chi2"):
        reference(bowl, "sm")


def test_raster_is_the_minimum_of_each_value_of_the_first_axis(bowl: Surface) -> None:
    zero = reference(bowl, "raster")
    assert zero.chi2.shape == (21, 1)
    delta = zero.delta(bowl)
    np.testing.assert_allclose(delta[0], delta[-1], atol=1e-9)
    assert float(reference(bowl.at(x=1.0), "raster").chi2) == pytest.approx(7.0 + 0.667**2)


def test_raster_of_one_line_with_nothing_held_is_global(bowl: Surface) -> None:
    """Both ask for the same minimum: that of the likelihood, not a dip of the interpolation."""
    line = bowl.profile(("x",))
    known = Minimum(6.999, {"x": 0.333, "y": 1.234})
    raster, whole = (
        reference(line, kind, space=bowl, minimum=known) for kind in ("raster", "global")
    )
    assert (
        (float(raster.chi2), raster.source) == (float(whole.chi2), whole.source) == (6.999, "exact")
    )
    assert raster.kind == "raster"


def test_no_column_falls_below_the_minimum_of_the_likelihood(bowl: Surface) -> None:
    known = Minimum(7.0 + 0.2, {"x": 0.333, "y": 1.234})
    above = bowl.profile(("x", "y"))
    zero = reference(
        above, "raster", space=Surface(bowl.axes, bowl.chi2 + 0.3, bowl.experiments), minimum=known
    )
    assert float(zero.chi2.min()) == pytest.approx(7.2)


def test_an_unknown_reference_is_refused(bowl: Surface) -> None:
    with pytest.raises(DefinitionError, match="unknown reference 'globl': did you mean 'global'"):
        reference(bowl, "globl")


def test_estimate_names_the_edge(make_cube: Callable[..., xr.Dataset]) -> None:
    data = make_cube((X, Y), a=lambda x, y: x + (y - 1.1) ** 2)
    found = estimate(Surface.from_dataset(data, (X, Y)))
    assert (found.on_edge, found.at["x"]) == (("x",), 0.0)


def test_estimate_refuses_an_empty_scan(make_cube: Callable[..., xr.Dataset]) -> None:
    data = make_cube((X, Y), a=lambda x, y: x * np.nan)
    with pytest.raises(DefinitionError, match="no usable point of a"):
        estimate(Surface.from_dataset(data, (X, Y)))


def test_minimum_survives_json() -> None:
    found = Minimum(6.9, {"x": 0.3}, ("x",), "exact", 42)
    assert Minimum.from_dict(found.to_dict()) == found
    assert Minimum(float("nan"), {}).to_dict()["chi2"] is None

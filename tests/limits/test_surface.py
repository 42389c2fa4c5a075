"""Adding experiments, fixing axes and profiling, against closed forms."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from scanner.errors import DefinitionError
from scanner.grid import Axis
from scanner.limits.layers import chosen_experiments, layer_names
from scanner.limits.surface import Surface

Make = Callable[..., xr.Dataset]

MASS = Axis("mass", "log", 1.0, 1e4, 21, "MeV")
EPS = Axis("eps", "linear", -1.0, 1.0, 31)
ETA = Axis("eta", "linear", -2.0, 2.0, 41)


def tilted(eps: np.ndarray, eta: np.ndarray) -> np.ndarray:
    """A correlated parabola; profiled over eta it is 5 + 0.75 (eps - 0.13)^2 * 40."""
    a, b = eps - 0.13, eta - 0.31
    return 5.0 + 40.0 * (a * a + a * b + b * b)


def test_experiments_are_summed_and_can_be_chosen(make_cube: Make) -> None:
    data = make_cube((EPS, ETA), first=tilted, second=lambda eps, eta: eps**2)
    both = Surface.from_dataset(data, (EPS, ETA))
    one = Surface.from_dataset(data, (EPS, ETA), ["second"])
    mesh = np.meshgrid(EPS.coordinates, ETA.coordinates, indexing="ij")
    np.testing.assert_array_equal(both.chi2, tilted(*mesh) + mesh[0] ** 2)
    np.testing.assert_array_equal(one.chi2, mesh[0] ** 2)
    assert (both.experiments, one.experiments) == (("first", "second"), ("second",))
    assert (both.computed, both.coverage) == (1.0, 1.0)


def test_the_order_of_dimensions_in_the_dataset_does_not_matter(make_cube: Make) -> None:
    data = make_cube((EPS, ETA), first=tilted)
    turned = Surface.from_dataset(data.transpose("eta", "experiment", "eps"), (EPS, ETA))
    np.testing.assert_array_equal(turned.chi2, data["chi2"].to_numpy()[0])


def test_a_point_counts_only_where_every_experiment_is_usable(make_cube: Make) -> None:
    data = make_cube((EPS, ETA), first=tilted, second=lambda eps, eta: eps**2)
    data["status"][0, 3, 4] = 4
    data["status"][1, 5, 6] = 0
    data["status"][1, 7, 8] = 2
    both = Surface.from_dataset(data, (EPS, ETA))
    assert np.isnan(both.chi2[3, 4])
    assert np.isnan(both.chi2[5, 6])
    assert np.isfinite(both.chi2[7, 8])
    n = both.chi2.size
    assert both.computed == pytest.approx(1.0 - 1.0 / n)
    assert both.coverage == pytest.approx(1.0 - 2.0 / n)
    assert Surface.from_dataset(data, (EPS, ETA), ["first"]).coverage == pytest.approx(1 - 1 / n)


def test_unknown_repeated_and_no_experiments_are_refused(make_cube: Make) -> None:
    data = make_cube((EPS, ETA), coherent_csi=tilted, coherent_lar=tilted)
    with pytest.raises(DefinitionError, match=r"'coherent_cs'.*did you mean 'coherent_csi'"):
        Surface.from_dataset(data, (EPS, ETA), ["coherent_cs"])
    with pytest.raises(DefinitionError, match="coherent_csi is named twice"):
        chosen_experiments(layer_names(data), ["coherent_csi", "coherent_csi"])
    with pytest.raises(DefinitionError, match="choose from coherent_csi, coherent_lar"):
        chosen_experiments(layer_names(data), [])
    assert chosen_experiments(layer_names(data), ["coherent_lar", "coherent_csi"]) == (
        "coherent_csi",
        "coherent_lar",
    )


def test_at_interpolates_in_axis_scale(make_cube: Make) -> None:
    data = make_cube((MASS, EPS), a=lambda mass, eps: (np.log10(mass) - 1.7) ** 2 + eps)
    fixed = Surface.from_dataset(data, (MASS, EPS)).at(mass=37.0)
    np.testing.assert_allclose(
        fixed.chi2, (np.log10(37.0) - 1.7) ** 2 + EPS.coordinates, atol=1e-12
    )
    assert (fixed.names, dict(fixed.fixed)) == (("eps",), {"mass": 37.0})


def test_at_on_a_node_and_on_both_ends_gives_the_stored_values(make_cube: Make) -> None:
    rough = np.random.default_rng(1).normal(size=(21, 31))
    data = make_cube((MASS, EPS), a=lambda mass, eps: rough)
    surface = Surface.from_dataset(data, (MASS, EPS))
    for i in range(21):
        value = float(MASS.coordinates[i])
        np.testing.assert_allclose(surface.at(mass=value).chi2, rough[i], atol=1e-12)


def test_at_never_extrapolates(make_cube: Make) -> None:
    surface = Surface.from_dataset(make_cube((MASS, EPS), a=lambda m, e: e), (MASS, EPS))
    with pytest.raises(
        DefinitionError, match=r"mass = 0\.5 is outside the scanned 1 \.\. 10000 MeV"
    ):
        surface.at(mass=0.5)
    with pytest.raises(DefinitionError, match=r"mass = nan is outside"):
        surface.at(mass=float("nan"))
    with pytest.raises(DefinitionError, match=r"unknown axis 'mas': did you mean 'mass'\?"):
        surface.at(mas=1.0)


@pytest.mark.parametrize(
    "at",
    [
        {"mass": 37.0},
        {"eta": -2.0},
        {"eta": 2.0, "mass": 1e4},
        {"mass": float(MASS.coordinates[7]), "eps": 0.31},
        {"eps": 0.99, "eta": 0.01, "mass": 1.5},
    ],
)
def test_reading_beside_the_held_values_is_the_same_and_reads_no_more(
    make_cube: Make, tmp_path: Path, at: dict[str, float]
) -> None:
    axes = (MASS, EPS, ETA)
    rough = np.random.default_rng(3).normal(size=(21, 31, 41)).cumsum(axis=0)
    rough[5, 6, 7] = np.nan
    data = make_cube(axes, a=lambda *_: rough, b=lambda *_: rough**2)
    data.to_netcdf(tmp_path / "cube.nc", engine="scipy")
    whole = Surface.from_dataset(data, axes).at(**at)
    with xr.open_dataset(tmp_path / "cube.nc", engine="scipy") as lazy:
        held = Surface.from_dataset(lazy, axes, at=at)
    np.testing.assert_array_equal(held.chi2, whole.chi2)
    assert (held.axes, held.coverage, held.computed) == (
        whole.axes,
        whole.coverage,
        whole.computed,
    )
    assert held.fixed == whole.fixed
    # far from the held values nothing is looked at
    for name, value in at.items():
        axis = next(axis for axis in axes if axis.name == name)
        far = np.abs(axis.to_scale(axis.coordinates) - axis.to_scale(value))
        far = far > 3.5 * np.diff(axis.to_scale(axis.coordinates))[0]
        spoiled = data.copy(deep=True)
        spoiled["chi2"].loc[{name: axis.coordinates[far]}] = np.inf
        again = Surface.from_dataset(spoiled, axes, at=at)
        np.testing.assert_array_equal(again.chi2, whole.chi2)


def test_holding_outside_or_an_unknown_axis_is_refused_before_reading(make_cube: Make) -> None:
    data = make_cube((MASS, EPS), a=lambda m, e: e)
    with pytest.raises(DefinitionError, match=r"mass = 0\.5 is outside the scanned"):
        Surface.from_dataset(data, (MASS, EPS), at={"mass": 0.5})
    with pytest.raises(DefinitionError, match=r"unknown axis 'mas': did you mean 'mass'\?"):
        Surface.from_dataset(data, (MASS, EPS), at={"mas": 1.0})


def test_profiling_a_correlated_parabola_is_exact(make_cube: Make) -> None:
    surface = Surface.from_dataset(make_cube((EPS, ETA), a=tilted), (EPS, ETA))
    curve = surface.profile(["eps"])
    a = EPS.coordinates - 0.13
    np.testing.assert_allclose(curve.chi2, 5.0 + 30.0 * a * a, atol=1e-9)
    np.testing.assert_allclose(curve.profiled["eta"], 0.31 - 0.5 * a, atol=1e-9)


def test_profiling_everything_gives_the_minimum_off_the_grid(make_cube: Make) -> None:
    lowest = Surface.from_dataset(make_cube((EPS, ETA), a=tilted), (EPS, ETA)).profile()
    assert lowest.names == ()
    assert float(lowest.chi2) == pytest.approx(5.0, abs=1e-9)
    assert float(lowest.profiled["eps"]) == pytest.approx(0.13, abs=1e-9)
    # the inner parameter is known at the nearest point of the outer one
    assert float(lowest.profiled["eta"]) == pytest.approx(0.31, abs=0.05)


def test_the_kept_axes_come_in_the_order_asked_for(make_cube: Make) -> None:
    axes = (MASS, EPS, ETA)
    data = make_cube(axes, a=lambda mass, eps, eta: np.log10(mass) * 3.0 + eps + eta**2)
    kept = Surface.from_dataset(data, axes).profile(["eps", "mass"])
    assert kept.names == ("eps", "mass")
    expected = EPS.coordinates[:, None] + 3.0 * np.log10(MASS.coordinates)
    np.testing.assert_allclose(kept.chi2, expected, atol=1e-12)
    assert kept.profiled["eta"].shape == (31, 21)
    np.testing.assert_allclose(kept.profiled["eta"], 0.0, atol=1e-12)


def test_profiling_is_never_above_the_lowest_point_and_skips_missing_ones(make_cube: Make) -> None:
    random = np.random.default_rng(2)
    rough = random.normal(size=(31, 41))
    rough[random.random(rough.shape) < 0.3] = np.nan
    rough[4] = np.nan
    curve = Surface.from_dataset(
        make_cube((EPS, ETA), a=lambda eps, eta: rough), (EPS, ETA)
    ).profile(["eps"])
    assert np.isnan(curve.chi2[4])
    keep = np.arange(31) != 4
    assert np.all(curve.chi2[keep] <= np.nanmin(rough[keep], axis=1))


def test_profiled_places_follow_a_later_cut(make_cube: Make) -> None:
    axes = (MASS, EPS, ETA)
    data = make_cube(axes, a=lambda mass, eps, eta: (eta - eps) ** 2 + np.log10(mass))
    cut = Surface.from_dataset(data, axes).profile(["mass", "eps"]).at(mass=10.0)
    np.testing.assert_allclose(cut.profiled["eta"], EPS.coordinates, atol=1e-9)


def test_keeping_twice_or_an_unknown_axis_is_refused(make_cube: Make) -> None:
    surface = Surface.from_dataset(make_cube((EPS, ETA), a=tilted), (EPS, ETA))
    with pytest.raises(DefinitionError, match="eps is named twice"):
        surface.profile(["eps", "eps"])
    with pytest.raises(DefinitionError, match="unknown axis 'mass'"):
        surface.profile(["mass"])


def test_as_a_dataset_with_units(make_cube: Make) -> None:
    data = make_cube((MASS, EPS), a=lambda mass, eps: eps**2 + np.log10(mass))
    out = Surface.from_dataset(data, (MASS, EPS)).profile(["mass"]).to_dataset()
    assert out["mass"].attrs["units"] == "MeV"
    assert set(out.data_vars) == {"chi2", "best_eps"}
    assert out.attrs["experiments"] == "a"

"""The global minimum with the likelihood itself: off the grid, on edges, in valleys, past holes."""

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from scanner.errors import DefinitionError
from scanner.grid import Axis
from scanner.limits import valleys
from scanner.limits.minimum import find_minima, find_minimum, stored_minimum
from scanner.limits.reference import Minimum
from scanner.limits.surface import Surface
from scanner.scan import Scan

MASS = Axis("mass", "log", 0.1, 1e4, 51, "MeV")
G = Axis("coupling", "log", 1e-6, 1e-2, 61)
AXES = (MASS, G)


@pytest.fixture
def run(
    make_cube: Callable[..., xr.Dataset], make_exact: Callable[..., Callable[..., np.ndarray]]
) -> Callable[..., dict[str, Minimum]]:
    def minima(
        axes: tuple[Axis, ...], **experiments: Callable[..., np.ndarray]
    ) -> dict[str, Minimum]:
        layers = make_exact(axes, **experiments)
        cube = make_cube(axes, **experiments)
        return find_minima(cube, axes, lambda points, rows: layers(points)[list(rows)])

    return minima


def survey(n_axes: int) -> int:
    """Evaluations, at most, that look into thin valleys."""
    return 2 * n_axes * valleys.LOOKED_INTO * valleys.ACROSS


def mediator(
    mass: np.ndarray, g: np.ndarray, rate: float = 0.93, power: float = 300.0
) -> np.ndarray:
    """A light vector: the best rate lies in a curved valley; light and heavy ends are plateaus."""
    charge = -1.0 + (g / 1.3e-4) ** 2 / (1.0 + (mass / 50.0) ** 2)
    return 80.0 + power * (charge**2 - rate) ** 2


def test_each_experiment_and_the_combination(run: Callable[..., dict[str, Minimum]]) -> None:
    def first(m: np.ndarray, g: np.ndarray) -> np.ndarray:
        return 5.0 + (np.log10(m) - 1.234) ** 2 + 4.0 * (np.log10(g) + 4.321) ** 2

    def second(m: np.ndarray, g: np.ndarray) -> np.ndarray:
        return 2.0 + (np.log10(m) - 2.0) ** 2 + 4.0 * (np.log10(g) + 4.0) ** 2

    found = run(AXES, first=first, second=second)
    assert set(found) == {"first", "second", "combined"}
    assert found["first"].chi2 == pytest.approx(5.0, abs=1e-6)
    assert found["second"].chi2 == pytest.approx(2.0, abs=1e-6)
    combined = found["combined"]
    assert combined.chi2 == pytest.approx(7.0 + 0.5 * 0.766**2 + 2.0 * 0.321**2, abs=1e-6)
    assert np.log10(combined.at["mass"]) == pytest.approx(1.617, abs=2e-3)
    assert combined.source == "exact"
    assert combined.on_edge == ()
    assert all(0 < minimum.evaluations < 200 for minimum in found.values())


@pytest.mark.parametrize("rate", [0.5, 0.93, 0.99])
def test_a_flat_curved_valley(run: Callable[..., dict[str, Minimum]], rate: float) -> None:
    found = run(AXES, a=lambda m, g: mediator(m, g, rate))["combined"]
    assert found.chi2 == pytest.approx(80.0, abs=1e-5)
    assert found.evaluations <= 500 + survey(2)  # a started line search is finished


def test_the_deeper_of_two_narrow_pits_wins_even_if_its_grid_point_is_higher(
    run: Callable[..., dict[str, Minimum]],
) -> None:
    axis = Axis("x", "linear", 0.0, 10.0, 21)

    def chi2(x: np.ndarray) -> np.ndarray:
        # on a node (x = 2) and deeper, steeper, in the middle of a cell (x = 7.25)
        return np.minimum(1.0 + (x - 2.0) ** 2, 40.0 * (x - 7.25) ** 2)

    found = run((axis,), a=chi2)["combined"]
    assert found.at["x"] == pytest.approx(7.25, abs=1e-4)
    assert found.chi2 == pytest.approx(0.0, abs=1e-6)


def test_a_minimum_on_the_edge_says_so_and_stays_inside(
    run: Callable[..., dict[str, Minimum]],
) -> None:
    found = run(AXES, a=lambda m, g: np.log10(m) + (np.log10(g) + 3.03) ** 2)["combined"]
    assert found.on_edge == ("mass",)
    assert found.at["mass"] == 0.1
    assert found.chi2 == pytest.approx(-1.0, abs=1e-6)


def test_a_flat_surface_costs_little(run: Callable[..., dict[str, Minimum]]) -> None:
    found = run(AXES, a=lambda m, g: np.full(np.shape(m), 3.0))["combined"]
    assert found.chi2 == 3.0
    assert found.evaluations < 50


def test_missing_points_beside_the_minimum(run: Callable[..., dict[str, Minimum]]) -> None:
    def chi2(m: np.ndarray, g: np.ndarray) -> np.ndarray:
        u, v = np.log10(m), np.log10(g)
        value = (u - 1.05) ** 2 + (v + 4.0) ** 2
        return np.where(u > 1.0, np.nan, value)

    found = run(AXES, a=chi2)["combined"]
    assert np.isfinite(found.chi2)
    assert found.chi2 <= 0.05**2 + 1e-3


def test_never_worse_than_the_grid(make_cube: Callable[..., xr.Dataset]) -> None:
    """A likelihood that disagrees with the cube, or fails, leaves the stored point."""
    surface = Surface.from_dataset(
        make_cube(AXES, a=lambda m, g: (np.log10(m) - 1.0) ** 2 + (np.log10(g) + 4.0) ** 2), AXES
    )
    stored = float(np.nanmin(surface.chi2))
    for wrong in (np.nan, 50.0):
        found = find_minimum(surface, lambda points, w=wrong: np.full(len(points["mass"]), w))
        assert found.chi2 == stored
        assert surface.at(**found.at).chi2 == pytest.approx(stored, abs=1e-12)


def test_three_axes(run: Callable[..., dict[str, Minimum]]) -> None:
    axes = tuple(Axis(name, "linear", -1.0, 1.0, 15) for name in "abc")

    def chi2(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
        return 30 * (a - 0.21) ** 2 + 20 * (b + a - 0.4) ** 2 + 10 * (c - a * b) ** 2

    found = run(axes, x=chi2)["combined"]
    assert found.chi2 == pytest.approx(0.0, abs=1e-6)
    assert found.evaluations <= 260 + survey(3)


def test_one_experiment_is_its_own_combination(run: Callable[..., dict[str, Minimum]]) -> None:
    found = run(AXES, only=mediator)
    assert found["combined"] is found["only"]


def test_list_axes(run: Callable[..., dict[str, Minimum]]) -> None:
    axis = Axis("x", "list", 0.0, 4.0, 5, values=(0.0, 0.5, 2.0, 2.5, 4.0))
    found = run((axis,), a=lambda x: (x - 1.7) ** 2)["combined"]
    assert found.at["x"] == pytest.approx(1.7, abs=1e-4)


def test_an_empty_scan_is_refused(run: Callable[..., dict[str, Minimum]]) -> None:
    with pytest.raises(DefinitionError, match="no usable point"):
        run(AXES, a=lambda m, g: m * np.nan)


def test_stored_minimum_of_subsets() -> None:
    one, both = Minimum(1.0, {}), Minimum(2.0, {})
    minima = {"a": one, "combined": both}
    assert stored_minimum(minima, ["a"], ["a", "b", "c"]) is one
    assert stored_minimum(minima, ["c", "b", "a"], ["a", "b", "c"]) is both
    assert stored_minimum(minima, ["a", "b"], ["a", "b", "c"]) is None
    assert stored_minimum({}, ["a"], ["a"]) is None


def test_the_lowest_point_is_begun_at_though_others_take_the_budget(tmp_path):
    """Valleys of oscillations that a coarse grid only seems to have are looked into first."""
    file = tmp_path / "ster.toml"
    file.write_text(
        'scenario = "sterile"\nexperiments = ["coherent_csi_2021"]\n[axes]\n'
        'sin2_2theta_mu = { spacing = "linear", start = 0.0, stop = 1.0, n = 21 }\n'
        'dm2_41 = { spacing = "log", start = 0.3, stop = 20.0, n = 41, unit = "eV2" }\n'
        'sin2_2theta_e = { spacing = "linear", start = 0.0, stop = 1.0, n = 11 }\n'
    )
    scan, _ = Scan.launch(str(file), store=tmp_path / "store")
    found = scan.minima["combined"]
    near = {"sin2_2theta_mu": 0.25, "dm2_41": 4.14, "sin2_2theta_e": 0.0}
    assert found.chi2 < float(scan.likelihood().chi2(**near)) - 0.03
    assert found.chi2 == pytest.approx(scan.likelihood().minimise().chi2, abs=1e-3)

"""Intervals against analytic curves: one, two, none, open, narrow, steep."""

import json
from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from scipy.optimize import brentq

from scanner.errors import DefinitionError
from scanner.grid import Axis
from scanner.limits.interval import interval
from scanner.limits.reference import Minimum
from scanner.limits.surface import Surface

Make = Callable[..., xr.Dataset]

EPS = Axis("eps", "linear", -0.2, 0.6, 81)
G = Axis("coupling", "log", 1e-6, 1e-2, 200)
MASS = Axis("mass", "log", 1.0, 1e3, 16, "MeV")


@pytest.fixture
def one(make_cube: Make) -> Callable[[Axis, Callable[..., np.ndarray]], Surface]:
    return lambda axis, f: Surface.from_dataset(make_cube((axis,), a=f), (axis,))


def universal(g: np.ndarray | float, g0: float = 1.3e-4) -> np.ndarray | float:
    """Rate (1 - (g/g0)^2)^2 times the Standard Model: allowed again at sqrt(2) g0."""
    return 130.0 * ((1.0 - (g / g0) ** 2) ** 2 - 1.0) ** 2


def test_a_parabola(one: Callable[..., Surface]) -> None:
    found = interval(one(EPS, lambda eps: 3.0 + ((eps - 0.123) / 0.05) ** 2), "eps", cl=0.6826895)
    ((low, high),) = found.intervals
    assert (low, high) == pytest.approx((0.073, 0.173), abs=1e-8)
    assert (found.best, found.chi2_min, found.level) == pytest.approx((0.123, 3.0, 1.0), abs=1e-6)


def test_two_degenerate_solutions_are_two_intervals(one: Callable[..., Surface]) -> None:
    """Both edges of both solutions: a root search from one side finds only the first."""

    def chi2(eps: np.ndarray | float) -> np.ndarray | float:
        return 900.0 * (eps * (eps - 0.41)) ** 2 * 30.0

    found = interval(one(EPS, chi2), "eps", cl=0.9)
    assert len(found.intervals) == 2
    roots = [
        brentq(lambda e: chi2(e) - found.level, *bracket)
        for bracket in ((-0.2, 0.0), (0.0, 0.2), (0.2, 0.41), (0.41, 0.6))
    ]
    assert np.ravel(found.intervals) == pytest.approx(roots, abs=2e-5)


def test_steep_coupling_with_a_strip_of_four_cells(one: Callable[..., Surface]) -> None:
    axis = Axis("coupling", "log", 1e-6, 1e-2, 800)
    found = interval(one(axis, universal), "coupling", cl=0.9, dof=2, kind="sm", chi2_sm=0.0)
    (none, first), (low, high) = found.intervals
    exact = [
        brentq(lambda g: universal(g) - found.level, *bracket)
        for bracket in ((1e-6, 1e-4), (1.4e-4, np.sqrt(2) * 1.3e-4), (np.sqrt(2) * 1.3e-4, 1e-3))
    ]
    cells = 799.0 / np.log(1e4) * np.log(np.array([first, low, high]) / exact)
    assert none is None
    assert cells == pytest.approx([0.0, 0.0, 0.0], abs=1e-2)
    assert not found.notes


def test_a_strip_narrower_than_two_cells_is_found_and_said(one: Callable[..., Surface]) -> None:
    axis = Axis("coupling", "log", 1e-6, 1e-2, 200)
    found = interval(one(axis, universal), "coupling", cl=0.9, dof=2)
    assert len(found.intervals) == 2
    assert any("narrower than two cells" in note for note in found.notes)


def test_a_limit_that_saturates_is_open_above(one: Callable[..., Surface]) -> None:
    def chi2(g: np.ndarray | float) -> np.ndarray | float:
        strength = (g / 3e-5) ** 8
        return 100.0 * strength / (1.0 + strength)

    found = interval(one(G, chi2), "coupling", cl=0.9, kind="sm", chi2_sm=0.0)
    exact = brentq(lambda g: chi2(g) - found.level, 1e-6, 1e-4)
    ((low, high),) = found.intervals
    assert low is None
    assert high == pytest.approx(exact, rel=5e-4)


def test_everything_and_nothing_allowed(one: Callable[..., Surface]) -> None:
    flat = one(EPS, lambda eps: 0.0 * eps + 2.0)
    assert interval(flat, "eps").intervals == ((None, None),)
    assert interval(flat, "eps", kind="sm", chi2_sm=-100.0).intervals == ()
    assert "no scanned eps allowed" in interval(flat, "eps", kind="sm", chi2_sm=-100.0).text()


def test_missing_points_away_from_the_level_move_no_limit(one: Callable[..., Surface]) -> None:
    surface = one(EPS, lambda eps: np.where(eps > 0.2, np.nan, 100.0 * eps**2))
    found = interval(surface, "eps", cl=0.9)
    ((low, high),) = found.intervals
    assert low == pytest.approx(-np.sqrt(found.level / 100.0), abs=1e-6)
    assert high == pytest.approx(np.sqrt(found.level / 100.0), abs=1e-6)
    assert found.points_end == ((None, None),)
    assert found.coverage < 1.0
    assert any("unphysical or failed" in note for note in found.notes)
    assert not any("usable points end" in note for note in found.notes)


def test_where_the_points_end_is_no_limit(one: Callable[..., Surface]) -> None:
    surface = one(EPS, lambda eps: np.where(eps > 0.205, np.nan, 100.0 * eps**2))
    cut = interval(surface, "eps", cl=0.99999)
    assert cut.intervals == ((None, None),)
    assert cut.points_end == ((None, pytest.approx(0.2)),)
    assert cut.text() == "every eps (usable points only to 0.2)"
    assert any("the usable points end at eps = 0.2: no limit there" in note for note in cut.notes)
    assert cut.to_dict()["points_end"] == [[None, pytest.approx(0.2)]]


def test_a_hole_in_the_points_leaves_two_open_intervals(one: Callable[..., Surface]) -> None:
    hole = one(EPS, lambda e: np.where(np.abs(e - 0.1) < 0.025, np.nan, ((e - 0.1) / 0.05) ** 2))
    found = interval(hole, "eps", cl=0.9, kind="sm", chi2_sm=0.0)
    half = 0.05 * np.sqrt(found.level)
    (low, none), (nothing, high) = found.intervals
    assert (low, high) == pytest.approx((0.1 - half, 0.1 + half), abs=1e-3)
    assert (none, nothing) == (None, None)
    assert found.points_end == ((None, pytest.approx(0.07)), (pytest.approx(0.13), None))
    assert found.text() == (
        "eps > 0.0178 (usable points only to 0.07) or eps < 0.182 (usable points only from 0.13)"
    )


def test_a_lonely_point_and_no_point_at_all_are_no_exclusion(one: Callable[..., Surface]) -> None:
    lonely = one(EPS, lambda e: np.where(np.abs(e - 0.1) < 1e-6, 0.0, np.nan))
    found = interval(lonely, "eps", cl=0.9)
    assert found.intervals == ((None, None),)
    assert found.text() == "every eps (usable points only from 0.1 to 0.1)"
    nothing = interval(one(EPS, lambda e: e * np.nan), "eps", kind="sm", chi2_sm=0.0)
    assert nothing.intervals == ()
    assert nothing.text() == "no usable point of eps"
    part = one(EPS, lambda e: np.where(e > 0.2, np.nan, e + 50.0))
    high = interval(part, "eps", kind="sm", chi2_sm=0.0)
    assert high.text() == "no scanned eps allowed at the usable points"


def test_many_points_are_asked_at_once(one: Callable[..., Surface]) -> None:
    axis = Axis("eps", "linear", -0.2, 0.6, 200_001)
    surface = one(axis, lambda eps: 1e4 * (eps * (eps - 0.41)) ** 2)
    found = interval(surface, "eps", cl=0.9)
    assert len(found.intervals) == 2


def test_a_profile_over_a_thin_strip_says_so_and_a_wide_one_does_not(make_cube: Make) -> None:
    axes = (Axis("x", "linear", 0.0, 1.0, 61), Axis("y", "linear", 0.0, 2.0, 91))

    def note_of(width: float) -> list[str]:
        data = make_cube(axes, a=lambda x, y: ((y - 0.3 - 1.3 * x) / width) ** 2)
        found = interval(Surface.from_dataset(data, axes), "y", cl=0.9)
        return [note for note in found.notes if "strip" in note]

    assert note_of(0.2) == []
    (note,) = note_of(0.01)
    assert "the profile over x follows a strip narrower" in note


def test_the_profile_over_a_climbing_strip_has_no_gaps(make_cube: Make) -> None:
    """The strip climbs 2.5 couplings from one mass to the next and is narrower than that.

    Between its masses the lowest node of a coupling is an excluded one far away.
    """
    axes = (Axis("mass", "linear", 0.0, 60.0, 61), Axis("coupling", "linear", 10.0, 120.0, 111))

    def chi2(mass: np.ndarray, g: np.ndarray) -> np.ndarray:
        return np.where(mass > 56.0, 3.0, 1.5 + 2.0 * (g - 2.5 * mass - 0.1) ** 2)

    surface = Surface.from_dataset(make_cube(axes, a=chi2), axes)
    found = interval(surface, "coupling", cl=0.9, kind="sm", chi2_sm=0.0)
    assert found.intervals == ((None, None),)


def test_a_surface_that_is_held_already_is_the_same_question(make_cube: Make) -> None:
    axes = (MASS, EPS)
    data = make_cube(axes, a=lambda m, e: ((e - 0.1) / 0.05) ** 2 + 2.0 * np.log10(m))
    at, lowest = {"mass": 37.0}, Minimum(0.0, {"mass": 1.0, "eps": 0.1})
    whole = interval(Surface.from_dataset(data, axes), "eps", at=at, minimum=lowest)
    held = interval(Surface.from_dataset(data, axes, at=at), "eps", minimum=lowest)
    assert held == whole
    with pytest.raises(DefinitionError, match=r"mass is asked for and fixed at 37"):
        interval(Surface.from_dataset(data, axes, at=at), "mass")


def test_profiled_and_fixed_intervals_differ(make_cube: Make) -> None:
    axes = (Axis("x", "linear", -2.0, 2.0, 41), Axis("y", "linear", -3.0, 3.0, 61))
    data = make_cube(axes, a=lambda x, y: 4.0 * (x * x + x * y + y * y) + 1.0)
    surface = Surface.from_dataset(data, axes)
    profiled = interval(surface, "x", cl=0.6826895)
    fixed = interval(surface, "x", cl=0.6826895, at={"y": 0.0})
    assert profiled.intervals[0][1] == pytest.approx(1.0 / np.sqrt(3.0), abs=1e-6)
    assert fixed.intervals[0][1] == pytest.approx(0.5, abs=1e-6)
    assert (set(profiled.profiled), dict(fixed.fixed)) == ({"y"}, {"y": 0.0})


def test_a_fixed_mass_counts_from_the_whole_scan_or_from_its_own_line(make_cube: Make) -> None:
    axes = (MASS, EPS)
    data = make_cube(axes, a=lambda m, e: ((e - 0.1) / 0.05) ** 2 + 2.0 * np.log10(m))
    surface = Surface.from_dataset(data, axes)
    raster = interval(surface, "eps", cl=0.9, at={"mass": 10.0}, kind="raster")
    whole = interval(surface, "eps", cl=0.9, at={"mass": 10.0})
    assert raster.intervals[0][1] == pytest.approx(0.1 + 0.05 * np.sqrt(raster.level), abs=1e-6)
    assert whole.intervals[0][1] == pytest.approx(0.1 + 0.05 * np.sqrt(whole.level - 2), abs=1e-6)
    assert whole.reference.at["mass"] == 1.0


def test_the_exact_minimum_moves_best_and_level(one: Callable[..., Surface]) -> None:
    surface = one(EPS, lambda eps: ((eps - 0.123) / 0.05) ** 2)
    found = interval(surface, "eps", cl=0.9, minimum=Minimum(-0.5, {"eps": 0.1234}))
    assert (found.best, found.chi2_min) == (0.1234, -0.5)
    assert found.intervals[0][1] == pytest.approx(0.123 + 0.05 * np.sqrt(found.level - 0.5))


def test_incomplete_scans_say_how_much_is_computed(make_cube: Make) -> None:
    data = make_cube((EPS,), a=lambda eps: eps**2)
    data["status"][0, -20:] = 0
    found = interval(Surface.from_dataset(data, (EPS,)), "eps")
    assert "75 % of the grid computed" in found.notes


def test_bad_questions_name_the_mend(one: Callable[..., Surface]) -> None:
    surface = one(EPS, lambda eps: eps**2)
    with pytest.raises(DefinitionError, match=r"cl = 90: give a fraction, 0\.9 for 90 %"):
        interval(surface, "eps", cl=90)
    with pytest.raises(DefinitionError, match="dof = 0"):
        interval(surface, "eps", dof=0)
    with pytest.raises(DefinitionError, match="unknown axis 'epsilon'"):
        interval(surface, "epsilon")
    with pytest.raises(DefinitionError, match=r"eps is asked for and fixed at 0\.1"):
        interval(surface, "eps", at={"eps": 0.1})


def test_json_has_the_contract_keys_and_nothing_json_cannot_hold(
    one: Callable[..., Surface],
) -> None:
    found = interval(one(G, universal), "coupling", cl=0.9, dof=2).to_dict()
    assert {"parameter", "cl", "dof", "best", "chi2_min", "intervals"} <= set(found)
    assert found["intervals"][0][0] is None
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_in_words(one: Callable[..., Surface]) -> None:
    text = interval(one(EPS, lambda e: ((e - 0.123) / 0.05) ** 2), "eps", cl=0.6826895).text()
    assert text == "0.073 < eps < 0.173"

"""Marginals against Gaussian integrals with one and two parameters, flat and log priors."""

import json

import numpy as np
import pytest
from scipy.stats import halfnorm, norm

from scanner.errors import DefinitionError
from scanner.grid import Axis
from scanner.limits.marginal import marginal
from scanner.limits.surface import Surface

X = Axis("x", "linear", -6.0, 6.0, 121)
Y = Axis("y", "linear", -5.0, 7.0, 97)
G = Axis("g", "log", 1e-6, 1e-2, 161)
RHO = 0.6


def surface(*axes: Axis, chi2) -> Surface:
    mesh = np.meshgrid(*(a.coordinates for a in axes), indexing="ij")
    return Surface(axes, chi2(*mesh), ("a",))


def correlated(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x**2 - 2.0 * RHO * x * (y - 1.0) + (y - 1.0) ** 2) / (1.0 - RHO**2) + 30.0


def test_the_marginal_of_a_correlated_gaussian_forgets_the_other():
    found = marginal(surface(X, Y, chi2=correlated), ["y"], credibility=(0.6827, 0.9))
    np.testing.assert_allclose(found.density, norm.pdf(Y.coordinates, 1.0), atol=1e-4)
    for region, z in zip(found.regions, (1.0, norm.ppf(0.95)), strict=True):
        ((low, high),) = region.intervals
        assert (low, high) == pytest.approx((1.0 - z, 1.0 + z), abs=0.01)
        assert region.mass == pytest.approx(region.credibility, abs=1e-3)
    assert found.mean == pytest.approx((1.0,), abs=1e-3)
    assert found.chi2_min == pytest.approx(30.0)
    assert found.evidence == pytest.approx(
        np.log(2.0 * np.pi * np.sqrt(1.0 - RHO**2) / (12.0 * 12.0)), abs=1e-3
    )


def test_the_order_of_the_kept_axes_is_that_asked_for():
    whole = surface(X, Y, chi2=correlated)
    one, two = marginal(whole, ["x", "y"]), marginal(whole, ["y", "x"])
    np.testing.assert_allclose(one.density, two.density.T)
    (region,) = one.regions
    assert 0.9 <= region.mass < 0.91
    (line,) = region.lines
    x, y = line.vertices.T
    # the border of 90 % of a Gaussian in two dimensions
    np.testing.assert_allclose(correlated(x, y) - 30.0, -2.0 * np.log(0.1), atol=0.15)


def test_a_boundary_and_a_log_prior():
    flat = marginal(surface(G, chi2=lambda g: (g / 1e-4) ** 2), ["g"])
    ((low, high),) = flat.regions[0].intervals
    assert low == pytest.approx(G.coordinates[0], rel=1e-12)
    assert high == pytest.approx(1e-4 * halfnorm.ppf(0.9), rel=0.02)
    log = marginal(surface(G, chi2=lambda g: (g / 1e-4) ** 2), ["g"], priors={"g": "log"})
    ((low, high),) = log.regions[0].intervals
    # exp(-g^2/2) per ln g falls with g: the region begins at the axis and ends at 90 % of the mass
    u = np.linspace(np.log(1e-6), np.log(1e-2), 200_001)
    mass = np.cumsum(np.exp(-0.5 * (np.exp(u) / 1e-4) ** 2))
    assert high == pytest.approx(np.exp(u[np.searchsorted(mass / mass[-1], 0.9)]), rel=0.01)
    assert low == pytest.approx(G.coordinates[0], rel=1e-12)
    assert log.to_dict()["density_per"] == ["ln g"]


def test_two_bumps_give_two_intervals_and_missing_points_none():
    def bumps(x: np.ndarray) -> np.ndarray:
        chi2 = ((x**2 - 4.0) / 0.8) ** 2
        return np.where(x > 2.5, np.nan, chi2)

    found = marginal(surface(X, chi2=bumps), ["x"])
    (first, second) = found.regions[0].intervals
    assert first[1] < 0.0 < second[0]
    assert second[1] < 2.65
    assert np.all(found.density[X.coordinates > 2.5] == 0.0)
    assert json.loads(json.dumps(found.to_dict()))["priors"] == {"x": "flat"}


def test_a_coarse_grid_is_said():
    found = marginal(surface(X, chi2=lambda x: 1e4 * x**2), ["x"])
    assert "finer axes" in found.notes[0]


@pytest.mark.parametrize(
    ("keep", "how", "said"),
    [
        ([], {}, "one or two axes"),
        (["z"], {}, "unknown axis 'z'"),
        (["x"], {"priors": {"x": "log"}}, "begins at -6"),
        (["x"], {"priors": {"x": "jeffreys"}}, "unknown prior"),
        (["x"], {"priors": {"z": "flat"}}, "unknown axis"),
        (["x"], {"credibility": (90.0,)}, "0.9 for 90 %"),
    ],
)
def test_what_makes_no_sense_is_refused(keep: list[str], how: dict, said: str):
    with pytest.raises(DefinitionError, match=said):
        marginal(surface(X, Y, chi2=correlated), keep, **how)

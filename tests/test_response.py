"""Energy response and time windows: normalised, convergent, efficiency after smearing (trap 19)."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import gamma, norm, poisson

from scanner import catalog
from scanner.response import (
    CountingResponse,
    EnergyResponse,
    gamma_density,
    gaussian_density,
    window_shares,
)

RECOIL_MAX = {"coherent_csi_2021": 0.047, "coherent_lar_2020": 0.15}
EXPERIMENTS = pytest.mark.parametrize("name", RECOIL_MAX)


def _recoils(name):
    return np.concatenate([np.geomspace(1e-8, 1e-3, 60), np.linspace(1e-3, RECOIL_MAX[name], 300)])


@EXPERIMENTS
def test_no_recoil_is_counted_more_than_once(name):
    columns = catalog.experiment(name).response(_recoils(name))
    assert np.all(columns >= 0.0)
    assert columns.sum(axis=0).max() <= 1.0
    assert columns.sum(axis=0).max() > 0.9


@EXPERIMENTS
def test_without_losses_the_smearing_is_normalised(name):
    response = catalog.experiment(name).response
    wide = replace(
        response,
        edges=np.array([-100.0, 0.0, 400.0])
        if name == "coherent_lar_2020"
        else np.array([0.0, 400.0]),
        knots=np.arange(-100.0, 400.0, 0.25),
        efficiency=np.ones_like,
    )
    t = np.linspace(0.01, RECOIL_MAX[name], 12)
    np.testing.assert_allclose(wide(t).sum(axis=0), 1.0, atol=1e-9)


@EXPERIMENTS
def test_refining_changes_nothing(name):
    response, t = catalog.experiment(name).response, _recoils(name)
    knots = np.union1d(response.knots, response.edges)
    halves = np.union1d(knots, 0.5 * (knots[1:] + knots[:-1]))
    for finer in (replace(response, order=14), replace(response, knots=halves)):
        assert np.max(np.abs(finer(t) - response(t))) < 1e-8


@EXPERIMENTS
def test_finer_bins_add_up(name):
    response, t = catalog.experiment(name).response, _recoils(name)
    edges = response.edges
    fine = replace(response, edges=np.sort(np.append(edges, 0.37 * edges[1:] + 0.63 * edges[:-1])))
    np.testing.assert_allclose(fine(t)[::2] + fine(t)[1::2], response(t), atol=1e-8)


def test_efficiency_acts_after_the_smearing_and_inside_the_bin():
    # one wide bin, efficiency a step in its middle: half of a symmetric smearing is accepted
    response = EnergyResponse(
        edges=np.array([0.0, 20.0]),
        knots=np.linspace(0, 20, 81),
        quenched=lambda t: 1e3 * t,
        density=lambda x, e: norm.pdf(x, loc=e, scale=1.0),
        efficiency=lambda x: np.where(x < 10.0, 0.0, 0.8),
    )
    assert response(np.array([0.01]))[0, 0] == pytest.approx(0.4, rel=1e-9)


@pytest.mark.parametrize("energy", [0.05, 1.0, 4.0])
def test_gamma_density_has_the_light_yield_as_mean(energy):
    def density(x):
        return gamma_density(x, energy, yield_at_one=13.35, shape_slope=9.56)

    shape = 1 + 9.56 * energy
    x = np.geomspace(0.01, 100, 30)
    expected = gamma.pdf(x, shape, scale=13.35 * energy / shape)
    np.testing.assert_allclose(density(x), expected, rtol=1e-10, atol=1e-300)
    mean = quad(lambda y: y * float(density(y)), 0, 400, points=[1, 10, 60], limit=200)[0]
    assert mean == pytest.approx(13.35 * energy, rel=1e-8)


def test_gaussian_density_width_grows_with_the_root():
    x = np.linspace(0, 60, 13)
    np.testing.assert_allclose(
        gaussian_density(x, 25.0, sqrt_coefficient=0.58), norm.pdf(x, 25.0, 0.58 * 5.0), rtol=1e-12
    )


def test_window_shares_with_an_efficiency():
    def cdf(t):
        return norm.cdf(t, 0.6, 0.2)

    def efficiency(t):
        return np.exp(-0.0494 * np.maximum(t - 0.52, 0.0))

    edges = np.array([0.0, 0.5, 0.75, 2.0])

    def rate(t):
        return norm.pdf(t, 0.6, 0.2) * efficiency(t)

    pieces = [
        quad(rate, a, b, epsabs=1e-14)[0] for a, b in pairwise([0.0, 0.5, 0.52, 0.75, 1.5, 2.0])
    ]
    expected = [pieces[0], pieces[1] + pieces[2], pieces[3] + pieces[4]]
    np.testing.assert_allclose(window_shares(cdf, edges, efficiency), expected, rtol=1e-7)
    np.testing.assert_allclose(window_shares(cdf, edges), np.diff(cdf(edges)), rtol=1e-15)


def test_whole_photoelectrons_are_each_counted_once():
    wide = CountingResponse(np.arange(0.0, 402.0, 3.0), lambda t: 1e3 * t, np.ones_like)
    t = np.array([1e-9, 0.004, 0.1, 0.25])
    columns = wide(t)
    np.testing.assert_allclose(columns.sum(axis=0), 1.0, rtol=1e-12)
    middle = np.arange(1.0, 402.0, 3.0)[:-1]
    np.testing.assert_allclose(middle @ columns, 1e3 * t, atol=1.01)
    halved = replace(wide, acceptance=lambda x: np.where(x < 100.0, 1.0, 0.0))
    assert halved(np.array([0.099]))[:, 0].sum() == pytest.approx(poisson.cdf(99, 99.0), rel=1e-12)

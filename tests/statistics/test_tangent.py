"""Slope and bend of a profiled chi2 along the signal, against differences of fits."""

from __future__ import annotations

import numpy as np
import pytest

from scanner.statistics.gaussian import GaussianLikelihood
from scanner.statistics.parts import PartedPulls
from scanner.statistics.poisson import PoissonLikelihood
from scanner.statistics.pulls import LinearPulls, Profile
from scanner.statistics.tangent import Sloped

N_BINS = 8
PULLS = {
    "one normalisation": [np.full(N_BINS, 0.12)],
    "two normalisations, a tilt": [
        np.full(N_BINS, 0.11),
        np.full(N_BINS, 0.04),
        np.linspace(-0.2, 0.2, N_BINS),
    ],
    "a tilt alone": [np.linspace(-0.3, 0.1, N_BINS)],
}


def likelihood(rng, kind, rows, parts=1):
    """Background pulls behind those of the signal; with parts a moving background as well."""
    background = rng.uniform(5.0, 40.0, N_BINS)
    n = len(rows) + 2
    signal = np.zeros((n, N_BINS))
    signal[: len(rows)] = rows
    response = np.zeros((n, N_BINS))
    response[-2:] = [0.2 * background, rng.normal(0.0, 1.0, N_BINS)]
    observed = rng.poisson(background + 20.0).astype(float)
    pulls = LinearPulls(signal, response, background)
    if parts > 1:
        moving = np.zeros((n, N_BINS))
        moving[-1] = 0.3
        pulls = PartedPulls(np.hstack([signal, moving]), response, background, np.full(N_BINS, 4.0))
    if kind == "poisson":
        return PoissonLikelihood(observed, pulls)
    return GaussianLikelihood(observed, observed + 3.0, pulls)


@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("case", PULLS)
@pytest.mark.parametrize("kind", ["poisson", "gaussian"])
def test_against_differences(kind, case, parts):
    rng = np.random.default_rng(11)
    one = likelihood(rng, kind, PULLS[case], parts)
    assert isinstance(one, Sloped)
    signal = rng.uniform(2.0, 30.0, (5, parts * N_BINS))
    moves = rng.normal(0.0, 3.0, (5, 3, parts * N_BINS))
    found = one.tangent(signal, moves)
    np.testing.assert_array_equal(found.chi2, one.profile(signal).chi2)
    assert found.slope.shape == (5, parts * N_BINS)
    h = 1e-3

    def chi2(*steps):
        moved = signal + sum(step * moves[:, i] for i, step in enumerate(steps))
        return one.profile(moved).chi2

    gradient = np.einsum("nmb,nb->nm", moves, found.slope)
    for i in range(3):
        step = h * np.eye(3)[i]
        slope = (chi2(*step) - chi2(*-step)) / (2.0 * h)
        np.testing.assert_allclose(gradient[:, i], slope, rtol=2e-5, atol=1e-5)
        for k in range(3):
            other = h * np.eye(3)[k]
            corners = chi2(*(step + other)) - chi2(*(step - other))
            corners -= chi2(*(other - step)) - chi2(*(-step - other))
            bend = corners / (4.0 * h**2)
            np.testing.assert_allclose(found.bend[:, i, k], bend, rtol=2e-3, atol=2e-2)
    np.testing.assert_array_equal(found.bend, found.bend.swapaxes(1, 2))


@pytest.mark.parametrize("kind", ["poisson", "gaussian"])
def test_a_signal_that_drowns_everything_keeps_its_slope(kind):
    # one bin, one normalisation: chi2 falls like (1 - n/S)^2/D^2 + ..., by hand for a huge signal
    pulls = LinearPulls(np.full((1, 1), 0.1), np.zeros((1, 1)), np.zeros(1))
    n, s = 50.0, np.array([[1e9]])
    one = (
        PoissonLikelihood(np.array([n]), pulls)
        if kind == "poisson"
        else GaussianLikelihood(np.array([n]), np.array([n]), pulls)
    )
    found = one.tangent(s, np.ones((1, 1, 1)))
    h = 1e6
    up, down = (one.profile(s + d).chi2[0] for d in (h, -h))
    assert found.slope[0, 0] == pytest.approx((up - down) / (2 * h), rel=1e-3)


def test_points_without_a_fit_have_no_chi2_and_do_no_harm():
    rng = np.random.default_rng(2)
    one = likelihood(rng, "poisson", PULLS["one normalisation"])
    signal = rng.uniform(2.0, 30.0, (3, N_BINS))
    signal[1] = np.nan
    moves = np.ones((3, 1, N_BINS))
    found = one.tangent(signal, moves)
    alone = one.tangent(signal[[0, 2]], moves[[0, 2]])
    assert np.isnan(found.chi2[1])
    assert found.status[1] != 1
    np.testing.assert_allclose(found.bend[[0, 2]], alone.bend, rtol=1e-12)


def test_a_likelihood_may_have_no_slopes():
    class Curved:
        def profile(self, signal) -> Profile:
            raise NotImplementedError

    assert not isinstance(Curved(), Sloped)

"""Backgrounds that change from point to point: each point is a likelihood of its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scanner.statistics.gaussian import WORTH_A_GRAM, GaussianLikelihood
from scanner.statistics.lines import Lines
from scanner.statistics.parts import PartedPulls
from scanner.statistics.poisson import PoissonLikelihood
from scanner.statistics.pulls import LinearPulls

N_BINS, N = 7, 40


def case(seed, normalisations=1):
    """Signals and moving backgrounds of N points, and the pulls of one of them alone."""
    rng = np.random.default_rng(seed)
    still = rng.uniform(2.0, 30.0, N_BINS)
    signal, moving = rng.uniform(0.0, 20.0, (2, N, N_BINS))
    d = np.vstack(
        [
            *(np.full((1, N_BINS), 0.1 + 0.02 * k) for k in range(normalisations)),
            rng.normal(0.0, 0.1, (1, N_BINS)),
            np.zeros((2, N_BINS)),
        ]
    )
    r = np.zeros_like(d)
    r[-1] = 0.05 * still
    scale = np.zeros((len(d), 1))
    scale[-2] = 0.35  # a normalisation of the moving background
    scale[-3] = 0.1  # and a pull that acts on it and on the signal
    observed = rng.poisson(still + 20.0).astype(float)

    def alone(i):
        return LinearPulls(d, r + scale * moving[i], still + moving[i])

    together = PartedPulls(np.hstack([d, scale * np.ones(N_BINS)]), r, still, moving.mean(axis=0))
    return observed, signal, moving, together, alone


LIKELIHOODS = {
    "poisson": PoissonLikelihood,
    "gaussian": lambda observed, pulls: GaussianLikelihood(observed, observed + 2.0, pulls),
}


@pytest.mark.parametrize("normalisations", [0, 1, 2])
@pytest.mark.parametrize("kind", LIKELIHOODS)
def test_each_point_is_a_likelihood_of_its_own(kind, normalisations):
    observed, signal, moving, together, alone = case(4, normalisations)
    found = LIKELIHOODS[kind](observed, together).profile(np.hstack([signal, moving]))
    for i in range(N):
        expected = LIKELIHOODS[kind](observed, alone(i)).profile(signal[i : i + 1])
        assert found.chi2[i] == pytest.approx(expected.chi2[0], abs=1e-9)
        np.testing.assert_allclose(found.pulls[i], expected.pulls[0], atol=1e-6)
        at = together.at(np.concatenate([signal[i], moving[i]]), found.pulls[i])
        np.testing.assert_allclose(at, alone(i).at(signal[i], found.pulls[i]), rtol=1e-12)


@pytest.mark.parametrize("kind", LIKELIHOODS)
def test_grids_are_their_points(kind):
    observed, signal, moving, together, _ = case(5)
    made = LIKELIHOODS[kind](observed, together)
    rows = np.stack([np.hstack([signal[0], moving[0]]), np.hstack([signal[1], 0.0 * moving[1]])])
    z = np.linspace(0.0, 1.0, WORTH_A_GRAM + 3)
    lines = Lines.of_couplings([(0,), (1,)], [], z)
    chi2, status = made.scan(rows[np.newaxis], lines)
    expected = made.profile(rows[0] + z[:, np.newaxis] * rows[1])
    np.testing.assert_allclose(chi2[0, 0], expected.chi2, rtol=1e-12)
    assert np.all(status == 1)


def test_toys_are_drawn_about_all_parts():
    observed, signal, moving, together, _ = case(6)
    made = PoissonLikelihood(observed, together)
    x = np.array([0.5, -1.0, 0.3, 0.2])
    point = np.concatenate([signal[0], moving[0]])
    toys = [made.drawn(point, x, np.random.default_rng(i)).observed for i in range(400)]
    expected = together.at(point, x)
    np.testing.assert_allclose(np.mean(toys, axis=0), expected, rtol=0.12)


def test_without_moving_parts_it_is_the_usual_likelihood():
    observed, signal, _, together, _ = case(7)
    usual = LinearPulls(together.signal[:, :N_BINS], together.background, together.expected)
    parted = replace(together, signal=usual.signal, moving=np.zeros(N_BINS))
    a = PoissonLikelihood(observed, usual).profile(signal)
    b = PoissonLikelihood(observed, parted).profile(signal)
    np.testing.assert_allclose(b.chi2, a.chi2, rtol=0, atol=1e-10)

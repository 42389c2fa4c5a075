"""Held pulls: the same prediction, bin by bin."""

import numpy as np

from scanner.statistics.held import held, without
from scanner.statistics.postfit import counts_at
from scanner.statistics.pulls import LinearPulls

RNG = np.random.default_rng(5)
PULLS = LinearPulls(RNG.normal(size=(3, 4)), RNG.normal(size=(3, 4)), RNG.uniform(5, 9, 4))
SIGNAL = RNG.uniform(1, 5, 4)
X = RNG.normal(size=3)


def test_the_prediction_does_not_notice_that_a_pull_is_held() -> None:
    rest, factor = without(PULLS, 1, X[1])
    assert rest.n == 2
    np.testing.assert_allclose(
        counts_at(rest, SIGNAL * factor, X[[0, 2]]), counts_at(PULLS, SIGNAL, X)
    )


def test_a_bin_whose_signal_vanishes_keeps_a_finite_response() -> None:
    rest, factor = without(PULLS, 0, -1.0 / PULLS.signal[0, 2])
    x = np.array([-1.0 / PULLS.signal[0, 2], 0.3, 0.7])
    np.testing.assert_allclose(counts_at(rest, SIGNAL * factor, x[1:]), counts_at(PULLS, SIGNAL, x))


def test_all_pulls_held() -> None:
    rest, factor = held(PULLS, X)
    np.testing.assert_allclose(
        counts_at(rest, SIGNAL * factor, np.array([2.0])), counts_at(PULLS, SIGNAL, X)
    )

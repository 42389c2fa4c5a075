"""Post-fit widths against second differences of the chi2 that the fit minimises."""

import numpy as np
import pytest

from scanner import catalog
from scanner.chi2 import linear_pulls
from scanner.statistics import postfit
from scanner.statistics.poisson import PoissonLikelihood

CSI = catalog.experiment("coherent_csi_2021", {})
SIGNAL = np.full(CSI.n_bins, 3.0)


def chi2(x: np.ndarray) -> float:
    """Slow twin: chi2 of all pulls, bin by bin."""
    mu = postfit.counts_at(linear_pulls(CSI), SIGNAL, x)
    total = float(x @ x)
    for n, m in zip(CSI.observed, mu, strict=True):
        total += 2.0 * (m - n + (n * np.log(n / m) if n else 0.0))
    return total


def test_covariance_is_the_inverse_of_half_the_second_derivative() -> None:
    pulls = linear_pulls(CSI)
    likelihood = PoissonLikelihood(CSI.observed, pulls)
    best = likelihood.profile(SIGNAL[np.newaxis])
    x, h = best.pulls[0], 1e-3
    assert chi2(x) == pytest.approx(best.chi2[0])
    steps = h * np.eye(pulls.n)
    hessian = [
        [
            (chi2(x + a + b) - chi2(x + a - b) - chi2(x - a + b) + chi2(x - a - b)) / (4 * h * h)
            for a in steps
        ]
        for b in steps
    ]
    mu = postfit.counts_at(pulls, SIGNAL, x)
    weight = postfit.weights(CSI.observed, mu, None)
    found = postfit.covariance(pulls, SIGNAL, weight)
    np.testing.assert_allclose(found, np.linalg.inv(0.5 * np.array(hessian)), rtol=1e-4, atol=1e-5)


def test_a_gaussian_bin_is_weighted_by_its_variance() -> None:
    assert postfit.weights(np.ones(1), np.ones(1), np.array([4.0])).tolist() == [0.25]

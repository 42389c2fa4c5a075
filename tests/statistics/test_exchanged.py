"""Other data in the same likelihood: counts, and auxiliary measurements of the pulls."""

import numpy as np
import pytest

from scanner.statistics.gaussian import GaussianLikelihood
from scanner.statistics.lines import Lines
from scanner.statistics.poisson import PoissonLikelihood
from scanner.statistics.poisson_kernel import PoissonKernel
from scanner.statistics.pulls import LinearPulls

BINS, PULLS = 6, 3
RANDOM = np.random.default_rng(5)
SIGNAL = RANDOM.uniform(2.0, 9.0, BINS)
MEASURED = np.array([0.7, -1.1, 0.4])


def pulls(normalisation: bool) -> LinearPulls:
    shape = RANDOM.uniform(-0.1, 0.1, (PULLS, BINS))
    shape[0] = 0.12 if normalisation else 0.0
    background = np.vstack([np.zeros(BINS), RANDOM.uniform(0.0, 2.0, (PULLS - 1, BINS))])
    return LinearPulls(shape, background, RANDOM.uniform(5.0, 9.0, BINS))


def by_hand(p: LinearPulls) -> LinearPulls:
    """The same counts in pulls counted from MEASURED: mu = S' (1 + z D') + B' + z R."""
    factor = 1.0 + MEASURED @ p.signal
    return LinearPulls(p.signal / factor, p.background, p.expected + MEASURED @ p.background)


@pytest.mark.parametrize("normalisation", [True, False])
@pytest.mark.parametrize("kind", ["poisson", "gaussian"])
def test_measured_pulls_are_a_shifted_prior(kind: str, normalisation: bool):
    p, counts = pulls(normalisation), RANDOM.poisson(12.0, BINS).astype(float)
    old = np.ones(BINS)
    first = PoissonLikelihood(old, p) if kind == "poisson" else GaussianLikelihood(old, old + 9, p)
    exchanged = first.exchanged(counts, MEASURED)
    found = exchanged.profile(np.array([SIGNAL, 3.0 * SIGNAL]))
    other = first.__class__(
        **{
            "observed": counts,
            "pulls": by_hand(p),
            **({"variance": old + 9} if kind == "gaussian" else {}),
        }
    )
    shifted = other.profile(np.array([SIGNAL, 3.0 * SIGNAL]) * (1.0 + MEASURED @ p.signal))
    np.testing.assert_allclose(found.chi2, shifted.chi2, rtol=1e-9)
    np.testing.assert_allclose(found.pulls, shifted.pulls + MEASURED, atol=1e-6)


@pytest.mark.parametrize("normalisation", [True, False])
@pytest.mark.parametrize("kind", ["kernel", "gaussian"])
def test_grids_of_exchanged_data_agree_with_points(kind: str, normalisation: bool):
    p, counts = pulls(normalisation), RANDOM.poisson(12.0, BINS).astype(float)
    plain: PoissonLikelihood | GaussianLikelihood = (
        PoissonLikelihood(counts + 1.0, p)
        if kind == "kernel"
        else GaussianLikelihood(counts + 1.0, np.full(BINS, 9.0), p)
    ).exchanged(counts, MEASURED)
    grid = PoissonKernel(plain) if isinstance(plain, PoissonLikelihood) else plain
    lines = Lines.of_couplings([(0,), (1,), (2,)], [], np.linspace(-0.5, 1.5, 40))
    templates = np.stack([SIGNAL, 0.5 * SIGNAL[::-1], 0.1 * SIGNAL])[np.newaxis]
    chi2, _ = grid.scan(templates, lines)
    expected = plain.profile(lines.coefficients() @ templates[0]).chi2
    np.testing.assert_allclose(chi2[0, 0], expected, rtol=1e-9)


def test_asimov_data_are_fitted_without_a_rest():
    p = pulls(True)
    asimov = PoissonLikelihood(np.ones(BINS), p).exchanged(p.at(SIGNAL, np.zeros(PULLS)))
    found = asimov.profile(SIGNAL[np.newaxis])
    assert found.chi2[0] == pytest.approx(0.0, abs=1e-9)
    np.testing.assert_allclose(found.pulls, 0.0, atol=1e-6)

"""The compiled Poisson kernel against the plain likelihood, in every form that pulls can take."""

from __future__ import annotations

import numpy as np
import pytest

from scanner.statistics.lines import Lines
from scanner.statistics.poisson import PoissonLikelihood
from scanner.statistics.poisson_kernel import PoissonKernel
from scanner.statistics.pulls import NUMERIC, OK, UNPHYSICAL, LinearPulls

N_BINS = 21
FORMS = {  # normalisations, shapes of the signal, backgrounds, pulls of both
    "one_normalisation": (1, 0, 3, 0),
    "two_normalisations": (2, 0, 2, 0),
    "none": (0, 0, 2, 0),
    "shapes_alone": (0, 2, 1, 0),
    "both_at_once": (1, 1, 1, 2),
    "many": (1, 2, 6, 0),
    "no_pulls": (0, 0, 0, 0),
}


def likelihood(form, level=5.0, seed=1):
    """Random pulls of a form; at a low level most bins are empty."""
    rng = np.random.default_rng(seed)
    normalisations, shapes, backgrounds, both = FORMS[form]
    expected = rng.uniform(0.2, 2.0, N_BINS) * level
    flat = [np.full(N_BINS, s) for s in rng.uniform(0.05, 0.3, normalisations)]
    tilts = list(rng.normal(0.0, 0.1, (shapes, N_BINS)))
    moved = list(rng.uniform(0.0, 0.3, (backgrounds, N_BINS)) * expected)
    zero = np.zeros(N_BINS)
    signal = [*flat, *tilts, *[zero] * backgrounds, *rng.normal(0.0, 0.1, (both, N_BINS))]
    change = [*[zero] * (normalisations + shapes), *moved, *rng.normal(0, 0.1, (both, N_BINS))]
    pulls = LinearPulls(
        np.array(signal).reshape(-1, N_BINS), np.array(change).reshape(-1, N_BINS), expected
    )
    return PoissonLikelihood(rng.poisson(expected).astype(float), pulls)


def templates(n_shapes, n_terms, seed=2):
    return np.random.default_rng(seed).uniform(0.0, 3.0, (n_shapes, n_terms, N_BINS))


def agree(plain, rows, lines):
    chi2, status = PoissonKernel(plain).scan(rows, lines)
    assert chi2.shape == status.shape == (len(rows), *lines.shape)
    for found, said, row in zip(chi2, status, rows, strict=True):
        with np.errstate(over="ignore", invalid="ignore"):
            signal = lines.coefficients() @ row
        expected = plain.profile(signal)
        np.testing.assert_array_equal(said.ravel(), expected.status)
        np.testing.assert_allclose(found.ravel(), expected.chi2, rtol=1e-9, atol=1e-9)
    return status


@pytest.mark.parametrize("level", [0.3, 5.0, 300.0])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_pulls(form, level):
    # a huge signal that only shapes can undo is singular to rounding: the plain way may give up
    largest = 30.0 if form == "shapes_alone" else 1e8
    lines = Lines(
        np.random.default_rng(3).uniform(0.0, 2.0, (5, 3)),
        np.array([2, 0, 1]),
        np.concatenate([[0.0], np.geomspace(1e-6, largest, 40)]),
    )
    assert np.all(agree(likelihood(form, level), templates(3, 3), lines) == OK)


@pytest.mark.parametrize("degree", [0, 1, 4])
def test_degrees(degree):
    powers = np.arange(degree + 1)
    lines = Lines(np.ones((2, degree + 1)), powers, np.linspace(0.0, 3.0, 30))
    agree(likelihood("one_normalisation"), templates(2, degree + 1), lines)


def test_signals_that_are_impossible_or_no_numbers():
    plain = likelihood("one_normalisation")
    rows = templates(1, 2)
    rows[0, 0] = 0.0
    z = np.array([-1e3, -1.0, -0.01, 0.0, np.nan, 1.0, 1e200, 1e308, np.inf, -np.inf, 2.0])
    status = agree(plain, rows, Lines(np.ones((2, 2)), np.array([0, 1]), z))
    assert {OK, UNPHYSICAL, NUMERIC} <= set(status.ravel().tolist())


def test_bins_in_which_nothing_is_expected():
    pulls = LinearPulls(np.full((1, 4), 0.1), np.zeros((1, 4)), np.array([0.0, 0.0, 3.0, 8.0]))
    rows = np.array([[[0.0, 1.0, 1.0, 2.0]]])
    lines = Lines(np.ones((1, 1)), np.array([1]), np.linspace(0.0, 4.0, 9))
    status = agree(PoissonLikelihood(np.array([0.0, 2.0, 4.0, 7.0]), pulls), rows, lines)
    assert status[0, 0, 0] == UNPHYSICAL
    assert np.all(status[0, 0, 1:] == OK)


def test_expected_counts_as_data():
    """Asimov data have bins of less than one event."""
    plain = likelihood("one_normalisation", 0.3)
    asimov = PoissonLikelihood(plain.pulls.expected + templates(1, 1)[0, 0], plain.pulls)
    lines = Lines(np.ones((1, 1)), np.array([1]), np.linspace(0.0, 20.0, 200))
    agree(asimov, templates(1, 1), lines)
    chi2, _ = PoissonKernel(asimov).scan(templates(1, 1), Lines(*_single(1.0)))
    assert abs(chi2[0, 0, 0]) < 1e-9


def _single(z):
    return np.ones((1, 1)), np.array([1]), np.array([z])


def test_a_point_is_the_same_in_any_company():
    plain = likelihood("both_at_once")
    rows, z = templates(1, 1), np.geomspace(1e-3, 1e3, 101)
    together, _ = PoissonKernel(plain).scan(rows, Lines(np.ones((1, 1)), np.array([1]), z))
    again, _ = PoissonKernel(plain).scan(rows, Lines(np.ones((1, 1)), np.array([1]), z))
    assert together.tobytes() == again.tobytes()
    for i in (0, 50, 100):
        alone, _ = PoissonKernel(plain).scan(rows, Lines(*_single(z[i])))
        assert alone[0, 0, 0] == pytest.approx(together[0, 0, i], rel=1e-10, abs=1e-10)

"""Linear pulls: prediction, its derivatives, and the shifted normalisation."""

from __future__ import annotations

import numpy as np
import pytest

from scanner.statistics.pulls import LinearPulls, solve_scaled


def _pulls(normalisation: bool):
    rng = np.random.default_rng(3)
    signal = rng.normal(0, 0.1, (3, 5))
    signal[1] = 0.12 if normalisation else signal[1]
    return LinearPulls(signal, rng.normal(0, 1, (3, 5)), rng.uniform(5, 9, 5)), rng.uniform(
        1, 4, (2, 5)
    )


BOTH = pytest.mark.parametrize("normalisation", [True, False])


@BOTH
def test_prediction_is_the_textbook_one(normalisation):
    pulls, signal = _pulls(normalisation)
    x = np.random.default_rng(4).normal(size=(2, 3))
    expected = signal * (1 + x @ pulls.signal) + pulls.expected + x @ pulls.background
    np.testing.assert_allclose(pulls.prediction(signal, x + pulls.centre), expected, rtol=1e-13)


def test_only_a_normalisation_is_shifted():
    assert _pulls(True)[0].centre.tolist() == [0.0, 1 / 0.12, 0.0]
    assert _pulls(True)[0].direct == 0.0
    assert _pulls(False)[0].centre.tolist() == [0.0, 0.0, 0.0]
    assert _pulls(False)[0].direct == 1.0


def test_several_normalisations_are_turned_into_one():
    pulls, signal = _pulls(True)
    two = pulls.signal.copy()
    two[2] = -0.05
    turned = LinearPulls(two, pulls.background, pulls.expected)
    assert turned.turned[0][2].tolist() == [0.0] * 5
    assert turned.turned[0][1].tolist() == pytest.approx([0.13] * 5)
    y = np.array([[0.4, 7.0, -0.3]])
    x = turned.in_sigma(y)
    expected = signal * (1 + x @ two) + pulls.expected + x @ pulls.background
    np.testing.assert_allclose(turned.prediction(signal, y), expected, rtol=1e-12)
    # the prior is the same in both
    assert np.sum(x**2) == pytest.approx(np.sum((y - turned.centre) ** 2), rel=1e-13)


@BOTH
def test_change_gradient_and_curvature_are_derivatives(normalisation):
    pulls, signal = _pulls(normalisation)
    y = pulls.centre + np.array([[0.3, -0.2, 0.1], [0.0, 1.0, -1.0]])
    jacobian = np.stack(
        [pulls.prediction(signal, y + e) - pulls.prediction(signal, y) for e in np.eye(3)], axis=1
    )  # (n, n_pulls, n_bins); exact, since mu is linear
    np.testing.assert_allclose(
        pulls.change(signal, np.ones((2, 3))), jacobian.sum(axis=1), atol=1e-12
    )
    weight = np.random.default_rng(5).uniform(0.5, 2, (2, 5))
    np.testing.assert_allclose(
        pulls.gradient(weight, signal), np.einsum("nb,njb->nj", weight, jacobian), atol=1e-11
    )
    expected = np.einsum("nb,nib,njb->nij", weight, jacobian, jacobian) + np.eye(3)
    np.testing.assert_allclose(pulls.curvature(weight, signal), expected, rtol=1e-10, atol=1e-11)


def test_solve_scaled_keeps_small_pulls_beside_huge_ones():
    # exact solution of [[1e24, 1e11], [1e11, 1]] x = [1e12, 1]: determinant 0.99e24
    x = solve_scaled(np.array([[[1e24, 1e11], [1e11, 1.0]]]), np.array([[1e12, 1.0]]))[0]
    np.testing.assert_allclose(x, [(1e12 - 1e11) / 0.99e24, (1e24 - 1e23) / 0.99e24], rtol=1e-13)


def test_a_singular_system_leaves_its_neighbours_alone():
    rng = np.random.default_rng(8)
    good = np.stack([np.eye(3) + m @ m.T for m in rng.normal(size=(2, 3, 3))])
    singular = np.ones((1, 3, 3))
    vectors = rng.normal(size=(3, 3))
    together = solve_scaled(np.concatenate([good[:1], singular, good[1:]]), vectors)
    alone = solve_scaled(good, vectors[[0, 2]])
    np.testing.assert_allclose(together[[0, 2]], alone, rtol=1e-13)
    assert np.isfinite(together).all()

"""The doubled plane: given points untouched, parabolas exact, oblique valleys followed."""

import numpy as np

from scanner.doubling import doubled, doubled_nodes

X, Y = np.linspace(0.0, 1.0, 21), np.linspace(-1.0, 1.0, 31)
MESH = np.meshgrid(X, Y, indexing="ij")
FINE = np.meshgrid(doubled_nodes(X), doubled_nodes(Y), indexing="ij")


def test_given_points_keep_their_values() -> None:
    rough = np.random.default_rng(4).normal(size=(21, 31))
    np.testing.assert_array_equal(doubled(X, Y, rough)[::2, ::2], rough)


def test_a_parabola_is_exact_away_from_the_corners() -> None:
    def bowl(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return 40.0 * (x - 0.3) ** 2 + 7.0 * (y - 0.1) ** 2 + 11.0 * x * y

    fine = doubled(X, Y, bowl(*MESH))
    np.testing.assert_allclose(fine[::2], bowl(*FINE)[::2], atol=1e-12)
    np.testing.assert_allclose(fine[:, ::2], bowl(*FINE)[:, ::2], atol=1e-12)
    np.testing.assert_allclose(fine[2:-2, 2:-2], bowl(*FINE)[2:-2, 2:-2], atol=1e-12)


def test_a_diagonal_valley_is_followed_where_the_mean_of_corners_is_far_off() -> None:
    i, j = np.meshgrid(np.arange(41.0), np.arange(41.0), indexing="ij")
    valley = 50.0 * (j - i - 0.1) ** 2
    fine = doubled(np.arange(41.0), np.arange(41.0), valley)
    k = np.arange(10, 30)
    centres = fine[2 * k + 1, 2 * k + 1]
    corners = (valley[k, k] + valley[k + 1, k + 1] + valley[k, k + 1] + valley[k + 1, k]) / 4.0
    np.testing.assert_allclose(centres, 0.5, atol=1e-6)
    assert corners.min() > 25.0


def test_beside_a_missing_point_everything_is_missing_and_nothing_else() -> None:
    plane = MESH[0] + MESH[1]
    plane[10, 15] = np.nan
    missing = np.isnan(doubled(X, Y, plane))
    expected = np.zeros_like(missing)
    expected[19:22, 29:32] = True
    np.testing.assert_array_equal(missing, expected)

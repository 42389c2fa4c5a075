from __future__ import annotations

import pytest

from scanner.execution.probe import measure, n_shapes, sample
from scanner.grid import Axis, Chunk, Grid

MASS = Axis("mass", "log", 0.1, 1e4, 20_000, "MeV")
COUPLING = Axis("coupling", "log", 1e-6, 1e-2, 400)
EPSILON = Axis("epsilon", "linear", -1.0, 1.0, 300)


class Clocked:
    """Takes a known time, on a clock of its own, per fold and per point; keeps its folds."""

    def __init__(self, per_fold: float, per_point: float) -> None:
        self.per_fold, self.per_point = per_fold, per_point
        self.kept: set[bytes] = set()
        self.now = 0.0

    def block(self, grid: Grid, chunk: Chunk) -> None:
        masses = grid.axis("mass").coordinates[chunk.slices[grid.names.index("mass")]]
        folds = 0 if masses.tobytes() in self.kept else len(masses)
        self.kept.add(masses.tobytes())
        self.now += folds * self.per_fold + chunk.size * self.per_point


@pytest.mark.parametrize("axes", [(MASS,), (MASS, COUPLING), (EPSILON, MASS, COUPLING)], ids=len)
def test_folds_and_points_are_timed_apart(axes) -> None:
    evaluator = Clocked(2e-3, 2e-5)
    speed = measure(axes, {"mass"}, evaluator, lambda: evaluator.now)
    assert speed.seconds_per_template == pytest.approx(2e-3, rel=1e-9)
    assert 1 / speed.points_per_second == pytest.approx(2e-5, rel=1e-9)
    assert speed.seconds(10, 100) == pytest.approx(22e-3, rel=1e-9)


def test_sample_covers_the_whole_range() -> None:
    grid = sample((MASS, EPSILON, COUPLING), {"mass"}, shape_values=64, points=4096)
    assert grid.n_chunks == 1
    assert 2048 <= grid.size <= 8192
    assert n_shapes(grid, {"mass"}) == 64
    for thinned, axis in zip(grid.axes, (MASS, EPSILON, COUPLING), strict=True):
        assert (thinned.name, thinned.unit) == (axis.name, axis.unit)
        assert thinned.coordinates[0] == axis.coordinates[0]
        assert thinned.coordinates[-1] == axis.coordinates[-1]


@pytest.mark.parametrize(
    ("axes", "shape"),
    [
        ((MASS, COUPLING), (64, 64)),
        ((COUPLING, MASS), (64, 64)),
        ((MASS,), (64,)),
        ((COUPLING,), (400,)),
        ((Axis("mass", "linear", 1.0, 2.0, 3), COUPLING), (3, 400)),
        ((Axis("epsilon", "linear", 1.0, 2.0, 2), MASS, COUPLING), (2, 64, 32)),
    ],
)
def test_sample_is_shared_among_the_axes(axes, shape) -> None:
    assert sample(axes, {"mass"}, shape_values=64, points=4096).shape == shape


def test_several_shape_axes_share_the_shape_values() -> None:
    grid = sample((MASS, EPSILON, COUPLING), {"mass", "epsilon"}, shape_values=64, points=64)
    assert grid.shape == (8, 8, 1)

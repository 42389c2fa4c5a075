from __future__ import annotations

from scanner.execution import plan
from scanner.grid import Axis

AXES = (Axis("mass", "log", 0.1, 1e4, 200, "MeV"), Axis("coupling", "log", 1e-6, 1e-2, 400))


def test_chunks_take_about_half_a_second_or_there_are_four_per_worker() -> None:
    slow = plan.make_grid(AXES, points_per_second=5_000.0, workers=1)
    assert 1_000 <= slow.chunk(0).size <= 2_500
    fast = plan.make_grid(AXES, points_per_second=1e9, workers=2)
    assert fast.n_chunks >= 8
    assert fast.chunk_shape[-1] >= 64


def test_wish_of_the_definition_goes_first() -> None:
    grid = plan.make_grid(AXES, points_per_second=1e9, workers=1, points_per_chunk=1_000)
    assert grid.chunk(0).size <= 1_000


def test_small_grid_is_one_chunk() -> None:
    axes = (Axis("mass", "log", 0.1, 1e4, 20, "MeV"), Axis("coupling", "log", 1e-6, 1e-2, 40))
    assert plan.make_grid(axes, points_per_second=1e5, workers=8).n_chunks == 1


def test_estimate() -> None:
    grid = plan.make_grid(AXES, points_per_second=20_000.0, workers=1)
    made = plan.estimate(
        grid, n_experiments=2, shape_axes={"mass"}, points_per_second=20_000.0, done={0}
    )
    assert made.points == 80_000
    assert made.templates == 400
    assert made.chunks == grid.n_chunks
    assert made.done_chunks == 1
    assert made.cpu_seconds == (80_000 - grid.chunk(0).size) / 20_000.0
    assert made.disk_bytes > 80_000 * 2 * 9


def test_no_shape_axis_is_one_template_per_experiment() -> None:
    grid = plan.make_grid(AXES[1:], points_per_second=1.0, workers=1)
    made = plan.estimate(grid, n_experiments=3, shape_axes=(), points_per_second=1.0)
    assert made.templates == 3


def test_missing(stored, unbroken) -> None:
    assert plan.missing(stored) == list(range(12))
    unbroken.discard([4, 9])
    assert plan.missing(unbroken) == [4, 9]

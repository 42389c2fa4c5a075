from __future__ import annotations

import dataclasses
import math

import pytest

from scanner.errors import DefinitionError
from scanner.execution import plan
from scanner.execution.probe import Speed
from scanner.grid import Axis, Grid

MASS = Axis("mass", "log", 0.1, 1e4, 200, "MeV")
COUPLING = Axis("coupling", "log", 1e-6, 1e-2, 400)
AXES = (MASS, COUPLING)
SHAPES = {"mass"}


def make_grid(axes=AXES, *, points_per_second, seconds_per_template=0.0, **options):
    speed = Speed(seconds_per_template, points_per_second)
    return plan.make_grid(axes, shape_axes=SHAPES, speed=speed, **options)


def test_chunks_take_about_half_a_second_or_there_are_four_per_worker() -> None:
    slow = make_grid(points_per_second=5_000.0, workers=1)
    assert 1_000 <= slow.chunk(0).size <= 2_500
    fast = make_grid(points_per_second=1e9, workers=2)
    assert fast.n_chunks >= 8
    assert fast.chunk_shape[-1] >= 64


@pytest.mark.parametrize("axes", [(MASS, COUPLING), (COUPLING, MASS)], ids=["slow", "fast"])
@pytest.mark.parametrize("seconds_per_template", [0.0, 1e-3, 5e-3])
def test_folding_counts_as_time_of_a_chunk(axes, seconds_per_template: float) -> None:
    grid = make_grid(
        axes, points_per_second=20_000.0, seconds_per_template=seconds_per_template, workers=1
    )
    lengths = dict(zip(grid.names, grid.chunk_shape, strict=True))
    seconds = lengths["mass"] * seconds_per_template + math.prod(grid.chunk_shape) / 20_000.0
    assert 0.2 <= seconds <= 0.5


def test_shape_axis_alone_is_cut_by_its_folds() -> None:
    axes = (dataclasses.replace(MASS, n=20_000),)
    grid = make_grid(axes, points_per_second=1e5, seconds_per_template=4e-4, workers=1)
    assert 500 <= grid.chunk_shape[0] <= 1250


def test_folds_that_take_for_ever_leave_the_smallest_chunk() -> None:
    grid = make_grid(points_per_second=1e5, seconds_per_template=100.0, workers=1)
    assert grid.chunk_shape == (1, 64)


def test_wish_of_the_definition_goes_first() -> None:
    grid = make_grid(
        points_per_second=1e9, seconds_per_template=1.0, workers=1, points_per_chunk=1_000
    )
    assert 500 < grid.chunk(0).size <= 1_000


def test_small_grid_is_one_chunk() -> None:
    axes = (dataclasses.replace(MASS, n=20), dataclasses.replace(COUPLING, n=40))
    assert make_grid(axes, points_per_second=1e5, workers=8).n_chunks == 1


def test_no_workers() -> None:
    with pytest.raises(DefinitionError, match="workers = 0: give at least 1"):
        make_grid(points_per_second=1e5, workers=0)


def test_estimate() -> None:
    grid = make_grid(points_per_second=20_000.0, workers=1)
    made = plan.estimate(
        grid,
        n_experiments=2,
        shape_axes=SHAPES,
        speed=Speed(0.0, 20_000.0),
        done_chunks=1,
        done_points=grid.chunk(0).size,
    )
    assert made.points == 80_000
    assert made.templates == 400
    assert made.chunks == grid.n_chunks
    assert made.done_chunks == 1
    assert made.cpu_seconds == pytest.approx((80_000 - grid.chunk(0).size) / 20_000.0, rel=1e-12)
    assert made.disk_bytes > 80_000 * 2 * 9


def test_folding_is_not_free_and_every_worker_folds_for_itself() -> None:
    speed = Speed(0.01, 1e5)
    grid = Grid(AXES, (100, 100))

    def seconds(workers: int) -> float:
        made = plan.estimate(grid, n_experiments=2, shape_axes=SHAPES, speed=speed, workers=workers)
        return made.cpu_seconds

    assert seconds(1) == pytest.approx(200 * 0.01 + 0.8)
    assert seconds(3) == pytest.approx(3 * 200 * 0.01 + 0.8)
    assert seconds(16) == pytest.approx(4 * 200 * 0.01 + 0.8)  # four chunks share their masses


def test_no_shape_axis_is_one_template_per_experiment() -> None:
    speed = Speed(0.0, 1.0)
    grid = plan.make_grid(AXES[1:], shape_axes=(), speed=speed, workers=1)
    made = plan.estimate(grid, n_experiments=3, shape_axes=(), speed=speed)
    assert made.templates == 3

"""How honest the plan is: predicted against measured time, as a ratio of one run."""

import math

import pytest
from threadpoolctl import threadpool_limits

from scanner.definition import load
from scanner.evaluate import Evaluator
from scanner.execution.probe import timed
from scanner.grid import Grid
from scanner.prepare import plan


@pytest.mark.parametrize(
    "overrides",
    [
        ["axes.mass.n=4000", "axes.coupling.n=2"],
        ["axes.mass.n=20", "axes.coupling.n=2000"],
    ],
    ids=["shapes", "couplings"],
)
def test_planned_time(benchmark, overrides, tmp_path):
    definition = load("light_vector_universal", overrides)
    lengths = tuple(len(axis) for axis in definition.axes)
    with threadpool_limits(1):  # as in a worker
        cost = plan(definition, tmp_path, workers=1)
        seconds = benchmark(lambda: timed(Evaluator(definition), Grid(definition.axes, lengths)))
    benchmark.extra_info["planned_over_measured"] = round(cost.cpu_seconds / seconds, 2)
    assert cost.points == math.prod(lengths)
    assert cost.cpu_seconds > 0.0
    assert not list(tmp_path.iterdir())

"""How honest the plan is: predicted against measured time, as a ratio of one run."""

import math

import pytest

from scanner.definition import load
from scanner.evaluate import Evaluator
from scanner.execution.probe import timed
from scanner.grid import Grid
from scanner.prepare import plan


@pytest.mark.parametrize(
    "lengths", [(4000, 2), (20, 2000)], ids=["mostly templates", "mostly couplings"]
)
@pytest.mark.usefixtures("one_thread")
def test_planned_time(benchmark, note, timing, request, lengths, tmp_path):
    shape = lengths if timing else (lengths[0] // 10 or 2, lengths[1] // 10 or 2)
    overrides = [f"axes.{a}.n={n}" for a, n in zip(("mass", "coupling"), shape, strict=True)]
    definition = load("light_vector_universal", overrides)
    whole = Grid(definition.axes, tuple(len(axis) for axis in definition.axes))
    cost = plan(definition, tmp_path, workers=1)

    def evaluate():
        return timed(Evaluator(definition), whole)

    benchmark.pedantic(evaluate, rounds=3)
    assert cost.points == math.prod(shape)
    assert cost.cpu_seconds > 0.0
    assert not list(tmp_path.iterdir())
    if timing:
        ratio = cost.cpu_seconds / benchmark.stats.stats.median
        benchmark.extra_info["planned_over_measured"] = round(ratio, 2)
        note(f"plan, {request.node.callspec.id}", ratio, "planned / measured")

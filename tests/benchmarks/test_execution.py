"""Execution: what a chunk costs beside its evaluation, and where the time of a real scan goes."""

import numpy as np
import pytest
import stand_in
import yardstick

from scanner.execution.clusters import connect
from scanner.execution.runner import run
from scanner.grid import Axis, Grid
from scanner.scan import Scan
from scanner.store.archive import Archive

pytestmark = pytest.mark.cluster


def empty_scan(root, n_chunks, number):
    """A scan whose chunks of 64 points cost nothing."""
    axes = (
        Axis("mass", "log", 0.1, 100.0, n_chunks, "MeV"),
        Axis("coupling", "linear", -1.0, 1.0, 64),
    )
    definition = stand_in.make_definition(axes, number=float(number))
    return Archive(root).create(definition, Grid(axes, (1, 64)))


def test_overhead_of_a_chunk(benchmark, timing, note, tmp_path):
    made = []
    n_chunks = 400 if timing else 12

    def fresh():
        made.append(empty_scan(tmp_path, n_chunks, len(made)))
        return (made[-1], connection.client), {"evaluator": "stand_in:Smooth"}

    with connect(workers=2) as connection:
        if timing:  # what workers load once
            run(*fresh()[0], evaluator="stand_in:Smooth")
        report = benchmark.pedantic(run, setup=fresh, rounds=3)
    assert (report.computed, report.missing) == (n_chunks, 0)
    if timing:
        each = 1e3 * benchmark.stats.stats.min / n_chunks
        benchmark.extra_info["milliseconds_per_chunk"] = each
        written = 1e3 * report.write_seconds / n_chunks
        said = f"its writing alone takes a worker {written:.1f} ms"
        note("overhead of a chunk, 2 workers", each, "ms of wall time", said)


@pytest.mark.parametrize("workers", [pytest.param(1, marks=pytest.mark.timed), 2])
def test_where_the_time_goes(benchmark, timing, note, measured, tmp_path, workers):
    definition = yardstick.cube(12 if timing else 3)
    scan = Scan.of(definition, store=tmp_path / "root", workers=workers)
    with connect(workers=workers) as connection:
        report = benchmark.pedantic(run, (scan.stored, connection.client), rounds=1)
    assert report.complete
    assert report.points == len(definition.axes[0]) ** 6
    assert set(report.status) == {1}
    if timing:
        evaluated, written = report.shares
        measured["run", workers] = report.seconds
        speedup = measured.get(("run", 1), np.nan) / report.seconds
        benchmark.extra_info |= {
            "points_per_second": report.points_per_second,
            "evaluating": evaluated,
            "writing": written,
            "speed_up": speedup,
        }
        said = (
            f"evaluating {evaluated:.0%}, writing {written:.0%}, rest {1 - evaluated - written:.0%}"
        )
        faster = f", {speedup:.2f} x one worker" if workers > 1 else ""
        plural = "s" if workers > 1 else ""
        what = f"NSI cube, n = 12, run by {workers} worker{plural}"
        note(what, report.points_per_second, "points/s", said + faster)

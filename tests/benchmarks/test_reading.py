"""How fast a large cube answers: a point, a plane, a profile, the lowest points; and how large.

Run with ``pytest tests/benchmarks/test_reading.py --benchmark-enable --benchmark-only``. A cube of
2e7 points is written first, of a smooth chi2 through the store; ``SCANNER_READING_SCAN=FOLDER``
asks the scan in that folder instead, and ``SCANNER_READING_POINTS=32`` writes one with 32 points
along each of six axes. Nothing here passes or fails by seconds.
"""

import os
from pathlib import Path

import numpy as np
import pytest

from scanner.definition import ScanDefinition
from scanner.execution.clusters import connect
from scanner.execution.task import peak_memory_bytes
from scanner.grid import Axis, Grid, choose_chunk_shape
from scanner.limits.answers import Answers
from scanner.limits.pits import find_pits
from scanner.limits.workers import Workers
from scanner.store.archive import Archive
from scanner.store.stored import StoredScan

SCAN, POINTS = "SCANNER_READING_SCAN", "SCANNER_READING_POINTS"
AXES = ("mass", "eps_ee", "eps_em", "eps_mm", "rn", "coupling")


def write_smooth(root, n, part=(0, 1)):
    """A scan of two experiments over six axes of `n` points; `part` (i, k): every k-th chunk."""
    axes = tuple(
        Axis(name, "log", 1e-2, 1e3, n) if name in AXES[::5] else Axis(name, "linear", -1.0, 1.0, n)
        for name in AXES
    )
    definition = ScanDefinition(
        name="smooth",
        title="Smooth",
        scenario="stand_in",
        experiments=("first", "second"),
        axes=axes,
        parameters={},
        options={},
        experiment_options={"first": {}, "second": {}},
        profile={},
        sources={"scenario": "0" * 64},
    )
    grid = Grid(axes, choose_chunk_shape((n,) * len(axes), 2**20))
    stored = Archive(root).create(definition, grid)
    lines = [axis.to_scale(axis.coordinates) for axis in axes]
    lines = [(u - u[0]) / (u[-1] - u[0]) for u in lines]
    for chunk in list(stored.grid)[part[0] :: part[1]]:
        u = np.meshgrid(
            *(line[s] for line, s in zip(lines, chunk.slices, strict=True)),
            indexing="ij",
            sparse=True,
        )
        rate = (u[5] ** 2 + u[1] * u[2] - 0.3 * u[3]) / (0.2 + u[0])
        valley = (rate - 0.5) ** 2 + 0.1 * (u[4] - 0.4 - 0.2 * u[1]) ** 2 + 0.02 * (u[2] - 0.6) ** 2
        chi2 = np.stack([80.0 + 300.0 * valley, 40.0 + 90.0 * (rate - 0.45) ** 2 + 0.0 * valley])
        stored.commit(chunk, chi2, np.ones(chi2.shape, np.uint8))
    return stored


@pytest.fixture(scope="module")
def answers(request, tmp_path_factory):
    """The scan that is asked; a tiny one where nothing is timed."""
    if folder := os.environ.get(SCAN):
        return Answers(StoredScan.open(Path(folder)))
    timed = not request.config.getoption("benchmark_disable")
    n = int(os.environ.get(POINTS, 17)) if timed else 4
    return Answers(write_smooth(tmp_path_factory.mktemp("store"), n))


@pytest.fixture(scope="module")
def workers():
    """A local cluster that is there already, so that its start is not timed."""
    with connect() as connection:
        yield Workers(client=connection.client)


def off_the_grid(axes):
    """Values of axes, none of them on a grid point."""
    return {
        axis.name: float(axis.from_scale(np.quantile(axis.to_scale(axis.coordinates), 0.41)))
        for axis in axes
    }


def told(benchmark, answers, points):
    """Note what was asked, the points read per second and the peak memory of this process."""
    benchmark.extra_info["points_of_the_cube"] = answers.stored.grid.size
    benchmark.extra_info["peak_mb"] = peak_mb()
    if benchmark.stats is not None:
        benchmark.extra_info["seconds"] = round(benchmark.stats.stats.median, 3)
        benchmark.extra_info["points_per_second"] = round(points / benchmark.stats.stats.median)


def peak_mb():
    """Largest resident memory of this process so far; not its parent's, as ``getrusage`` tells."""
    from pathlib import Path

    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else ()
    return next((int(line.split()[1]) // 1024 for line in lines if "VmHWM" in line), None)


def test_point(benchmark, answers):
    at = off_the_grid(answers.definition.axes)
    found = benchmark(answers.profile, [], at=at)
    assert np.isfinite(found.chi2)
    told(benchmark, answers, 1)


def test_plane(benchmark, answers):
    first, *held, last = answers.definition.axes
    keep = [first.name, last.name]
    found = benchmark(answers.profile, keep, at=off_the_grid(held))
    assert found.names == tuple(keep)
    told(benchmark, answers, found.chi2.size)


@pytest.mark.cluster
def test_profile(benchmark, answers, workers):
    answers = Answers(answers.stored, workers=workers)
    keep = list(answers.default_plane())
    found = benchmark.pedantic(answers.profile, [keep], rounds=1)
    assert found.names == tuple(keep)
    told(benchmark, answers, answers.stored.grid.size)
    benchmark.extra_info["peak_mb_of_workers"] = [
        round(b / 1e6) for b in workers.client.run(peak_memory_bytes).values()
    ]


@pytest.mark.cluster
def test_lowest_points(benchmark, answers, workers):
    layers = range(len(answers.definition.layers))
    subsets = [*((row,) for row in layers), tuple(layers)]
    found = benchmark.pedantic(find_pits, [answers.stored, subsets, workers], rounds=1)
    assert all(one.pits for one in found.values())
    told(benchmark, answers, answers.stored.grid.size)
    benchmark.extra_info["peak_mb_of_workers"] = [
        round(b / 1e6) for b in workers.client.run(peak_memory_bytes).values()
    ]

"""How fast: profiled points per second and core, template folds, and the same core's dgemm.

Run with ``pytest tests/benchmarks --benchmark-enable --benchmark-only``; ratios are taken in one
run. Nothing here passes or fails by seconds.
"""

import time

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from scanner import catalog
from scanner.amplitudes import Conventions
from scanner.chi2 import ExperimentModel

FIXED = {p.name: p.default for p in catalog.scenario("light_vector").parameters if not p.optional}
MASSES, COUPLINGS = np.geomspace(0.1, 1e4, 50), np.geomspace(1e-6, 1e-2, 400)


def universal(name):
    """The universal model in one experiment, over mass and coupling."""
    form = catalog.scenario("light_vector")
    return ExperimentModel(
        form, catalog.experiment(name), Conventions(), FIXED, ("mass", "coupling")
    )


def dgemm_rate():
    """Floating-point operations per second of a matrix product that fits the cache."""
    a = np.random.default_rng(1).random((384, 384))
    a @ a
    start = time.perf_counter()
    for _ in range(20):
        a @ a
    return 20 * 2 * 384**3 / (time.perf_counter() - start)


@pytest.mark.parametrize("name", ["coherent_csi_2021", "coherent_lar_2020"])
def test_profiled_points(benchmark, name):
    model = universal(name)
    templates = model.fold({"mass": MASSES})
    rows = np.moveaxis(templates.counts, 1, 0)
    coefficients = templates.monomials({"coupling": COUPLINGS})
    with threadpool_limits(1):
        chi2, status = benchmark(model.likelihood.scan, rows, coefficients)
        rate = dgemm_rate()
    assert chi2.shape == (len(MASSES), len(COUPLINGS))
    assert (status == 1).all()
    if benchmark.stats is not None:
        points = chi2.size / benchmark.stats.stats.median
        benchmark.extra_info["points_per_second"] = round(points)
        benchmark.extra_info["dgemm_flop_per_point"] = round(rate / points)


@pytest.mark.parametrize("name", ["coherent_csi_2021", "coherent_lar_2020"])
def test_template_fold(benchmark, name):
    model = universal(name)
    with threadpool_limits(1):
        templates = benchmark(model.fold, {"mass": MASSES})
    assert templates.counts.shape[:2] == (3, len(MASSES))
    if benchmark.stats is not None:
        seconds = benchmark.stats.stats.median
        benchmark.extra_info["microseconds_per_mass"] = round(1e6 * seconds / len(MASSES), 1)

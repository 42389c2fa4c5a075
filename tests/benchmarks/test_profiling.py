"""How fast: points with profiled inputs, along exact slopes and by differences, in alternation."""

import time

import numpy as np
import pytest

from scanner import profiling
from scanner.definition import from_mapping
from scanner.evaluate import Evaluator
from scanner.grid import Grid

CSI, LAR = "coherent_csi_2021", "coherent_lar_2020"
RADIUS = {"R_n": {"mean": 5.06, "sigma": 0.3, "unit": "fm"}}
PLANE = {
    "scenario": "light_vector",
    "parameters": {"model": "universal"},
    "axes": {
        "mass": {"spacing": "log", "start": 1.0, "stop": 1e3, "n": 8, "unit": "MeV"},
        "coupling": {"spacing": "log", "start": 1e-5, "stop": 1e-2, "n": 64},
    },
}
CASES = {
    "CsI, radius": {**PLANE, "experiments": [CSI], "profile": RADIUS},
    "CsI + LAr, mixing angle": {
        **PLANE,
        "experiments": [CSI, LAR],
        "profile": {"sin2_theta_w": {"mean": 0.23857, "sigma": 0.02}},
    },
    "CsI, radius and quenching": {
        **PLANE,
        "experiments": [CSI],
        "profile": {**RADIUS, "csi_quenching_pc0": {"mean": 0.0, "sigma": 1.0}},
    },
}


@pytest.fixture
def fits(monkeypatch):
    """How many profiled chi2 of an experiment were asked for."""
    asked = [0]
    for name in ("chi2", "slopes"):
        original = getattr(profiling.Counts, name)

        def counted(self, points, *rest, original=original):
            asked[0] += len(points)
            return original(self, points, *rest)

        monkeypatch.setattr(profiling.Counts, name, counted)
    return asked


@pytest.mark.parametrize("case", CASES)
@pytest.mark.usefixtures("one_thread")
def test_points_with_profiled_inputs(benchmark, timing, note, fits, monkeypatch, case):
    raw = CASES[case]
    if not timing:
        axes = {name: {**axis, "n": 4} for name, axis in raw["axes"].items()}
        raw = {**raw, "axes": axes}
    made = from_mapping(raw, "benchmark")
    evaluator, grid = Evaluator(made), Grid(made.axes, tuple(len(a) for a in made.axes))
    chunk = next(iter(grid))
    slopes = profiling.Layer._slopes

    def run(by_differences):
        original = profiling.Layer.__init__

        def without(self, *given):
            original(self, *given)
            self._sloped = False

        with monkeypatch.context() as patched:
            if by_differences:
                patched.setattr(profiling.Layer, "__init__", without)
            fits[0] = 0
            start = time.perf_counter()
            chi2 = evaluator.block(grid, chunk).chi2
            return time.perf_counter() - start, chi2, fits[0]

    run(False)  # templates are folded before
    rounds = [(run(True), run(False)) for _ in range(3 if timing else 1)]
    benchmark.pedantic(run, args=(False,), rounds=1)
    assert slopes is profiling.Layer._slopes
    (_, expected, many), (_, found, few) = rounds[-1]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    assert few < 0.6 * many
    if timing:
        old, new = (min(pair[i][0] for pair in rounds) for i in (0, 1))
        # of each experiment alone, and of each in the joint layer
        each = found[0].size * len(made.experiments) * (2 if made.joint else 1)
        note(
            f"{case}, profiled",
            found[0].size / new,
            "points/s and core",
            f"{old / new:.1f} x by differences; {few / each:.1f} fits for {many / each:.1f}",
        )
        assert new < old

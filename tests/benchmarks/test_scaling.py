"""Scaling: the six-dimensional cube from ten thousand points on, from its definition to its minima.

``SCANNER_BENCHMARK_POINTS=1e9`` goes on to the billion: about 13 bytes a point on disk, in the
temporary folder, and what the driver needs to find the minima (the table has it) in memory.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.cluster

LENGTHS = (5, 7, 10, 15, 22, 32)
LARGEST = 1.2 * float(os.environ.get("SCANNER_BENCHMARK_POINTS", "1e7"))
PROGRAM = Path(__file__).with_name("whole_scan.py")


def case(n, workers):
    """n points on every axis; 300 s and a core's time for them. One case is in the short form."""
    marks = [pytest.mark.timeout(300 + n**6 // 50_000)]
    if (n, workers) != (5, 2):
        marks.append(pytest.mark.timed)
    return pytest.param(n, workers, marks=marks, id=f"n{n}-workers{workers}")


def whole_scan(n, workers, folder):
    """What `whole_scan.py` prints."""
    command = [sys.executable, str(PROGRAM), str(n), str(workers), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def beside(found):
    """Where the time went, how honest the plan was, and what it took to hold the cube."""
    parts = [f"{name} {found[f'{name}_seconds']:.1f}" for name in ("preparing", "chunks", "minima")]
    return [
        f"{', '.join(parts)} s",
        f"{found['points_per_second'] / 1e6:.2f} M points/s",
        f"planned/measured {found['planned_over_measured']:.2f}",
        f"{found['bytes_per_point']:.1f} bytes/point",
        f"worker {found['worker_peak_bytes'] / 1e6:.0f} MB",
        f"driver {found['driver_peak_bytes'] / 1e6:.0f} MB",
    ]


@pytest.mark.parametrize(
    ("n", "workers"), [case(n, w) for n in LENGTHS if n**6 <= LARGEST for w in (1, 2)]
)
def test_cube(benchmark, timing, note, measured, tmp_path, n, workers):
    found = benchmark.pedantic(whole_scan, (n, workers, tmp_path), rounds=1)
    shutil.rmtree(tmp_path)
    assert found["points"] == n**6
    assert found["complete"]
    assert found["ok"]
    if timing:
        benchmark.extra_info |= found
        measured[n, workers] = found["points_per_second"]
        said = beside(found)
        if workers > 1 and (n, 1) in measured:
            said.append(f"points/s {measured[n, workers] / measured[n, 1]:.2f} x one worker")
        plural = "s" if workers > 1 else ""
        what = f"NSI cube, {n}^6 = {n**6:,} points, {workers} worker{plural}"
        note(what, found["seconds"], "s", "; ".join(said))

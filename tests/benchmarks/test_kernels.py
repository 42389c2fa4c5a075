"""Kernels: time to compile one, and to load it where it was compiled before; in new processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scanner.compiled import CACHE_VARIABLE

PROGRAM = """
import sys, time
import numba, yardstick
work = yardstick.nsi(sys.argv[1], 32, near=2)
start = time.perf_counter()
work.fast()
print(time.perf_counter() - start)
"""


def first_call(name, folder):
    """Seconds of a process's first evaluation of a few points."""
    path = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
    environment = {**os.environ, CACHE_VARIABLE: str(folder), "PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, name],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    )
    return float(done.stdout)


@pytest.mark.parametrize("name", ["CsI", pytest.param("LAr F90", marks=pytest.mark.timed)])
def test_compile_and_load(benchmark, note, timing, tmp_path, name):
    cold = first_call(name, tmp_path)
    files = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.nb?")}
    assert files
    warm = benchmark.pedantic(first_call, (name, tmp_path), rounds=2)
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.nb?")} == files
    if timing:
        benchmark.extra_info |= {"compile_seconds": cold, "load_seconds": warm}
        note(f"{name}, kernel compiled, once per machine", cold, "s")
        note(f"{name}, kernel loaded, once per process", 1e3 * warm, "ms")

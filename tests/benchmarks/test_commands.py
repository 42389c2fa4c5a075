"""End to end: the command itself, in processes of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scanner.compiled import CACHE_VARIABLE
from scanner.store.naming import ENVIRONMENT_VARIABLE

SCANNER = Path(sys.executable).parent / "scanner"


def call(folder, *arguments):
    """Standard output of the command, with store and kernels in a folder."""
    environment = {
        **os.environ,
        CACHE_VARIABLE: str(folder / "kernels"),
        ENVIRONMENT_VARIABLE: str(folder / "scans"),
    }
    done = subprocess.run(
        [SCANNER, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Folder of the cold run, which the warm one finds as it was left."""
    return tmp_path_factory.mktemp("home")


def test_help(benchmark, timing, note, tmp_path):
    assert "run" in benchmark.pedantic(call, (tmp_path, "--help"), rounds=3)
    if timing:
        note("scanner --help", benchmark.stats.stats.min, "s")


@pytest.mark.cluster
@pytest.mark.parametrize("state", [pytest.param("cold", marks=pytest.mark.timed), "warm"])
def test_main_job(benchmark, timing, note, home, state):
    small = [] if timing else ["--set", "axes.mass.n=8", "--set", "axes.coupling.n=50"]
    job = ("run", "light_vector_universal", "-o", "figure.png", *small)
    if state == "warm" and timing and not (home / "figure.png").exists():
        call(home, *job)
    benchmark.pedantic(call, (home, *job), rounds=1 if state == "cold" else 2)
    assert (home / "figure.png").stat().st_size > 10_000
    if timing:
        said = {"cold": "new store, no kernels", "warm": "the same store again"}[state]
        note(f"scanner run light_vector_universal, {state}", benchmark.stats.stats.min, "s", said)

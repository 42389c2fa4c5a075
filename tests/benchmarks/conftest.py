"""Benchmarks: timed with --benchmark-enable, else run once in a short form that only must be right.

Each notes rows of the table at the end; ratios are taken in one run.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from threadpoolctl import threadpool_limits

# subprocesses and workers find the modules beside this file, and the stand-in evaluators
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "execution")]
pytest_terminal_summary = importlib.import_module("scoreboard").pytest_terminal_summary

Note = Callable[..., None]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what the short form has in another form already."""
    if config.getoption("benchmark_enable"):
        return
    left_out = [item for item in items if item.get_closest_marker("timed")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture
def timing(benchmark) -> bool:
    """Whether this run is timed; sizes are small otherwise."""
    return not benchmark.disabled


@pytest.fixture
def one_thread() -> Iterator[None]:
    """BLAS and OpenMP as in a worker."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="session")
def measured() -> dict[object, float]:
    """Numbers of earlier benchmarks of this run, for ratios."""
    return {}


@pytest.fixture
def note(benchmark) -> Note:
    """``note(what, number, unit, beside it)``: a row of the table."""

    def add(what: str, number: float, unit: str, beside: str = "") -> None:
        row = [what, float(number), unit, beside]
        benchmark.extra_info.setdefault("rows", []).append(row)

    return add

"""The table at the end of a timed run: what was measured, on which machine."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

TABLE_VARIABLE = "SCANNER_BENCHMARK_TABLE"
"""Environment variable with a file for the table."""
HEAD = ("what", "number", "unit", "beside it")


def machine() -> str:
    """Processor, cores and the versions that numbers depend on, in one line."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "numba", "zarr", "dask"))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{_processor()}, {cores} cores, Python {platform.python_version()}, {packages}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{named[0] if named else platform.processor()} ({platform.machine()})"


def markdown(rows: Iterable[Iterable[Any]]) -> str:
    """Rows of (what, number, unit, beside it) as a markdown table, the machine above it."""
    cells = [HEAD, *((what, rounded(n), unit, beside) for what, n, unit, beside in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(HEAD))]
    lines = [" | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in cells]
    lines.insert(1, " | ".join("-" * w for w in widths))
    return "\n".join([machine(), "", *(f"| {line} |" for line in lines)])


def rounded(number: float) -> str:
    """Three digits, without an exponent where people would not write one."""
    if abs(number) >= 1000:
        digits = len(str(int(abs(number)))) - 3
        return f"{int(round(number, -digits)):,}"
    return f"{number:.3g}"


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print the table, and write it where ``SCANNER_BENCHMARK_TABLE`` says."""
    session = getattr(config, "_benchmarksession", None)
    measured = session.benchmarks if session else []
    rows = [row for one in measured for row in one.extra_info.get("rows", [])]
    if not rows:
        return
    text = markdown(rows)
    terminalreporter.section("what was measured")
    terminalreporter.write_line(text)
    if path := os.environ.get(TABLE_VARIABLE):
        Path(path).write_text(text + "\n", encoding="utf-8")

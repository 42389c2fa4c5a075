"""How the service answers 200 readers at once: latencies and memory. None passes by seconds.

Timed (``--benchmark-enable``): a minute with a second's pause between a reader's questions, and a
minute without any. Otherwise ten readers for a second, who all must be answered.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest

from scanner.scan import Scan

COMMAND = "from scanner.cli import main; main()"
READERS = Path(__file__).with_name("readers.py")


@pytest.fixture(scope="module")
def stored(tmp_path_factory) -> Scan:
    """The main job's scan, 80,000 points."""
    scan = Scan.of("light_vector_universal", store=tmp_path_factory.mktemp("served"))
    scan.run()
    return scan


@pytest.mark.parametrize("pause", [1.0, 0.0])
def test_readers(benchmark, timing, note, stored, tmp_path, pause):
    readers, seconds = (200, 60.0) if timing else (10, 1.0)
    line = [sys.executable, "-c", COMMAND, "serve", "--port", "0"]
    line += ["--store", str(stored.stored.path.parent), "--state", str(tmp_path)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as server:
        url = server.stdout.readline().strip()
        process = psutil.Process(server.pid)
        before = process.memory_info().rss
        asked = [sys.executable, READERS, url, stored.id, readers, seconds, pause]
        told = benchmark.pedantic(
            lambda: subprocess.run([str(word) for word in asked], check=True, capture_output=True),
            rounds=1,
        )
        after = process.memory_info().rss
        server.terminate()
    found = json.loads(told.stdout)
    assert found["others"] == {}
    assert all(found["seen"].values()) or not timing
    beside = f"{readers} readers, {pause:g} s pause"
    for kind, times in found["seen"].items():
        for share in (50, 99):
            if times:
                note(f"{kind}, p{share}", 1e3 * np.percentile(times, share), "ms", beside)
    total = sum(map(len, found["seen"].values()))
    note("answers", total / seconds, "1/s", beside)
    note("memory of the service", after / 1e6, "MB", f"{before / 1e6:.0f} MB before, {beside}")

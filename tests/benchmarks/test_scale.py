"""Scale: what looking after a scan of very many chunks costs, and that it grows as their number.

Short: 10^4 chunks. With --benchmark-enable 10^5; with SCANNER_LONG_TESTS=1 besides 10^6, which
wants some ten GB of disk and minutes.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import large_scan
import pytest

from scanner.execution.plan import estimate, make_grid
from scanner.execution.probe import Speed
from scanner.grid import Axis
from scanner.store.ledger import PACK_ABOVE

MOST_SECONDS, MOST_BYTES = 60.0, 1e9
"""For 10^6 chunks, whatever is done."""
LINEAR = 4.0
"""Times per chunk may differ so much between sizes a factor of ten apart; squares differ by ten."""

LONG = os.environ.get("SCANNER_LONG_TESTS") == "1"


@pytest.fixture(scope="module")
def scans(request, tmp_path_factory):
    """Scans by number of chunks, the last one the largest."""
    sizes = [1000, 10_000]
    if request.config.getoption("benchmark_enable"):
        sizes = [10_000, 100_000, *([1_000_000] if LONG else [])]
    return {n: large_scan.build(tmp_path_factory.mktemp("scale"), n) for n in sizes}


def alone(stored, what, times=1):
    """The record of a process of its own; of several ones, the quickest."""
    paths = [str(Path(large_scan.__file__).parent), *sys.path]
    records = []
    for _ in range(times):
        done = subprocess.run(
            [sys.executable, large_scan.__file__, stored.location, what],
            check=True,
            capture_output=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )
        records.append(json.loads(done.stdout))
    return min(records, key=lambda record: record["cpu_seconds"])


RESULTS = {
    "markers": lambda n: n,
    "sizes": lambda n: n,
    "sweep": lambda n: 0,
}


@pytest.mark.parametrize("what", ["markers", "sizes", "sweep", "status"])
def test_time_and_memory_grow_as_the_chunks(benchmark, timing, note, scans, what):
    records = {n: alone(stored, what, 1 if n > 10_000 else 2) for n, stored in scans.items()}
    bare = alone(scans[max(scans)], "nothing")["peak_memory_bytes"]
    for n, record in records.items():
        if what == "status":
            found = record["result"]
            assert (found["done"], found["total"]) == (n, n)
            assert found["status"] == {"ok": 2 * large_scan.POINTS * n}
        else:
            assert record["result"] == RESULTS[what](n)
    each = [record["cpu_seconds"] / n for n, record in records.items()]
    assert each[-1] < LINEAR * max(each[-2], 1e-6)
    largest = max(records)
    record = records[largest]
    more = record["peak_memory_bytes"] - bare
    assert more < 1e8 + MOST_BYTES * largest / 1e6
    benchmark.pedantic(lambda: None, rounds=1)
    if timing:
        for n, one in records.items():
            assert one["seconds"] < MOST_SECONDS
            memory = f"{one['peak_memory_bytes'] / 1e6:.0f} MB at most, {bare / 1e6:.0f} of it bare"
            note(f"{what}, {n:.0e} chunks", one["seconds"], "s", memory)


def test_packing_costs_the_same_however_long_the_ledger(benchmark, timing, note, scans):
    seconds = {}
    for n, stored in scans.items():
        pack = []
        for _ in range(3):
            for number in range(PACK_ABOVE + 1):
                stored.ledger.write(large_scan.marker(stored, number % n))
            start = time.process_time()
            stored.ledger.pack()
            pack.append(time.process_time() - start)
        seconds[n] = sorted(pack)[1]
        segments = [name for name in stored.ledger.folder.names() if name.startswith("segment")]
        assert len(segments) <= 3 * 8 + n // 2**14
        assert len(stored.ledger.markers()) == n
    small, large = min(seconds), max(seconds)
    assert seconds[large] < LINEAR * seconds[small] + 1.0
    benchmark.pedantic(lambda: None, rounds=1)
    if timing:
        each = 1e3 * seconds[large] / (PACK_ABOVE + 1)
        note(f"packing a marker, {large:.0e} chunks", each, "ms", f"{len(segments)} segments")


def test_a_run_starts_although_almost_all_is_done(benchmark, timing, note, scans):
    n, stored = max(scans.items(), key=lambda item: item[0])
    record = benchmark.pedantic(alone, (stored, "start"), rounds=1)
    assert record["result"] == [n - 1, 1]
    if timing:
        assert record["seconds"] < MOST_SECONDS
        assert record["peak_memory_bytes"] < MOST_BYTES
        memory = f"{record['peak_memory_bytes'] / 1e6:.0f} MB at most"
        note(f"start of a run, {n:.0e} chunks", record["seconds"], "s", memory)


@pytest.mark.parametrize("n_chunks", [10**4, 10**6, 10**8])
def test_a_plan_takes_no_longer_for_more_chunks(benchmark, note, timing, n_chunks):
    along = round((64 * n_chunks) ** 0.25) * 2
    axes = tuple(Axis(f"p{i}", "linear", 0.0, 1.0, along) for i in range(4))
    speed = Speed(seconds_per_template=1e-6, points_per_second=1e6)
    asked = {"shape_axes": ("p0",), "speed": speed, "workers": 64}

    def plan():
        grid = make_grid(axes, points_per_chunk=1024, **asked)
        return grid, estimate(grid, n_experiments=2, **asked)

    start = time.process_time()
    grid, cost = benchmark.pedantic(plan, rounds=1)
    assert time.process_time() - start < 0.5
    assert cost.chunks == grid.n_chunks > n_chunks
    if timing:
        note(f"plan, {grid.n_chunks:.1e} chunks", 1e3 * benchmark.stats.stats.min, "ms")

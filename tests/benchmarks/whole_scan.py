"""A whole scan in a process of its own, whose memory is then that of the scan alone.

``python whole_scan.py N WORKERS FOLDER`` runs the six-dimensional cube with N points on every axis
and prints what it took, as JSON.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from pathlib import Path
from typing import Any


def peak_bytes() -> int:
    """Largest resident memory of this process."""
    from scanner.execution.task import peak_memory_bytes

    try:  # on Linux `ru_maxrss` begins with the memory of the parent
        status = Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:
        return peak_memory_bytes()
    [line] = [text for text in status.splitlines() if text.startswith("VmHWM")]
    return 1024 * int(line.split()[1])


def whole_scan(n: int, workers: int, folder: Path) -> dict[str, Any]:
    """Seconds of each part, and what the run reports."""
    import yardstick

    from scanner.execution.clusters import connect
    from scanner.prepare import plan
    from scanner.scan import Scan

    definition = yardstick.cube(n)
    planned = plan(definition, folder, workers=workers)
    laps = [time.perf_counter()]
    scan = Scan.of(definition, store=folder, workers=workers)
    laps.append(time.perf_counter())
    with connect(workers=workers) as connection:
        laps.append(time.perf_counter())
        report = scan.run(connection.client)
        laps.append(time.perf_counter())
    assert report is not None
    preparing, starting, running = (b - a for a, b in itertools.pairwise(laps))
    files = [p for p in scan.stored.path.rglob("*") if p.is_file()]
    return {
        "points": report.points,
        "complete": report.complete,
        "ok": set(report.status) == {1},
        "chunks": scan.stored.grid.n_chunks,
        "seconds": preparing + starting + running,
        "preparing_seconds": preparing,
        "starting_seconds": starting,
        "chunks_seconds": report.seconds,
        "minima_seconds": running - report.seconds,
        "points_per_second": report.points_per_second,
        "evaluating": report.cpu_seconds / (workers * report.seconds),
        "planned_over_measured": planned.cpu_seconds / report.cpu_seconds,
        "bytes_per_point": sum(p.stat().st_size for p in files) / report.points,
        "worker_peak_bytes": max(report.peak_memory_bytes.values()),
        "driver_peak_bytes": peak_bytes(),
    }


if __name__ == "__main__":
    length, count, root = sys.argv[1:]
    print(json.dumps(whole_scan(int(length), int(count), Path(root))))

"""A scan of very many chunks, put into a folder by hand, and what it costs to look after it.

``python large_scan.py SCAN WHAT`` does one thing in a process of its own and prints a record:
seconds, CPU seconds, peak memory in bytes, and what came of it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import stand_in

from scanner.execution.preflight import compare_finished
from scanner.execution.task import peak_memory_bytes
from scanner.grid import Axis, Grid
from scanner.store.archive import Archive
from scanner.store.cube import Cube
from scanner.store.ledger import PACK_ABOVE, Marker
from scanner.store.segments import merge_segments, write_segment
from scanner.store.stored import StoredScan

POINTS = 4
PACKED = PACK_ABOVE + 1
BYTES = {"chi2": b"c" * 84, "status": b"s" * 28}


def large_grid(n_chunks: int) -> Grid:
    """That many chunks of four points, 1000 at most in a folder."""
    along = min(n_chunks // 2, 1000)
    axes = (
        Axis("mass", "log", 0.1, 100.0, n_chunks // along, "MeV"),
        Axis("coupling", "linear", -1.0, 1.0, POINTS * along),
    )
    return Grid(axes, (1, POINTS))


def build(root: Path, n_chunks: int) -> StoredScan:
    """A finished scan: objects of the right size, markers packed as a run packs them."""
    grid = large_grid(n_chunks)
    stored = Archive(root).create(stand_in.make_definition(grid.axes, n=float(n_chunks)), grid)
    folder = Path(stored.location)
    for variable, data in BYTES.items():
        for i in range(grid.blocks[0]):
            line = folder / "cube.zarr" / variable / "c" / "0" / str(i)
            line.mkdir(parents=True)
            for j in range(grid.blocks[1]):
                (line / str(j)).write_bytes(data)
    ledger = stored.ledger.folder
    for start in range(0, grid.n_chunks, PACKED):
        numbers = range(start, min(start + PACKED, grid.n_chunks))
        write_segment(ledger, (marker(stored, n).to_json().strip() for n in numbers))
        merge_segments(ledger, ledger.sizes())
    return stored


def marker(stored: StoredScan, number: int) -> Marker:
    """Marker of one chunk of it, as unlike the others as in a real scan."""
    chunk = stored.grid.chunk(number)
    return Marker(
        chunk=number,
        start=chunk.start,
        stop=chunk.stop,
        digest=stored.digest,
        sha256=hashlib.sha256(str(number).encode()).hexdigest(),
        stored_bytes=(len(BYTES["chi2"]), len(BYTES["status"])),
        points=chunk.size,
        status={"1": 2 * chunk.size},
        seconds=round(0.5 + number % 997 / 9973, 6),
        attempt=0,
        host=f"node{number % 50:03d}.cluster.example.org",
        pid=1000 + number % 50,
        versions={"cevns-scanner": "0.1.0", "numpy": np.__version__, "zarr": "3.1.6"},
        instruction_set="x86_64 AVX512_SPR",
        written=f"2026-11-28T{number // 3600 % 24:02d}:{number // 60 % 60:02d}:00+00:00",
    )


def _start(stored: StoredScan) -> tuple[int, int]:
    """What a run does before it submits its first chunk; and a chunk is missing."""
    Cube(stored.cube.folder, stored.definition).remove(stored.grid.n_chunks // 2)
    finished = stored.finished()
    compare_finished(finished)
    return len(finished), len(stored.missing(finished))


WHAT: dict[str, Callable[[StoredScan], Any]] = {
    "nothing": lambda _: None,
    "markers": lambda stored: len(stored.ledger.markers()),
    "sizes": lambda stored: int(stored.cube.size_table().all(axis=1).sum()),
    "status": lambda stored: dataclasses.asdict(stored.state()),
    "sweep": lambda stored: stored.sweep(),
    "start": _start,
}


def main(scan: str, what: str) -> None:
    stored = StoredScan.open(scan)
    wall, cpu = time.perf_counter(), time.process_time()
    result = WHAT[what](stored)
    record = {
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "peak_memory_bytes": peak_memory_bytes(),
        "result": result,
    }
    print(json.dumps(record))


if __name__ == "__main__":
    main(*sys.argv[1:])

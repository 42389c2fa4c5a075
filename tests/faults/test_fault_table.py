"""What the table counts is counted right: a row of zeros must be able to be another one."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest

fault_table = importlib.import_module("fault_table")
stand_in = importlib.import_module("stand_in")


def committed(stored, skip=(), change=None):
    evaluator = stand_in.Smooth(stored.definition)
    for chunk in stored.grid:
        if chunk.number in skip:
            continue
        block = evaluator.block(stored.grid, chunk)
        if change is not None:
            change(chunk.number, block)
        stored.commit(chunk, block.chi2, block.status)
    return stored


def test_lost_and_wrong_points_are_counted(stored, unbroken) -> None:
    def change(number, block) -> None:
        if number == 1:
            block.chi2[0, 2, 3] = np.nextafter(block.chi2[0, 2, 3], np.inf)
            block.chi2[1, 2, 3] += 1.0  # the same point
            block.status[1, 0, 0] = 2

    committed(stored, skip=(4,), change=change)
    assert fault_table.wrong_points(stored, unbroken) == stored.grid.chunk(4).size + 2


def test_a_fault_is_a_row_and_a_wrong_point_fails_it(stored, unbroken, tmp_path) -> None:
    table = fault_table.FaultTable()
    (tmp_path / "log").write_text("0 x\n1 x\n0 y\n")
    with table.fault("one", stored, unbroken) as fault:
        fault.now()
        committed(stored)
    with table.fault("one", stored, unbroken) as fault:
        fault.now(2)
        fault.ended = "exit 3, resumed"
    row = table.rows["one"]
    assert (row.injected, row.wrong, row.recomputed) == (3, 0, 2)
    assert row.seconds[0] > 0.0
    *_, ended = table.markdown().splitlines()[-1].split(" | ")
    assert ended.startswith("complete (1 times); exit 3, resumed (1 times)")
    stored.discard([3])
    with pytest.raises(AssertionError), table.fault("two", stored, unbroken) as fault:
        fault.now()
    assert table.rows["two"].wrong == stored.grid.chunk(3).size


def test_time_to_recover_ends_with_the_next_chunk(stored, unbroken) -> None:
    committed(stored, skip=(7,))
    table = fault_table.FaultTable()
    with table.fault("one", stored, unbroken) as fault:
        fault.now()
        committed(stored, skip=set(range(12)) - {7})
        deadline = time.monotonic() + 10
        while not fault.seconds:
            assert time.monotonic() < deadline
        time.sleep(1.0)  # what comes after is not counted
    assert table.rows["one"].seconds[0] < 1.0


def test_a_file_without_a_purpose_is_found(stored) -> None:
    committed(stored)
    fault_table.assert_whole(stored)
    stored.folder.write("write-test.0", b"")
    with pytest.raises(AssertionError):
        fault_table.assert_whole(stored)


def test_a_process_that_is_left_is_found(monkeypatch) -> None:
    monkeypatch.setattr(fault_table, "LEFT_SECONDS", 0.2)
    orphans = []

    def leave_an_orphan() -> None:
        code = "import subprocess as s; print(s.Popen(['sleep', '30'], stdout=s.DEVNULL).pid)"
        with fault_table.nothing_left():
            orphans.append(int(subprocess.check_output([sys.executable, "-c", code])))

    start = time.monotonic()
    with pytest.raises(AssertionError, match=r"processes are left: .*sleep 30"):
        leave_an_orphan()
    psutil.Process(*orphans).kill()
    assert time.monotonic() < start + 20


@pytest.mark.skipif(os.getuid() != 0, reason="a mount takes root")
def test_a_mount_that_is_left_is_found(tmp_path) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a tmpfs is not permitted here")
    try:
        with pytest.raises(AssertionError), fault_table.nothing_left(tmp_path.parent):
            pass
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_scan_without_a_chunk_has_lost_all(stored, unbroken) -> None:
    assert fault_table.wrong_points(stored, unbroken) == stored.grid.size

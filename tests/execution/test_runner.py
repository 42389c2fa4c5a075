"""Runs with real worker processes: deaths, full disks, stops; the result is always the same."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import stand_in

from scanner.definition import load
from scanner.errors import ClusterError, IncompleteScanError, MismatchError, StoreError
from scanner.evaluate import Evaluator
from scanner.execution import preflight
from scanner.execution.clusters import connect
from scanner.execution.progress import Progress
from scanner.execution.runner import run
from scanner.grid import Axis, Grid
from scanner.store.archive import Archive
from scanner.store.stored import StoredScan

pytestmark = pytest.mark.cluster
SMOOTH, SLOW = "stand_in:Smooth", "stand_in:Slow"


def test_run_then_run_again(client, stored, unbroken, same_bytes) -> None:
    seen = []
    report = run(stored, client, evaluator=SMOOTH, progress=seen.append)
    assert (report.computed, report.skipped, report.missing) == (12, 0, 0)
    assert report.points == 960
    assert report.status == {1: 1860, 3: 60}
    assert all(1e7 < peak < 1e11 for peak in report.peak_memory_bytes.values())
    assert (seen[-1].done, seen[-1].points_done, seen[-1].workers) == (12, 960, 2)
    same_bytes(stored, unbroken)
    assert stored.verify() == []

    again = run(stored, client, evaluator="no_such_module:Evaluator")
    assert (again.computed, again.skipped, again.missing) == (0, 12, 0)
    assert again.complete


def test_a_complete_scan_needs_no_writable_store(client, unbroken) -> None:
    before = {p: p.stat().st_mtime_ns for p in unbroken.path.rglob("*")}
    run(unbroken, client)
    assert {p: p.stat().st_mtime_ns for p in unbroken.path.rglob("*")} == before


def test_only_what_is_missing_is_computed(client, unbroken, same_bytes, stored) -> None:
    run(stored, client, evaluator=SMOOTH)
    unbroken.discard([0, 7])
    report = run(unbroken, client, evaluator=SMOOTH)
    assert (report.computed, report.skipped) == (2, 10)
    same_bytes(unbroken, stored)


def test_chunks_of_other_versions_are_told_when_a_run_adds_to_them(client, unbroken) -> None:
    unbroken.discard([0])
    for number, marker in unbroken.finished().items():
        other = {
            1: {"versions": {**marker.versions, "numpy": "1.0"}, "instruction_set": "x86_64 SSE2"},
            2: {"instruction_set": "aarch64 SVE"},
            3: {"instruction_set": "aarch64 SVE"},
        }
        unbroken.ledger.write(dataclasses.replace(marker, **other.get(number, {})))
    report = run(unbroken, client, evaluator=SMOOTH)
    end = r": the cube agrees to 1e-9, not bit for bit"
    one, two = sorted(report.notes)
    assert re.fullmatch(rf"1 chunk was .* numpy 1\.0 \(here .*\) on x86_64 SSE2 .*{end}", one)
    assert re.fullmatch(rf"2 chunks were computed on aarch64 SVE \(here .*\){end}", two)
    assert run(unbroken, client, evaluator=SMOOTH).notes == ()  # nothing to add


def test_flipped_byte_truncated_and_forged_markers_are_mended(
    client, unbroken, same_bytes, stored
) -> None:
    run(stored, client, evaluator=SMOOTH)
    chunk = unbroken.path / "cube.zarr" / "chi2" / "c" / "0" / "1" / "2"
    data = bytearray(chunk.read_bytes())
    data[40] ^= 1
    chunk.write_bytes(data)
    folder = unbroken.ledger.folder
    whole = folder.read("000000002.json")
    folder.write("000000002.json", whole[:50])
    folder.write("000000003.json", whole.replace(b'"chunk":2', b'"chunk":3'))
    bad = unbroken.verify()
    assert bad == [6]
    unbroken.discard(bad)
    report = run(unbroken, client, evaluator=SMOOTH)
    assert report.computed == 3
    assert report.ignored_markers == 2
    assert unbroken.verify() == []
    same_bytes(unbroken, stored)


def test_worker_killed_in_the_middle_of_a_chunk(archive, client, tmp_path, same_bytes) -> None:
    sentinel = tmp_path / "killed"
    definition = stand_in.make_definition(sentinel=str(sentinel))
    broken = archive.create(definition, stand_in.make_grid())
    report = run(broken, client, evaluator="stand_in:KilledOnce")
    assert sentinel.exists()
    assert report.complete
    whole = Archive(tmp_path / "other").create(definition, stand_in.make_grid())
    run(whole, client, evaluator=SMOOTH)
    same_bytes(broken, whole)


def test_killed_worker_leaves_nothing_on_stderr(archive, tmp_path) -> None:
    definition = stand_in.make_definition(sentinel=str(tmp_path / "killed"))
    broken = archive.create(definition, stand_in.make_grid())
    with _driver(broken, "stand_in:KilledOnce") as process:
        out, err = process.communicate(timeout=60)
    assert (tmp_path / "killed").exists()
    assert out.splitlines()[-1] == "complete 12"
    assert err == ""


def test_worker_that_joins_later_is_compared_too(client, archive, monkeypatch) -> None:
    made = archive.create(stand_in.make_definition(), Grid(stand_in.AXES, (3, 10)))
    victim = min(client.run(os.getpid).values())
    other = {**preflight.worker_versions(), "numpy": "1.0"}

    def disturb(state: Progress) -> None:
        if state.done and psutil.pid_exists(victim):
            monkeypatch.setattr(preflight, "worker_versions", lambda: other)
            os.kill(victim, signal.SIGKILL)

    with pytest.raises(MismatchError, match=r"numpy .*, this process has 1\.0"):
        run(made, client, evaluator=SLOW, progress=disturb)
    assert 0 < len(made.done()) < made.grid.n_chunks


def test_poison_is_quarantined_after_three_workers(archive, client, tmp_path) -> None:
    deaths = tmp_path / "deaths"
    definition = stand_in.make_definition(sentinel=str(deaths))
    poisoned = archive.create(definition, stand_in.make_grid())
    report = run(poisoned, client, evaluator="stand_in:Poison")
    assert report.quarantined == (3,)
    assert deaths.read_text() == "xxx"
    assert poisoned.missing() == [3]
    with pytest.raises(IncompleteScanError, match="chunks 3 killed three workers"):
        report.raise_if_incomplete()


def test_failing_evaluation_is_reported_with_its_chunk(client, stored) -> None:
    report = run(stored, client, evaluator="stand_in:Failing")
    assert report.failed == {2: "ZeroDivisionError: no events in the window"}
    assert stored.missing() == [2]


def test_evaluation_that_always_fails_ends_early(client, stored) -> None:
    report = run(stored, client, evaluator="no_such_module:Evaluator")
    assert 3 <= len(report.failed) < 12
    assert stored.missing() == list(range(12))


@pytest.mark.parametrize("how", ["argument", "store"])
def test_stop_and_go_on(client, stored, unbroken, same_bytes, how: str) -> None:
    def progress(state) -> None:
        if how == "store" and state.done:
            stored.request_stop()

    stop = (lambda: bool(stored.done())) if how == "argument" else None
    report = run(stored, client, evaluator=SLOW, should_stop=stop, progress=progress)
    assert report.stopped
    assert 0 < report.computed < 12
    assert report.computed == len(stored.done())
    assert run(stored, client, evaluator=SMOOTH).complete
    same_bytes(stored, unbroken)


def test_many_markers_are_packed(client, archive) -> None:
    axes = (Axis("a", "linear", 0.0, 1.0, 20), Axis("b", "linear", 0.0, 1.0, 60))
    made = archive.create(stand_in.make_definition(axes), Grid(axes, (1, 1)))
    for chunk in made.grid:
        if chunk.number >= 60:
            block = stand_in.Smooth(made.definition).block(made.grid, chunk)
            made.commit(chunk, block.chi2, block.status)
    report = run(made, client, evaluator=SMOOTH)
    assert (report.computed, report.skipped, report.ignored_markers) == (60, 1140, 0)
    assert len(made.ledger.folder.names()) == 1
    assert made.missing() == []


def test_a_real_scan_equals_its_evaluation_in_one_process(client, archive) -> None:
    overrides = ["axes.mass.n=4", "axes.coupling.n=70"]
    definition = load("light_vector_universal", overrides)
    made = archive.create(definition, Grid(definition.axes, (2, 40)))
    assert run(made, client).complete
    evaluator = Evaluator(definition)
    for chunk in made.grid:
        block = evaluator.block(made.grid, chunk)
        chi2, status = made.cube.read(chunk)
        assert chi2.tobytes() == block.chi2.tobytes()
        assert status.tobytes() == block.status.tobytes()
    assert made.state().status.keys() <= {"ok", "refined"}


def _driver(stored: StoredScan, evaluator: str) -> subprocess.Popen[str]:
    command = [sys.executable, stand_in.__file__, str(stored.path), evaluator]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _read_until(process: subprocess.Popen[str], enough: Callable[[int], bool]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip().isdecimal() and enough(int(line)):
            return
    pytest.fail(f"the driver ended early: {process.stderr and process.stderr.read()}")


def test_killed_driver_leaves_a_scan_that_resumes_to_the_same_bytes(
    client, stored, unbroken, same_bytes
) -> None:
    with _driver(stored, SLOW) as process:
        _read_until(process, lambda done: 2 <= done <= 10)
        orphans = psutil.Process(process.pid).children(recursive=True)
        process.kill()
    assert psutil.wait_procs(orphans, timeout=10)[1] == []
    done = len(stored.done())
    assert 2 <= done < 12
    report = run(stored, client, evaluator=SMOOTH)
    assert (report.computed, report.skipped) == (12 - done, done)
    same_bytes(stored, unbroken)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_driver_finishes_its_chunks_and_says_so(stored, number: signal.Signals) -> None:
    with _driver(stored, SLOW) as process:
        _read_until(process, lambda done: 2 <= done <= 8)
        # the keyboard sends SIGINT to the whole group, a scheduler SIGTERM to the driver
        (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert err == ""
    last = out.splitlines()[-1].split()
    assert last[0] == "stopped"
    assert int(last[1]) == len(stored.done()) < 12


def test_two_drivers_at_once_do_no_harm(client, stored, unbroken, same_bytes) -> None:
    with _driver(stored, SLOW) as process:
        _read_until(process, lambda done: done >= 0)
        assert run(stored, client, evaluator=SLOW).complete
        out, _ = process.communicate(timeout=20)
    assert out.splitlines()[-1].startswith("complete")
    same_bytes(stored, unbroken)
    assert stored.verify() == []


def test_lost_scheduler(stored, unbroken, same_bytes, client, tmp_path) -> None:
    path = tmp_path / "scheduler.json"
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--no-dashboard"]
    place = ["--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(path)]
    environment = {**os.environ, "PYTHONPATH": str(Path(stand_in.__file__).parent)}
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--no-dashboard", "--no-nanny"]
    quiet = {"stderr": subprocess.DEVNULL, "env": environment, "cwd": tmp_path}
    with subprocess.Popen([*dask, *place], **quiet) as scheduler:
        _wait_for(path.exists)
        arguments = ["--scheduler-file", str(path), "--nthreads", "1", "--death-timeout", "5"]
        with subprocess.Popen([*worker, *arguments], **quiet) as process:
            try:
                with pytest.raises(ClusterError, match=f"scanner resume {stored.id}"):
                    _run_until_killed(stored, path, scheduler)
            finally:
                scheduler.kill()
                process.kill()
    assert 0 < len(stored.done()) < 12
    assert run(stored, client, evaluator=SMOOTH).complete
    same_bytes(stored, unbroken)


def _run_until_killed(stored: StoredScan, path: Path, scheduler: subprocess.Popen[bytes]) -> None:
    with connect(scheduler_file=path) as connection:
        assert "1 worker" in connection.description

        def kill(state: Progress) -> None:
            if state.done:
                scheduler.kill()

        run(stored, connection.client, evaluator=SLOW, progress=kill)


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a tmpfs is not permitted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_full_disk_then_space_again(client, small_disk, unbroken, same_bytes) -> None:
    made = Archive(small_disk).create(stand_in.make_definition(), stand_in.make_grid())
    ballast = small_disk / "ballast"

    def fill(_: object) -> None:
        if not ballast.exists():
            with suppress(OSError), ballast.open("wb", buffering=0) as file:
                while file.write(bytes(4096)):
                    pass

    with pytest.raises(StoreError, match="no space left"):
        run(made, client, evaluator=SLOW, progress=fill)
    assert len(made.done()) < 12
    with pytest.raises(StoreError, match=r"the scan needs .* are free"):
        run(made, client, evaluator=SMOOTH)
    ballast.unlink()
    assert run(made, client, evaluator=SMOOTH).complete
    assert made.verify() == []
    same_bytes(made, unbroken)


def test_read_only_store(client, small_disk) -> None:
    made = Archive(small_disk).create(stand_in.make_definition(), stand_in.make_grid())
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(StoreError, match="not writable: make it writable"):
        run(made, client, evaluator=SMOOTH)
    assert made.state().done == 0  # reading goes on
    assert Archive(small_disk).open(made.id) == made

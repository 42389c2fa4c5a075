"""Detached scans from the command line: a real scheduler, real workers, terminals that close."""

from __future__ import annotations

import fcntl
import importlib
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import engines
import pytest

from scanner.evaluate import Evaluator
from scanner.scan import Scan

sys.path.insert(0, str(Path(__file__).parents[1] / "execution"))
dask_cluster = importlib.import_module("dask_cluster")
wait_for, SECONDS = dask_cluster.wait_for, dask_cluster.SECONDS

pytestmark = pytest.mark.cluster

NAME = "light_vector_universal"
SCRIPT = Path(sys.executable).parent / "scanner"


def sets(mass: int, coupling: int, points: int) -> tuple[str, ...]:
    wishes = (f"axes.mass.n={mass}", f"axes.coupling.n={coupling}", f"chunks.points={points}")
    return tuple(text for wish in wishes for text in ("--set", wish))


SMALL = sets(16, 60, 60)
BUSY = sets(100, 10, 10)  # 100 chunks, of 0.1 s each where workers are unhurried


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[object]:
    """Two workers of one thread."""
    with dask_cluster.dask_cluster(tmp_path_factory.mktemp("cluster"), unhurried=True) as made:
        yield made


def shell(*arguments: object, **options) -> subprocess.Popen[str]:
    """The real command, in a process of its own."""
    line = [SCRIPT, *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(line, **pipes, **options)


def computed_some(scan: Scan, more_than: int = 0) -> None:
    wait_for(lambda: len(scan.stored.done()) > more_than, "for a chunk")


def only_scan(store: Path) -> Scan:
    [folder] = [path for path in store.iterdir() if not path.name.startswith(".")]
    return Scan.open(folder.name, store=store)


def check_whole(scan: Scan) -> None:
    """Every chunk holds the bytes of its evaluation in this process."""
    stored = scan.stored
    assert stored.missing() == []
    evaluator = Evaluator(scan.definition)
    for chunk in stored.grid:
        block = evaluator.block(stored.grid, chunk)
        chi2, status = stored.cube.read(chunk)
        assert chi2.tobytes() == block.chi2.tobytes()
        assert status.tobytes() == block.status.tobytes()


def test_submit_watch_and_submit_again(command, cluster, tmp_path) -> None:
    where = ("--store", tmp_path, "--scheduler-file", cluster.file)
    with shell("submit", NAME, *BUSY, *where) as process:
        out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, err
    scan = only_scan(tmp_path)
    assert f"scanner watch {scan.id} --store {tmp_path}" in out
    assert "driver  a task of the cluster" in out
    again = command("submit", scan.id, *where)
    assert again.code == 0
    assert "no second driver is started" in again.out
    computed_some(scan)
    status = command("status", scan.id, "--store", tmp_path)
    assert "worked on by  a task of the cluster of" in status.out
    assert f"follow it with `scanner watch {scan.stored.words}`" in status.out
    with shell("watch", scan.id, "--store", tmp_path, "--json") as left:
        assert json.loads(left.stdout.readline())["scan"] == scan.id
        left.send_signal(signal.SIGINT)
        _, err = left.communicate(timeout=SECONDS)
    assert left.returncode == 130
    assert "no longer watching; the scan goes on" in err
    watched = command("watch", scan.id, "--store", tmp_path, "--json")
    assert watched.code == 0, watched.err
    lines = [json.loads(line) for line in watched.out.splitlines()]
    assert {line["scan"] for line in lines} == {scan.id}
    assert [line["phase"] for line in lines][-2:] == ["complete", "complete"]
    assert lines[-1]["limits"][0]["parameter"] == "coupling"
    [run] = command("status", scan.id, "--store", tmp_path, "--json").json["runs"]
    assert (run["phase"], run["alive"], run["done"], run["total"]) == (
        "complete",
        False,
        100,
        100,
    )
    check_whole(scan)
    done = command("submit", NAME, *BUSY, *where)
    assert (done.code, "nothing to compute: every chunk is done" in done.out) == (0, True)
    told = command("watch", scan.id, "--store", tmp_path)
    assert told.code == 0
    assert "coupling < " in told.out


def test_cancel_ends_all_who_work_and_nobody_who_comes_later(command, cluster, tmp_path) -> None:
    where = ("--store", tmp_path, "--scheduler-file", cluster.file)
    assert command("submit", NAME, *BUSY, *where).code == 0
    scan = only_scan(tmp_path)
    with shell("resume", scan.id, *where, "--no-figure") as second:
        wait_for(lambda: len(scan.stored.runs.working()) == 2, "for the second run")
        computed_some(scan)
        cancelled = command("cancel", scan.id, "--store", tmp_path)
        assert cancelled.code == 0, cancelled.err
        assert (
            f"of 100 chunks done\ngo on with `scanner resume {scan.stored.words}`" in cancelled.out
        )
        _, err = second.communicate(timeout=SECONDS)
    assert second.returncode == 3
    assert "the run was stopped" in err
    done = len(scan.stored.done())
    assert 0 < done < 100
    record = command("status", scan.id, "--store", tmp_path, "--json").json
    assert [run["phase"] for run in record["runs"]] == ["stopped", "stopped"]
    assert "worked on by  nobody" in command("status", scan.id, "--store", tmp_path).out
    watched = command("watch", scan.id, "--store", tmp_path)
    assert (watched.code, watched.out) == (3, "")
    assert f"nobody works on scan {scan.id}: {done} of 100 chunks done" in watched.err
    nothing = command("cancel", scan.id, "--store", tmp_path, "--json")
    assert (nothing.code, nothing.json["cancelled"]) == (0, [])
    assert not scan.stored.stop_requested()
    again = command("submit", scan.id, *where, "--json")
    assert (again.code, again.json["started"]) == (0, True)
    assert command("watch", scan.id, "--store", tmp_path).code == 0
    check_whole(scan)


def test_closed_terminal_and_killed_shell_leave_the_driver(command, tmp_path) -> None:
    """First the hang-up of the terminal, then SIGKILL for all that were started in it."""
    line = [SCRIPT, "submit", NAME, *SMALL, "--store", tmp_path, "--workers", "2"]
    master, slave = pty.openpty()

    def take_terminal() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    text = " ".join(map(str, line))
    with subprocess.Popen(
        ["bash", "-c", f"{text}; sleep 1000"],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=take_terminal,
    ) as process:
        os.close(slave)
        said = b""
        while b"follow it with" not in said:
            said += os.read(master, 1000)
        os.close(master)
        try:
            process.wait(timeout=SECONDS)  # by SIGHUP
        finally:
            os.killpg(process.pid, signal.SIGKILL)
    scan = only_scan(tmp_path)
    wait_for(lambda: scan.stored.runs.look()[0].run.begun, "for the driver")
    [seen] = scan.stored.runs.look()
    assert (seen.run.kind, seen.run.begun) == ("host", True)
    assert os.getsid(seen.run.pid) == seen.run.pid
    watched = command("watch", scan.id, "--store", tmp_path)
    assert watched.code == 0, watched.err
    check_whole(scan)
    driver = seen.run.pid
    wait_for(lambda: not Path(f"/proc/{driver}").exists(), "for the driver to go")
    assert scan.stored.runs.folder.names() == [f"{seen.run.key}.json"]


def test_a_dead_scheduler_is_told_and_resumed_from(command, tmp_path) -> None:
    with dask_cluster.dask_cluster(tmp_path / "cluster", unhurried=True) as cluster:
        store = tmp_path / "store"
        where = ("--store", store, "--scheduler-file", cluster.file)
        assert command("submit", NAME, *BUSY, *where).code == 0
        scan = only_scan(store)
        computed_some(scan)
        for process in (cluster.scheduler, *cluster.workers):
            process.kill()
    [run] = scan.stored.runs.look()
    assert not run.run.ended
    path = store / scan.id / "runs" / f"{run.run.key}.json"
    os.utime(path, (time.time() - 300,) * 2)  # five minutes later
    told = command("status", scan.id, "--store", store)
    assert "worked on by  nobody" in told.out
    assert "has not ended properly" in told.out
    assert f"go on with `scanner resume {scan.stored.words}`" in told.out
    watched = command("watch", scan.id, "--store", store)
    assert watched.code == 3
    assert f"`scanner resume {scan.stored.words}`" in watched.err
    assert 0 < len(scan.stored.done()) < 100
    resumed = command("resume", scan.id, "--store", store, "--workers", "2", "--no-figure")
    assert resumed.code == 0, resumed.err
    check_whole(scan)


def test_nothing_is_made_where_no_scheduler_answers(command, tmp_path) -> None:
    where = ("--store", tmp_path / "store", "--scheduler", "tcp://127.0.0.1:9")
    answer = command("submit", NAME, *SMALL, *where)
    assert (answer.code, answer.out) == (5, "")
    assert "tcp://127.0.0.1:9" in answer.err
    two = command("submit", NAME, *SMALL, *where, "--cluster", "slurm")
    assert (two.code, "give one" in two.err) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_made_where_a_worker_has_another_version(command, tmp_path) -> None:
    other = tmp_path / "other" / "cevns_scanner-9.9.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: cevns-scanner\nVersion: 9.9\n")
    path = {"PYTHONPATH": str(other.parent)}
    with dask_cluster.dask_cluster(tmp_path / "cluster", workers=1, **path) as cluster:
        where = ("--store", tmp_path / "store", "--scheduler-file", cluster.file)
        answer = command("submit", NAME, *SMALL, *where)
    assert (answer.code, answer.out) == (4, "")
    assert "has cevns-scanner 9.9, the driver has 0.1.0" in answer.err
    assert not (tmp_path / "store").exists()


def test_nothing_is_made_where_a_worker_sees_another_store(command, tmp_path) -> None:
    hidden = [shutil.which("unshare"), "--mount", "true"]
    able = hidden[0] is not None and subprocess.run(hidden, capture_output=True).returncode == 0
    engines.need(able, "a mount namespace", "run as root")
    root = tmp_path / "store"
    root.mkdir()
    mount = f'mount -t tmpfs tmpfs {root} && exec "$0" "$@"'
    with dask_cluster.dask_cluster(tmp_path / "cluster", workers=1) as cluster:
        cluster.add_worker("unshare", "--mount", "sh", "-c", mount)
        with cluster.client() as client:
            client.wait_for_workers(2, timeout=SECONDS)
        where = ("--store", root, "--scheduler-file", cluster.file)
        answer = command("submit", NAME, *SMALL, *where)
    assert (answer.code, answer.out) == (6, "")
    assert "not the one that this process sees" in answer.err
    assert list(root.iterdir()) == []

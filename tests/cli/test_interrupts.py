"""Ctrl-C at any moment of a start: one line, its exit code, and nothing goes on."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

SCRIPT = Path(sys.executable).parent / "scanner"
SECONDS = 90.0
LARGE = ("light_vector_universal", "--set", "axes.mass.n=4000", "--no-figure")

Moment = Callable[[psutil.Process], bool]


def after(seconds: float) -> Moment:
    begun = time.monotonic()
    return lambda _: time.monotonic() > begun + seconds


@pytest.fixture(scope="module")
def soonest() -> float:
    """Seconds in which Python begins, which is not ours to tell of: the shortest command whole."""
    begun = time.monotonic()
    subprocess.run([SCRIPT, "--version"], capture_output=True, check=True)
    return time.monotonic() - begun


def a_worker_begins(process: psutil.Process) -> bool:
    """Its process is there; it has not come as far as to ignore interrupts."""
    return any("spawn_main" in " ".join(child.cmdline()) for child in descendants(process))


def descendants(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def waited_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def interrupted(moment: Moment, *arguments: object, times: int = 1) -> tuple[int, str]:
    """Exit code and standard error of a command whose whole group gets SIGINT, as of a terminal."""
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    line = [SCRIPT, *map(str, arguments)]
    with subprocess.Popen(line, start_new_session=True, **pipes) as process:
        seen = psutil.Process(process.pid)
        waited_for(lambda: moment(seen))
        begun = descendants(seen)
        for _ in range(times):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
                time.sleep(0.2)  # as fast as a person
        _, said = process.communicate(timeout=SECONDS)
    psutil.wait_procs(begun, timeout=SECONDS)
    assert [child for child in begun if child.is_running()] == []
    return process.returncode, said


def check_told(code: int, said: str) -> None:
    """Interrupted before the first chunk was asked for; or, where that was fast, after it."""
    assert "Traceback" not in said, said
    assert "Exception ignored" not in said, said
    *before, last = said.splitlines()
    assert all(line.startswith(("scan ", "note: ")) for line in before), said
    if code != 130:
        assert (code, "go on with `scanner resume" in last) == (3, True), said
    else:
        assert last == "interrupted", said


@pytest.mark.cluster
@pytest.mark.parametrize("seconds", [0.3, 0.8, 1.5, 2.5])
@pytest.mark.parametrize("workers", [("--workers", "1"), ()], ids=["worker", "here"])
def test_a_run_that_is_interrupted_early(
    tmp_path: Path, soonest: float, seconds: float, workers
) -> None:
    moment = after(max(seconds, soonest))
    check_told(*interrupted(moment, "run", *LARGE, *workers, "--store", tmp_path))


@pytest.mark.cluster
@pytest.mark.parametrize("times", [1, 3])
def test_a_worker_that_begins_does_not_see_it(tmp_path: Path, times: int) -> None:
    how = ("run", *LARGE, "--workers", "2", "--store", tmp_path)
    code, said = interrupted(a_worker_begins, *how, times=times)
    check_told(code, said)
    assert code == 130


def test_what_is_ignored_stays_ignored(tmp_path: Path) -> None:
    """As in the background of a shell, and under nohup."""
    line = [SCRIPT, "list", "scans", "--store", tmp_path]
    ignore = lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)  # noqa: E731
    with subprocess.Popen(line, start_new_session=True, preexec_fn=ignore) as process:
        for _ in range(20):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
                time.sleep(0.05)
        assert process.wait(SECONDS) == 0


@pytest.mark.cluster
def test_a_terminal_that_is_closed_ends_a_run_in_good_order(tmp_path: Path) -> None:
    """The system tells all processes of the terminal, and what is written to it is an error."""
    ours, theirs = pty.openpty()
    line = [SCRIPT, "run", *LARGE, "--set", "axes.mass.n=600", "--workers", "2"]
    line += ["--store", tmp_path]

    def own_terminal() -> None:
        fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

    how = {"stdin": theirs, "stdout": theirs, "stderr": theirs, "preexec_fn": own_terminal}
    with subprocess.Popen(line, start_new_session=True, **how) as process:
        os.close(theirs)
        waited_for(lambda: any(tmp_path.glob("*/ledger/*")))
        begun = descendants(psutil.Process(process.pid))
        os.close(ours)
        assert process.wait(SECONDS) == 3
    assert psutil.wait_procs(begun, timeout=SECONDS)[1] == []
    [scan] = [path.name for path in tmp_path.iterdir()]
    status = [SCRIPT, "status", scan, "--store", tmp_path]
    told = subprocess.run(status, capture_output=True, text=True, check=True).stdout
    assert re.search(r"last run .* was stopped: .*; go on with `scanner resume", told), told

"""What a service is started with is looked at, and its log tells of the start and of every job."""

from __future__ import annotations

import logging
import re
import subprocess
import sys

import pytest

from scanner.client.client import connect
from scanner.definition import load
from scanner.errors import ClusterError
from scanner.service import start
from scanner.service.jobs import pursuit
from scanner.service.jobs.log import LOGGER
from scanner.service.jobs.queue import Queue
from scanner.service.settings import Settings
from scanner.store.archive import Archive

NOBODY = {"scheduler": "tcp://127.0.0.1:9"}
SMALL = ("axes.mass.n=4", "axes.coupling.n=5")


def begun(*options, cwd):
    code = "from scanner.cli import main; main()"
    line = [sys.executable, "-c", code, "serve", "--port", "0", *map(str, options)]
    return subprocess.run(line, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--store", "{}/nope/nope"), 6, "--store .*/nope/nope: neither it nor the folder .*/nope"),
        (("--store", "{}/file"), 6, "file"),
        (("--store", "{}/s", "--cluster", "nope.toml"), 2, "nope.toml"),
        (("--store", "{}/s", "--scheduler", "127.0.0.1"), 2, "the port is missing"),
    ],
    ids=["no folder", "a file", "no profile", "no port"],
)
def test_what_cannot_work_is_refused_at_the_start(tmp_path, options, code, said):
    (tmp_path / "file").write_text("")
    words = [one.replace("{}", str(tmp_path)) for one in options]
    ended = begun(*words, "--state", tmp_path / "state", cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (code, ""), ended.stderr
    assert re.search(said, ended.stderr)
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "s").exists()


def test_a_scheduler_that_does_not_answer_is_warned_of(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(LOGGER, "propagate", True)
    start._look_for_scheduler(NOBODY)
    [warned] = caplog.records
    assert warned.levelno == logging.WARNING
    assert "no Dask scheduler answers at tcp://127.0.0.1:9 (from --scheduler)" in warned.message
    start.check(Settings(root=str(tmp_path), cluster={"scheduler_file": tmp_path / "later.json"}))
    assert "later.json cannot be read (it does not exist)" in caplog.records[-1].message


def test_a_job_that_is_refused_again_and_again_ends_and_is_logged(
    serving, tmp_path, caplog, monkeypatch
):
    def refused(*_, **__):
        raise ClusterError("no Dask scheduler answers\nat tcp://127.0.0.1:9")

    monkeypatch.setattr(pursuit, "submit", refused)
    monkeypatch.setattr(LOGGER, "propagate", True)
    monkeypatch.setattr(pursuit.Pursuit, "_wait", lambda *_: 0.01)
    caplog.set_level(logging.INFO, LOGGER.name)
    settings = Settings(root=str(tmp_path / "s"), state=tmp_path / "t", cluster=NOBODY)
    with serving(settings) as one, connect(one.url) as client:
        scan = client.submit("light_vector_universal", SMALL)
        with pytest.raises(ClusterError, match=r"given up after 5 attempts.*resume\(\)"):
            list(scan.watch())
        assert scan.resume().phase in ("queued", "running")
        assert one.get("jobs/2").json()["scan"] == scan.id
    lines = [r.getMessage() for r in caplog.records if r.name == LOGGER.name]
    assert all(f"scan {scan.id}, no token: " in line and "\n" not in line for line in lines)
    first = [line.split("no token: ")[1] for line in lines if line.startswith("job 1,")]
    assert first[0] == "asked for: 20 points"
    assert [line.split(":")[0] for line in first[1:]] == [*["put back"] * 5, "failed"]
    assert first[-1].endswith("(exit code 5)")


def test_the_log_names_run_token_and_end(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(LOGGER, "propagate", True)
    caplog.set_level(logging.INFO, LOGGER.name)
    queue = Queue(tmp_path / "jobs.sqlite")
    job, _ = queue.add(load("light_vector_universal", SMALL), token="anna")
    assert queue.take(job.id)
    assert queue.attempt(job.id)
    queue.rely(job.id, "run", own=True)
    queue.end(job.id, "complete")
    queue.end(job.id, "complete")  # was booked already: no second line
    start.tell(Settings(root=str(tmp_path), cluster=NOBODY), "http://127.0.0.1:1")
    place = f"job 1, scan {job.scan}, token anna: "
    assert [r.getMessage() for r in caplog.records] == [
        f"{place}asked for: 20 points",
        f"{place}begun, attempt 1",
        f"{place}complete",
        f"serving http://127.0.0.1:1, store {Archive(tmp_path).folder}, state ., cluster: "
        "--scheduler tcp://127.0.0.1:9",
    ]

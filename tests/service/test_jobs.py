"""Jobs over HTTP: asked for, followed, cancelled, resumed; a service that is killed loses none."""

from __future__ import annotations

import importlib
import json
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from slow import sent_as, small

from scanner.evaluate import Evaluator
from scanner.service.settings import Settings
from scanner.store.archive import Archive

EXECUTION = Path(__file__).parent.parent / "execution"
sys.path[:0] = [str(EXECUTION), str(EXECUTION.parent / "faults")]
wait_for = importlib.import_module("dask_cluster").wait_for
long_runs = importlib.import_module("fault_table").repeats

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("unhurried")]

KILLS = 10


@pytest.fixture
def place(tmp_path) -> Iterator[Path]:
    """Folder of a state and a store; drivers of a test that failed are ended."""
    yield tmp_path
    for process in psutil.process_iter(["cmdline"]):
        if any(str(tmp_path) in word for word in process.info["cmdline"] or ()):
            process.kill()


@contextmanager
def service(place: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """`scanner serve` as a process, killed at the end; the address of its API."""
    code = "from scanner.cli import main; main()"
    options = {"--store": place / "scans", "--state": place / "state", "--port": 0, "--workers": 1}
    words = [str(word) for pair in options.items() for word in pair]
    line = [sys.executable, "-c", code, "serve", *words]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
        try:
            found = re.search(r"http://\S+", process.stdout.readline())
            assert found, "no address"
            yield f"{found[0].rstrip('/')}/api/v1", process
        finally:
            process.kill()


def heard(api: str, scan: str) -> list[dict[str, Any]]:
    """Everything that is told of a scan until its end."""
    with httpx.stream("GET", f"{api}/scans/{scan}/events", timeout=120) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in stream.iter_lines() if line.startswith("data: ")]
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def check_whole(root: Path, scan: str) -> None:
    """Every chunk holds the bytes of its evaluation in this process."""
    stored = Archive(root).open(scan)
    assert stored.missing() == []
    assert "minimum" in stored.summary
    evaluator = Evaluator(stored.definition)
    for chunk in stored.grid:
        block = evaluator.block(stored.grid, chunk)
        chi2, status = stored.cube.read(chunk)
        assert chi2.tobytes() == block.chi2.tobytes()
        assert status.tobytes() == block.status.tobytes()


def test_asked_for_cancelled_resumed_and_complete(serving, place) -> None:
    settings = Settings(root=str(place / "scans"), state=place, cluster={"workers": 1})
    with serving(settings) as served:
        made = served.post("scans", json=sent_as(small(96)))
        assert made.status_code == 201, made.text
        scan, job = made.json()["scan"], made.json()["job"]
        again = served.post("scans", json=sent_as(small(96)))
        assert (again.status_code, again.json()["job"]["id"]) == (200, job["id"])
        wait_for(lambda: served.get(f"scans/{scan}/state").json()["done"] > 2, "for chunks")
        assert served.get(f"scans/{scan}").json()["phase"] == "running"
        cancelled = served.post(f"scans/{scan}/cancel")
        assert cancelled.json()["job"]["state"] == "cancelled"
        assert heard(served.api, scan)[-1]["phase"] == "cancelled"
        resumed = served.post(f"scans/{scan}/resume").json()["job"]
        assert resumed["id"] > job["id"]
        told = heard(served.api, scan)
        assert {one["phase"] for one in told[:-1]} <= {"queued", "running"}
        assert (told[-1]["phase"], told[-1]["done"], told[-1]["total"]) == ("complete", 96, 96)
        wait_for(
            lambda: served.get(f"jobs/{resumed['id']}").json()["state"] == "complete", "for the end"
        )
        states = [one["state"] for one in served.get("jobs").json()["jobs"]]
        assert states == ["complete", "cancelled"]
        there = served.post("scans", json=sent_as(small(96)))
        assert (there.status_code, there.json()["job"]) == (200, None)
    check_whole(place / "scans", scan)


def test_what_is_not_there_is_refused(serving, place) -> None:
    with serving(Settings(root=str(place / "scans"), state=place)) as served:
        for path in (f"scans/{'0' * 16}/cancel", f"scans/{'0' * 16}/resume"):
            assert served.post(path).status_code == 404
        for path in (f"scans/{'0' * 16}/events", "jobs/1"):
            answer = served.get(path)
            assert (answer.status_code, answer.json()["error"]["kind"]) == (404, "unknown")
        assert served.get("jobs").json()["jobs"] == []


def test_a_service_that_is_killed_in_mid_scan_loses_no_job(place) -> None:
    with service(place) as (api, process):
        sent = [httpx.post(f"{api}/scans", json=sent_as(small(n)), timeout=60) for n in (32, 9)]
        assert [one.status_code for one in sent] == [201, 201], sent[0].text
        first = sent[0].json()["scan"]
        wait_for(
            lambda: httpx.get(f"{api}/scans/{first}/state", timeout=60).json()["done"] > 2,
            "for chunks",
        )
        process.kill()
        process.wait()
    with service(place) as (api, _):
        for one in sent:
            assert heard(api, one.json()["scan"])[-1]["phase"] == "complete"
        jobs = httpx.get(f"{api}/jobs", timeout=60).json()["jobs"]
    assert [job["id"] for job in jobs] == [one.json()["job"]["id"] for one in reversed(sent)]
    # the driver outlives the service: nobody starts it twice
    assert [job["attempts"] for job in jobs if job["scan"] == first] == [1]
    for one in sent:
        check_whole(place / "scans", one.json()["scan"])


@pytest.mark.skipif(not os.environ.get("SCANNER_LONG_TESTS"), reason="takes minutes")
@pytest.mark.parametrize("seed", long_runs(1, 1))
def test_ten_kills_at_random_moments(place, seed) -> None:
    draw, killed = random.Random(seed), 0
    scans: list[str] = []
    for n in range(KILLS):
        with service(place) as (api, process):
            sent = httpx.post(f"{api}/scans", json=sent_as(small(16 + n)), timeout=60)
            assert sent.status_code == 201, sent.text
            scans.append(sent.json()["scan"])
            time.sleep(draw.uniform(0.0, 4.0))  # the moment is what is drawn
            process.kill()
            process.wait()
            killed += 1
    with service(place) as (api, _):
        phases = [heard(api, scan)[-1]["phase"] for scan in scans]
        jobs = httpx.get(f"{api}/jobs", timeout=60).json()["jobs"]
    assert phases == ["complete"] * KILLS
    assert len(jobs) == KILLS
    for scan in scans:
        check_whole(place / "scans", scan)
    print(f"seed {seed}: {killed} kills, attempts {sorted(job['attempts'] for job in jobs)}")

"""Scans on a real HTCondor: a job that is removed is replaced, and the cube is the same."""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

condor_servers = importlib.import_module("condor_servers")
watching = importlib.import_module("watching")
pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]

PROFILE = """\
title = "HTCondor of the tests"
engine = "htcondor"
workers = 2
drain = 5
[job]
memory = "1GB"
disk = "100MB"
walltime = "00:10:00"
[job.job_extra_directives]
getenv = "PYTHONPATH,SCANNER_CACHE"
"""


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder that HTCondor's user can reach and write."""
    folder = Path(tempfile.mkdtemp(prefix="scanner-condor-"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


def test_a_job_that_is_removed_is_replaced(tmp_path: Path, make, fault_table) -> None:
    condor_servers.need()
    (tmp_path / "site.toml").write_text(PROFILE)
    stored, unbroken = make(seconds=1.2)
    everybody(tmp_path)
    driver = Path(__file__).with_name("condor_driver.py")
    command = [sys.executable, str(driver), str(tmp_path), stored.id]
    environment = {"PYTHONPATH": os.environ["PYTHONPATH"], "SCANNER_CACHE": str(tmp_path / "cache")}
    with fault_table.fault("condor_rm of an HTCondor job", stored, unbroken) as fault:
        with condor_servers.start(tmp_path, *command, **environment) as process:
            struck = tmp_path / "struck"
            watching.wait_for(lambda: struck.exists() or process.poll() is not None, 120)
            fault.now()
            out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
    told = json.loads(out)
    assert told["complete"]
    assert told["quarantined"] == []
    assert told["left"] == told["folders"] == []
    assert re.match("HTCondor of the tests: [12] of 2 workers so far", told["said"][-1])
    assert len(watching.evaluations(stored)) == 12
    assert {marker.attempt for marker in stored.finished().values()} == {0}


def everybody(folder: Path) -> None:
    """Let another user write there."""
    for path in folder.rglob("*"):
        path.chmod(0o777 if path.is_dir() else 0o666)

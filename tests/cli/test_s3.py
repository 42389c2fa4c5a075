"""A scan in a bucket from the command line: a real server, real worker processes."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
from swift_server import SECRET

from scanner.scan import Scan

sys.path.insert(0, str(Path(__file__).parents[1] / "execution"))
dask_cluster = importlib.import_module("dask_cluster")

pytestmark = pytest.mark.cluster

NAME = "light_vector_universal"
SMALL = [
    text
    for wish in ("axes.mass.n=16", "axes.coupling.n=60", "chunks.points=240")
    for text in ("--set", wish)
]


def refused(outcome, code: int, *words: str) -> None:
    """One line of error, without the key."""
    assert (outcome.code, outcome.out) == (code, ""), outcome.err
    line = outcome.err.splitlines()[-1]
    assert line.startswith("error: ")
    for word in words:
        assert word in line
    assert SECRET not in outcome.err
    assert "Traceback" not in outcome.err


def test_a_scan_lives_in_a_bucket(command, s3_root: str, tmp_path: Path) -> None:
    where = ("--store", s3_root)
    done = command("run", NAME, *SMALL, *where, "--workers", "2", "-o", tmp_path / "run.pdf")
    assert done.code == 0, done.err
    scan = Scan.open(NAME, store=s3_root)
    assert scan.stored.location == f"{s3_root}/{scan.id}"
    assert f"cube    {s3_root}/{scan.id}/cube.zarr" in done.out
    assert scan.stored.grid.n_chunks == 4
    levels = command("contour", NAME, *where, "--json")
    assert len(levels.json["contours"]) > 0
    plotted = command("plot", NAME, *where, "-o", tmp_path / "plot.pdf")
    assert plotted.code == 0, plotted.err
    assert (tmp_path / "plot.pdf").read_bytes() == (tmp_path / "run.pdf").read_bytes()
    for verb in (("plot", NAME), ("export", NAME, "--format", "csv")):
        told = command(*verb, *where, "-o", f"{s3_root}/a.pdf")
        refused(told, 6, "is an address: files are written on this computer")
    [run] = command("status", NAME, *where, "--json").json["runs"]
    assert (run["phase"], run["done"], run["alive"]) == ("complete", 4, False)
    assert command("list", "scans", *where, "--json").json[0]["id"] == scan.id
    assert command("verify", NAME, *where).code == 0
    removed = command("rm", scan.id, *where, "--yes")
    assert removed.code == 0, removed.err
    assert scan.stored.folder.names() == []
    assert command("list", "scans", *where, "--json").json == []


def test_mistakes_are_told_in_one_line(command, s3_root: str, monkeypatch) -> None:
    told = command("run", NAME, *SMALL, "--store", "s3://no-such-bucket/x")
    refused(told, 6, "store s3://no-such-bucket/x: the bucket does not exist: make it")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    for verb in (("run", NAME, *SMALL), ("submit", NAME, *SMALL), ("list", "scans")):
        told = command(*verb, "--store", s3_root)
        refused(told, 6, f"store {s3_root}", ": the keys are refused: check AWS_ACCESS_KEY_ID")
        assert "another" not in told.err


def test_a_worker_without_keys_is_named(command, s3_root: str, tmp_path: Path) -> None:
    there = {"AWS_SECRET_ACCESS_KEY": "", "HOME": str(tmp_path)}
    with dask_cluster.dask_cluster(tmp_path, 1, **there) as cluster:
        scheduler = ("--scheduler-file", cluster.file)
        told = command("submit", NAME, *SMALL, "--store", s3_root, *scheduler)
    refused(told, 6, "error: worker tcp://127.0.0.1:", "where that worker is started")
    refused(told, 6, "only one of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY is set")
    assert command("list", "scans", "--store", s3_root, "--json").json == []

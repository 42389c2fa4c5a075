"""Calls spread over worker processes: all come back, deaths are outlived, errors are told."""

from __future__ import annotations

import importlib
import time
from pathlib import Path

import pytest

from scanner.errors import ClusterError, MismatchError
from scanner.execution import reducing
from scanner.execution.reducing import WINDOW, spread

dask_cluster = importlib.import_module("dask_cluster")
stand_in = importlib.import_module("stand_in")

pytestmark = pytest.mark.cluster


def test_every_call_comes_back_once(client) -> None:
    found = dict(spread(divmod, [(n, 7) for n in range(50)], client))
    assert found == {n: divmod(n, 7) for n in range(50)}
    assert list(spread(divmod, [], client)) == []


def test_no_more_is_submitted_than_the_window(client, monkeypatch) -> None:
    submitted = []
    original = client.submit
    monkeypatch.setattr(client, "submit", lambda *a, **k: submitted.append(a) or original(*a, **k))
    results = spread(divmod, [(n, 7) for n in range(50)], client)
    for taken in range(1, 20):
        next(results)
        assert len(submitted) <= taken + 2 * WINDOW
    results.close()


def test_a_worker_that_dies_is_outlived(client, tmp_path: Path) -> None:
    calls = [(str(tmp_path / "sentinel"), n) for n in range(8)]
    assert dict(spread(stand_in.killed_once, calls, client)) == {n: n for n in range(8)}
    assert (tmp_path / "sentinel").exists()


def test_a_call_that_kills_three_workers_is_an_error(client, tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="part 0 of the reading lost its worker 3 times"):
        list(spread(stand_in.killed, [(str(tmp_path / "deaths"),)], client))
    assert (tmp_path / "deaths").read_text() == "xxx"


def test_an_error_of_a_call_is_raised_here(client) -> None:
    with pytest.raises(MismatchError, match="chunk 3 is damaged"):
        list(spread(stand_in.damaged, [(n,) for n in range(5)], client))
    assert dict(spread(divmod, [(9, 7)], client)) == {0: (1, 2)}


def test_workers_that_never_come_back_are_not_waited_for(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(reducing, "NO_WORKERS", 1.0)
    monkeypatch.setattr(reducing, "LOOK_SECONDS", 0.2)
    with dask_cluster.dask_cluster(tmp_path, workers=1) as cluster, cluster.client() as client:
        results = spread(time.sleep, [(0.0,), (1000.0,), (1000.0,)], client)
        assert next(results) == (0, None)
        for worker in cluster.workers:
            worker.kill()
        with pytest.raises(ClusterError, match=r"all workers were lost while .* none came back"):
            list(results)

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from distributed.comm import CommClosedError

from scanner.errors import CatalogError, ClusterError, MismatchError
from scanner.execution import preflight
from scanner.execution.task import DEFAULT_EVALUATOR
from scanner.store.location import folder_at
from scanner.store.stored import StoredScan

pytestmark = pytest.mark.cluster
EVALUATOR = "stand_in:Smooth"
NOBODY = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="root alone can be another user")


def test_alike_workers_pass_without_a_word(client, stored) -> None:
    assert preflight.check_workers(client, stored, EVALUATOR).notes == ()


def test_other_version_on_one_worker(client, stored) -> None:
    here = preflight.worker_versions()

    worker = max(client.nthreads())

    def patch(versions: dict[str, str]) -> None:
        from scanner.execution import preflight

        preflight._kept = preflight.worker_versions
        preflight.worker_versions = lambda: versions

    def restore() -> None:
        from scanner.execution import preflight

        preflight.worker_versions = preflight._kept

    client.run(patch, {**here, "numpy": "1.0"}, workers=[worker])
    try:
        with pytest.raises(MismatchError, match=rf"worker {worker} has numpy 1\.0"):
            preflight.check_workers(client, stored, EVALUATOR)
    finally:
        client.run(restore, workers=[worker])


def test_store_that_the_workers_do_not_see(client, stored, tmp_path) -> None:
    moved = stored.path.rename(tmp_path / stored.id)
    with pytest.raises(CatalogError, match=r"worker tls://.*no scan in"):
        preflight.check_workers(client, stored, EVALUATOR)
    assert StoredScan.open(moved).id == stored.id


def test_sources_are_compared_on_the_workers(client, stored) -> None:
    with pytest.raises(MismatchError, match="scenario"):
        preflight.check_workers(client, stored, DEFAULT_EVALUATOR)


def _let(client, worker: str, *, package: bool = True, user: int = 0) -> None:
    """Make a worker one of another user, or one on whose host the scanner is not installed."""

    def change() -> None:  # by value: sent to workers that cannot load what they are told to
        import os
        import sys

        os.setresuid(user, user, 0)
        sys.modules.pop("scanner.execution.preflight", None)
        if not package:
            sys.modules["scanner.execution.preflight"] = None

    client.run(change, workers=[worker])


@as_root
def test_each_worker_that_cannot_work_is_examined(client, tmp_path) -> None:
    """Nothing stays of the trial; who lacks the package or the right to write is told."""
    place = tmp_path / "shared"
    place.mkdir()
    folder = folder_at(place)
    every = preflight.examine_workers(client, folder)
    assert (len(every.processes), dict(every.unfit)) == (2, {})
    worker, other = sorted(client.nthreads())
    _let(client, worker, package=False)
    _let(client, other, user=NOBODY)
    try:
        found = preflight.examine_workers(client, folder)
    finally:
        _let(client, worker)
        _let(client, other)
    assert found.processes == frozenset()
    assert found.unfit.keys() == {worker, other}
    assert found.unfit[worker].startswith("cannot load cevns-scanner (")
    assert found.unfit[worker].endswith("install the same version there")
    assert found.unfit[other].startswith(f"store {place}: permission denied")
    assert list(place.iterdir()) == []


@as_root
def test_a_worker_that_may_write_in_the_root_but_not_in_a_scan(client, tmp_path) -> None:
    """As where everybody has a umask of 022."""
    place = tmp_path / "open"
    place.mkdir()
    place.chmod(0o777)
    top = Path(tempfile.gettempdir())
    for above in place.parents:
        if above != top and above.is_relative_to(top):
            above.chmod(0o711)
    workers = list(client.nthreads())
    for worker in workers:
        _let(client, worker, user=NOBODY)
    try:
        found = preflight.examine_workers(client, folder_at(place))
    finally:
        for worker in workers:
            _let(client, worker)
    assert found.unfit.keys() == set(workers)
    assert all(
        "may not write in the folders that you make there" in r for r in found.unfit.values()
    )
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("moment", ["wait_for_workers", "sync"])
def test_connection_lost_meanwhile_is_the_clusters_trouble(moment: str, stored) -> None:
    """Not that of a worker which cannot load the package."""

    class Lost:
        def __getattr__(self, name: str):
            def call(*_: object, **__: object) -> None:
                if name == moment:
                    raise CommClosedError("in <TLS (closed)>: Stream is closed")

            return call

    with pytest.raises(ClusterError, match=r"the Dask scheduler was lost .* same command again"):
        preflight.check_workers(Lost(), stored)

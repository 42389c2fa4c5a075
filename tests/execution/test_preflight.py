from __future__ import annotations

import pytest
from distributed.comm import CommClosedError

from scanner.errors import CatalogError, ClusterError, MismatchError
from scanner.execution import preflight
from scanner.execution.task import DEFAULT_EVALUATOR
from scanner.store.stored import StoredScan

pytestmark = pytest.mark.cluster
EVALUATOR = "stand_in:Smooth"


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

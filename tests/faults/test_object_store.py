"""An object store that throttles, fails, loses requests or answers, or is down for a while.

The server is real; a proxy before it spoils one request in ten.
"""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scanner.definition import ScanDefinition
from scanner.errors import StoreError
from scanner.execution.clusters import connect
from scanner.execution.runner import run
from scanner.grid import Grid
from scanner.store.archive import Archive
from scanner.store.audit import audit
from scanner.store.location import folder_at
from scanner.store.objects import CLAIM
from scanner.store.stored import StoredScan

fault_table = importlib.import_module("fault_table")
stand_in = importlib.import_module("stand_in")
s3_proxy = importlib.import_module("s3_proxy")

EVALUATOR = "s3_proxy:Noted"
PATIENCE = 12.0  # s, of workers; 30 for users
OURS = 4.0  # s, of a driver that finds the store down once its workers gave up
NAMES = 12  # that are claimed
pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def proxy(s3_server) -> Iterator[s3_proxy.Proxy]:
    """Everything in this file reaches the server through it."""
    with s3_proxy.proxied(s3_server.port) as made, pytest.MonkeyPatch.context() as patch:
        environment = {**s3_server.environment, "AWS_ENDPOINT_URL": made.endpoint}
        for name, value in {**environment, "SCANNER_STORE_PATIENCE": f"{PATIENCE}"}.items():
            patch.setenv(name, value)
        yield made


@pytest.fixture(scope="module")
def cluster(proxy) -> Iterator[object]:
    """Two worker processes that have that environment."""
    with connect(workers=2) as connection:
        yield connection.client


@pytest.fixture
def archive(proxy, s3_server, tmp_path: Path) -> Iterator[Archive]:
    yield Archive(f"s3://{s3_server.bucket}/{tmp_path.name}")
    proxy.down()
    proxy.up()
    proxy.spoil(None)


@pytest.fixture
def grid() -> Grid:
    return stand_in.make_grid()


@pytest.fixture
def definition(tmp_path: Path) -> ScanDefinition:
    """Its evaluator notes each evaluation in the file of the parameter ``log``."""
    (tmp_path / "log").touch()
    return stand_in.make_definition(log=str(tmp_path / "log"), seconds=0.05)


@pytest.fixture
def unbroken(tmp_path: Path, definition: ScanDefinition, grid: Grid) -> StoredScan:
    """The same scan on a disk, computed here, in order."""
    made = Archive(tmp_path / "unbroken").create(definition, grid)
    for chunk in grid:
        block = stand_in.Smooth(definition).block(grid, chunk)
        made.commit(chunk, block.chi2, block.status)
    return made


class Watch:
    """When chunks came in, for the time to recover."""

    def __init__(self) -> None:
        self.came: list[float] = []
        self.done = 0

    def __call__(self, progress) -> None:
        if progress.done > self.done:
            self.done = progress.done
            self.came.append(time.monotonic())

    def recoveries(self, injected: list[float], back: float = 0.0) -> list[float]:
        """From each injection to the next finished chunk, after the store was back."""
        pairs = ((fault, [t for t in self.came if t > max(fault, back)]) for fault in injected)
        return [min(later) - fault for fault, later in pairs if later]


def told(table, fault, proxy, stored, unbroken, watch, ended="complete") -> None:
    """Compare with the unbroken cube and add the row."""
    injected, back, definition = list(proxy.injected), proxy.back, stored.definition
    proxy.spoil(None)
    wrong = fault_table.wrong_points(stored, unbroken)
    table.add(
        f"object store: {fault}",
        injected=len(injected),
        wrong=wrong,
        recomputed=fault_table.recomputed(str(definition.parameters["log"])),
        seconds=watch.recoveries(injected, back),
        ended=ended,
    )
    assert injected
    assert wrong == 0
    assert audit(stored).whole
    assert (audit(stored).strays, stored.folder.child("makers").names()) == ((), [])


@pytest.mark.parametrize("seed", fault_table.repeats(1, 5))
@pytest.mark.parametrize("fault", s3_proxy.FAULTS)
def test_one_request_in_ten_is_spoilt(
    proxy, cluster, archive, definition, grid, unbroken, fault_table, fault: str, seed: int
) -> None:
    watch = Watch()
    proxy.spoil(fault, seed)
    stored = archive.create(definition, grid)
    report = run(stored, cluster, evaluator=EVALUATOR, progress=watch)
    assert report.complete
    assert StoredScan.open(stored.location).state().complete
    told(fault_table, f"{fault}, 1 in 10", proxy, stored, unbroken, watch)


def test_down_for_five_seconds(
    proxy, cluster, archive, definition, grid, unbroken, fault_table
) -> None:
    stored = archive.create(definition, grid)
    watch, down = Watch(), threading.Event()

    def progress(now) -> None:
        watch(now)
        if not down.is_set():  # chunks are being written
            down.set()
            proxy.injected = [time.monotonic()]
            proxy.down()
            threading.Timer(5.0, proxy.up).start()

    report = run(stored, cluster, evaluator=EVALUATOR, progress=progress)
    assert report.complete
    assert down.is_set()
    assert watch.recoveries(proxy.injected, proxy.back)[0] > 5.0
    told(fault_table, "down for 5 s", proxy, stored, unbroken, watch)


def test_down_for_longer_than_patience(
    proxy, cluster, archive, definition, grid, unbroken, fault_table, monkeypatch
) -> None:
    monkeypatch.setenv("SCANNER_STORE_PATIENCE", f"{OURS}")
    stored = archive.create(definition, grid)
    watch = Watch()

    def progress(now) -> None:
        watch(now)
        if not proxy.injected:
            proxy.injected = [time.monotonic()]
            proxy.down()

    with pytest.raises(StoreError, match=r"no answer from .*, tried again for (12|4) s") as refused:
        run(stored, cluster, evaluator=EVALUATOR, progress=progress)
    assert time.monotonic() - proxy.injected[0] < PATIENCE + OURS + 5.0
    assert "\n" not in str(refused.value)
    proxy.up()
    again = StoredScan.open(stored.location)
    assert len(again.done()) < grid.n_chunks
    report = run(again, cluster, evaluator=EVALUATOR, progress=watch)
    assert report.complete
    told(fault_table, "down for good", proxy, again, unbroken, watch, "exit 6, resumed")


@pytest.mark.parametrize("fault", ["answer dropped", "reset"])
def test_a_lost_answer_to_a_claim_is_not_taken_for_a_faster_maker(
    proxy, archive, definition, grid, monkeypatch, fault: str
) -> None:
    folder = folder_at(f"{archive.folder}/claims")
    proxy.spoil(fault)
    proxy.one_in = 3
    try:
        ours = [folder.write_new(f"{number}", b"%d" % number) for number in range(NAMES)]
        theirs = [folder.write_new(f"{number}", b"other") for number in range(NAMES)]
        count = len(proxy.injected)
    finally:
        proxy.one_in = 10
    proxy.spoil(None)
    assert count > 5
    assert ours == [True] * NAMES
    assert theirs == [False] * NAMES
    assert [folder.read(f"{n}") for n in range(NAMES)] == [b"%d" % n for n in range(NAMES)]
    stored = archive.create(definition, grid)
    assert stored.folder.exists(CLAIM)

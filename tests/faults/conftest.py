"""Faults, each as a test that ends with the cube of the unbroken scan, bit for bit.

With ``SCANNER_LONG_TESTS=1`` what depends on the moment is repeated many times, with
``SCANNER_FAULT_TABLE=FILE`` the table at the end is written to a file.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest

from scanner.execution.clusters import connect
from scanner.grid import Grid
from scanner.store.archive import Archive
from scanner.store.stored import StoredScan

FOLDERS = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "execution")]
# worker processes inherit the path, and so find the evaluators
sys.path[:0] = FOLDERS
stand_in = importlib.import_module("stand_in")
fault_table = importlib.import_module("fault_table")

Disturbed = Callable[..., tuple[StoredScan, StoredScan]]


@pytest.fixture(scope="session")
def cluster():
    """Two worker processes that serve all tests of this folder; the dead are replaced."""
    with connect(workers=2) as connection:
        yield connection.client


@pytest.fixture
def client(cluster):
    """The common cluster with both of its workers."""
    wait_for(lambda: len(cluster.nthreads()) == 2)
    return cluster


@pytest.fixture(autouse=True)
def nothing_left(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Every test leaves no process and no mount, but the two workers of the common cluster."""
    common = "client" in request.fixturenames

    def workers() -> set[int]:
        if not common:
            return set()
        wait_for(lambda: len(cluster.nthreads()) == 2)
        return set(cluster.run(os.getpid, on_error="ignore").values())

    cluster = request.getfixturevalue("client") if common else None
    with fault_table.nothing_left(tmp_path_factory.getbasetemp(), workers):
        yield


@pytest.fixture
def make(tmp_path: Path) -> Disturbed:
    """``make(grid, root, **parameters)``: a scan to be disturbed, and the same computed in peace.

    Its evaluators note each evaluation in the file of the parameter ``log``.
    """

    def made(grid: Grid | None = None, root: Path | None = None, **parameters):
        (tmp_path / "log").touch()
        grid = grid or stand_in.make_grid()
        parameters = {k: float(v) if type(v) is int else v for k, v in parameters.items()}
        definition = stand_in.make_definition(grid.axes, log=str(tmp_path / "log"), **parameters)
        stored = Archive(root or tmp_path / "root").create(definition, grid)
        return stored, computed(Archive(tmp_path / "unbroken").create(definition, grid))

    return made


@pytest.fixture
def pair(make: Disturbed) -> tuple[StoredScan, StoredScan]:
    return make()


@pytest.fixture
def stored(pair: tuple[StoredScan, StoredScan]) -> StoredScan:
    """The scan that is disturbed."""
    return pair[0]


@pytest.fixture
def unbroken(pair: tuple[StoredScan, StoredScan]) -> StoredScan:
    """The same scan computed in this process, in order, without a cluster."""
    return pair[1]


def computed(stored: StoredScan) -> StoredScan:
    evaluator = stand_in.Smooth(stored.definition)
    for chunk in stored.grid:
        block = evaluator.block(stored.grid, chunk)
        stored.commit(chunk, block.chi2, block.status)
    return stored


class Drivers:
    """Drivers as processes of their own; the progress of each is what it prints."""

    def __init__(self, stack: ExitStack) -> None:
        self.stack = stack

    def start(self, stored: StoredScan, evaluator: str = "faulty:Faulty", *options: str):
        command = [sys.executable, stand_in.__file__, str(stored.path), evaluator, *options]
        return self.stack.enter_context(
            subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(FOLDERS)},
            )
        )


@pytest.fixture
def drivers() -> Iterator[Drivers]:
    with ExitStack() as stack:
        yield Drivers(stack)


def wait_for(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait until it is true; fail after some seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


class Foreign:
    """A scheduler and workers started by the commands of Dask, as on a cluster of hosts."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self.stack = folder, stack
        self.file = folder / "scheduler.json"
        self.scheduler: subprocess.Popen[bytes]
        self.workers: list[subprocess.Popen[bytes]] = []

    def start(self, **environment: str) -> Foreign:
        options = ["--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(self.file)]
        self.scheduler = self._started("scheduler", *options, **environment)
        wait_for(self.file.exists)
        return self

    def work(self, *options: str, **environment: str) -> subprocess.Popen[bytes]:
        """One more worker of one thread, below a nanny unless told otherwise."""
        fixed = ["--scheduler-file", str(self.file), "--nthreads", "1", "--death-timeout", "60"]
        fixed += ["--host", "127.0.0.1", "--local-directory", str(self.folder)]
        self.workers.append(self._started("worker", *fixed, *options, **environment))
        return self.workers[-1]

    def _started(self, what: str, *options: str, **environment: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", "--no-dashboard"]
        path = {"PYTHONPATH": os.pathsep.join(FOLDERS)}
        log = (self.folder / f"{what}.log").open("ab")
        process = subprocess.Popen(
            [*command, *options],
            stdout=log,
            stderr=log,
            cwd=self.folder,
            env={**os.environ, **path, **environment},
        )
        log.close()
        self.stack.callback(ended, process)
        return process

    @contextmanager
    def connected(self, workers: int = 1):
        with connect(scheduler_file=self.file, workers=workers) as connection:
            yield connection.client


def ended(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all below it."""
    try:
        below = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        below = []
    process.kill()
    process.wait()
    for child in below:
        try:
            child.kill()
        except psutil.NoSuchProcess:
            continue


@pytest.fixture
def foreign(tmp_path: Path) -> Iterator[Foreign]:
    """A cluster to be started by the test."""
    folder = tmp_path / "cluster"
    folder.mkdir()
    with ExitStack() as stack:
        yield Foreign(folder, stack)

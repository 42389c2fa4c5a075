"""A cluster over several hosts: scheduler, two workers and client in namespaces of their own, TLS.

The links between them can be cut and slowed, a host can die as a whole.
"""

from __future__ import annotations

import importlib
import itertools
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dask
import psutil
import pytest
from distributed import Client
from engines import need

from scanner.execution import clusters
from scanner.execution.security.certificates import Certificates, make_certificates
from scanner.store.archive import Archive
from scanner.store.stored import StoredScan

TESTS = Path(__file__).parents[1]
FOLDERS = [str(Path(__file__).parent), str(TESTS / "faults"), str(TESTS / "execution")]
sys.path[:0] = FOLDERS
stand_in = importlib.import_module("stand_in")
network = importlib.import_module("network")

TCP_SECONDS = 12  # Dask refuses less than 11
TTL_SECONDS = 6
PORT = 8786
HOSTS = ("sched", "one", "two", "client")
# as in deploy/dask.yaml, but sooner
SETTINGS = {
    "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0",
    "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": f"{TTL_SECONDS}s",
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": f"{TCP_SECONDS}s",
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "5s",
}


class Cluster:
    """Scheduler on ``sched``, one supervised worker each on ``one`` and ``two``."""

    def __init__(self, hosts: network.Network, folder: Path, certificates: Certificates) -> None:
        self.hosts, self.folder, self.certificates = hosts, folder, certificates
        self.address = f"tls://{hosts.addresses['sched']}:{PORT}"
        self.environment = {
            **certificates.environment(),
            **SETTINGS,
            "PYTHONPATH": os.pathsep.join(FOLDERS),
        }
        self.processes: list[object] = []

    def start_scheduler(self) -> None:
        """It listens to who has a certificate; its web pages stay on its loopback."""
        pages = ["--no-dashboard", "--dashboard-address", "127.0.0.1:0"]
        command = [*_dask("scheduler"), "--host", self.address, *pages]
        self._start("sched", command)

    def start_worker(self, name: str) -> None:
        """A worker that is started again whenever it ends: a host comes back by itself."""
        pages = "--no-dashboard --dashboard-address 127.0.0.1:0"
        options = f"--nthreads 1 --death-timeout 60 --local-directory {self.folder / name} {pages}"
        once = f"{' '.join(_dask('worker'))} {self.address} {options}"
        self._start(name, ["bash", "-c", f"while :; do {once}; sleep 0.3; done"])

    def _start(self, name: str, command: list[str]) -> None:
        log = self.folder / f"{name}.log"
        self.processes.append(self.hosts.start(name, command, log, self.environment))

    @contextmanager
    def connected(self, workers: int = 2) -> Iterator[Client]:
        """A client on the host ``client``; `clusters.connect` itself."""
        named = {"SCANNER_TLS": str(self.certificates.folder)}
        with (
            pytest.MonkeyPatch.context() as patch,
            dask.config.set({"distributed.comm.timeouts.tcp": f"{TCP_SECONDS}s"}),
            self.hosts.inside("client"),
        ):
            for name, value in named.items():
                patch.setenv(name, value)
            with clusters.connect(scheduler=self.address, workers=workers) as connection:
                yield connection.client


def _dask(what: str) -> list[str]:
    return [sys.executable, "-m", f"distributed.cli.dask_{what}"]


def wait_for(condition: Callable[[], object], seconds: float = 40.0) -> None:
    """Wait until it is true; fail after some seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


@pytest.fixture(scope="session")
def hosts() -> Iterator[network.Network]:
    lacking = network.obstacle()
    need(not lacking, f"what makes hosts: {lacking}")
    made = network.Network(HOSTS)
    try:
        made.up()
        yield made
    finally:
        made.down()
        assert made.left() == []


@pytest.fixture(scope="session")
def cluster(hosts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("hosts")
    made = Cluster(hosts, folder, make_certificates(folder / "tls", hosts.addresses.values()))
    made.start_scheduler()
    for name in ("one", "two"):
        made.start_worker(name)
    yield made
    for name in HOSTS:
        hosts.kill(name)
    ours = {process.pid for process in made.processes}
    for process in made.processes:
        process.wait()
    assert not [pid for pid in ours if psutil.pid_exists(pid)]


@pytest.fixture
def client(cluster: Cluster) -> Iterator[Client]:
    """Both workers, on two hosts."""
    with cluster.connected() as connected:
        wait_for(lambda: len({address_host(a) for a in connected.nthreads()}) == 2)
        yield connected


def address_host(address: str) -> str:
    return address.partition("://")[2].rpartition(":")[0]


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., tuple[StoredScan, StoredScan]]:
    """``make(seconds=0.2)``: a scan to be disturbed, and the same one computed in peace."""

    counter = itertools.count()

    def made(**parameters: float | str) -> tuple[StoredScan, StoredScan]:
        log = tmp_path / f"log-{next(counter)}"
        log.touch()
        grid = stand_in.Grid(stand_in.AXES, (8, 5))  # 24 chunks
        parameters = {k: float(v) if type(v) is int else v for k, v in parameters.items()}
        definition = stand_in.make_definition(grid.axes, log=str(log), **parameters)
        unbroken = Archive(tmp_path / "unbroken").create(definition, grid)
        evaluator = stand_in.Smooth(definition)
        for chunk in grid:
            block = evaluator.block(grid, chunk)
            unbroken.commit(chunk, block.chi2, block.status)
        return Archive(tmp_path / "root").create(definition, grid), unbroken

    return made

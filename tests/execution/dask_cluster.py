"""A Dask scheduler and workers as processes of their own, to be joined and to be killed.

Found through the path, as `stand_in` is.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from distributed import Client

HERE = Path(__file__).parent
SECONDS = 200.0  # for what takes a second or two where nothing else runs


def wait_for(condition: Callable[[], object], what: str = "") -> None:
    """Wait until the condition holds; AssertionError if it does not."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited {SECONDS:g} s in vain {what}"
        time.sleep(0.05)


class DaskCluster:
    """A scheduler on the loopback and workers of one thread.

    Parameters
    ----------
    folder : Path
        For the scheduler file and the processes' logs.
    nannies : bool
        Whether a worker that died is started again.
    unhurried : bool
        Whether a chunk takes 0.1 s longer.
    """

    def __init__(
        self, folder: Path, *, nannies: bool = False, unhurried: bool = False, **environment: str
    ) -> None:
        self.folder = folder
        self.options = ["--nanny" if nannies else "--no-nanny"]
        if unhurried:
            self.options += ["--preload", str(HERE / "unhurried.py")]
        self.file = folder / "scheduler.json"
        self.environment = {**os.environ, "PYTHONPATH": str(HERE), **environment}
        options = ["--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(self.file)]
        self.scheduler = self._start("scheduler", *options)
        self.workers: list[subprocess.Popen[bytes]] = []
        wait_for(self.file.exists, "for the scheduler")

    def add_worker(self, *before: str) -> None:
        """Start a worker; `before`: what stands before its command line."""
        options = ["--scheduler-file", str(self.file), "--nthreads", "1", "--memory-limit", "0"]
        self.workers.append(self._start("worker", *self.options, *options, before=before))

    @contextmanager
    def client(self) -> Iterator[Client]:
        """A client of its own."""
        with Client(scheduler_file=str(self.file), set_as_default=False) as client:
            yield client

    def pids(self) -> dict[str, int]:
        """Process of every worker by its address."""
        with self.client() as client:
            return dict(client.run(os.getpid))

    def close(self) -> None:
        """Kill everything that was started."""
        for process in (*self.workers, self.scheduler):
            with suppress(psutil.NoSuchProcess):
                family = psutil.Process(process.pid)
                for one in (family, *family.children(recursive=True)):
                    with suppress(psutil.NoSuchProcess):
                        one.kill()
            process.wait()

    def _start(
        self, role: str, *options: str, before: tuple[str, ...] = ()
    ) -> subprocess.Popen[bytes]:
        module = f"distributed.cli.dask_{role}"
        line = [*before, sys.executable, "-m", module, "--no-dashboard", *options]
        with (self.folder / f"{role}.log").open("ab") as log:
            return subprocess.Popen(line, stderr=log, env=self.environment, cwd=self.folder)


@contextmanager
def dask_cluster(folder: Path, workers: int = 2, **how: bool | str) -> Iterator[DaskCluster]:
    """A cluster that is killed at the end; `how`: see `DaskCluster`."""
    folder.mkdir(exist_ok=True)
    cluster = DaskCluster(folder, **how)
    try:
        for _ in range(workers):
            cluster.add_worker()
        with cluster.client() as client:
            client.wait_for_workers(workers, timeout=SECONDS)
        yield cluster
    finally:
        cluster.close()

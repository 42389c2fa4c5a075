"""Which Dask cluster: an address, the Dask configuration, worker processes, or a thread here."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

import dask
from dask.system import CPU_COUNT
from distributed import Client, LocalCluster
from threadpoolctl import threadpool_limits

from scanner.errors import ClusterError, DefinitionError

SMALL_SECONDS = 4.0
"""CPU time below which work is done in this process: worker processes take as long to start."""

CONNECT_SECONDS = 8.0
WORKERS_SECONDS = 60.0

# the keyboard's interrupt goes to the whole process group; only the driver is to act on it
_IGNORE_INTERRUPT = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"


_SILENT: dict[str, Any] = {
    "dashboard_address": None,
    "silence_logs": logging.CRITICAL,
    "scheduler_kwargs": {
        # every death of a worker is told to the runner, which counts per chunk
        "allowed_failures": 0,
        # without an address its web server takes 8787, on all interfaces
        "dashboard": False,
        "dashboard_address": "127.0.0.1:0",
    },
}

# Dask lets workers give all freed memory back at once: measured, a worker then spends more time in
# page faults than in arithmetic on arrays of a megabyte. They may keep 128 MB (glibc; 32 MB is the
# largest block that it keeps).
_KEEP_MEMORY = {"MALLOC_TRIM_THRESHOLD_": 2**27, "MALLOC_MMAP_THRESHOLD_": 2**25}


@dataclass(frozen=True)
class Connection:
    """A client and which cluster it leads to.

    Parameters
    ----------
    client : distributed.Client
        Connected, with at least one worker.
    description : str
        One sentence for people.
    """

    client: Client
    description: str


@contextmanager
def connect(
    scheduler: str | None = None,
    scheduler_file: str | Path | None = None,
    workers: int | None = None,
    *,
    cpu_seconds: float | None = None,
) -> Iterator[Connection]:
    """Connect to a cluster and close what was opened here when done.

    Parameters
    ----------
    scheduler : str, optional
        Address such as ``tcp://host:8786``.
    scheduler_file : path, optional
        Written by ``dask scheduler --scheduler-file``. Without both:
        ``DASK_SCHEDULER_ADDRESS`` or the Dask configuration, else processes on this host.
    workers : int, optional
        Number of local worker processes (default: one per CPU this process may use), or the
        number to wait for on another cluster (default: 1).
    cpu_seconds : float, optional
        What is to be done, where it is known. Where neither a cluster nor a number of workers
        is given, little work is done by a thread of this process.

    Raises
    ------
    DefinitionError
        `workers` is below 1.
    ClusterError
        The scheduler cannot be reached, or has no workers.
    """
    if workers is not None and workers < 1:
        raise DefinitionError(f"workers = {workers}: give at least 1")
    address, origin = _address(scheduler, scheduler_file)
    if address is not None:
        opened = _remote(address, origin, workers or 1)
    elif workers is None and cpu_seconds is not None and cpu_seconds <= SMALL_SECONDS:
        opened = _here()
    else:
        opened = _local(workers)
    with opened as connection:
        yield connection


def _address(scheduler: str | None, scheduler_file: str | Path | None) -> tuple[str | None, str]:
    """Address and where it was said; None for a local cluster."""
    if scheduler:
        if ":" not in scheduler:
            raise DefinitionError(
                f"--scheduler {scheduler}: give its address with the port, tcp://{scheduler}:8786"
            )
        return scheduler, "--scheduler"
    if scheduler_file:
        return _read_scheduler_file(Path(scheduler_file)), f"--scheduler-file {scheduler_file}"
    if found := os.environ.get("DASK_SCHEDULER_ADDRESS"):
        return found, "DASK_SCHEDULER_ADDRESS"
    if found := dask.config.get("scheduler-address", None):
        return str(found), "the Dask configuration"
    return None, ""


def _read_scheduler_file(path: Path) -> str:
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["address"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ClusterError(
            f"--scheduler-file {path} cannot be read ({error}): "
            "start `dask scheduler --scheduler-file` first, or check the path"
        ) from error


@contextmanager
def _remote(address: str, origin: str, workers: int) -> Iterator[Connection]:
    client = _client(address, origin)
    try:
        _wait_for_workers(client, address, workers)
        count = len(client.nthreads())
        yield Connection(client, f"Dask cluster at {address} ({origin}), {_workers(count)}")
    finally:
        _close(client)


def _client(address: str, origin: str) -> Client:
    try:
        with _quiet():
            return Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise ClusterError(
            f"no Dask scheduler answers at {address} (from {origin}): "
            "start it with `dask scheduler`, or leave the address out to work on this host"
        ) from error


def _wait_for_workers(client: Client, address: str, workers: int) -> None:
    try:
        client.wait_for_workers(workers, timeout=WORKERS_SECONDS)
    except TimeoutError as error:
        raise ClusterError(
            f"the scheduler at {address} has {_workers(len(client.nthreads()))} after "
            f"{WORKERS_SECONDS:g} s, {workers} wanted: start them with `dask worker {address}`"
        ) from error


@contextmanager
def _here() -> Iterator[Connection]:
    # one thread, as in a worker process: the same arithmetic
    with _quiet(), threadpool_limits(1):
        options = {"n_workers": 1, "processes": False, **_SILENT}
        with (
            LocalCluster(threads_per_worker=1, **options) as cluster,
            Client(cluster, timeout=CONNECT_SECONDS, set_as_default=False) as client,
        ):
            yield Connection(client, "this process (little to do, no cluster given)")


@contextmanager
def _local(workers: int | None) -> Iterator[Connection]:
    count = workers or CPU_COUNT
    _start_quiet_tracker()
    with _quiet():
        try:
            environment = {
                f"distributed.nanny.pre-spawn-environ.{name}": value
                for name, value in _KEEP_MEMORY.items()
            }
            with dask.config.set(environment):
                cluster = LocalCluster(**_local_options(count))
        except (OSError, RuntimeError, TimeoutError) as error:
            reason = " ".join(str(error).split())
            raise ClusterError(
                f"{_workers(count)} cannot be started on this host ({reason}): in a script, start "
                'them below `if __name__ == "__main__":`; else try fewer'
            ) from error
        try:
            client = Client(cluster, timeout=CONNECT_SECONDS, set_as_default=False)
            try:
                client.wait_for_workers(count, timeout=WORKERS_SECONDS)
                yield Connection(client, f"this host, {_workers(count)} (no cluster given)")
            finally:
                _close(client)
        finally:
            cluster.close(timeout=10)


def _local_options(count: int) -> dict[str, Any]:
    return {
        "n_workers": count,
        "threads_per_worker": 1,
        "processes": True,
        "host": "127.0.0.1",
        **_SILENT,
        "preload": [_IGNORE_INTERRUPT],
        "preload_argv": [[]],
    }


def _start_quiet_tracker() -> None:
    """Start the process that cleans up semaphores of killed workers, told not to warn of them."""
    before = os.environ.get("PYTHONWARNINGS")
    quiet = "ignore:resource_tracker:UserWarning"
    os.environ["PYTHONWARNINGS"] = f"{before},{quiet}" if before else quiet
    try:
        resource_tracker.ensure_running()
    finally:
        if before is None:
            del os.environ["PYTHONWARNINGS"]
        else:
            os.environ["PYTHONWARNINGS"] = before


@contextmanager
def _quiet() -> Iterator[None]:
    """Dask's own log lines about lost peers are told by our errors and reports, in one line."""
    loggers = [logging.getLogger(n) for n in ("distributed", "distributed.nanny", "tornado")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def _close(client: Client) -> None:
    with suppress(OSError, TimeoutError), _quiet():
        client.close(timeout=5)


def _workers(count: int) -> str:
    return f"{count} worker{'' if count == 1 else 's'}"

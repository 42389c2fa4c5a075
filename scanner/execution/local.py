"""Clusters of this host: worker processes, or one thread of this process for a little work."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing import resource_tracker
from tempfile import TemporaryDirectory
from typing import Any

import dask
from dask.system import CPU_COUNT
from distributed import Client, LocalCluster
from distributed.security import Security
from threadpoolctl import threadpool_limits
from tornado.ioloop import PeriodicCallback

from scanner.errors import ClusterError, counted
from scanner.execution.connection import (
    CONNECT_SECONDS,
    WORKERS_SECONDS,
    Connection,
    close,
    quiet,
)
from scanner.execution.signals import held_interrupts, without_interrupts

REFILL_SECONDS = 2.0

# what the keyboard and its terminal send goes to the whole process group; only the driver is to act
_IGNORE_INTERRUPT = """\
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
"""


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

_CERTIFICATES = (
    "tls_ca_file",
    *(
        f"tls_{role}_{kind}"
        for role in ("client", "scheduler", "worker")
        for kind in ("cert", "key")
    ),
)

# Dask lets workers give all freed memory back at once: measured, a worker then spends more time in
# page faults than in arithmetic on arrays of a megabyte. They may keep 128 MB (glibc; 32 MB is the
# largest block that it keeps).
KEEP_MEMORY = {"MALLOC_TRIM_THRESHOLD_": 2**27, "MALLOC_MMAP_THRESHOLD_": 2**25}


@contextmanager
def here() -> Iterator[Connection]:
    # one thread, as in a worker process: the same arithmetic
    with quiet(), threadpool_limits(1), private_scratch():
        options = {"n_workers": 1, "processes": False, "security": _plain(), **_SILENT}
        with (
            held_interrupts() as held,
            LocalCluster(threads_per_worker=1, **options) as cluster,
            Client(cluster, timeout=CONNECT_SECONDS, set_as_default=False) as client,
            held.released(),
        ):
            yield Connection(client, "this process (little to do, no cluster given)")


@contextmanager
def local(workers: int | None) -> Iterator[Connection]:
    count = workers or CPU_COUNT
    _start_quiet_tracker()
    # an interrupt waits until the workers are there: Dask cannot end what has not quite begun
    kept = {name: str(size) for name, size in KEEP_MEMORY.items()}
    with quiet(), private_scratch(), _environment(kept), held_interrupts() as held:
        try:
            with without_interrupts():
                cluster = LocalCluster(**_local_options(count))
        except (OSError, RuntimeError, TimeoutError) as error:
            reason = " ".join(str(error).split())
            raise ClusterError(
                f"{counted(count)} cannot be started on this host ({reason}): in a script, start "
                'them below `if __name__ == "__main__":`; else try fewer'
            ) from error
        try:
            client = Client(cluster, timeout=CONNECT_SECONDS, set_as_default=False)
            try:
                with held.released():
                    client.wait_for_workers(count, timeout=WORKERS_SECONDS)
                    with _refilled(cluster, count):
                        yield Connection(client, f"this host, {counted(count)} (no cluster given)")
            finally:
                close(client)
        finally:
            cluster.close(timeout=10)


@contextmanager
def _refilled(cluster: LocalCluster, count: int) -> Iterator[None]:
    """Start workers anew whose nannies were given up.

    A nanny restarts its worker, but a cluster of Dask's drops the nanny for good when the worker
    is away 15 s after a death, as it is when it dies twice in that time.
    """
    refill = PeriodicCallback(lambda: cluster.scale(count), 1000 * REFILL_SECONDS)
    loop: Any = cluster.loop
    loop.add_callback(refill.start)
    try:
        yield
    finally:
        loop.add_callback(refill.stop)


def _local_options(count: int) -> dict[str, Any]:
    return {
        "n_workers": count,
        "threads_per_worker": 1,
        "processes": True,
        "host": "127.0.0.1",
        # other users of this host reach the loopback, too: certificates of this cluster alone
        "security": Security.temporary(),
        "protocol": "tls://",
        **_SILENT,
        **_preloads(),
    }


def _preloads() -> dict[str, Any]:
    """What workers load first: ours, then what the user's configuration of Dask asks for."""
    theirs, argv = (dask.config.get(f"distributed.worker.preload{end}") for end in ("", "-argv"))
    theirs = [theirs] if isinstance(theirs, str) else list(theirs or ())
    if not argv or isinstance(argv[0], str):
        argv = [list(argv or ())] * len(theirs)
    return {"preload": [_IGNORE_INTERRUPT, *theirs], "preload_argv": [[], *argv]}


@contextmanager
def private_scratch() -> Iterator[None]:
    """A folder that only this user can enter, for what Dask writes; gone at the end.

    Dask's own has the same name for everybody, and whoever makes it first owns it.
    """
    with (
        TemporaryDirectory(prefix="scanner-", ignore_cleanup_errors=True) as folder,
        dask.config.set({"temporary-directory": folder}),
    ):
        yield


def _plain() -> Security:
    """Without certificates: inside one process."""
    return Security(require_encryption=False, **dict.fromkeys(_CERTIFICATES))


def _start_quiet_tracker() -> None:
    """Start the process that cleans up semaphores of killed workers, told not to warn of them."""
    before = os.environ.get("PYTHONWARNINGS")
    quiet = "ignore:resource_tracker:UserWarning"
    wanted = {"PYTHONWARNINGS": f"{before},{quiet}" if before else quiet}
    with _environment(wanted), without_interrupts():
        resource_tracker.ensure_running()


@contextmanager
def _environment(wanted: Mapping[str, str]) -> Iterator[None]:
    """Variables for processes that are started inside; all as before at the end.

    Dask writes those of its workers to the environment of whoever starts them, for good, and what
    stands there counts for more than what the next cluster asks for.
    """
    names = {*wanted, *dask.config.get("distributed.nanny.pre-spawn-environ")}
    before = {name: os.environ[name] for name in names if name in os.environ}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name in names:
            os.environ.pop(name, None)
        os.environ.update(before)

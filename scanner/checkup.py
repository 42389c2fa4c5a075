"""Does this machine have what a scan needs: one finding per check, none of which raises."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from scanner import catalog, tables
from scanner.compiled import cache_folder, compiled
from scanner.errors import ClusterError, ScannerError, counted
from scanner.execution.clusters import connect
from scanner.execution.preflight import examine_workers
from scanner.execution.security.encryption import standing
from scanner.store.archive import Archive
from scanner.store.provenance import environment

WORKER_SECONDS = 120.0
"""For the first job of a batch system to begin; longer than most take to look at new jobs."""
PROBE = """\
from numba import njit


@njit("void()", cache=True)
def nothing():
    pass
"""


@dataclass(frozen=True)
class Check:
    """One finding; `exit_code` is that of the error it would lead to."""

    name: str
    ok: bool
    found: str
    exit_code: int = 0


def examine(
    store: str | Path | None = None,
    scheduler: str | None = None,
    cluster: str | None = None,
    scheduler_file: str | Path | None = None,
) -> tuple[Check, ...]:
    """Versions, processors, threads, kernels, shipped tables, certificates, store and cluster.

    Nothing is left behind in the store, not even its folder.
    """
    checks: dict[str, Callable[[], str]] = {
        "versions": _versions,
        "processors": lambda: f"{os.cpu_count()} on {platform.machine()}",
        "threads": _threads,
        "kernels": _kernels,
        "tables": _tables,
        "certificates": standing,
        "store": lambda: _store(store),
        "cluster": lambda: _cluster(scheduler, scheduler_file, cluster, store),
    }
    return tuple(_check(name, look) for name, look in checks.items())


def _check(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, True, look())
    except ScannerError as error:
        return Check(name, False, str(error), error.exit_code)


def _versions() -> str:
    found = environment()
    return ", ".join(f"{name} {value}" for name, value in found.items() if isinstance(value, str))


def _threads() -> str:
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    said = [f"{name}={os.environ[name]}" for name in names if name in os.environ]
    return f"workers run one thread each; set here: {', '.join(said) or 'nothing'}"


def _kernels() -> str:
    start = time.perf_counter()
    try:
        compiled(PROBE, "nothing")
    except Exception as error:
        raise ScannerError(f"numba cannot compile: {error}; reinstall numba") from error
    return f"kept in {cache_folder()}, the compiler answered in {time.perf_counter() - start:.1f} s"


def _tables() -> str:
    names = (*catalog.experiment_names(), *tables.FLUXES)
    counts = [f"{name} {len(tables.verify(name))}" for name in names]
    return f"as shipped: {', '.join(counts)}"


def _store(store: str | Path | None) -> str:
    folder = Archive(store).folder
    return f"{folder}: {folder.describe()}"


def _cluster(
    scheduler: str | None,
    scheduler_file: str | Path | None,
    cluster: str | None,
    store: str | Path | None,
) -> str:
    said: list[str] = []
    start = time.perf_counter()

    def too_long() -> bool:
        # jobs that wait have been asked about once, so that it is known why
        return bool(said) and time.perf_counter() > start + WORKER_SECONDS

    try:
        with connect(
            scheduler=scheduler,
            scheduler_file=scheduler_file,
            cluster=cluster,
            told=said.append,
            should_stop=too_long,
        ) as connection:
            connected = time.perf_counter()
            compared = examine_workers(connection.client, Archive(store).folder)
            end = time.perf_counter()
    except ClusterError as error:
        if too_long():
            raise ClusterError(f"no worker within {WORKER_SECONDS:.0f} s: {said[-1]}") from error
        raise
    fit = len(compared.processes)
    if compared.unfit:
        raise _unfit(compared.unfit, fit)
    found = (
        f"{connection.description}: started in {connected - start:.1f} s, {counted(fit)} compared "
        f"with this process, and wrote in the store, in {1e3 * (end - connected):.0f} ms"
    )
    return "; ".join((found, *compared.notes))


def _unfit(reasons: Mapping[str, str], fit: int) -> ClusterError:
    """What is wrong with the workers that cannot compute, each reason once."""
    alike: dict[str, list[str]] = {}
    for worker, reason in sorted(reasons.items()):
        alike.setdefault(reason, []).append(worker)
    told = "; ".join(
        f"{workers[0]}{f' and {len(workers) - 1} more' if workers[1:] else ''}: {reason}"
        for reason, workers in alike.items()
    )
    count = len(reasons) + fit
    return ClusterError(f"{len(reasons)} of {counted(count)} would get no chunks: {told}")

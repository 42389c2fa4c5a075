"""Which Dask cluster: an address, the Dask configuration, worker processes, or a thread here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which

from scanner.errors import ClusterError, DefinitionError
from scanner.execution.addresses import address_of
from scanner.execution.batch.profile import load
from scanner.execution.connection import Connection
from scanner.execution.local import here, local
from scanner.execution.remote import remote

SMALL_SECONDS = 4.0
"""CPU time below which work is done in this process: worker processes take as long to start."""


SUBMITS = {"slurm": "sbatch", "htcondor": "condor_submit"}
"""Command by which a batch system takes jobs."""


@contextmanager
def connect(
    scheduler: str | None = None,
    scheduler_file: str | Path | None = None,
    workers: int | None = None,
    *,
    cluster: str | Path | None = None,
    cpu_seconds: float | None = None,
    told: Callable[[str], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[Connection]:
    """Connect to a cluster and close what was opened here when done.

    Parameters
    ----------
    scheduler : str, optional
        Address such as ``tls://host:8786``.
    scheduler_file : path, optional
        Written by ``dask scheduler --scheduler-file``. Without both and without `cluster`:
        ``DASK_SCHEDULER_ADDRESS`` or the Dask configuration, else processes on this host.
    workers : int, optional
        Number of local worker processes (default: one per CPU this process may use), or of the
        workers that jobs are to bring (default: as the profile says), or the number to wait for
        on another cluster (default: 1).
    cluster : str or path, optional
        Profile of a batch system whose jobs are started here and ended at the end: a ready one
        by its name, or a TOML file.
    cpu_seconds : float, optional
        What is to be done, where it is known. Where neither a cluster nor a number of workers
        is given, little work is done by a thread of this process.
    told : callable
        Told in one sentence what is waited for while there is no worker.
    should_stop : callable
        Asked now and then whether to go on waiting for these jobs.

    Raises
    ------
    DefinitionError
        `workers` is below 1, the profile or the address cannot be used, or two clusters are named.
    ClusterError
        The scheduler cannot be reached, or has no workers, or the jobs cannot be started.
    """
    if workers is not None and workers < 1:
        raise DefinitionError(f"workers = {workers}: give at least 1")
    _check_one(scheduler, scheduler_file, cluster)
    address, origin = (None, "") if cluster else address_of(scheduler, scheduler_file)
    if cluster:
        from scanner.execution.batch.cluster import batch

        opened = batch(load(cluster), workers, told, should_stop)
    elif address is not None:
        opened = remote(address, origin, workers or 1, told)
    elif workers is None and cpu_seconds is not None and cpu_seconds <= SMALL_SECONDS:
        opened = here()
    else:
        opened = local(workers)
    with opened as connection:
        yield connection


def check(
    scheduler: str | None = None,
    scheduler_file: str | Path | None = None,
    workers: int | None = None,
    cluster: str | Path | None = None,
) -> None:
    """Look at what `connect` is told, without connecting.

    Raises
    ------
    DefinitionError
        `workers` is below 1, the profile or the address cannot be used, or two clusters are named.
    ClusterError
        This host has no command to submit jobs of the profile with.
    """
    if workers is not None and workers < 1:
        raise DefinitionError(f"workers = {workers}: give at least 1")
    joins(scheduler, scheduler_file, workers, cluster)
    if cluster:
        profile = load(cluster)
        command = SUBMITS[profile.engine]
        if which(command) is None:
            raise ClusterError(
                f"--cluster {profile.name}: {command} is not found: run this on a host that "
                "submits jobs"
            )


def joins(
    scheduler: str | None = None,
    scheduler_file: str | Path | None = None,
    workers: int | None = None,
    cluster: str | Path | None = None,
) -> bool:
    """Whether `connect` would join a cluster that runs already, with the same arguments.

    Raises
    ------
    DefinitionError
        The profile cannot be used, or two clusters are named.
    """
    _check_one(scheduler, scheduler_file, cluster)
    planned_workers(workers, cluster)
    return cluster is None and address_of(scheduler, scheduler_file)[0] is not None


def planned_workers(workers: int | None, cluster: str | Path | None) -> int | None:
    """Workers that chunks are cut for, where it is said: by number, or in a profile."""
    profile = load(cluster) if cluster else None  # an unusable one is told at once
    return workers if profile is None or workers is not None else profile.workers


def _check_one(
    scheduler: str | None, scheduler_file: str | Path | None, cluster: str | Path | None
) -> None:
    if cluster and (scheduler or scheduler_file):
        other = "--scheduler" if scheduler else "--scheduler-file"
        raise DefinitionError(f"{other} and --cluster {cluster} are two clusters: give one")

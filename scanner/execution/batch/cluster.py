"""A cluster of batch jobs: started, kept at its size, and ended with nothing left in the queue."""

from __future__ import annotations

import logging
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import dask
from distributed import Client, Security

from scanner import regular
from scanner.errors import ClusterError, StoreError, counted
from scanner.execution.batch import queues
from scanner.execution.batch.jobs import arguments, job_class
from scanner.execution.batch.jobs import job_script as job_script
from scanner.execution.batch.keeper import Keeper
from scanner.execution.batch.profile import Profile, cluster_class
from scanner.execution.connection import CONNECT_SECONDS, Connection, close, quiet
from scanner.execution.signals import hangup_ignored, leave_terminal
from scanner.store.processes import process_alive, this_process

Say = Callable[[str], None]

FOLDER = ".scanner-jobs-"
DRIVER = "driver"
"""In the folder: full name of the process whose jobs these are."""
CLOSE_SECONDS = 30.0
LOST_WORKER = "60s"
"""A worker that says nothing for so long is lost, such as that of a node without power."""


@contextmanager
def batch(
    profile: Profile,
    workers: int | None = None,
    told: Say = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[Connection]:
    """Start jobs of a batch system and connect to the first worker; end them all at the end.

    While it is open, jobs that ended (walltime, preemption, a lost node) are replaced as long as
    there is work for them.

    Parameters
    ----------
    profile : Profile
        What a job asks for.
    workers : int, optional
        Worker processes; by default those of the profile.
    told : callable
        Told in one sentence how the jobs stand while there is no worker.
    should_stop : callable
        Asked now and then whether to go on waiting for the first worker.

    Raises
    ------
    ClusterError
        The batch system refuses the jobs, they can never start, or they end without a worker: in
        its own words. Nothing is left in the queue.
    StoreError
        A folder of the profile cannot be made, or not be written to.
    """
    count = workers or profile.workers
    _make_logs(profile)
    with _terminated_as_interrupted(), _private_folder(profile) as folder, _quiet(folder):
        cluster = _cluster(profile, folder)
        keeper = Keeper(cluster, profile, count, folder, told)
        if profile.note:
            told(profile.note)
        try:
            client = Client(cluster, timeout=CONNECT_SECONDS, set_as_default=False)
            try:
                keeper.start()
                found = keeper.wait_for_worker(should_stop)
                yield Connection(
                    client,
                    f"{profile.title}: {found} of {counted(count)} so far (--cluster "
                    f"{profile.name}), those that join later are used too",
                )
            finally:
                with _uninterrupted():
                    keeper.stop()
                    close(client)
        finally:
            with _uninterrupted():
                _end(cluster, keeper)


def _make_logs(profile: Profile) -> None:
    """Make the folder that the profile names for what jobs write."""
    if (given := profile.job.get("log_directory")) is None:
        return
    try:
        Path(given).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f'{profile.name}: job.log_directory = "{given}": cannot be made ({error.strerror}): '
            "give a folder where you may write and which the jobs see"
        ) from error


@contextmanager
def _quiet(folder: Path) -> Iterator[None]:
    """Dask without words, and with what it writes in that folder."""
    with quiet(), dask.config.set({"temporary-directory": str(folder)}):
        yield


def _end(cluster: Any, keeper: Keeper) -> None:
    with suppress(TimeoutError, OSError):
        cluster.close(timeout=CLOSE_SECONDS)
    keeper.wait_until_gone()


def _cluster(profile: Profile, folder: Path) -> Any:
    """Scheduler in this process, without jobs yet."""
    queue = profile.job.get("queue")
    given = {**profile.job.get("scheduler_options", {})}
    interface = profile.job.get("interface")
    if not {"host", "interface"} & given.keys() and not interface:
        given["host"] = queues.facing(queues.node_address(profile.engine, queue))
    loopback = interface == "lo" or str(given.get("host", "")).startswith("127.")
    options = {"log_directory": str(folder), **arguments(profile, loopback=loopback)}
    options["scheduler_options"] = {
        "worker_ttl": LOST_WORKER,
        **given,
        # every death of a worker is told to the runner, which counts per chunk
        "allowed_failures": 0,
        # without an address its web server takes 8787, on all interfaces
        "dashboard": False,
        "dashboard_address": "127.0.0.1:0",
    }
    try:
        return cluster_class(profile.engine)(
            job_cls=job_class(profile.engine),
            security=_certificates(folder),
            silence_logs=logging.CRITICAL,
            **options,
        )
    except (OSError, RuntimeError, ValueError, TimeoutError) as error:
        raise ClusterError(
            f"--cluster {profile.name}: no scheduler can be started on this host "
            f"({' '.join(str(error).split())}): check job.interface and job.scheduler_options"
        ) from error


def _certificates(folder: Path) -> Security:
    """Certificates of this cluster alone, as files that its jobs read.

    Not those of `scanner deploy tls`: nobody else can join, and there is nothing to set up.
    """
    made = Security.temporary()
    files = {"ca": made.tls_ca_file, "node": made.tls_worker_cert, "key": made.tls_worker_key}
    paths = {}
    for name, text in files.items():
        path = folder / f"{name}.pem"
        path.write_text(text)
        path.chmod(0o600)
        paths[name] = str(path)
    roles = ("client", "scheduler", "worker")
    return Security(
        require_encryption=True,
        tls_ca_file=paths["ca"],
        **{f"tls_{role}_cert": paths["node"] for role in roles},
        **{f"tls_{role}_key": paths["key"] for role in roles},
    )


@contextmanager
def _private_folder(profile: Profile) -> Iterator[Path]:
    """A folder for logs and certificates that the jobs see too; gone at the end."""
    place = Path(profile.job.get("shared_temp_directory", ".")).expanduser()
    sweep(place)
    try:
        folder = Path(tempfile.mkdtemp(prefix=FOLDER, dir=place)).absolute()
        (folder / DRIVER).write_text(this_process()[2])
    except OSError as error:
        raise StoreError(
            f"{place} is not writable ({error.strerror}): start in a folder that the jobs see, or "
            "name one as job.shared_temp_directory in the profile"
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep(place: Path) -> None:
    """Remove the folders there whose driver was killed; not where that cannot be told from here."""
    for folder in place.glob(f"{FOLDER}*"):
        with suppress(OSError):  # another's, or just being made or removed
            if process_alive(regular.read_text(folder / DRIVER)) is False:
                shutil.rmtree(folder, ignore_errors=True)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    if number == signal.SIGHUP:
        signal.signal(number, signal.SIG_IGN)  # it comes from the system and from the shell
        leave_terminal()
    raise KeyboardInterrupt


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """SIGTERM and SIGHUP end what is inside like the keyboard's interrupt: no job is left."""
    with _handled(signal.SIGTERM, _interrupt), _handled(signal.SIGHUP, _interrupt):
        yield


@contextmanager
def _uninterrupted() -> Iterator[None]:
    with (
        _handled(signal.SIGTERM, signal.SIG_IGN),
        _handled(signal.SIGINT, signal.SIG_IGN),
        _handled(signal.SIGHUP, _unheard),
    ):
        yield


def _unheard(_number: int, _frame: FrameType | None) -> None:
    leave_terminal()


@contextmanager
def _handled(number: signal.Signals, handler: Any) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread() or hangup_ignored(number):
        yield
        return
    before = signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, before)

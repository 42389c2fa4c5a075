"""Drivers that outlive the command that starts them: a task of the cluster, or a process here.

A driver does what `scanner run` does but the figure, and keeps the record of its run in the store.
As a task it does not hold a thread of its worker, and Dask starts it again elsewhere where its
worker dies; it goes on from the ledger.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from distributed import Client, Worker, fire_and_forget, get_worker, secede

from scanner.errors import ClusterError, IncompleteScanError, ScannerError, StoreError
from scanner.execution.connection import CONNECT_SECONDS, close
from scanner.store.runs import Run
from scanner.store.stored import StoredScan
from scanner.store.watching import CANCELLED

DOOR = "scanner.scan:drive"
"""What a driver calls, named as it lies above: ``door(stored, run, client, **cluster)``."""

TASK_SECONDS = 20.0  # s that the command waits for a thread of the cluster to be free
PROCESS_SECONDS = 60.0  # s that it waits for a process, which has nothing to wait for
PRIORITY = 100  # a driver waits for nobody's chunks
MOST_FRUITLESS = 3  # deaths of its worker in a row without a chunk in between: it is the cause
LOG_BYTES = 65536  # of what a driver said


def start_on_cluster(client: Client, stored: StoredScan, run: Run, door: str = DOOR) -> Run:
    """Make the driver a task of the cluster; returns the record, begun if a thread was free.

    Parameters
    ----------
    client : distributed.Client
        Left open; the driver does not need it any more.
    stored : StoredScan
        The scan, in a store that the workers see.
    run : Run
        Its record, written already.
    door : str
        ``module:attribute`` of what is called.
    """
    _submit(client, stored, run.key, 0, door)
    return _await(stored, run, TASK_SECONDS, lambda: False)


def start_here(stored: StoredScan, run: Run, options: Mapping[str, Any], door: str = DOOR) -> Run:
    """Start the driver as a process of this host, in a session of its own; returns the record.

    Parameters
    ----------
    stored, run, door
        As for `start_on_cluster`.
    options : mapping
        For `execution.clusters.connect`.

    Raises
    ------
    ClusterError
        The process ended before it began to work; tells what it said last.
    """
    plain = {name: str(v) if isinstance(v, Path) else v for name, v in options.items()}
    arguments = [stored.location, run.key, door, json.dumps(plain)]
    # -P: what lies in the folder of the user must not take the place of a library
    line = [sys.executable, "-P", "-m", "scanner.execution.driver", *arguments]
    with _log(stored, run.key) as log:
        process = subprocess.Popen(
            line, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        threading.Thread(target=process.wait, daemon=True).start()  # lest it stays as a zombie
        begun = _await(stored, run, PROCESS_SECONDS, lambda: process.returncode is not None)
        if not begun.begun and process.returncode is not None:
            said = _said(log.fileno())
            raise ClusterError(_last_words(stored, run.key, said, process.returncode))
    return begun


def drive_task(location: str, key: str, generation: int, door: str) -> None:
    """Runs in a worker: drive a run, which was begun `generation` times when this was submitted.

    Dask gives a task up whose worker died several times; therefore a driver that is started again
    hands over to a new task.
    """
    secede()
    worker: Worker = get_worker()
    stored = StoredScan.open(location)
    run = stored.runs.read(key)
    if run is None or run.ended:
        return
    client = Client(
        worker.scheduler.address,
        security=worker.security,
        timeout=CONNECT_SECONDS,
        set_as_default=False,
    )
    try:
        if run.starts > generation:
            _submit(client, stored, key, run.starts, door)
        else:
            _drive(stored, run, door, client=client)
    finally:
        close(client)


def main(location: str, key: str, door: str, options: str) -> None:
    """Runs in a process of its own."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    stored = StoredScan.open(location)
    try:
        run = stored.runs.read(key)
        if run is not None and not run.ended:
            _drive(stored, run, door, **json.loads(options))
    finally:
        _keep(stored, key, _said(sys.stderr.fileno()))


def _submit(client: Client, stored: StoredScan, key: str, generation: int, door: str) -> None:
    future = client.submit(
        drive_task,
        stored.location,
        key,
        generation,
        door,
        key=f"scanner-driver-{stored.id}-{key}-{generation}",
        priority=PRIORITY,
    )
    fire_and_forget(future)


def _drive(stored: StoredScan, run: Run, door: str, **how: Any) -> None:
    """Call the door, unless the run is to end at once; errors are told by the record."""
    if stored.runs.stop_requested(run.key):
        _end(stored, run, "stopped", CANCELLED, IncompleteScanError.exit_code)
        return
    run = _taken_up(stored, run)
    if run.fruitless >= MOST_FRUITLESS:
        _end(stored, run, "failed", _given_up(stored, run), ClusterError.exit_code)
        return
    module, _, attribute = door.partition(":")
    try:
        getattr(importlib.import_module(module), attribute)(stored, run, **how)
    except ScannerError:
        pass
    except Exception:
        with suppress(StoreError):
            stored.runs.write_log(run.key, traceback.format_exc())


def _taken_up(stored: StoredScan, run: Run) -> Run:
    """The run with what became of its last start."""
    if not run.begun:
        return run
    done = stored.state().done
    fruitless = 0 if done > run.done_before else run.fruitless + 1
    return replace(run, done_before=done, fruitless=fruitless)


def _given_up(stored: StoredScan, run: Run) -> str:
    return (
        f"the worker that drove the scan died {run.fruitless} times in a row and no chunk was "
        f"finished in between (memory?): see the workers' logs, then `scanner resume "
        f"{stored.words}`"
    )


def _end(stored: StoredScan, run: Run, phase: str, message: str, code: int) -> None:
    with suppress(StoreError):
        stored.runs.write(replace(run.here(), phase=phase, message=message, exit_code=code))


def _await(stored: StoredScan, run: Run, seconds: float, over: Callable[[], bool]) -> Run:
    """Wait until the driver has said its first word, or `over`; the record as it is then."""
    deadline = time.monotonic() + seconds
    found = run
    while time.monotonic() < deadline and not found.begun:
        ended = over()
        found = stored.runs.read(run.key) or found
        if ended:
            break
        time.sleep(0.1)
    return found


def _log(stored: StoredScan, key: str) -> IO[bytes]:
    """File for what a driver of this host says beside its record.

    It lies in the scan; that of an object store is of no name and goes there at the end, see
    `_keep`.
    """
    if "://" in stored.location:
        return tempfile.TemporaryFile()
    return _log_path(stored, key).open("a+b")


def _log_path(stored: StoredScan, key: str) -> Path:
    return Path(stored.location) / "runs" / f"{key}.log"


def _said(file: int) -> bytes:
    """End of what was written to a file; nothing of a terminal or a pipe."""
    with suppress(OSError):
        return os.pread(file, LOG_BYTES, max(os.fstat(file).st_size - LOG_BYTES, 0))
    return b""


def _keep(stored: StoredScan, key: str, said: bytes) -> None:
    """Leave what the driver said in the scan, and no empty file."""
    if "://" not in stored.location:
        _remove_empty(_log_path(stored, key))
    elif said:
        with suppress(StoreError):
            text = (stored.runs.read_log(key) + said).decode(errors="replace")
            stored.runs.write_log(key, text)


def _last_words(stored: StoredScan, key: str, said: bytes, code: int) -> str:
    with suppress(StoreError):  # then the store is what failed, and the driver said so
        said += stored.runs.read_log(key)
    lines = said.decode(errors="replace").split("\n")
    last = next((line for line in reversed(lines) if line.strip()), "it said nothing")
    return f"the driver of scan {stored.id} ended at once, with exit code {code}: {last}"


def _remove_empty(log: Path) -> None:
    with suppress(OSError):
        if log.is_file() and log.stat().st_size == 0:
            log.unlink()


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Before a run: do all workers see the same store, sources and versions as this process?

And were the chunks that are there made with the same?
"""

from __future__ import annotations

import re
import shutil
import time
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from distributed import Client

from scanner.definition import ScanDefinition
from scanner.errors import ClusterError, MismatchError, ScannerError, StoreError
from scanner.execution.asking import ask_workers, threads_of
from scanner.execution.connection import expects_workers, why_no_workers
from scanner.execution.task import DEFAULT_EVALUATOR, open_checked, worker_process
from scanner.execution.versions import difference, worker_versions
from scanner.store.folder import Folder
from scanner.store.location import folder_at
from scanner.store.markers import Markers, Origin
from scanner.store.processes import user_name
from scanner.store.provenance import PACKAGE, instruction_set, numeric_versions
from scanner.store.stored import StoredScan

WORKERS_SECONDS = 60.0
LOOK_SECONDS = 2.0  # between questions whether jobs will still bring workers
ANSWER_SECONDS = 60.0
SEEN = "seen"
# what a worker that cannot even load the question says of it, in Dask's words
_NOT_LOADED = re.compile(r"(ModuleNotFound|Import|Attribute)Error\(")
JOINED_SECONDS = 5.0  # the run waits meanwhile


def check_workers(
    client: Client,
    stored: StoredScan,
    evaluator: str = DEFAULT_EVALUATOR,
    workers: Collection[str] | None = None,
) -> Compared:
    """Compare workers with this process.

    A worker that is lost before it answers does not matter: the one that comes in its place is
    compared when it comes.

    Parameters
    ----------
    client : distributed.Client
        Waited for until it has a worker.
    stored : StoredScan
        Scan that the workers must see.
    evaluator : str
        ``module:attribute`` of what evaluates a chunk.
    workers : collection of str, optional
        Addresses; by default all.

    Returns
    -------
    Compared
        Their processes, and things to say aloud that are no error, such as unlike processors.

    Raises
    ------
    MismatchError
        Names the worker, what differs, and both sides.
    ClusterError
        There are no workers, or one answers with something else.
    """
    return _compare(_ask(client, workers, worker_report, stored.location, stored.digest, evaluator))


@dataclass(frozen=True)
class Compared:
    """Workers that were compared with this process.

    Parameters
    ----------
    notes : tuple of str
        What is worth saying aloud.
    processes : frozenset of str
        Those that fit, host:pid.
    unfit : mapping from address to str
        Those that are to get no chunks, and why.
    """

    notes: tuple[str, ...]
    processes: frozenset[str]
    unfit: Mapping[str, str] = field(default_factory=dict)


def _compare(answers: Mapping[str, Any]) -> Compared:
    here = worker_versions()
    answers = {w: answer for w, answer in answers.items() if not isinstance(answer, OSError)}
    for worker, answer in sorted(answers.items()):
        _check_answer(worker, answer, here)
    return Compared(_processors(answers), _processes(answers))


def _processes(answers: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(str(answer["process"]) for answer in answers.values())


def _processors(answers: Mapping[str, Any]) -> tuple[str, ...]:
    """What to say aloud of unlike processors."""
    sets = sorted({str(a["instruction_set"]) for a in answers.values()} | {instruction_set()})
    if len(sets) > 1:
        return (f"processors differ ({', '.join(sets)}): results agree to 1e-9, not bit for bit",)
    return ()


def find_unfit(
    client: Client, stored: StoredScan, evaluator: str, workers: Collection[str]
) -> Compared:
    """Compare workers that joined a run; the run goes on without those that do not fit."""
    arguments = (stored.location, stored.digest, evaluator)
    answers = ask_workers(client, workers, JOINED_SECONDS, worker_report, *arguments)
    # one that is gone, or too busy to answer, is compared again with its first chunk
    return _apart({w: answer for w, answer in answers.items() if not isinstance(answer, OSError)})


def _apart(answers: Mapping[str, Any]) -> Compared:
    """Those that fit, and what is wrong with the others."""
    here, reasons, fit = worker_versions(), {}, {}
    for worker, answer in answers.items():
        try:
            _check_answer(worker, answer, here)
            fit[worker] = answer
        except ScannerError as error:
            reasons[worker] = str(error).removeprefix(f"worker {worker}").lstrip(": ")
    return Compared(_processors(fit), _processes(fit), reasons)


def check_place(client: Client, definition: ScanDefinition, root: Folder) -> Compared:
    """Compare all workers with this process before a scan is made: do they see the same place?

    Parameters
    ----------
    client : distributed.Client
        Waited for until it has a worker.
    definition : ScanDefinition
        Whose sources the workers must have.
    root : Folder
        Of the store; it need not exist yet.

    Returns
    -------
    Compared
        As `check_workers`.

    Raises
    ------
    StoreError
        A worker does not see the store, or may not write there; nothing is left there.
    MismatchError, ClusterError
        As `check_workers`.
    """
    with _trial(root) as place:
        answers = _ask(client, None, place_report, *place, definition.to_dict())
    return _compare(answers)


def place_report(place: str, name: str, definition: Mapping[str, Any]) -> dict[str, Any]:
    """Runs in a worker: its versions, after a look at the store and the sources."""
    ScanDefinition.from_dict(dict(definition)).check_sources()
    return trial_report(place, name)


def examine_workers(client: Client, root: Folder) -> Compared:
    """Compare every worker with this process, where there is no scan: as `check_place`.

    One that does not fit, or does not answer, is among the unfit.

    Raises
    ------
    StoreError
        This process itself may not write in the store.
    ClusterError
        There are no workers.
    """
    with _trial(root) as place:
        return _apart(_ask(client, None, trial_report, *place))


@contextmanager
def _trial(root: Folder) -> Iterator[tuple[str, str]]:
    """Place of a store and, in it, a folder as that of a scan would be; nothing stays."""
    place = root.standing()
    trial = place.child(f"seen-by-workers.{uuid.uuid4().hex}")
    _make_trial(trial, root)
    try:
        yield place.location, trial.name
    finally:
        if "://" in trial.location:
            trial.remove([SEEN])
        else:
            shutil.rmtree(trial.location, ignore_errors=True)


def _make_trial(trial: Folder, root: Folder) -> None:
    """StoreError names the store that was asked for, not the trial."""
    try:
        trial.make()
        trial.write(SEEN, b"")
    except StoreError as error:
        if not isinstance(error.__cause__, OSError):
            raise
        raise StoreError(
            f"store {root}: nothing can be written in {trial.parent} ({error.__cause__.strerror}): "
            "choose another root with --store, or make that one writable"
        ) from error


def trial_report(place: str, name: str) -> dict[str, Any]:
    """Runs in a worker: its versions, after it wrote in the folder that the other process made."""
    folder = folder_at(place)
    trial = folder.child(name)
    if not (folder.exists() and trial.exists(SEEN)):
        raise StoreError(
            f"store {place}: not the one that this process sees: put it where all workers see it, "
            "a shared file system or an object store (--store)"
        )
    folder.check_makeable()
    try:
        trial.check_writable()
    except StoreError as error:
        if not isinstance(error.__cause__, PermissionError):
            raise
        raise StoreError(
            f"store {place}: {user_name()}, whose worker this is, may not write in the folders "
            "that you make there: run both as one user, or give the store to a group of both "
            "(chgrp, chmod g+rwxs) and start both with umask 002"
        ) from error
    return _report()


def compare_finished(finished: Markers) -> tuple[str, ...]:
    """What to say aloud about chunks that another machine or other versions computed."""
    counts: Counter[str] = Counter()
    for origin, count in finished.by_origin():
        counts[_made_with(origin)] += count
    return tuple(
        f"{count} {'chunk was' if count == 1 else 'chunks were'} computed {made}: "
        "the cube agrees to 1e-9, not bit for bit"
        for made, count in sorted(counts.items())
        if made
    )


def _made_with(marker: Origin) -> str:
    """Versions and processor of markers as far as they are not those of this process."""
    here, there = numeric_versions(), marker.versions
    versions = ", ".join(
        f"{name} {there.get(name, 'not installed')} (here {here.get(name, 'not installed')})"
        for name in sorted(here.keys() | there.keys())
        if there.get(name) != here.get(name)
    )
    processor = "" if marker.instruction_set == instruction_set() else marker.instruction_set
    parts = [
        f"with {versions}" if versions else "",
        f"on {processor} (here {instruction_set()})" if processor else "",
    ]
    return " ".join(part for part in parts if part)


def worker_report(scan_path: str, digest: str, evaluator: str) -> dict[str, Any]:
    """Runs in a worker: its versions, after a look at the scan and its sources."""
    open_checked(scan_path, digest, evaluator)
    return _report()


def _report() -> dict[str, Any]:
    return {
        "versions": worker_versions(),
        "instruction_set": instruction_set(),
        "process": worker_process(),
    }


def _ask(
    client: Client,
    workers: Collection[str] | None,
    question: Callable[..., dict[str, Any]],
    *arguments: Any,
) -> Mapping[str, Any]:
    _await_worker(client)
    try:
        asked = threads_of(client) if workers is None else workers
        return ask_workers(client, asked, ANSWER_SECONDS, question, *arguments)
    except OSError as error:  # the connection: what goes wrong in a worker is among the answers
        raise _lost() from error


def _await_worker(client: Client) -> None:
    """Wait for a worker, which may just be restarting; as long as jobs may bring one."""
    deadline = time.monotonic() + WORKERS_SECONDS
    while True:
        try:
            client.wait_for_workers(1, timeout=LOOK_SECONDS)
            return
        except TimeoutError as error:
            if why := why_no_workers(client):
                raise ClusterError(f"no worker is left before the first chunk: {why}") from error
            if time.monotonic() > deadline and not expects_workers(client):
                raise ClusterError(
                    f"the cluster has no workers after {WORKERS_SECONDS:g} s: "
                    "start some with `dask worker ADDRESS`"
                ) from error
        except OSError as error:
            raise _lost() from error


def _lost() -> ClusterError:
    return ClusterError(
        "the Dask scheduler was lost while its workers were compared with this process: check that "
        "it runs and can be reached, then give the same command again"
    )


def _check_answer(worker: str, answer: Any, here: Mapping[str, str]) -> None:
    if isinstance(answer, StoreError) and "AWS_" in str(answer):
        raise StoreError(
            f"worker {worker}: {answer}, where that worker is started (what is set here stays here)"
        )
    if isinstance(answer, ScannerError):
        raise type(answer)(f"worker {worker}: {answer}")
    if isinstance(answer, ImportError | AttributeError) or _NOT_LOADED.match(str(answer)):
        raise MismatchError(
            f"worker {worker} cannot load {PACKAGE} ({answer}): install the same version there"
        ) from answer
    if isinstance(answer, TimeoutError):
        raise ClusterError(f"worker {worker} does not answer: see its log")
    if isinstance(answer, BaseException):
        raise ClusterError(f"worker {worker} failed ({answer!r}): see its log") from answer
    if differs := difference(answer["versions"], here):
        raise MismatchError(f"worker {worker} {differs}")

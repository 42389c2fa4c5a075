"""Before a run: do all workers see the same store, sources and versions as this process?

And were the chunks that are there made with the same?
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from distributed import Client

from scanner.errors import ClusterError, MismatchError, ScannerError
from scanner.execution.asking import ask_workers, threads_of
from scanner.execution.task import DEFAULT_EVALUATOR, open_checked
from scanner.execution.versions import difference, worker_versions
from scanner.store.ledger import Marker, Markers
from scanner.store.provenance import PACKAGE, instruction_set, numeric_versions
from scanner.store.stored import StoredScan

WORKERS_SECONDS = 60.0
ANSWER_SECONDS = 60.0
JOINED_SECONDS = 5.0  # the run waits meanwhile


def check_workers(
    client: Client,
    stored: StoredScan,
    evaluator: str = DEFAULT_EVALUATOR,
    workers: Collection[str] | None = None,
) -> tuple[str, ...]:
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
    tuple of str
        Things to say aloud that are no error, such as unlike processors.

    Raises
    ------
    MismatchError
        Names the worker, what differs, and both sides.
    ClusterError
        There are no workers, or one answers with something else.
    """
    here = worker_versions()
    arguments = (stored.location, stored.digest, evaluator)
    answers = {
        worker: answer
        for worker, answer in _ask(client, workers, *arguments).items()
        if not isinstance(answer, OSError)
    }
    for worker, answer in sorted(answers.items()):
        _check_answer(worker, answer, here)
    return _processors(answers)


def _processors(answers: Mapping[str, Any]) -> tuple[str, ...]:
    """What to say aloud of unlike processors."""
    sets = sorted({str(a["instruction_set"]) for a in answers.values()} | {instruction_set()})
    if len(sets) > 1:
        return (f"processors differ ({', '.join(sets)}): results agree to 1e-9, not bit for bit",)
    return ()


def find_unfit(
    client: Client, stored: StoredScan, evaluator: str, workers: Collection[str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Compare workers that joined a run; the run goes on without those that do not fit.

    Returns
    -------
    reasons : mapping from address to str
        Of the workers that are to get no chunks.
    notes : tuple of str
        As `check_workers`.
    """
    arguments = (stored.location, stored.digest, evaluator)
    answers = ask_workers(client, workers, JOINED_SECONDS, worker_report, *arguments)
    here, reasons = worker_versions(), {}
    for worker, answer in list(answers.items()):
        try:
            _check_answer(worker, answer, here)
        except ScannerError as error:
            del answers[worker]
            # one that is gone, or too busy to answer, is compared again with its first chunk
            if not isinstance(answer, OSError):
                reasons[worker] = str(error).removeprefix(f"worker {worker}").lstrip(": ")
    return reasons, _processors(answers)


def compare_finished(finished: Markers) -> tuple[str, ...]:
    """What to say aloud about chunks that another machine or other versions computed."""
    counts = Counter(_made_with(marker) for marker in finished.values())
    return tuple(
        f"{count} {'chunk was' if count == 1 else 'chunks were'} computed {made}: "
        "the cube agrees to 1e-9, not bit for bit"
        for made, count in sorted(counts.items())
        if made
    )


def _made_with(marker: Marker) -> str:
    """Versions and processor of a marker as far as they are not those of this process."""
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
    return {"versions": worker_versions(), "instruction_set": instruction_set()}


def _ask(client: Client, workers: Collection[str] | None, *arguments: str) -> Mapping[str, Any]:
    try:
        client.wait_for_workers(1, timeout=WORKERS_SECONDS)  # they may just be restarting
    except TimeoutError as error:
        raise ClusterError(
            f"the cluster has no workers after {WORKERS_SECONDS:g} s: "
            "start some with `dask worker ADDRESS`"
        ) from error
    asked = threads_of(client) if workers is None else workers
    return ask_workers(client, asked, ANSWER_SECONDS, worker_report, *arguments)


def _check_answer(worker: str, answer: Any, here: Mapping[str, str]) -> None:
    if isinstance(answer, ScannerError):
        raise type(answer)(f"worker {worker}: {answer}")
    if isinstance(answer, ImportError | AttributeError):
        raise MismatchError(
            f"worker {worker} cannot load {PACKAGE} ({answer}): install the same version there"
        ) from answer
    if isinstance(answer, BaseException):
        raise ClusterError(f"worker {worker} failed ({answer!r}): see its log") from answer
    if differs := difference(answer["versions"], here):
        raise MismatchError(f"worker {worker} {differs}")

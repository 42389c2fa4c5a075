"""Spread calls that read the store over the workers of a client, a bounded window at a time."""

from __future__ import annotations

import queue
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from distributed import Client, Future, KilledWorker

from scanner.errors import ClusterError
from scanner.execution.asking import threads_of
from scanner.execution.connection import expects_workers

Result = TypeVar("Result")

WINDOW = 2  # calls submitted per thread: one runs, one waits beside it
NO_WORKERS = 60.0  # s without any worker before giving up: who asked waits
LOOK_SECONDS = 1.0  # between counts of the workers
ATTEMPTS = 3  # a worker may be lost to something else; one call that kills three is to blame


def spread(
    function: Callable[..., Result], arguments: Sequence[tuple[Any, ...]], client: Client
) -> Iterator[tuple[int, Result]]:
    """Call ``function(*arguments[i])`` on the workers; ``(i, result)`` as they come.

    Parameters
    ----------
    function : callable
        Found by its name in the workers; twice the same call gives the same.
    arguments : sequence of tuple
        One for each call, small.
    client : distributed.Client
        Not closed here.

    Raises
    ------
    ClusterError
        A call lost its worker three times, all workers are gone and none comes, or the scheduler is
        gone.
    """
    calls: dict[Future[Result], int] = {}
    landed: queue.SimpleQueue[Future[Result]] = queue.SimpleQueue()
    attempts: Counter[int] = Counter()
    waiting = iter(range(len(arguments)))

    def submit(number: int) -> None:
        future = client.submit(function, *arguments[number], pure=False)
        calls[future] = number
        future.add_done_callback(landed.put)

    try:
        for number in islice(waiting, WINDOW * max(sum(client.nthreads().values()), 1)):
            submit(number)
        while calls:
            future = _next(landed, client)
            number = calls.pop(future)
            try:
                result = future.result()
            except KilledWorker as error:
                attempts[number] += 1
                if attempts[number] >= ATTEMPTS:
                    raise ClusterError(
                        f"part {number} of the reading lost its worker {ATTEMPTS} times: its host "
                        "may be short of memory; ask with fewer --workers"
                    ) from error
                submit(number)
                continue
            except Exception as error:
                if future.status == "error":  # the call's own
                    raise
                raise ClusterError(
                    "the Dask scheduler was lost while the cube was read: ask again"
                ) from error
            for following in islice(waiting, 1):
                submit(following)
            yield number, result
    finally:
        if calls and client.status == "running":
            client.cancel(list(calls))


def _next(landed: queue.SimpleQueue[Future[Result]], client: Client) -> Future[Result]:
    """The next call that has ended; ClusterError where nobody is left to end one."""
    seen = time.monotonic()
    while True:
        try:
            return landed.get(timeout=LOOK_SECONDS)
        except queue.Empty:
            pass
        try:
            if threads_of(client) or expects_workers(client):
                seen = time.monotonic()
        except (OSError, ValueError, RuntimeError) as error:
            raise ClusterError(
                "the Dask scheduler was lost while the cube was read: ask again"
            ) from error
        if time.monotonic() > seen + NO_WORKERS:
            raise ClusterError(
                "all workers were lost while the cube was read, and none came back: ask "
                "again, with --workers to read it on this host"
            )

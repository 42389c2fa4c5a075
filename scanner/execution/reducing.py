"""Spread calls that read the store over the workers of a client, a bounded window at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from distributed import Client, Future, KilledWorker, as_completed

from scanner.errors import ClusterError

Result = TypeVar("Result")

WINDOW = 2  # calls submitted per thread: one runs, one waits beside it
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
        A call lost its worker three times, or the scheduler is gone.
    """
    calls: dict[Future[Result], int] = {}
    attempts: Counter[int] = Counter()
    waiting = iter(range(len(arguments)))

    def submit(number: int) -> Future[Result]:
        future = client.submit(function, *arguments[number], pure=False)
        calls[future] = number
        return future

    window = WINDOW * max(sum(client.nthreads().values()), 1)
    landing = as_completed([submit(number) for number in islice(waiting, window)], loop=client.loop)
    try:
        for future in landing:
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
                landing.add(submit(number))
                continue
            except Exception as error:
                if future.status == "error":  # the call's own
                    raise
                raise ClusterError(
                    "the Dask scheduler was lost while the cube was read: ask again"
                ) from error
            for following in islice(waiting, 1):
                landing.add(submit(following))
            yield number, result
    finally:
        if calls and client.status == "running":
            client.cancel(list(calls))

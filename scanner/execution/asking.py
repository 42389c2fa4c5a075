"""Ask workers, and the scheduler, without waiting for ever: a stopped process never answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Any

from distributed import Client

SCHEDULER_SECONDS = 60.0  # a busy scheduler may take long; a dead one breaks the connection


def threads_of(client: Client) -> dict[str, int]:
    """Threads of every worker, by its address.

    Raises
    ------
    TimeoutError
        The scheduler does not answer.
    OSError
        It is gone.
    """
    found: dict[str, int] = client.sync(client.nthreads, callback_timeout=SCHEDULER_SECONDS)
    return found


def ask_workers(
    client: Client,
    workers: Collection[str],
    seconds: float,
    question: Callable[..., Any],
    *arguments: Any,
) -> dict[str, Any]:
    """Call ``question(*arguments)`` in each worker, beside its tasks; answers by address.

    The answer of a worker that raised an exception, cannot load the question or is gone is that
    exception; of one that does not answer in `seconds`, a TimeoutError.
    """

    async def ask(worker: str) -> Any:
        try:
            called = client.run(question, *arguments, workers=[worker], on_error="return")
            answers = await asyncio.wait_for(called, seconds)
            return answers[worker]
        except Exception as error:
            return error

    async def ask_all() -> list[Any]:
        return await asyncio.gather(*(ask(worker) for worker in workers))

    answers = client.sync(ask_all, callback_timeout=seconds + SCHEDULER_SECONDS)
    return dict(zip(workers, answers, strict=True))

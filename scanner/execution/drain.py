"""A worker that leaves in good order when its job is about to end.

Loaded into workers and their nannies by ``dask worker --preload scanner.execution.drain
--preload-nanny scanner.execution.drain``. On SIGTERM (walltime, preemption, cancelled job), and
`BEFORE` seconds before `END`, no further chunk begins here, the running one is finished and
written, its receipt is fetched, and the worker takes its leave: what waited here goes to others,
and nothing counts as a death. The process ends with exit code 0.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import suppress

from distributed import Nanny, Worker
from distributed.core import Status

MODULE = "scanner.execution.drain"
END = "SCANNER_WALLTIME_END"
"""Environment variable: Unix time at which the job ends."""
BEFORE = "SCANNER_DRAIN"
"""Environment variable: seconds before `END` from which on no chunk begins."""
SCRATCH = "SCANNER_SCRATCH"
"""Environment variable: folder of the job alone that goes with it."""
BEFORE_SECONDS = 60.0
FETCH_SECONDS = 10.0
"""For the driver to fetch the receipt of the last chunk."""
TICK = 0.05

_nannies: list[Nanny] = []


async def dask_setup(server: Worker | Nanny) -> None:
    """Called by Dask when a worker or nanny has started."""
    if isinstance(server, Nanny):
        if SCRATCH in os.environ and not _nannies:
            atexit.register(shutil.rmtree, os.environ[SCRATCH], ignore_errors=True)
        _nannies.append(server)
        _on_sigterm(_pass_on)
        return
    leaving: list[asyncio.Task[None]] = []

    def begin(reason: str) -> None:
        if not leaving:  # several signals may come, and the clock besides
            leaving.append(asyncio.ensure_future(leave(server, reason)))

    _on_sigterm(lambda: begin("SIGTERM"))
    if END in os.environ:
        asyncio.get_running_loop().call_later(seconds_left(), begin, "end of the walltime")


def seconds_left(now: float | None = None) -> float:
    """Seconds until no chunk may begin any more, at least 0; from the environment."""
    before = float(os.environ.get(BEFORE, BEFORE_SECONDS))
    return max(0.0, float(os.environ[END]) - before - (time.time() if now is None else now))


async def leave(worker: Worker, reason: str) -> None:
    """Finish what runs, give back what waits, and close the worker with its nanny."""
    # not `paused`: Dask's watch over the memory would end it
    worker.status = Status.closing_gracefully
    while worker.state.executing:
        await asyncio.sleep(TICK)
    deadline = time.monotonic() + FETCH_SECONDS
    while worker.data and time.monotonic() < deadline:
        await asyncio.sleep(TICK)
    with suppress(OSError):  # the scheduler may be gone
        await worker.scheduler.retire_workers(
            workers=[worker.address],
            close_workers=False,
            remove=True,
            stimulus_id=f"drain {reason}",
        )
    await worker.close(reason=reason)


def _pass_on() -> None:
    """A nanny lets its worker leave, and does not start another."""
    for nanny in _nannies:
        nanny.close_gracefully(reason="SIGTERM")
        if nanny.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(nanny.pid, signal.SIGTERM)


def _on_sigterm(act: Callable[[], None]) -> None:
    # not in a thread of somebody's process: what is to happen to that is not ours to say
    with suppress(ValueError, RuntimeError):
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, act)

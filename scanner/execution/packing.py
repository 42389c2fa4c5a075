"""Packing: the ledger is packed beside the run, so that no worker waits for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from scanner.store.ledger import Ledger


@contextmanager
def packing(ledger: Ledger) -> Iterator[Callable[[], None]]:
    """Call what this gives now and then; it packs in a thread of its own, one after the other.

    On an object store a packing is some thousand requests. What it raises is raised by the next
    call, or at the end. At the end of a run that raised nothing the ledger is packed once more.
    """
    running: list[Future[int]] = []

    def pack() -> None:
        if running and not running[-1].done():
            return  # the next one takes what has come meanwhile
        while running:
            running.pop().result()
        running.append(pool.submit(ledger.pack))

    with ThreadPoolExecutor(1, thread_name_prefix="pack") as pool:
        yield pack
        while running:
            running.pop().result()
    ledger.pack()

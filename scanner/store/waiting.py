"""Waiting for a server of objects: again and again, and for many answers at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from scanner.store import s3

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE = 16  # requests for small objects


def persistent(work: Callable[[], R]) -> R:
    """Do what may be done twice, and again where no answer came, as long as patience lasts.

    The client itself does so for what it knows to be repeatable: not for a creation, or for the
    removal of many objects by one request.
    """
    from obstore.exceptions import GenericError

    wait, deadline = 0.1, time.monotonic() + s3.patience()
    while True:
        try:
            return work()
        except GenericError as error:
            if "status code" in str(error) or time.monotonic() + wait > deadline:
                raise
        time.sleep(wait)
        wait = min(2.0 * wait, 2.0)


def at_once(work: Callable[[T], R], items: Iterable[T], most: int = AT_ONCE) -> Iterator[R]:
    """Results in the order of the items, of many threads that wait for the server together."""
    held = list(items)
    if len(held) < 2:
        yield from map(work, held)
        return
    with ThreadPoolExecutor(min(most, len(held))) as pool:
        yield from pool.map(work, held)

"""Streams: how many answers without an end a caller may hold open at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from scanner.service.refusals import RefusalError

MOST_STREAMS = 100  # of one caller; the server closes its doors at ten times as many connections


class Streams:
    """Counts of open streams; asked from the thread of the event loop alone."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    def admit(self, caller: str) -> None:
        """RefusalError (429) where a caller holds as many as one may."""
        if self._open[caller] >= MOST_STREAMS:
            raise RefusalError(
                429,
                f"{MOST_STREAMS} streams of events are open: close some, or ask for the state",
                headers={"Retry-After": "15"},
            )

    @contextmanager
    def held(self, caller: str) -> Iterator[None]:
        """While a stream is open it counts."""
        self._open[caller] += 1
        try:
            yield
        finally:
            self._open[caller] -= 1
            self._open += Counter()  # forgets those who hold none

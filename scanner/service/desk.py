"""Desk: answers are worked out in threads, once for all who ask, and kept while they hold.

No request waits longer than the desk's patience: it is told to come back (202), and finds the
answer there.
"""

from __future__ import annotations

import asyncio
import gzip
import importlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

from scanner.service.refusals import RefusalError
from scanner.service.settings import Settings

T = TypeVar("T")

LATE_SHARE = 4  # times the memory for finished answers, for those nobody has come back for
LEFT_SECONDS = 600.0  # that a late answer, or an error, waits for who asked to come back
QUICK_THREADS = 8  # for looks at the store, which must not wait behind long work


PACKED_ABOVE = 1024  # bytes: shorter texts are sent as they are
PACKING = 5  # level: 6 and more take twice as long for a few per cent


@dataclass(frozen=True)
class Answer:
    """What is sent: bytes, what they are, and under which name they are saved.

    ``packed`` is the content compressed with gzip, empty where that does not pay.
    """

    content: bytes
    media_type: str = "application/json"
    filename: str = ""
    packed: bytes = b""

    def compressed(self) -> Answer:
        """The same with a compressed copy beside it: of texts, here in the thread that made it."""
        text = self.media_type.startswith(("text/", "application/json", "image/svg"))
        if not text or len(self.content) < PACKED_ABOVE:
            return self
        return replace(self, packed=gzip.compress(self.content, PACKING, mtime=0))

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return len(self.content) + len(self.packed)


class Desk:
    """Threads that work out answers, and the answers that still hold.

    Parameters
    ----------
    settings : Settings
        How many at once, how many may wait, how long a request waits, how much is kept.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._quick = ThreadPoolExecutor(QUICK_THREADS, "look")
        self._long = ThreadPoolExecutor(settings.threads, "answer")
        self._drawing = ThreadPoolExecutor(1, "draw")  # matplotlib is not thread-safe
        self._pending: dict[str, tuple[Future[Answer], float]] = {}
        self._kept: OrderedDict[str, Answer] = OrderedDict()
        self._bytes = 0

    def close(self) -> None:
        """Begin nothing more; what is being worked out ends by itself."""
        for pool in (self._quick, self._long, self._drawing):
            pool.shutdown(wait=False, cancel_futures=True)

    def warm(self) -> None:
        """Load what the first figure would wait for: seconds."""
        self._drawing.submit(lambda: importlib.import_module("scanner.drawing"))

    def look(self, work: Callable[[], T]) -> Awaitable[T]:
        """Result of something short: a look at the store."""
        return asyncio.get_running_loop().run_in_executor(self._quick, work)

    async def work(self, work: Callable[[], T]) -> T:
        """Result of something long that is of use to one caller alone.

        Raises
        ------
        RefusalError
            503: too much is waiting already.
        """
        self._admit()
        return await asyncio.get_running_loop().run_in_executor(self._long, work)

    async def answer(
        self, key: str, work: Callable[[], Answer], *, drawing: bool = False, keep: bool = True
    ) -> Answer | None:
        """The answer of that key, worked out unless it is known; None if it takes longer.

        Whoever asks again, with the same key, gets the late answer.

        Parameters
        ----------
        key : str
            Two questions with the same key have the same answer.
        work : callable
            Works it out, in a thread.
        drawing : bool
            Whether it draws: one figure at a time.
        keep : bool
            Whether the answer holds later.

        Raises
        ------
        RefusalError
            503: too much is waiting already.
        Exception
            What `work` raised.
        """
        if (kept := self._kept.get(key)) is not None:
            self._kept.move_to_end(key)
            return kept
        future = self._future(key, work, drawing)
        waited = asyncio.wrap_future(future)
        done, _ = await asyncio.wait([waited], timeout=self._settings.patience)
        if not done:
            waited.add_done_callback(self._late)
            return None
        if self._pending.pop(key, None) is not None and keep and waited.exception() is None:
            self._keep(key, waited.result())
        return waited.result()

    def _future(self, key: str, work: Callable[[], Answer], drawing: bool) -> Future[Answer]:
        self._forget_unwanted()
        if (known := self._pending.get(key)) is not None:
            self._pending[key] = known[0], time.monotonic()
            return known[0]
        self._admit()
        future = (self._drawing if drawing else self._long).submit(lambda: work().compressed())
        self._pending[key] = future, time.monotonic()
        return future

    def _admit(self) -> None:
        waiting = self._long._work_queue.qsize() + self._drawing._work_queue.qsize()
        if waiting >= self._settings.waiting:
            raise RefusalError(
                503,
                f"{waiting} answers are being worked out: ask again in a second",
                headers={"Retry-After": "1"},
            )

    def _late(self, late: asyncio.Future[Answer]) -> None:
        _ = late.cancelled() or late.exception()  # is read
        self._forget_unwanted()

    def _forget_unwanted(self) -> None:
        """Drop late answers that nobody came back for, and what is too much to be kept.

        Late answers may take `LATE_SHARE` times the room of others; the last one always stays.
        """
        limit = time.monotonic() - LEFT_SECONDS
        room = LATE_SHARE * self._settings.answer_bytes
        done = [(key, *entry) for key, entry in self._pending.items() if entry[0].done()]
        for number, (key, future, asked) in enumerate(sorted(done, key=lambda one: -one[2])):
            room -= _size(future)
            if asked < limit or (room < 0 and number > 0):
                del self._pending[key]

    def _keep(self, key: str, answer: Answer) -> None:
        most = self._settings.answer_bytes
        if answer.size > most // 8:
            return
        self._kept[key] = answer
        self._bytes += answer.size
        while self._bytes > most:
            _, old = self._kept.popitem(last=False)
            self._bytes -= old.size


def _size(done: Future[Answer]) -> int:
    """Bytes of an answer that is there; an error has none."""
    failed = done.cancelled() or done.exception() is not None
    return 0 if failed else done.result().size

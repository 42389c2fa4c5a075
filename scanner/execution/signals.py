"""SIGINT and SIGTERM where they must not hit: between chunks, and while processes begin or end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """Event that is set by the first SIGINT or SIGTERM; a second one raises KeyboardInterrupt.

    Outside the main thread, where handlers cannot be installed, it is never set.
    """
    flag = threading.Event()

    def handle(_number: int, _frame: FrameType | None) -> None:
        if flag.is_set():
            raise KeyboardInterrupt
        flag.set()

    if not _in_main_thread():
        yield flag
        return
    before = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield flag
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Held:
    """Keeps the interrupts of the keyboard back until they are `released`."""

    def __init__(self) -> None:
        self._asked = False
        self._before: Any = None
        # a handler that is none of Python's, or that ignores them (nohup), stays
        self._ours = _in_main_thread() and callable(signal.getsignal(signal.SIGINT))

    def hold(self) -> None:
        """From now on they are only noted."""
        if self._ours:
            self._before = signal.signal(signal.SIGINT, self._note)

    def release(self) -> None:
        """Again as before; one that was noted comes now."""
        if not self._ours:
            return
        signal.signal(signal.SIGINT, self._before)
        if self._asked:
            self._asked = False
            signal.raise_signal(signal.SIGINT)

    @contextmanager
    def released(self) -> Iterator[None]:
        """A block in which they come."""
        try:
            self.release()
            yield
        finally:
            self.hold()

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._asked = True


@contextmanager
def held_interrupts() -> Iterator[Held]:
    """A block in which an interrupt would leave something half begun or half ended."""
    held = Held()
    held.hold()
    try:
        yield held
    finally:
        held.release()


@contextmanager
def without_interrupts() -> Iterator[None]:
    """Threads and processes that begin in this block are never interrupted from the keyboard."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()

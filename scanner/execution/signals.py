"""Signals where they must not hit: between chunks, and while processes begin or end.

SIGINT is the keyboard's, SIGTERM whoever's, SIGHUP that of a terminal that is closed.
"""

from __future__ import annotations

import os
import signal
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_OF_A_TERMINAL = {signal.SIGINT, signal.SIGHUP}
"""They go to all processes of its group."""


@contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """Event that is set by SIGHUP, or the first SIGINT or SIGTERM; then these interrupt.

    A SIGHUP that is ignored, as under nohup, stays so. Outside the main thread, where handlers
    cannot be installed, it is never set.
    """
    flag = threading.Event()

    def handle(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP:  # which comes from the system and from the shell
            leave_terminal()
        elif flag.is_set():
            raise KeyboardInterrupt
        flag.set()

    if not _in_main_thread():
        yield flag
        return
    wanted = [number for number in _SIGNALS if not hangup_ignored(number)]
    before = {number: signal.signal(number, handle) for number in wanted}
    try:
        yield flag
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def hangup_ignored(number: int) -> bool:
    """Whether this is a SIGHUP that is not to be heard: nohup started this process."""
    return number == signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN


def leave_terminal() -> None:
    """What is said from now on is lost where it would go to a terminal that is closed.

    Writing to that is an error, which would end the process before its work is in order.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for file in (1, 2):
        with suppress(OSError):
            if stat.S_ISCHR(os.fstat(file).st_mode) and not os.isatty(file):
                os.dup2(nowhere, file)
    os.close(nowhere)


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
    """Threads and processes that begin in this block never hear the keyboard or its terminal."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _OF_A_TERMINAL)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()

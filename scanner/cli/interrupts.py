"""The keyboard's interrupt: it ends the command, but not in the middle of an import.

While a module is loaded, Python runs callbacks that swallow what is raised in them, and libraries
in C take it for an error of their own: an interrupt there would be lost, or end in their words.
"""

from __future__ import annotations

import _thread
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

AGAIN_SECONDS = 0.05
LONGEST_SECONDS = 20.0  # a module that takes longer is interrupted
_IMPORT = "<frozen importlib._bootstrap>"


@contextmanager
def interrupts_between_imports() -> Iterator[None]:
    """A block in which an interrupt waits until the imports at that moment are done."""
    usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # not so under nohup
    if not usual or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, _Handler())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class _Handler:
    """Raises KeyboardInterrupt, or looks again soon."""

    def __init__(self) -> None:
        self._since: float | None = None

    def __call__(self, _number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        since = self._since or now
        if not _importing(frame) or now > since + LONGEST_SECONDS:
            self._since = None
            raise KeyboardInterrupt
        self._since = since
        timer = threading.Timer(AGAIN_SECONDS, _thread.interrupt_main)
        timer.daemon = True
        timer.start()


def _importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == _IMPORT:
            return True
        frame = frame.f_back
    return False

from __future__ import annotations

import os
import signal
import threading

import pytest

from scanner.execution.signals import stop_signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_first_signal_sets_the_flag_second_interrupts(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with stop_signals() as flag:
        assert not flag.is_set()
        os.kill(os.getpid(), number)
        assert flag.wait(1)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert signal.getsignal(number) is before


def test_outside_the_main_thread_nothing_is_installed() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def body() -> None:
        with stop_signals() as flag:
            seen.append((signal.getsignal(signal.SIGINT) is before, flag.is_set()))

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    assert seen == [(True, False)]

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


def test_a_closed_terminal_sets_the_flag_however_often_it_is_told() -> None:
    before = signal.getsignal(signal.SIGHUP)
    with stop_signals() as flag:
        for _ in range(2):  # of the system, and of the shell
            os.kill(os.getpid(), signal.SIGHUP)
            assert flag.wait(1)
    assert signal.getsignal(signal.SIGHUP) is before


def test_a_hangup_that_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as by nohup
    try:
        with stop_signals() as flag:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not flag.wait(0.2)
    finally:
        signal.signal(signal.SIGHUP, before)


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

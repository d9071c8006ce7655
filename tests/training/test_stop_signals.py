"""Signals become flags while a watch stands, and go back to what they were."""

import os
import signal
import threading

import pytest

from receptron.training.callbacks.signals import StopSignals


def test_the_first_ctrl_c_asks_and_the_second_stops_at_once():
    with StopSignals() as watch:
        os.kill(os.getpid(), signal.SIGINT)
        assert watch.stop and not watch.terminate
        watch.leave_if_told()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_sigterm_leaves_with_143_once_told():
    with StopSignals() as watch:
        os.kill(os.getpid(), signal.SIGTERM)
        assert watch.terminate and not watch.stop
        with pytest.raises(SystemExit) as caught:
            watch.leave_if_told()
    assert caught.value.code == 143


def test_earlier_handlers_come_back_even_after_an_error():
    before = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(ValueError), StopSignals():
        assert signal.getsignal(signal.SIGINT) is not before[0]
        raise ValueError
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == before


def test_outside_the_main_thread_a_watch_stands_without_signals():
    before, seen = signal.getsignal(signal.SIGINT), []

    def work() -> None:
        with StopSignals() as watch:
            seen.extend([signal.getsignal(signal.SIGINT) is before, watch.stop])

    thread = threading.Thread(target=work)
    thread.start(), thread.join()
    assert seen == [True, False]

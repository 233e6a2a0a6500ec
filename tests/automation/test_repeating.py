"""`earshot run --every`: again and again, until a signal asks it to stop."""

from __future__ import annotations

import os
import signal
from datetime import timedelta

import pytest

from earshot.automation.repeating import repeat, stopped_by_signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_the_round_under_way_end_and_starts_no_other(number: signal.Signals) -> None:
    before, ended = signal.getsignal(number), []

    def once() -> int:
        if len(ended) == 1:
            os.kill(os.getpid(), number)
        ended.append(True)
        return 0

    with stopped_by_signals() as stop:
        assert repeat(once, timedelta(milliseconds=1), stop) == 2
    assert len(ended) == 2
    assert signal.getsignal(number) is before


def test_a_signal_ends_the_pause(capsys: pytest.CaptureFixture[str]) -> None:
    with stopped_by_signals() as stop:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        before = signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
        assert repeat(lambda: 0, timedelta(hours=1), stop) == 1
        signal.signal(signal.SIGALRM, before)


def test_an_interrupt_is_heard_although_spark_has_taken_the_signal_meanwhile() -> None:
    def once() -> int:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # as SparkContext does when it starts
        assert not stop.listen()
        os.kill(os.getpid(), signal.SIGINT)
        return 0

    with stopped_by_signals() as stop:
        assert repeat(once, timedelta(hours=1), stop) == 1


def test_a_second_interrupt_does_not_wait() -> None:
    with pytest.raises(KeyboardInterrupt), stopped_by_signals() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop
        os.kill(os.getpid(), signal.SIGINT)


def test_a_round_that_fails_does_not_end_the_rounds() -> None:
    codes = iter([1, 3, 0])
    with stopped_by_signals() as stop:

        def once() -> int:
            code = next(codes)
            if code == 0:
                stop.ask(signal.SIGINT, None)
            return code

        assert repeat(once, timedelta(milliseconds=1), stop) == 3

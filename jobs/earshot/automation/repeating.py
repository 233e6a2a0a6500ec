"""Again and again, until somebody asks it to stop: SIGINT and SIGTERM end it between two jobs."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event
from types import FrameType

_LONGEST_NAP_S = 0.5
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """Whether a signal has asked the process to stop."""

    def __init__(self) -> None:
        self._asked = Event()

    def __bool__(self) -> bool:
        """Whether it is time to stop."""
        return self._asked.is_set()

    def listen(self) -> bool:
        """Take the signals, also those that somebody else took meanwhile (Spark takes SIGINT); whether to stop."""
        for number in _SIGNALS:
            if not self:
                signal.signal(number, self.ask)
        return bool(self)

    def ask(self, number: int, frame: FrameType | None) -> None:
        """Stop after the job under way; the signal that comes next ends the process at once."""
        self._asked.set()
        signal.signal(number, signal.SIG_DFL if number == signal.SIGTERM else signal.default_int_handler)

    def wait(self, seconds: float) -> None:
        """Sleep, and wake when a signal comes."""
        until = time.monotonic() + seconds
        while not self and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _LONGEST_NAP_S))


@contextmanager
def stopped_by_signals() -> Iterator[Stop]:
    """SIGINT and SIGTERM are asked to stop, as long as the block runs."""
    stop = Stop()
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    try:
        stop.listen()
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def repeat(once: Callable[[], int], interval: timedelta, stop: Stop) -> int:
    """Call it every so often, counted from start to start, until asked to stop.

    Returns:
        How often it was called.
    """
    rounds = 0
    while not stop:
        began = time.monotonic()
        once()
        rounds += 1
        stop.listen()
        stop.wait(interval.total_seconds() - (time.monotonic() - began))
    return rounds

"""The token bucket that outgoing calls pass through."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class TokenBucket:
    """Lets `rate` calls a second through, and `burst` of them at once after a rest. Safe for threads.

    Args:
        rate: Calls a second, above 0.
        burst: Calls that may come at once, at least 1.
        clock: Seconds that never go back.
        sleep: Waits so many seconds.

    Raises:
        ValueError: `rate` is not above 0, or `burst` is below 1.
    """

    def __init__(
        self,
        rate: float,
        burst: int,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if rate <= 0 or burst < 1:
            raise ValueError(f"rate must be above 0 and burst at least 1, not {rate} and {burst}")
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._tokens = float(burst)
        self._filled_at = clock()

    def acquire(self) -> float:
        """Wait until a call may go out; returns the seconds waited.

        The place in the queue is taken before the wait, so that threads go out in order and the rate
        holds for all of them together.
        """
        with self._lock:
            self._fill()
            self._tokens -= 1
            wait = max(0.0, -self._tokens / self._rate)
        if wait:
            self._sleep(wait)
        return wait

    def try_acquire(self) -> bool:
        """Take a token if there is one now."""
        with self._lock:
            self._fill()
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True

    def pause(self, seconds: float) -> None:
        """Let nothing through for so long: what a server's Retry-After asks for."""
        with self._lock:
            self._fill()
            self._tokens = min(self._tokens, 1 - max(0.0, seconds) * self._rate)

    def _fill(self) -> None:
        now = self._clock()
        self._tokens = min(float(self._burst), self._tokens + max(0.0, now - self._filled_at) * self._rate)
        self._filled_at = now

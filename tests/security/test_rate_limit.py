from __future__ import annotations

import threading
import time

import pytest

from earshot.security.rate_limit import TokenBucket


class _Time:
    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_a_burst_goes_at_once_and_the_rest_at_the_rate() -> None:
    time_ = _Time()
    bucket = TokenBucket(2.0, 3, time_.clock, time_.sleep)
    waits = [bucket.acquire() for _ in range(6)]
    assert waits == [0, 0, 0, 0.5, 0.5, 0.5]


def test_a_rest_fills_the_bucket_but_never_over_the_brim() -> None:
    time_ = _Time()
    bucket = TokenBucket(1.0, 2, time_.clock, time_.sleep)
    bucket.acquire(), bucket.acquire()
    time_.now += 1000
    assert [bucket.try_acquire() for _ in range(3)] == [True, True, False]


def test_retry_after_holds_everything_back() -> None:
    time_ = _Time()
    bucket = TokenBucket(10.0, 5, time_.clock, time_.sleep)
    bucket.pause(7.0)
    assert not bucket.try_acquire()
    bucket.acquire()
    assert time_.now == pytest.approx(7.0)


def test_a_clock_that_jumps_back_gives_nothing_away() -> None:
    time_ = _Time()
    bucket = TokenBucket(1.0, 1, time_.clock, time_.sleep)
    bucket.acquire()
    time_.now -= 100
    assert not bucket.try_acquire()


def test_threads_share_one_rate() -> None:
    bucket = TokenBucket(50.0, 1)
    began = time.monotonic()
    threads = [threading.Thread(target=lambda: [bucket.acquire() for _ in range(5)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - began >= 19 / 50


@pytest.mark.parametrize(("rate", "burst"), [(0.0, 1), (-1.0, 1), (1.0, 0)])
def test_a_bucket_that_lets_nothing_through_is_refused(rate: float, burst: int) -> None:
    with pytest.raises(ValueError, match="rate"):
        TokenBucket(rate, burst)

"""Seconds of contenders that take turns, for the benchmarks."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager

ROUNDS = 3


class Stopwatch:
    """Seconds of each contender, round by round; ratios are taken within a round, so that a machine's drift cancels."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {}
        self.processor: dict[str, list[float]] = {}

    @contextmanager
    def measure(self, contender: str) -> Iterator[None]:
        began, used = time.perf_counter(), time.process_time()
        yield
        self.seconds.setdefault(contender, []).append(time.perf_counter() - began)
        self.processor.setdefault(contender, []).append(time.process_time() - used)

    def median(self, contender: str) -> float:
        return statistics.median(self.seconds[contender])

    def ratio(self, contender: str, floor: str) -> float:
        pairs = zip(self.seconds[contender], self.seconds[floor], strict=True)
        return statistics.median(ours / theirs for ours, theirs in pairs)

    def processor_median(self, contender: str) -> float:
        """Seconds of processor time of this process, which other jobs of the machine disturb less."""
        return statistics.median(self.processor[contender])

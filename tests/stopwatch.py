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

    @contextmanager
    def measure(self, contender: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.seconds.setdefault(contender, []).append(time.perf_counter() - began)

    def median(self, contender: str) -> float:
        return statistics.median(self.seconds[contender])

    def ratio(self, contender: str, floor: str) -> float:
        pairs = zip(self.seconds[contender], self.seconds[floor], strict=True)
        return statistics.median(ours / theirs for ours, theirs in pairs)

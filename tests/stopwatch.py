"""Seconds of contenders that take turns, for the benchmarks."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROUNDS = 3


class Stopwatch:
    """Seconds of each contender, round by round; ratios are taken within a round, so that a machine's drift cancels."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {}
        self.processor: dict[str, list[float]] = {}

    @contextmanager
    def measure(self, contender: str) -> Iterator[None]:
        began, used = time.perf_counter(), processor_seconds()
        yield
        self.seconds.setdefault(contender, []).append(time.perf_counter() - began)
        self.processor.setdefault(contender, []).append(processor_seconds() - used)

    def median(self, contender: str) -> float:
        return statistics.median(self.seconds[contender])

    def ratio(self, contender: str, floor: str) -> float:
        return statistics.median(self.ratios(contender, floor))

    def ratios(self, contender: str, floor: str) -> list[float]:
        """The ratio of each round."""
        pairs = zip(self.seconds[contender], self.seconds[floor], strict=True)
        return [ours / theirs for ours, theirs in pairs]

    def processor_median(self, contender: str) -> float:
        """Seconds of processor time, which other jobs of the machine disturb less."""
        return statistics.median(self.processor[contender])

    def processor_ratio(self, contender: str, floor: str) -> float:
        """The ratio of processor time, taken within a round."""
        pairs = zip(self.processor[contender], self.processor[floor], strict=True)
        return statistics.median(ours / theirs for ours, theirs in pairs)


def processor_seconds() -> float:
    """Of this process, and of those that it has started and that still run, as Spark's JVM."""
    return time.process_time() + sum(map(_used, _descendants(os.getpid())))


def _descendants(parent: int) -> Iterator[int]:
    for file in Path(f"/proc/{parent}/task").glob("*/children"):
        for child in map(int, file.read_text(encoding="ascii").split()):
            yield child
            yield from _descendants(child)


def _used(process: int) -> float:
    try:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:  # it has ended
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

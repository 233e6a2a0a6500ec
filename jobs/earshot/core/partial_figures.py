"""Figures of a part of the rows, from which those of all rows are made: what a task observes while it writes.

They mean what Spark's aggregates of the same name mean: nulls are left out, NaN is larger than every number,
and of no values there is no figure.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from earshot.core.log_histogram import GAMMA, ZERO, buckets_of


class Partial(Protocol):
    """A figure of a part."""

    def __add__(self, other: Self, /) -> Self:
        """The figure of both parts."""

    @property
    def value(self) -> Any:
        """What the figure says."""


@dataclass(frozen=True)
class Count:
    """How many."""

    value: int = 0

    def __add__(self, other: Count) -> Count:
        """Of both parts."""
        return Count(self.value + other.value)

    @classmethod
    def of(cls, mask: Any) -> Count:
        """How many values of a boolean column are true."""
        return cls(int(pc.sum(mask).as_py() or 0))


@dataclass(frozen=True)
class CountBy:
    """How often each value occurs."""

    value: Mapping[Any, int]

    def __add__(self, other: CountBy) -> CountBy:
        """In both parts."""
        return CountBy(dict(Counter(self.value) + Counter(other.value)))

    @classmethod
    def of(cls, column: pa.Array | pa.ChunkedArray) -> CountBy:
        """Of a column."""
        return cls({found["values"]: found["counts"] for found in pc.value_counts(column).to_pylist()})


@dataclass(frozen=True)
class Sum:
    """The sum of the values; None where there are none."""

    value: Any = None

    def __add__(self, other: Sum) -> Sum:
        """Of both parts."""
        there = [part for part in (self.value, other.value) if part is not None]
        return Sum(sum(there[1:], there[0]) if there else None)


@dataclass(frozen=True)
class Extreme:
    """The smallest or the largest value; None where there are none."""

    largest: bool
    value: Any = None

    def __add__(self, other: Extreme) -> Extreme:
        """Of both parts."""
        there = [part for part in (self.value, other.value) if part is not None]
        pick = max if self.largest else min
        return Extreme(self.largest, pick(there, key=_nan_last) if there else None)

    @classmethod
    def of(cls, column: pa.Array, *, largest: bool) -> Extreme:
        """Of a column."""
        if pa.types.is_floating(column.type) and pc.any(pc.is_nan(column)).as_py():
            numbers = column.filter(pc.invert(pc.is_nan(column)))
            if largest or numbers.null_count == len(numbers):
                return cls(largest, math.nan)
            column = numbers
        return cls(largest, pc.min_max(column)["max" if largest else "min"].as_py())


@dataclass(frozen=True)
class Distinct:
    """The different values."""

    values: frozenset[Any] = frozenset()

    def __add__(self, other: Distinct) -> Distinct:
        """Of both parts."""
        return Distinct(self.values | other.values)

    @property
    def value(self) -> list[Any]:
        """The values, in order."""
        return sorted(self.values, key=lambda value: (str(type(value)), value))

    @classmethod
    def of(cls, column: pa.Array) -> Distinct:
        """Of a column."""
        return cls(frozenset(pc.unique(column.drop_null()).to_pylist()))


@dataclass(frozen=True)
class DistinctCount(Distinct):
    """How many different values there are."""

    def __add__(self, other: Distinct) -> DistinctCount:
        """Of both parts."""
        return DistinctCount(self.values | other.values)

    @property
    def value(self) -> Any:
        """How many."""
        return len(self.values)


@dataclass(frozen=True)
class Moments:
    """Mean or sample standard deviation, from counts, means and squares of parts.

    Merged as Chan, Golub and LeVeque do: "Updating Formulae and a Pairwise Algorithm for Computing Sample
    Variances", 1979.
    """

    deviation: bool
    count: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def __add__(self, other: Moments) -> Moments:
        """Of both parts."""
        if not (self.count and other.count):
            return self if self.count else other
        count, apart = self.count + other.count, other.mean - self.mean
        mean = self.mean + apart * other.count / count
        squares = self.squares + other.squares + apart * apart * self.count * other.count / count
        return Moments(self.deviation, count, mean, squares)

    @property
    def value(self) -> float | None:
        """The mean, or the deviation (None for fewer than two values)."""
        if self.deviation:
            return math.sqrt(self.squares / (self.count - 1)) if self.count > 1 else None
        return self.mean if self.count else None

    @classmethod
    def of(cls, column: pa.Array, *, deviation: bool) -> Moments:
        """Of a column of numbers."""
        numbers = column.drop_null().cast(pa.float64()).to_numpy(zero_copy_only=False)
        if not len(numbers):
            return cls(deviation)
        mean = float(numbers.mean())
        return cls(deviation, len(numbers), mean, float(np.square(numbers - mean).sum()))


@dataclass(frozen=True)
class Quantile:
    """A quantile of values that are not negative (others count as 0), within half a percent of it.

    Counts in the buckets of `core.log_histogram`.
    """

    share: float
    counts: Mapping[int, int]

    def __add__(self, other: Quantile) -> Quantile:
        """Of both parts."""
        return Quantile(self.share, dict(Counter(self.counts) + Counter(other.counts)))

    @property
    def value(self) -> float | None:
        """The quantile; None of no values."""
        wanted, seen = self.share * (sum(self.counts.values()) - 1), 0
        for bucket in sorted(self.counts):
            seen += self.counts[bucket]
            if seen > wanted:
                return 0.0 if bucket == ZERO else 2 * GAMMA**bucket / (GAMMA + 1)
        return None

    @classmethod
    def of(cls, column: pa.Array, share: float) -> Quantile:
        """Of a column of numbers."""
        numbers = column.drop_null().cast(pa.float64()).to_numpy(zero_copy_only=False)
        positive = numbers[numbers > 0]
        buckets = buckets_of(positive)
        lowest = buckets.min(initial=0)
        counts = np.bincount(buckets - lowest)
        found = np.flatnonzero(counts)
        zeros = {ZERO: len(numbers) - len(positive)} if len(positive) < len(numbers) else {}
        return cls(share, zeros | dict(zip((found + lowest).tolist(), counts[found].tolist(), strict=True)))


Partials = Mapping[str, Any]
"""A `Partial` by the name of the figure."""


def added(parts: Iterable[Partials]) -> dict[str, Any]:
    """The figures of all parts; a figure that only some parts have is that of these."""
    total: dict[str, Any] = {}
    for part in parts:
        for name, figure in part.items():
            total[name] = total[name] + figure if name in total else figure
    return total


def values_of(figures: Partials) -> dict[str, Any]:
    """What the figures say."""
    return {name: figure.value for name, figure in figures.items()}


def _nan_last(value: Any) -> tuple[bool, Any]:
    is_nan = isinstance(value, float) and math.isnan(value)
    return is_nan, 0 if is_nan else value

"""Rules on an Arrow table: values are columns computed at once, aggregates are `core.partial_figures`.

Comparisons are Spark's: null where a side is null, NaN equal to itself and larger than every number. Regular
expressions are RE2's, which has neither look-around nor back references, and whose `$` is the end of the text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from earshot.core.errors import SettingsError
from earshot.core.partial_figures import Count, Distinct, DistinctCount, Extreme, Moments, Sum


@dataclass(frozen=True, eq=False)
class ArrowValue:
    """A column, or a scalar that stands for one."""

    data: Any

    def __and__(self, other: ArrowValue) -> ArrowValue:
        """Both; null where it is not known."""
        return ArrowValue(pc.and_kleene(self.data, other.data))

    def __or__(self, other: ArrowValue) -> ArrowValue:
        """One of them; null where it is not known."""
        return ArrowValue(pc.or_kleene(self.data, other.data))

    def __invert__(self) -> ArrowValue:
        """The contrary."""
        return ArrowValue(pc.invert(self.data))

    def __add__(self, other: object) -> ArrowValue:
        """The sum."""
        return ArrowValue(pc.add(self.data, self._beside(other)))

    def __mul__(self, other: object) -> ArrowValue:
        """The product."""
        return ArrowValue(pc.multiply(self.data, self._beside(other)))

    def __gt__(self, other: object) -> ArrowValue:
        """Whether it is larger."""
        return ArrowValue(_larger(self.data, self._beside(other)))

    def __lt__(self, other: object) -> ArrowValue:
        """Whether it is smaller."""
        return ArrowValue(_larger(self._beside(other), self.data))

    def __ge__(self, other: object) -> ArrowValue:
        """Whether it is not smaller."""
        return ~(self < other)

    def __le__(self, other: object) -> ArrowValue:
        """Whether it is not larger."""
        return ~(self > other)

    def __eq__(self, other: object) -> ArrowValue:  # type: ignore[override]  # a column of answers, as Spark's is
        """Whether both are equal."""
        beside = self._beside(other)
        equal = pc.equal(self.data, beside)
        if _has_nan(self.data) and _has_nan(beside):
            equal = pc.or_(equal, pc.and_(pc.is_nan(self.data), pc.is_nan(beside)))
        return ArrowValue(equal)

    def __ne__(self, other: object) -> ArrowValue:  # type: ignore[override]  # a column of answers, as Spark's is
        """Whether they differ."""
        return ~(self == other)

    __hash__ = object.__hash__

    def _beside(self, other: object) -> Any:
        """The other side of an operation; a text beside a time is read as one."""
        if isinstance(other, ArrowValue):
            return other.data
        if isinstance(other, str) and not pa.types.is_string(self.data.type):
            is_time = pa.types.is_timestamp(self.data.type)
            return pa.scalar(datetime.fromisoformat(other) if is_time else other).cast(self.data.type)
        return pa.scalar(other)


class ArrowTerms:
    """See `terms.Terms`.

    Args:
        rows: What is judged.
    """

    def __init__(self, rows: pa.Table | pa.RecordBatch) -> None:
        self._rows = rows

    def column(self, name: str) -> ArrowValue:
        """A column of the table."""
        column = self._rows.column(name)
        return ArrowValue(column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column)

    def constant(self, value: object) -> ArrowValue:
        """A scalar."""
        return ArrowValue(pa.scalar(value))

    def is_null(self, value: ArrowValue) -> ArrowValue:
        """Whether there is no value; NaN is one."""
        return ArrowValue(pc.is_null(value.data))

    def or_false(self, value: ArrowValue) -> ArrowValue:
        """False where it is not known; a column in any case."""
        return ArrowValue(pc.fill_null(self._whole(value.data), False))

    def same(self, first: ArrowValue, second: ArrowValue) -> ArrowValue:
        """Null-safe equality."""
        both = pc.and_(pc.is_null(first.data), pc.is_null(second.data))
        return ArrowValue(pc.or_(pc.fill_null((first == second).data, False), both))

    def is_in(self, value: ArrowValue, among: Sequence[object]) -> ArrowValue:
        """Whether the value is one of these."""
        found = pc.is_in(value.data, pa.array(list(among), value.data.type))
        return ArrowValue(pc.if_else(pc.is_valid(value.data), found, None))

    def matches(self, text: ArrowValue, regex: str) -> ArrowValue:
        """Whether the expression is found in the text."""
        return ArrowValue(pc.match_substring_regex(text.data, regex))

    def length(self, text: ArrowValue) -> ArrowValue:
        """Characters."""
        return ArrowValue(pc.utf8_length(text.data))

    def micros(self, time: ArrowValue) -> ArrowValue:
        """Microseconds since 1970."""
        return ArrowValue(time.data.cast(pa.timestamp("us", "UTC")).cast(pa.int64()))

    def contains(self, listed: ArrowValue, text: str) -> ArrowValue:
        """Whether the list has this text."""
        found = np.zeros(len(listed.data), bool)
        if len(items := listed.data.flatten()):
            rows = pc.list_parent_indices(listed.data).filter(pc.fill_null(pc.equal(items, text), False))
            found[rows.to_numpy(zero_copy_only=False)] = True
        return ArrowValue(pa.array(found, mask=pc.is_null(listed.data).to_numpy(zero_copy_only=False)))

    def has_items(self, listed: ArrowValue) -> ArrowValue:
        """Whether there is a list, and something in it."""
        return ArrowValue(pc.greater(pc.fill_null(pc.list_value_length(listed.data), 0), 0))

    def where(self, domain: ArrowValue | None, value: ArrowValue) -> ArrowValue:
        """Null outside the domain."""
        if domain is None:
            return value
        return ArrowValue(pc.if_else(self.or_false(domain).data, value.data, pa.scalar(None, value.data.type)))

    def sql(self, text: str, place: str) -> ArrowValue:
        """There is none.

        Raises:
            SettingsError: Always.
        """
        raise SettingsError(
            f"The condition {text!r} is SQL, and lines are judged before Spark's SQL sees them.",
            where=place,
            remedy="Write it as comparison, nullity, and, or, as Great Expectations writes a row_condition.",
        )

    def count(self, value: ArrowValue) -> Count:
        """How many values there are."""
        column = self._whole(value.data)
        return Count(len(column) - column.null_count)

    def count_if(self, condition: ArrowValue) -> Count:
        """In how many rows the condition holds."""
        return Count.of(self._whole(condition.data))

    def smallest(self, value: ArrowValue) -> Extreme:
        """The smallest value."""
        return Extreme.of(self._whole(value.data), largest=False)

    def largest(self, value: ArrowValue) -> Extreme:
        """The largest value."""
        return Extreme.of(self._whole(value.data), largest=True)

    def mean(self, value: ArrowValue) -> Moments:
        """The mean."""
        return Moments.of(self._whole(value.data), deviation=False)

    def deviation(self, value: ArrowValue) -> Moments:
        """The sample standard deviation."""
        return Moments.of(self._whole(value.data), deviation=True)

    def sum(self, value: ArrowValue) -> Sum:
        """The sum."""
        return Sum(pc.sum(self._whole(value.data)).as_py())

    def distinct(self, value: ArrowValue) -> Distinct:
        """The different values; for columns of few values."""
        return Distinct.of(self._whole(value.data))

    def distinct_count(self, value: ArrowValue) -> DistinctCount:
        """How many different values there are; for columns of few values."""
        return DistinctCount(Distinct.of(self._whole(value.data)).values)

    def _whole(self, data: Any) -> pa.Array:
        return pa.repeat(data, self._rows.num_rows) if isinstance(data, pa.Scalar) else data


def _has_nan(data: Any) -> bool:
    return bool(pa.types.is_floating(data.type))


def _larger(first: Any, second: Any) -> Any:
    larger: Callable[[Any, Any], Any] = pc.greater
    if not _has_nan(first):
        return larger(first, second)
    is_nan = pc.is_nan(first)
    if _has_nan(second):
        is_nan = pc.and_(is_nan, pc.invert(pc.is_nan(second)))
    else:
        is_nan = pc.if_else(pc.is_valid(second), is_nan, None)
    return pc.or_(larger(first, second), is_nan)

"""Rules on a Spark frame: values are Columns, aggregates are what `DataFrame.observe` and `agg` take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pyspark.sql import Column
from pyspark.sql import functions as F

from earshot.validators.terms import Terms


class SparkTerms:
    """See `terms.Terms`."""

    def column(self, name: str) -> Column:
        """A column of the frame."""
        return F.col(name)

    def constant(self, value: object) -> Column:
        """A literal."""
        return F.lit(value)

    def is_null(self, value: Column) -> Column:
        """Whether there is no value."""
        return value.isNull()

    def or_false(self, value: Column) -> Column:
        """False where it is not known."""
        return F.coalesce(value, F.lit(False))

    def same(self, first: Column, second: Column) -> Column:
        """Null-safe equality."""
        return first.eqNullSafe(second)

    def is_in(self, value: Column, among: Sequence[object]) -> Column:
        """Whether the value is one of these."""
        return value.isin(list(among))

    def matches(self, text: Column, regex: str) -> Column:
        """Whether the expression (Java's) is found in the text."""
        return text.rlike(regex)

    def length(self, text: Column) -> Column:
        """Characters."""
        return F.length(text)

    def micros(self, time: Column) -> Column:
        """Microseconds since 1970."""
        return F.unix_micros(time)

    def contains(self, listed: Column, text: str) -> Column:
        """Whether the array has this text."""
        return F.array_contains(listed, text)

    def has_items(self, listed: Column) -> Column:
        """Whether there is an array, and something in it."""
        return F.coalesce(F.size(listed) > 0, F.lit(False))

    def where(self, domain: Column | None, value: Column) -> Column:
        """Null outside the domain."""
        return value if domain is None else F.when(domain, value)

    def sql(self, text: str, place: str) -> Column:
        """Spark's SQL."""
        return F.expr(text)

    def count(self, value: Column) -> Column:
        """How many values there are."""
        return F.count(value)

    def count_if(self, condition: Column) -> Column:
        """In how many rows the condition holds."""
        return F.count_if(condition)

    def smallest(self, value: Column) -> Column:
        """The smallest value."""
        return F.min(value)

    def largest(self, value: Column) -> Column:
        """The largest value."""
        return F.max(value)

    def mean(self, value: Column) -> Column:
        """The mean."""
        return F.avg(value)

    def deviation(self, value: Column) -> Column:
        """The sample standard deviation."""
        return F.stddev_samp(value)

    def sum(self, value: Column) -> Column:
        """The sum."""
        return F.sum(value)

    def distinct(self, value: Column) -> Column:
        """The different values, an array; for columns of few values."""
        return F.collect_set(value)

    def distinct_count(self, value: Column) -> Column:
        """How many different values there are; for columns of few values."""
        return F.size(F.collect_set(value))


SPARK: Final[Terms] = SparkTerms()

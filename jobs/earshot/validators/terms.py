"""What rules are written in, so that one rule judges a Spark frame and an Arrow table alike.

A value is a Spark Column (`spark_terms`) or an Arrow column (`arrow_terms`). Both know `& | ~`, the comparisons,
`+` and `*`, with SQL's three-valued logic; the rest is named here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

Value = Any
"""A column, or what is computed from columns."""


class Terms(Protocol):
    """Values of rows, and aggregates over them."""

    def column(self, name: str) -> Value:
        """A column of the rows."""

    def constant(self, value: object) -> Value:
        """The same value in every row."""

    def is_null(self, value: Value) -> Value:
        """Whether there is no value."""

    def or_false(self, value: Value) -> Value:
        """The truth value; false where it is not known."""

    def same(self, first: Value, second: Value) -> Value:
        """Whether both are equal, or both null."""

    def is_in(self, value: Value, among: Sequence[object]) -> Value:
        """Whether the value is one of these."""

    def matches(self, text: Value, regex: str) -> Value:
        """Whether the expression is found in the text."""

    def length(self, text: Value) -> Value:
        """Characters of the text."""

    def micros(self, time: Value) -> Value:
        """Microseconds since 1970."""

    def contains(self, listed: Value, text: str) -> Value:
        """Whether a list of texts has this one."""

    def has_items(self, listed: Value) -> Value:
        """Whether there is a list, and something in it; never null."""

    def where(self, domain: Value | None, value: Value) -> Value:
        """The value in the rows of the domain (None: in all), null in the others."""

    def sql(self, text: str, place: str) -> Value:
        """A condition in SQL; `place` is the file and line where it stands.

        Raises:
            SettingsError: These terms have no SQL.
        """

    def count(self, value: Value) -> Any:
        """How many values there are."""

    def count_if(self, condition: Value) -> Any:
        """In how many rows the condition holds."""

    def smallest(self, value: Value) -> Any:
        """The smallest value."""

    def largest(self, value: Value) -> Any:
        """The largest value."""

    def mean(self, value: Value) -> Any:
        """The mean of the values."""

    def deviation(self, value: Value) -> Any:
        """Their sample standard deviation."""

    def sum(self, value: Value) -> Any:
        """Their sum."""

    def distinct(self, value: Value) -> Any:
        """The different values, as a list."""

    def distinct_count(self, value: Value) -> Any:
        """How many different values there are."""

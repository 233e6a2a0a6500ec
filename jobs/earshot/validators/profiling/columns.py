"""A table as its distinct values: what every profile looks at, read once.

A column of a million rows has few different values: it is dictionary-encoded, and rules about values are
judged once for each value, not once for each row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Ints = np.ndarray[Any, np.dtype[np.int64]]
Bools = np.ndarray[Any, np.dtype[np.bool_]]
Floats = np.ndarray[Any, np.dtype[np.float64]]

NUMBER = r"^[+-]?(0|[1-9][0-9]*)([.][0-9]+)?([eE][+-]?[0-9]+)?$"
"""A number as text; one that begins with a zero is a code, such as a postcode."""


@dataclass(frozen=True)
class ProfiledColumn:
    """One column.

    Attributes:
        name: As the table has it.
        type: Its type in Arrow.
        texts: Each different value once, as text, in Arrow; nulls are none of them.
        counts: Rows that have each value.
        codes: The place in `values` of every row's value; -1 for null.
    """

    name: str
    type: pa.DataType
    texts: pa.StringArray
    counts: Ints
    codes: Ints = field(repr=False)

    @property
    def rows(self) -> int:
        """Rows of the table."""
        return len(self.codes)

    @cached_property
    def values(self) -> Sequence[str]:
        """The texts in Python."""
        listed: list[str] = self.texts.to_pylist()
        return listed

    @cached_property
    def filled(self) -> int:
        """Rows that have a value."""
        return int(self.counts.sum())

    @property
    def filled_share(self) -> float:
        """Of all rows, those that have a value."""
        return self.filled / self.rows if self.rows else 0.0

    @property
    def is_text(self) -> bool:
        """Whether the values came as text, so that they may be anything."""
        return bool(pa.types.is_string(self.type) or pa.types.is_large_string(self.type))

    @property
    def is_nested(self) -> bool:
        """Whether the values are lists, maps or structs."""
        return bool(pa.types.is_nested(self.type))

    @cached_property
    def numbers(self) -> Floats:
        """Each value as a number; not a number where it is none."""
        if self.is_text:
            numbers = pc.if_else(pc.match_substring_regex(self.texts, NUMBER), self.texts, None)
            return self._as_floats(pc.replace_substring_regex(numbers, "^[+]", ""))
        if pa.types.is_integer(self.type) or pa.types.is_floating(self.type) or pa.types.is_decimal(self.type):
            return self._as_floats(self.texts)
        return np.full(len(self.texts), np.nan)

    def _as_floats(self, texts: pa.StringArray) -> Floats:
        floats: Floats = pc.cast(texts, pa.float64()).to_numpy(zero_copy_only=False)
        return floats

    @cached_property
    def number_share(self) -> float:
        """Of the rows with a value, those whose value is a number."""
        return self.share(~np.isnan(self.numbers))

    def matching(self, regex: str) -> Bools:
        """In which values an expression of RE2 is found."""
        found: Bools = pc.match_substring_regex(self.texts, regex).to_numpy(zero_copy_only=False)
        return found

    def where(self, holds: Callable[[str], object]) -> Bools:
        """For which values something holds."""
        return np.fromiter((bool(holds(value)) for value in self.values), dtype=np.bool_, count=len(self.texts))

    def share(self, chosen: Bools) -> float:
        """Of the rows with a value, those that have one of the chosen values."""
        return float(self.counts[chosen].sum()) / self.filled if self.filled else 0.0

    def rows_of(self, chosen: Bools) -> Ints:
        """The rows that have one of the chosen values."""
        return np.flatnonzero(np.append(chosen, False)[self.codes])

    def text(self, row: int) -> str | None:
        """The value of a row, as text."""
        code = int(self.codes[row])
        return self.values[code] if code >= 0 else None

    @cached_property
    def null_rows(self) -> Ints:
        """The rows without a value."""
        return np.flatnonzero(self.codes < 0)


@dataclass(frozen=True)
class Profile:
    """The columns of a table, all with the same rows."""

    columns: tuple[ProfiledColumn, ...]
    rows: int

    def __getitem__(self, name: str) -> ProfiledColumn:
        """The column of this name."""
        return next(column for column in self.columns if column.name == name)


def profile_of(table: pa.Table) -> Profile:
    """Encode the columns of a table.

    Args:
        table: Any columns. An empty text is no value.
    """
    return Profile(tuple(_encoded(name, table.column(name)) for name in table.column_names), table.num_rows)


def _encoded(name: str, column: pa.ChunkedArray) -> ProfiledColumn:
    kind = column.type
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_null(kind):
        codes = np.where(pc.is_valid(column).to_numpy(zero_copy_only=False), 0, -1).astype(np.int64)
        there = int((codes == 0).sum())
        texts = pa.array(["(nested)"] if there else [], pa.string())
        return ProfiledColumn(name, kind, texts, np.array([there] if there else [], int), codes)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        column = pc.if_else(pc.equal(column, ""), pa.scalar(None, kind), column)
    encoded = column.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    texts = _texts(encoded.dictionary)
    counts = np.bincount(codes[codes >= 0], minlength=len(texts)).astype(np.int64)
    return ProfiledColumn(name, kind, texts, counts, codes)


def _texts(values: pa.Array) -> pa.StringArray:
    try:
        return pc.cast(values, pa.string())
    except pa.ArrowException:
        return pa.array([str(value) for value in values.to_pylist()], pa.string())

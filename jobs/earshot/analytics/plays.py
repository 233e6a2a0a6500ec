"""Plays of one task as NumPy arrays: names become numbers, so that grouping and ranking are sorts of integers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_MICROS_PER_HOUR: Final = 3_600_000_000


@dataclass(frozen=True)
class Names:
    """A column of names as numbers.

    Attributes:
        codes: Of each row, the place of its name in `names`.
        names: The different names, sorted as bytes, as Spark sorts them.
    """

    codes: Integers
    names: pa.Array

    def __len__(self) -> int:
        """How many different names there are."""
        return len(self.names)


def numbered(column: pa.ChunkedArray | pa.Array) -> Names:
    """A column without nulls as sorted names and their places."""
    encoded = pc.dictionary_encode(_whole(column))
    order = pc.sort_indices(encoded.dictionary)
    places = np.empty(len(order), np.int64)
    places[order.to_numpy(zero_copy_only=False)] = np.arange(len(order))
    return Names(places[encoded.indices.to_numpy(zero_copy_only=False)], encoded.dictionary.take(order))


def numbers(column: pa.ChunkedArray) -> Floats:
    """A column of numbers as floats; nan where it is null."""
    values: Floats = _whole(column).cast(pa.float64()).to_numpy(zero_copy_only=False)
    return values


def flags(column: pa.ChunkedArray) -> Flags:
    """A column of booleans; false where it is null."""
    values: Flags = pc.fill_null(_whole(column), False).to_numpy(zero_copy_only=False)
    return values


def hours_of_day(column: pa.ChunkedArray) -> Integers:
    """The UTC hour (0 to 23) of timestamps."""
    micros = _whole(column).cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy(zero_copy_only=False)
    hours: Integers = micros // _MICROS_PER_HOUR % 24
    return hours


def mixed(codes: Sequence[Integers], sizes: Sequence[int], rows: int) -> Integers:
    """One number for each combination of codes, in their order (mixed radix); zeros where there are none."""
    key = np.zeros(rows, np.int64)
    for code, size in zip(codes, sizes, strict=True):
        key = key * max(size, 1) + code
    return key


def distinct_by_group(groups: Integers, members: Integers, *, size: int, among: int) -> Integers:
    """How many different members each group has.

    Args:
        groups: Of each row, its group, 0 to `size` - 1.
        members: Of each row, its member, 0 to `among` - 1.
        size: Number of groups.
        among: Number of members.
    """
    pairs = np.unique(groups * max(among, 1) + members)
    return np.bincount(pairs // max(among, 1), minlength=size)


def distinct_of_ascending(groups: Integers, members: Integers, *, size: int) -> Integers:
    """`distinct_by_group` of rows that are in the order of their members."""
    order = stable_order(groups, size=size)
    group, member = groups[order], members[order]
    is_first = (np.diff(group, prepend=-1) != 0) | (np.diff(member, prepend=-1) != 0)
    return np.bincount(group[is_first], minlength=size)


def percentile_by_group(groups: Integers, values: Floats, *, share: float, size: int) -> Floats:
    """Percentile of the values of each group, between neighbours by linear interpolation; nan where it has none.

    The definition is that of SQL's `percentile_cont`; rows whose value is nan are left out.
    """
    there = np.flatnonzero(np.isfinite(values))
    ascending = there[np.argsort(values[there], kind="stable")]
    return percentile_of_ascending(groups[ascending], values[ascending], share=share, size=size)


def percentile_of_ascending(groups: Integers, values: Floats, *, share: float, size: int) -> Floats:
    """`percentile_by_group` of rows that are in the order of their values, none of them nan."""
    ordered = values[stable_order(groups, size=size)]
    counts = np.bincount(groups, minlength=size)
    found = np.full(size, np.nan)
    some = counts > 0
    place = share * (counts[some] - 1)
    below = np.floor(place).astype(np.int64)
    first = (np.cumsum(counts) - counts)[some]
    low = ordered[first + below]
    high = ordered[first + np.ceil(place).astype(np.int64)]
    found[some] = low + (high - low) * (place - below)
    return found


def stable_order(codes: Integers, *, size: int) -> Integers:
    """The order of the codes (0 to `size` - 1), equal ones as they stand: by radix, 16 bits at a time."""
    order = np.argsort(codes.astype(np.uint16), kind="stable")
    for shift in range(16, max(size - 1, 1).bit_length(), 16):
        order = order[np.argsort((codes[order] >> shift).astype(np.uint16), kind="stable")]
    return order


def sum_by_group(groups: Integers, values: Floats | Flags, *, size: int) -> Floats:
    """Sum of the values of each group; nan counts as nothing."""
    weights = np.nan_to_num(values) if values.dtype == np.float64 else values
    sums = np.bincount(groups, weights=weights, minlength=size)
    return sums.astype(np.float64)


def ratio(part: Floats, whole: Floats) -> Floats:
    """Divide part by whole; nan where the whole is nothing."""
    quotient: Floats = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return quotient


def table_of(columns: Mapping[str, Any], schema: pa.Schema) -> pa.Table:
    """The columns in the schema's order and types."""
    return pa.table([pa.array(columns[field.name]).cast(field.type) for field in schema], schema=schema)


def _whole(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    if isinstance(column, pa.ChunkedArray):
        return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    return column

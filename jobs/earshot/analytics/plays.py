"""Plays of one task as NumPy arrays: names become numbers, so that grouping and ranking are sorts of integers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from earshot.core.arrow_columns import coded, distinct, micros, opens

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_MICROS_PER_HOUR: Final = 3_600_000_000
_DENSE_FLAGS: Final = 32
_SMALL: Final = 10_000
_UPPER: Final = 0.3
"""The part of all values among which those of high percentiles are looked for first."""
_LARGEST_KEY: Final = 2.0**62
_DENSE: Final = 8
"""So many possible keys for each row are counted in a table of all of them, more are sorted."""
_FEWER: Final = 3
"""Where one array has so many times as many keys as the other, those of the shorter one are looked up in it."""


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


def numbered(column: pa.ChunkedArray | pa.Array, *, missing: str | None = None) -> Names:
    """A column as sorted names and their places.

    Args:
        column: Texts, plain or as dictionary arrays.
        missing: The name of what is null; there must be nothing null without it.
    """
    codes, names = coded(column, missing=missing)
    used = np.bincount(codes, minlength=len(names)) > 0
    order = pc.sort_indices(names).to_numpy(zero_copy_only=False)
    order = order[used[order]]
    places = np.empty(len(names), np.int64)
    places[order] = np.arange(len(order))
    return Names(places[codes], names.take(pa.array(order)))


def hours_of_day(column: pa.ChunkedArray) -> Integers:
    """The UTC hour (0 to 23) of timestamps."""
    hours: Integers = micros(column) // _MICROS_PER_HOUR % 24
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
    among = max(among, 1)
    keys = groups * among + members
    if size * among <= _DENSE_FLAGS * len(keys):
        is_there = np.zeros(size * among, np.bool_)
        is_there[keys] = True
        counts: Integers = is_there.reshape(size, among).sum(axis=1, dtype=np.int64)
        return counts
    return np.bincount(distinct(keys) // among, minlength=size)


def summed_keys(keys: Integers, *values: Integers) -> tuple[Integers, ...]:
    """The different keys in their order, and of each the sums of the values."""
    order = np.argsort(keys)
    ascending = keys[order]
    first = np.flatnonzero(opens(ascending))
    return ascending[first], *(np.add.reduceat(column[order], first) if len(first) else column[:0] for column in values)


def sums_of_keys(
    keys: Integers, first: Integers, second: Integers, *, size: int
) -> tuple[Integers, Integers, Integers]:
    """The different keys (0 to `size` - 1) in their order, and of each the sums of two positive values."""
    if size > _DENSE * len(keys):
        found, of_first, of_second = summed_keys(keys, first, second)
        return found, of_first, of_second
    sums = [np.bincount(keys, weights=values, minlength=size) for values in (first, second)]
    found = np.flatnonzero(sums[0])
    return found, sums[0][found].astype(np.int64), sums[1][found].astype(np.int64)


def places_of(keys: Integers, ascending: Integers) -> tuple[Integers, Flags]:
    """Where each key (in their order, too) stands among these, or would stand, and whether it does."""
    if len(keys) == len(ascending) and np.array_equal(keys, ascending):
        return np.arange(len(keys)), np.ones(len(keys), np.bool_)
    if len(keys) > _FEWER * len(ascending):
        after = np.bincount(np.searchsorted(keys, ascending, side="right"), minlength=len(keys) + 1)
        at: Integers = np.cumsum(after[:-1])
    else:
        at = np.searchsorted(ascending, keys)
    there = np.zeros(len(keys), np.bool_)
    inside = int(np.searchsorted(at, len(ascending)))
    np.equal(ascending[at[:inside]], keys[:inside], out=there[:inside])
    return at, there


def with_further(values: Integers, at: Integers, is_new: Flags, further: Integers) -> Integers:
    """Values by ascending key, and of further ones those that are new, put in where `places_of` says."""
    return np.insert(values, at[is_new], further[is_new]) if is_new.any() else values


def is_among(keys: Integers, ascending: Integers) -> Flags:
    """Whether each key is among these, which are in their order."""
    if not len(ascending):
        return np.zeros(len(keys), np.bool_)
    found: Flags = ascending[np.minimum(np.searchsorted(ascending, keys), len(ascending) - 1)] == keys
    return found


def counted_keys(keys: Integers, *, size: int) -> tuple[Integers, Integers]:
    """The different keys (0 to `size` - 1) in their order, and how often each is there."""
    if size > _DENSE * len(keys):
        return np.unique(keys, return_counts=True)
    counts = np.bincount(keys, minlength=size)
    found = np.flatnonzero(counts)
    return found, counts[found]


def renumbered(keys: Integers) -> tuple[Integers, Integers]:
    """The different keys (none negative) in their order, and the place of each key among them."""
    largest = int(keys.max(initial=0))
    if largest > max(_DENSE * len(keys), _SMALL):
        return np.unique(keys, return_inverse=True)
    is_there = np.zeros(largest + 1, np.bool_)
    is_there[keys] = True
    return np.flatnonzero(is_there), (np.cumsum(is_there) - 1)[keys]


def percentile_by_group(groups: Integers, values: Floats, *, share: float, size: int) -> Floats:
    """Percentile of the values of each group, between neighbours by linear interpolation; nan where it has none.

    The definition is that of SQL's `percentile_cont`; rows whose value is nan are left out.
    """
    return percentiles_by_group(groups, values, shares=(share,), size=size)[0]


def percentiles_by_group(groups: Integers, values: Floats, *, shares: Sequence[float], size: int) -> list[Floats]:
    """`percentile_by_group` for several shares of the same values."""
    there = np.isfinite(values)
    groups, values = groups[there], values[there]
    counts = np.bincount(groups, minlength=size)
    ascending = _ascending_by_group(groups, values, size)
    return [_percentile(ascending, counts, share) for share in shares]


def percentile_of_ascending(groups: Integers, values: Floats, *, share: float, size: int) -> Floats:
    """`percentile_by_group` of rows that are in the order of their values, none of them nan.

    Of a high percentile most groups need their largest values only: rows below the largest third are looked at
    where that does not hold.
    """
    counts = np.bincount(groups, minlength=size)
    upper = int(len(values) * (1 - _UPPER)) if share >= 1 - _UPPER / 2 else 0
    high = groups[upper:]
    there = np.bincount(high, minlength=size)
    is_short = there < counts - np.floor(share * np.maximum(counts - 1, 0)).astype(np.int64)
    found = _percentile(values[upper:][stable_order(high, size=size)], there, share, missing=counts - there)
    if upper and is_short.any():
        rows = np.flatnonzero(is_short[groups])
        exact = _percentile(values[rows][stable_order(groups[rows], size=size)], np.where(is_short, counts, 0), share)
        found = np.where(is_short, exact, found)
    return found


def _ascending_by_group(groups: Integers, values: Floats, size: int) -> Floats:
    """The values, ascending within each group; whole numbers as one key with their group, which sorts quickly."""
    low = values.min(initial=0)
    width = float(values.max(initial=low)) - low + 1
    if width * max(size, 1) > _LARGEST_KEY or np.any(values != np.rint(values)):
        return values[np.lexsort((values, groups))]
    keys = np.sort(groups * int(width) + (values - low).astype(np.int64))
    ascending: Floats = (keys % int(width)).astype(np.float64) + low
    return ascending


def _percentile(ordered: Floats, counts: Integers, share: float, *, missing: Integers | None = None) -> Floats:
    """Of each group: its values stand together, ascending, and `counts` says how many there are.

    Args:
        ordered: The values.
        counts: How many each group has.
        share: 0 to 1.
        missing: How many smaller values of each group are left out; none matters that is.
    """
    found = np.full(len(counts), np.nan)
    below = np.zeros_like(counts) if missing is None else missing
    place = share * (counts + below - 1)
    some = np.flatnonzero((counts > 0) & (np.floor(place) >= below))
    place, before = place[some], np.floor(place[some]).astype(np.int64)
    first = (np.cumsum(counts) - counts - below)[some]
    low = ordered[first + before]
    high = ordered[first + np.ceil(place).astype(np.int64)]
    found[some] = low + (high - low) * (place - before)
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


def starts_of_hours(day: date, hours: Integers) -> pa.Array:
    """The moments at which hours of a UTC day begin."""
    starts = np.datetime64(day, "us") + hours * np.timedelta64(_MICROS_PER_HOUR, "us")
    return pa.array(starts).cast(pa.timestamp("us", "UTC"))


def table_of(columns: Mapping[str, Any], schema: pa.Schema) -> pa.Table:
    """The columns in the schema's order and types; floats that are nan are null."""
    return pa.table([_column(columns[field.name], field.type) for field in schema], schema=schema)


def _column(values: Any, kind: pa.DataType) -> pa.Array | pa.ChunkedArray:
    if isinstance(values, np.ndarray):
        absent = np.isnan(values) if values.dtype == np.float64 else None
        return pa.array(values, mask=absent).cast(kind)
    return (values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values)).cast(kind)

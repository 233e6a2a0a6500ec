"""Counts in buckets whose bounds grow by one percent: a quantile sketch that adds up, in whatever order.

Masson, Rim and Lee, "DDSketch: A Fast and Fully-Mergeable Quantile Sketch with Relative-Error Guarantees", VLDB 2019:
bucket b holds the values in (g^(b-1), g^b] with g = 1.01, and stands for 2 g^b / (g + 1), which is within
(g - 1) / (g + 1) = 0.4975 % of each of them. The bounds are fixed, so a sketch is a function of the values alone: of
neither their order nor how they were split (docs/decisions/0018).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from earshot.core.arrow_columns import opens

GAMMA: Final = 1.01
RELATIVE_ERROR: Final = (GAMMA - 1) / (GAMMA + 1)
ZERO: Final = -(2**31)
"""The bucket of 0; values below it count as 0."""

MAP: Final = pa.map_(pa.int32(), pa.int64())
"""A sketch at rest: bucket to count, in the order of the buckets."""

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


def buckets_of(values: Floats) -> Integers:
    """The bucket of each value (none nan or infinite)."""
    found = np.full(len(values), ZERO, np.int64)
    positive = values > 0
    found[positive] = np.ceil(np.log(values[positive]) / math.log(GAMMA)).astype(np.int64)
    return found


def values_of(buckets: Integers) -> Floats:
    """The value that each bucket stands for."""
    powers = np.where(buckets == ZERO, 0, buckets).astype(np.float64)
    return np.where(buckets == ZERO, 0.0, 2 * GAMMA**powers / (GAMMA + 1))


@dataclass(frozen=True)
class Sketches:
    """A sketch for each of several groups.

    Attributes:
        size: Number of groups.
        group: Of each entry, its group, ascending.
        bucket: Its bucket, ascending within a group; no two entries share both.
        count: How many values are in it, more than none.
    """

    size: int
    group: Integers
    bucket: Integers
    count: Integers

    @classmethod
    def of(cls, groups: Integers, values: Floats, *, size: int) -> Self:
        """Sketches of the values of each group (0 to `size` - 1); nan and infinite ones are left out."""
        there = np.isfinite(values)
        buckets = buckets_of(values[there])
        low = buckets[buckets != ZERO].min(initial=0)
        width = int(buckets.max(initial=low) - low) + 2
        keys, count = np.unique(groups[there] * width + np.maximum(buckets - low + 1, 0), return_counts=True)
        bucket = np.where(keys % width == 0, ZERO, keys % width + low - 1)
        return cls(size, keys // width, bucket, count)

    @classmethod
    def of_maps(cls, maps: pa.ChunkedArray | pa.Array) -> Self:
        """The sketches of a column (`MAP`), a group a row; a null is one without values."""
        whole = pa.concat_arrays(maps.chunks) if isinstance(maps, pa.ChunkedArray) and maps.num_chunks else maps
        if isinstance(whole, pa.ChunkedArray):
            nothing = np.zeros(0, np.int64)
            return cls(0, nothing, nothing, nothing)
        filled = whole.cast(MAP).fill_null([]) if whole.null_count else whole.cast(MAP)
        ends = np.asarray(filled.offsets).astype(np.int64)
        rows = np.repeat(np.arange(len(filled)), np.diff(ends))
        part = slice(int(ends[0]), int(ends[-1]))
        return cls._summed(rows, _integers(filled.keys[part]), _integers(filled.items[part]), len(filled))

    def regrouped(self, groups: Integers, *, size: int) -> Self:
        """The sketches added up: what was group n is part of group `groups[n]` (0 to `size` - 1)."""
        return self._summed(groups[self.group], self.bucket, self.count, size)

    @property
    def totals(self) -> Integers:
        """How many values each group has."""
        totals = np.zeros(self.size, np.int64)
        np.add.at(totals, self.group, self.count)
        return totals

    def quantile(self, share: float) -> Floats:
        """The quantile of each group, between neighbours by linear interpolation; nan of no values.

        It is within `RELATIVE_ERROR` of what SQL's `percentile_cont` says of the same values: that lies between two
        of them, in the same place between the two estimates.
        """
        totals = self.totals
        found, some = np.full(self.size, np.nan), totals > 0
        last = np.cumsum(self.count)
        before = (np.cumsum(totals) - totals)[some]
        place = share * (totals[some] - 1)
        below = np.floor(place).astype(np.int64)
        low = values_of(self.bucket[np.searchsorted(last, before + below, side="right")])
        above = np.ceil(place).astype(np.int64)
        high = values_of(self.bucket[np.searchsorted(last, before + above, side="right")])
        found[some] = low + (high - low) * (place - below)
        return found

    def maps(self) -> pa.Array:
        """The sketches as a column (`MAP`); null of no values."""
        entries = np.bincount(self.group, minlength=self.size)
        ends = np.concatenate([[0], np.cumsum(entries)]).astype(np.int32)
        offsets = pa.array(ends, mask=np.append(entries == 0, False))
        return pa.MapArray.from_arrays(offsets, pa.array(self.bucket.astype(np.int32)), pa.array(self.count))

    @classmethod
    def _summed(cls, group: Integers, bucket: Integers, count: Integers, size: int) -> Self:
        order = np.lexsort((bucket, group))
        group, bucket, count = group[order], bucket[order], count[order]
        first = np.flatnonzero(opens(group) | opens(bucket))
        return cls(size, group[first], bucket[first], np.add.reduceat(count, first) if len(first) else count)


def _integers(column: Any) -> Integers:
    values: Integers = column.to_numpy(zero_copy_only=False).astype(np.int64)
    return values

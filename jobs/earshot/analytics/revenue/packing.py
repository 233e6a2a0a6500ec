"""Sums of fractions as bytes, so that a row carries what it counts for every denominator."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from earshot.analytics.plays import Integers
from earshot.analytics.revenue.rounding import Weights, summed, totals

_PAIR: Final = 16
"""Bytes of a fraction: denominator and numerator, eight each."""

_SMALL: Final = 1_000_000


def packed(weights: Weights, *, parts: int) -> pa.BinaryArray:
    """Of each part (0 to `parts` - 1) its fractions, added up by denominator; zeros are left out."""
    there = weights.numerator > 0
    part, numerator, denominator = (one[there] for one in (weights.part, weights.numerator, weights.denominator))
    denominators, code = _numbered(denominator)
    if len(denominators) <= 1:
        sums = totals(part, numerator, size=parts)
        part, code = np.flatnonzero(sums), np.zeros(1, np.int64)
        numerator = sums[part]
    else:
        keys, numerator = summed(part * len(denominators) + code, numerator)
        part, code = np.divmod(keys, len(denominators))
    pairs = np.empty((len(part), 2), np.int64)
    pairs[:, 0] = denominators[code] if len(denominators) else 1
    pairs[:, 1] = numerator
    ends = np.zeros(parts + 1, np.int32)
    np.cumsum(np.bincount(part, minlength=parts) * _PAIR, out=ends[1:])
    return pa.Array.from_buffers(pa.binary(), parts, [None, pa.py_buffer(ends), pa.py_buffer(pairs)])


def _numbered(values: Integers) -> tuple[Integers, Integers]:
    """The different values in order, and the place of each value among them; values that are small need no sort."""
    if not len(values):
        return values, values
    if int(values.max()) > _SMALL:
        return np.unique(values, return_inverse=True)
    is_there = np.bincount(values) > 0
    return np.flatnonzero(is_there), (np.cumsum(is_there) - 1)[values]


def unpacked(lists: pa.ListArray) -> Weights:
    """What `packed` wrote; part is the row of the list. Denominators of a part may repeat."""
    values = lists.flatten()
    lengths = pc.binary_length(values).to_numpy(zero_copy_only=False).astype(np.int64)
    rows = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False)
    _, offsets, data = values.buffers()
    if data is None or not len(values):
        nothing = np.zeros(0, np.int64)
        return Weights(nothing, nothing, nothing)
    first, last = np.frombuffer(offsets, np.int32)[[values.offset, values.offset + len(values)]]
    pairs = np.frombuffer(data, np.uint8)[first:last].view(np.int64).reshape(-1, 2)
    return Weights(np.repeat(rows.astype(np.int64), lengths // _PAIR), pairs[:, 1], pairs[:, 0])

"""Sums of fractions as bytes, so that a row carries what it counts for every denominator."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from earshot.analytics.revenue.rounding import Weights, added_up

_PAIR: Final = 16
"""Bytes of a fraction: denominator and numerator, eight each."""


def packed(weights: Weights, *, parts: int) -> pa.BinaryArray:
    """Of each part (0 to `parts` - 1) its fractions, added up by denominator; zeros are left out."""
    sums = added_up(weights, parts=parts)
    pairs = np.empty((len(sums.part), 2), np.int64)
    pairs[:, 0] = sums.denominator
    pairs[:, 1] = sums.numerator
    ends = np.zeros(parts + 1, np.int32)
    np.cumsum(np.bincount(sums.part, minlength=parts) * _PAIR, out=ends[1:])
    return pa.Array.from_buffers(pa.binary(), parts, [None, pa.py_buffer(ends), pa.py_buffer(pairs)])


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

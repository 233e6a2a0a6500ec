"""Columns of Arrow as NumPy arrays: numbers, flags and times, and names as numbers."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

TIME: Final = pa.timestamp("us", "UTC")


def coded(column: pa.ChunkedArray | pa.Array, *, missing: str | None = None) -> tuple[Integers, pa.Array]:
    """A column as numbers, and the names that they stand for: in no order, some of them perhaps unused.

    Args:
        column: Texts, plain or as dictionary arrays.
        missing: The name of what is null; there must be nothing null without it.
    """
    encoded = _encoded(column)
    names, codes = encoded.dictionary, encoded.indices
    if codes.null_count and missing is not None:
        place = names.index(missing).as_py()
        names = pa.concat_arrays([names, pa.array([missing], names.type)]) if place < 0 else names
        codes = codes.fill_null(place if place >= 0 else len(names) - 1)
    return codes.to_numpy(zero_copy_only=False).astype(np.int64), names


def numbers(column: pa.ChunkedArray) -> Floats:
    """A column of numbers as floats; nan where it is null."""
    values: Floats = _whole(column).cast(pa.float64()).to_numpy(zero_copy_only=False)
    return values


def flags(column: pa.ChunkedArray) -> Flags:
    """A column of booleans; false where it is null."""
    values: Flags = pc.fill_null(_whole(column), False).to_numpy(zero_copy_only=False)
    return values


def micros(column: pa.ChunkedArray) -> Integers:
    """Timestamps (none null) as microseconds since 1970."""
    found: Integers = _whole(column).cast(TIME).view(pa.int64()).to_numpy(zero_copy_only=False)
    return found


def is_in(column: pa.ChunkedArray | pa.Array, values: Collection[str]) -> Flags:
    """Whether the text is one of these; false where it is null."""
    codes, names = coded(column, missing="")
    wanted = frozenset(values)
    which = np.array([name in wanted for name in names.to_pylist()], np.bool_)
    found: Flags = which[codes]
    return found


def places_in(names: pa.Array, kept: pa.Array) -> Integers:
    """Of each name its place among those that are kept; -1 where it is none of them."""
    found: Integers = pc.index_in(names, value_set=kept).fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return found


def distinct(keys: Integers) -> Integers:
    """The different keys in their order; np.unique hashes them, which takes many times as long."""
    ascending = np.sort(keys)
    found: Integers = ascending[opens(ascending)]
    return found


def opens(codes: NDArray[np.integer[Any]]) -> Flags:
    """Where another number begins than stood before: at the first, too."""
    found = np.ones(len(codes), np.bool_)
    np.not_equal(codes[1:], codes[:-1], out=found[1:])
    return found


def _encoded(column: pa.ChunkedArray | pa.Array) -> pa.DictionaryArray:
    if isinstance(column, pa.ChunkedArray) and pa.types.is_dictionary(column.type) and column.num_chunks > 1:
        column = column.unify_dictionaries()
    whole = _whole(column)
    return whole if isinstance(whole, pa.DictionaryArray) else pc.dictionary_encode(whole)


def _whole(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    if isinstance(column, pa.ChunkedArray):
        return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    return column

"""Columns of few values: the set, and what is rare beside it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from earshot.validators.profiling.columns import Bools, ProfiledColumn
from earshot.validators.profiling.findings import Finding, about_values
from earshot.validators.profiling.missing import stand_ins

_FEW, _ROWS_A_FEW = 12, 20
_MOST_VALUES, _ROWS_A_VALUE = 60, 100
_GAP = 25
_STRAY, _STRAY_COUNT = 0.01, 2


def find_sets(column: ProfiledColumn) -> Iterator[Finding]:
    """The values of a category; those that stand far below its rarest are outside."""
    if not column.is_text or not column.filled:
        return
    missing = stand_ins(column)
    stray = _strays(column, missing) | missing
    if len(stray) - stray.sum() > _MOST_VALUES:
        return
    kept = sorted(value for value, out in zip(column.values, stray, strict=True) if not out)
    rows = _ROWS_A_FEW if len(kept) <= _FEW else _ROWS_A_VALUE
    if column.filled < rows * len(kept) or column.number_share > 0:
        return
    yield about_values(
        column,
        "set",
        "expect_column_values_to_be_in_set",
        stray,
        kwargs={"value_set": kept},
        description=f"{column.name} is one of {len(kept)} values."
        if len(kept) > 1
        else f"{column.name} is {kept[0]!r}.",
        confidence=0.85,
        seen={"values": len(kept)},
    )


def _strays(column: ProfiledColumn, missing: Bools) -> Bools:
    """Values of one or two rows, where every other value has many times as many."""
    rare = (column.counts <= _STRAY_COUNT) & ~missing
    usual = ~rare & ~missing
    if not rare.any() or not usual.any() or column.share(rare) > _STRAY:
        return np.zeros_like(rare)
    return rare if column.counts[usual].min() >= _GAP * column.counts[rare].max() else np.zeros_like(rare)

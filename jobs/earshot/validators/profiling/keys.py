"""Columns that tell rows apart."""

from __future__ import annotations

from collections.abc import Iterator

from earshot.validators.profiling.columns import ProfiledColumn
from earshot.validators.profiling.findings import NOBODY, Finding

_NEARLY = 0.998
_LEAST_ROWS = 20
_CODE = r"^[^\s.]{1,64}$"


def find_keys(column: ProfiledColumn) -> Iterator[Finding]:
    """That no value comes twice, where hardly one does: of codes and whole numbers, not of texts or measures."""
    if column.rows < _LEAST_ROWS or column.filled < column.rows or column.is_nested:
        return
    once = float((column.counts == 1).sum()) / column.rows
    if once < _NEARLY or not column.matching(_CODE).all():
        return
    repeated = column.counts > 1
    yield Finding(
        "unique",
        column.name,
        "expect_column_values_to_be_unique",
        {},
        f"No {column.name} comes twice.",
        confidence=round(once, 3),
        support=column.filled,
        unexpected=column.rows_of(repeated) if repeated.any() else NOBODY,
        seen={"once": round(once, 4)},
    )

"""Where a value is missing: nulls, and texts that stand for one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from earshot.validators.profiling.columns import Bools, ProfiledColumn
from earshot.validators.profiling.findings import Finding, about_values

# What spreadsheets, databases and pandas write for a missing value, folded to lower case.
MARKERS = frozenset(
    (
        *"n/a na n.a. n.a #n/a #na <na> null nil nan -nan none missing undefined tbd".split(),
        *("?", "??", "???", "-", "--", "---", ".", "(null)", "(none)", "[null]", "\\n", "#ref!", "#value!", "#div/0!"),
        *("#name?", "#null!", "not available", "not applicable", "no value"),
    )
)

_NEARLY = 0.93
_COMMON = 0.5
_FEW, _SOME, _ON_PURPOSE = 100, 5, 0.9
_CODE = "^[A-Z]{2}$"


def find_missing(column: ProfiledColumn, others: Sequence[ProfiledColumn] = ()) -> Iterator[Finding]:
    """That values are there, and that no text stands in for one.

    Args:
        column: The column.
        others: Those whose values may say why it is empty.
    """
    share = column.filled_share
    if share > 0:
        wanted = share >= _NEARLY and not any(_explains(other, column) for other in others)
        yield Finding(
            "filled",
            column.name,
            "expect_column_values_to_not_be_null",
            {},
            f"{column.name} has a value{'' if wanted else f' in {share:.1%} of the rows'}.",
            confidence=round(share, 3) if wanted else 0.0,
            support=column.rows,
            unexpected=column.null_rows,
            cells=None if wanted else column.null_rows[:0],
            seen={"filled": round(share, 4)},
        )
    if column.is_text:
        yield from _markers(column)


def _explains(other: ProfiledColumn, column: ProfiledColumn) -> bool:
    """Whether a column is empty where another one has a certain value, and there only: empty on purpose."""
    empty = column.codes < 0
    if other is column or not 1 < len(other.values) <= _FEW or empty.sum() < _SOME:
        return False
    gaps = np.bincount(other.codes[empty & (other.codes >= 0)], minlength=len(other.values))
    purposely = gaps >= _ON_PURPOSE * other.counts
    return bool(gaps[purposely].sum() >= _ON_PURPOSE * empty.sum())


def stand_ins(column: ProfiledColumn) -> Bools:
    """The values that stand for a missing one; none where most do, or where they are codes of their own."""
    folded = pc.utf8_lower(pc.utf8_trim_whitespace(column.texts))
    marks: Bools = pc.is_in(folded, pa.array(sorted(MARKERS))).to_numpy(zero_copy_only=False)
    own = column.share(marks) > _COMMON or all(_may_be_a_code(value, column) for value in _chosen(column, marks))
    return np.zeros_like(marks) if own else marks


def _markers(column: ProfiledColumn) -> Iterator[Finding]:
    marks = stand_ins(column)
    if marks.any():
        yield about_values(
            column,
            "no_stand_in",
            "expect_column_values_to_not_be_in_set",
            marks,
            kwargs={"value_set": _chosen(column, marks)},
            description=f"No text stands for a missing {column.name}.",
            confidence=0.95,
            seen={"share": round(column.share(marks), 4)},
        )


def _chosen(column: ProfiledColumn, marks: Bools) -> list[str]:
    return sorted(column.texts.filter(pa.array(marks)).to_pylist())


def _may_be_a_code(value: str, column: ProfiledColumn) -> bool:
    """NA is Namibia's code, and None a name, where most values look alike."""
    return re.match(_CODE, value) is not None and column.share(column.matching(_CODE)) > _COMMON

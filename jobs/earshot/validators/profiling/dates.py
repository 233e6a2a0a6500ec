"""Dates whose order of day, month and year cannot be told."""

from __future__ import annotations

import re
from collections.abc import Iterator

from earshot.validators.profiling.columns import ProfiledColumn
from earshot.validators.profiling.findings import Finding, about_values

_SHORT_DATE = "^ *[0-9]{1,2}[/.-][0-9]{1,2}[/.-][0-9]{2} *$"
_DATES = 0.9

# Three numbers of at most two digits that are a date with the year last, and another one with the year first.
AMBIGUOUS = r"^ *(0?[1-9]|1[0-2])[/.-](0?[1-9]|1[0-2])[/.-](0[1-9]|[12][0-9]|3[01]) *$"


def find_dates(column: ProfiledColumn) -> Iterator[Finding]:
    """In a column of dates with years of two digits: those that are dates in more than one order."""
    if not column.is_text or column.share(column.matching(_SHORT_DATE)) < _DATES:
        return
    twofold = re.compile(AMBIGUOUS)
    hit = column.where(lambda value: twofold.match(value) and not _same_anyway(value))
    if hit.any():
        yield about_values(
            column,
            "one_order",
            "expect_column_values_to_not_match_regex",
            column.where(twofold.match),
            kwargs={"regex": AMBIGUOUS},
            description=f"{column.name} can be read in one order of day, month and year only.",
            confidence=0.6,
            cells=column.rows_of(hit),
            seen={"share": round(column.share(hit), 4)},
        )


def _same_anyway(value: str) -> bool:
    """Whether it is the same date in every order: all three numbers equal."""
    return len({int(number) for number in re.findall(r"[0-9]+", value)}) == 1

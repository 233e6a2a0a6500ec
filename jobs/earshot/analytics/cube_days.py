"""Which days of the cube change because the span of all plays did: hours are due up to the newest play of all."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from typing import Final

from earshot.core import columns as c
from earshot.core.table_history import TableHistory

CUBE: Final = "gold.activity_cube"
LISTENS: Final = "silver.listens"

_DAY: Final = timedelta(days=1)
_SPAN: Final = "span"
_LAST_HOUR: Final = 23


def days_between(first: date, last: date) -> frozenset[date]:
    """Every day from the first to the last, both included; none where the first is later."""
    return frozenset(first + timedelta(days=offset) for offset in range((last - first).days + 1))


def spanned(existing: Collection[date]) -> dict[str, object]:
    """What a commit of the cube says of the plays it was built from: their first and last day."""
    return {_SPAN: [min(existing).isoformat(), max(existing).isoformat()] if existing else []}


def days_that_became_due(root: str, existing: Collection[date]) -> frozenset[date]:
    """Days whose zeros were not due when the cube was built, or are not due any more.

    A series has a zero for an hour without plays only where plays follow it; with newer plays the last
    day gets its missing hours and the days after it their zeros, and when the newest plays are erased
    these go again. The same holds for the days before the first play.

    Args:
        root: Root of the lake.
        existing: Days that have plays now.
    """
    before = _span_before(TableHistory(root, CUBE))
    if before is None:
        return frozenset()
    if not existing:
        return days_between(*before)
    (first_before, last_before), first, last = before, min(existing), max(existing)
    gone = days_between(first_before, first - _DAY)
    if last < last_before:
        gone |= days_between(last, last_before)
    if last <= last_before:
        return gone
    latest = TableHistory(root, LISTENS).latest(c.STARTED_AT, last_before)
    is_whole = latest is not None and latest.hour == _LAST_HOUR
    return gone | days_between(last_before + _DAY if is_whole else last_before, last)


def _span_before(cube: TableHistory) -> tuple[date, date] | None:
    for change in cube.changes():
        if isinstance(told := change.metadata.get(_SPAN), list):
            return (date.fromisoformat(told[0]), date.fromisoformat(told[1])) if told else None
    built = cube.days()
    return (min(built), max(built)) if built else None

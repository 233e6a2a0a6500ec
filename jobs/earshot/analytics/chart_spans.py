"""Which days the memos of charts are made of: the longer ago, the more of them together."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from earshot.analytics.chart_periods import Period, periods_of

_DAY: Final = timedelta(days=1)
_SETTLED: Final = timedelta(days=7)
_LATE: Final = timedelta(days=3)
_MONTHS_OF_A_QUARTER: Final = 3


@dataclass(frozen=True, order=True)
class Span:
    """Days that follow one another.

    Attributes:
        first: The first one; `date.min` where it is every day there ever was.
        until: The last one.
    """

    first: date
    until: date

    def of(self, days: Collection[date]) -> list[date]:
        """Those of these days that lie in it, in their order."""
        return sorted(day for day in days if self.first <= day <= self.until)


def ever(until: date) -> Span:
    """Every day there ever was up to this one."""
    return Span(date.min, until)


def settled_days(days: Collection[date]) -> list[date]:
    """Up to which days all plays are remembered: the end of the last month over for a week, and of a quarter before.

    The end of the quarter serves where late plays, verdicts or erasures concern the days after it.

    Args:
        days: Those that have plays.
    """
    month = (max(days) - _SETTLED).replace(day=1)
    before = _month_before(month)
    quarter = before.replace(month=(before.month - 1) // _MONTHS_OF_A_QUARTER * _MONTHS_OF_A_QUARTER + 1)
    return [first - _DAY for first in (quarter, month) if first > min(days)]


def settled_before(days: Collection[date]) -> list[date]:
    """The last of `settled_days` as it was a month ago: a new one is made from it."""
    before = _month_before((max(days) - _SETTLED).replace(day=1))
    return [before - _DAY] if before > min(days) else []


def weeks(days: Sequence[date]) -> dict[Span, list[date]]:
    """Days by week; one that two months share is in two parts.

    Args:
        days: In their order.
    """
    found: dict[Span, list[date]] = {}
    for day in days:
        _, week, month, _ = periods_of(day)
        first = max(week.start, month.start)
        last = min(week.days[-1], month.days[-1])
        found.setdefault(Span(first, last), []).append(day)
    return found


def is_over(week: Span, newest: date) -> bool:
    """Whether hardly any play of a week will still come."""
    return week.until + _LATE < newest


def open_periods(newest: date) -> dict[str, Period]:
    """The week, the month and all time up to the newest day, by kind."""
    return {period.kind: period for period in periods_of(newest)[1:]}


def _month_before(first: date) -> date:
    return (first - _DAY).replace(day=1)

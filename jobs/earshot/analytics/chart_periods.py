"""The periods of the charts: UTC days, ISO weeks, months and all time."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

KINDS: Final = ("day", "week", "month")
"""The kinds of periods that follow one another."""

ALL_TIME: Final = "all_time"
ALL_TIME_START: Final = date(1970, 1, 1)
"""Stands as `period_start` of all_time, so that an older play does not rename the chart."""

_WEEK: Final = timedelta(days=7)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, order=True)
class Period:
    """A period of the charts.

    Attributes:
        kind: day, week, month or all_time.
        start: Its first day.
    """

    kind: str
    start: date

    @property
    def previous(self) -> Period | None:
        """The period before it; None before all time."""
        match self.kind:
            case "day":
                return Period("day", self.start - _DAY)
            case "week":
                return Period("week", self.start - _WEEK)
            case "month":
                return Period("month", (self.start - _DAY).replace(day=1))
        return None

    @property
    def days(self) -> list[date]:
        """Its days; those of all time are not told."""
        length = {"day": 1, "week": 7, "month": monthrange(self.start.year, self.start.month)[1]}.get(self.kind, 0)
        return [self.start + timedelta(days=n) for n in range(length)]


ALL_TIME_PERIOD: Final = Period(ALL_TIME, ALL_TIME_START)


def periods_of(day: date) -> tuple[Period, ...]:
    """The periods that hold a day."""
    return (
        Period("day", day),
        Period("week", day - timedelta(days=day.weekday())),
        Period("month", day.replace(day=1)),
        ALL_TIME_PERIOD,
    )


def periods_of_days(days: Iterable[date]) -> frozenset[Period]:
    """The periods that hold one of the days."""
    return frozenset(period for day in days for period in periods_of(day))


def days_to_read(periods: Collection[Period], existing: Iterable[date]) -> frozenset[date]:
    """The existing days that lie in the periods."""
    if ALL_TIME_PERIOD in periods:
        return frozenset(existing)
    return frozenset(day for period in periods for day in period.days).intersection(existing)

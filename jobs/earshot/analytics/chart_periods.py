"""The periods of the charts: UTC days, ISO weeks, months and all time."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from earshot.core import columns as c
from earshot.core.tables import days_condition

ALL_TIME_START: Final = date(1970, 1, 1)
"""Stands as `period_start` of all_time, so that an older play does not rename the chart."""

_WEEK: Final = timedelta(days=7)
_DAY: Final = timedelta(days=1)
_LONGEST_MONTH: Final = timedelta(days=31)


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
    def following(self) -> Period | None:
        """The period after it; None after all time."""
        match self.kind:
            case "day":
                return Period("day", self.start + _DAY)
            case "week":
                return Period("week", self.start + _WEEK)
            case "month":
                return Period("month", (self.start + _LONGEST_MONTH).replace(day=1))
        return None

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


def periods_of(day: date) -> tuple[Period, ...]:
    """The periods that hold a day."""
    return (
        Period("day", day),
        Period("week", day - timedelta(days=day.weekday())),
        Period("month", day.replace(day=1)),
        Period("all_time", ALL_TIME_START),
    )


def periods_to_build(days: Iterable[date], existing: Collection[date]) -> frozenset[Period]:
    """The charts that change when these days do: their periods, and the next ones for `previous_rank`.

    Args:
        days: Touched days.
        existing: Days that have plays; a next period without plays has no chart.
    """
    there = {period for day in existing for period in periods_of(day)}
    touched = {period for day in days for period in periods_of(day)}
    return frozenset(touched | {after for period in touched if (after := period.following) in there and after})


def days_to_read(periods: Collection[Period], existing: Iterable[date]) -> frozenset[date]:
    """The existing days that lie in the periods or in those before them."""
    wanted = set(periods) | {before for period in periods if (before := period.previous)}
    return frozenset(day for day in existing if wanted.intersection(periods_of(day)))


def periods_condition(periods: Iterable[Period]) -> str:
    """SQL that holds for rows of these periods."""
    by_kind: dict[str, list[date]] = {}
    for period in sorted(periods):
        by_kind.setdefault(period.kind, []).append(period.start)
    parts = (
        f"({c.PERIOD} = '{kind}' AND {days_condition(c.PERIOD_START, starts)})" for kind, starts in by_kind.items()
    )
    return " OR ".join(parts) or "false"

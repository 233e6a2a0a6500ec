"""Periods: ISO weeks over the end of a year, leap days, and which of them a day touches."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earshot.analytics.chart_periods import ALL_TIME_START, Period, days_to_read, periods_of, periods_of_days

Days = st.dates(date(1995, 1, 1), date(2105, 12, 31))


@pytest.mark.parametrize(
    ("day", "monday"),
    [
        (date(2024, 12, 29), date(2024, 12, 23)),  # Sunday of week 52
        (date(2024, 12, 30), date(2024, 12, 30)),  # week 1 of 2025
        (date(2025, 1, 5), date(2024, 12, 30)),
        (date(2026, 12, 31), date(2026, 12, 28)),  # week 53
        (date(2027, 1, 3), date(2026, 12, 28)),
        (date(2027, 1, 4), date(2027, 1, 4)),
        (date(2028, 2, 29), date(2028, 2, 28)),
    ],
)
def test_a_week_is_that_of_iso_8601(day: date, monday: date) -> None:
    (week,) = (period for period in periods_of(day) if period.kind == "week")
    assert week == Period("week", monday)
    assert week.start.isocalendar()[:2] == day.isocalendar()[:2]


@pytest.mark.parametrize(
    ("period", "before"),
    [
        (Period("day", date(2028, 3, 1)), date(2028, 2, 29)),
        (Period("day", date(2027, 3, 1)), date(2027, 2, 28)),
        (Period("week", date(2024, 12, 30)), date(2024, 12, 23)),
        (Period("week", date(2027, 1, 4)), date(2026, 12, 28)),
        (Period("month", date(2028, 3, 1)), date(2028, 2, 1)),
        (Period("month", date(2027, 1, 1)), date(2026, 12, 1)),
    ],
)
def test_a_period_follows_the_one_directly_before_it(period: Period, before: date) -> None:
    assert period.previous == Period(period.kind, before)


def test_all_time_follows_nothing() -> None:
    assert Period("all_time", ALL_TIME_START).previous is None


@given(day=Days)
def test_every_day_lies_in_its_four_periods_and_not_in_those_before(day: date) -> None:
    for period in periods_of(day):
        if before := period.previous:
            assert before.start < period.start <= day
            assert before in periods_of(period.start - timedelta(days=1))
            assert period not in periods_of(period.start - timedelta(days=1))


def test_the_plays_of_the_periods_are_read_and_no_others() -> None:
    existing = [date(2026, 3, day) for day in (1, 2, 30, 31)] + [date(2026, 4, 1)]
    week_and_day = {period for period in periods_of(date(2026, 3, 31)) if period.kind in ("day", "week")}
    assert days_to_read(week_and_day, existing) == {date(2026, 3, 30), date(2026, 3, 31), date(2026, 4, 1)}
    assert days_to_read(periods_of_days([date(2026, 3, 31)]), existing) == set(existing)  # all time

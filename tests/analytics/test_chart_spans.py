"""Days are remembered by themselves, with their week once it is over, and with all before them once that is settled."""

from __future__ import annotations

from datetime import date, timedelta

from earshot.analytics.chart_periods import Period
from earshot.analytics.chart_spans import Span, ever, is_over, open_periods, settled_before, settled_days, weeks

FEBRUARY = date(2026, 2, 28)


def days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def test_a_week_that_two_months_share_is_in_two_parts() -> None:
    found = weeks(days(date(2026, 3, 28), date(2026, 4, 6)))
    assert list(found) == [
        Span(date(2026, 3, 23), date(2026, 3, 29)),
        Span(date(2026, 3, 30), date(2026, 3, 31)),
        Span(date(2026, 4, 1), date(2026, 4, 5)),
        Span(date(2026, 4, 6), date(2026, 4, 12)),
    ]
    assert [len(of_week) for of_week in found.values()] == [2, 2, 5, 1]


def test_a_week_is_over_when_three_days_have_gone_by() -> None:
    week = Span(date(2026, 3, 9), date(2026, 3, 15))
    assert [is_over(week, date(2026, 3, day)) for day in (15, 18, 19)] == [False, False, True]


def test_a_span_has_the_days_that_lie_in_it() -> None:
    some = [date(2026, 3, 3), date(2026, 3, 1), date(2026, 3, 9)]
    assert Span(date(2026, 3, 1), date(2026, 3, 8)).of(some) == [date(2026, 3, 1), date(2026, 3, 3)]
    assert ever(date(2026, 3, 3)).of([date(1999, 1, 1), *some]) == [
        date(1999, 1, 1),
        date(2026, 3, 1),
        date(2026, 3, 3),
    ]


def test_the_open_periods_are_those_of_the_newest_day() -> None:
    assert open_periods(date(2026, 3, 4)) == {
        "week": Period("week", date(2026, 3, 2)),
        "month": Period("month", date(2026, 3, 1)),
        "all_time": Period("all_time", date(1970, 1, 1)),
    }


def test_what_is_settled_now_is_made_from_what_was_settled_a_month_ago() -> None:
    every = days(date(2025, 11, 1), date(2026, 4, 8))
    assert settled_days(every)[-1] == date(2026, 3, 31)
    assert settled_before(every) == [FEBRUARY] == settled_days(every[:-1])[-1:]
    assert settled_before(days(date(2026, 3, 1), date(2026, 4, 8))) == []

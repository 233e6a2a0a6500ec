"""Holidays and clocks: what is expected of a day in a country."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from earshot.detectors.attribution import detected
from earshot.detectors.calendars import Calendar, aligned
from earshot.detectors.seasonal import SeasonalDetector
from earshot.detectors.series import Dimensions, SeriesMatrix

GERMANY, JAPAN, TOTAL = (("country", "DE"),), (("country", "JP"),), ()
SLICES: tuple[Dimensions, ...] = (TOTAL, GERMANY, JAPAN)
WORKING = np.array([18, 10, 6, 5, 6, 12, 30, 58, 66, 58, 54, 56, 60, 58, 56, 60, 70, 84, 86, 80, 76, 72, 56, 34]) * 20.0
RESTING = np.array([36, 24, 14, 8, 6, 7, 12, 22, 38, 56, 70, 76, 76, 74, 74, 76, 78, 80, 82, 80, 76, 72, 62, 48]) * 20.0


def listening(first: date, days: int, calendar: Calendar, resting: frozenset[date] = frozenset()) -> SeriesMatrix:
    """Two countries that live by their own clocks, and their total; one of days off knows weekends too."""
    chance = np.random.default_rng(4)
    plays = np.zeros((3, days * 24))
    for row, country in ((1, "DE"), (2, "JP")):
        for hour in range(days * 24):
            day = first + timedelta(days=hour // 24)
            local = hour + round(calendar.offset_hours(country, day))
            there = first + timedelta(days=local // 24)
            free = bool(resting) and (hour // 24 + first.weekday()) % 7 >= 5
            rhythm = RESTING if free or (country == "DE" and there in resting) else WORKING
            plays[row, hour] = chance.poisson(rhythm[local % 24])
    plays[0] = plays[1:].sum(axis=0)
    everywhere = np.ones_like(plays, dtype=bool)
    return SeriesMatrix("listens", SLICES, np.datetime64(first), plays, plays.copy(), everywhere, ~everywhere)


def flagged(matrix: SeriesMatrix, day: int) -> set[Dimensions]:
    history = SeriesMatrix(*(getattr(matrix, name) for name in ("metric", "dimensions", "start")), *cut(matrix, day))
    (scores,) = SeasonalDetector().fit([history]).score(matrix, [day])
    return {matrix.dimensions[row] for row in np.flatnonzero(detected(scores, 0.5, 30).any(axis=1))}


def cut(matrix: SeriesMatrix, day: int) -> tuple[np.ndarray, ...]:
    return tuple(getattr(matrix, name)[:, : day * 24] for name in ("values", "volume", "began", "excluded"))


@pytest.mark.parametrize("first", [date(2026, 3, 1), date(2026, 9, 27)], ids=["spring", "autumn"])
def test_the_week_after_the_clocks_change_is_as_expected(first: date) -> None:
    calendar = Calendar()
    matrix = listening(first, 35, calendar)
    changed = 29
    assert GERMANY in flagged(matrix, changed)
    for day in range(changed, changed + 5):
        assert flagged(calendar.mark(matrix), day) == set()


def test_an_outage_after_the_clocks_changed_is_still_found() -> None:
    calendar = Calendar()
    matrix = listening(date(2026, 3, 1), 35, calendar)
    matrix.values[1, 30 * 24 + 9 : 30 * 24 + 13] *= 0.3
    assert GERMANY in flagged(calendar.mark(matrix), 30)


def test_history_before_the_change_is_moved_and_the_total_with_it() -> None:
    calendar = Calendar()
    matrix = calendar.mark(listening(date(2026, 3, 20), 12, calendar))
    moved = aligned(matrix, 10)
    np.testing.assert_array_equal(moved.values[1, :215], matrix.values[1, 1:216])
    np.testing.assert_array_equal(moved.values[2], matrix.values[2])
    np.testing.assert_allclose(moved.values[0, :240], moved.values[1:, :240].sum(axis=0))
    np.testing.assert_array_equal(moved.values[:, 240:], matrix.values[:, 240:])
    assert aligned(matrix, 5) is matrix


LABOUR_DAY = date(2026, 5, 1)


def test_a_holiday_may_look_like_a_sunday_or_like_any_day() -> None:
    first = LABOUR_DAY - timedelta(days=30)
    calendar = Calendar()
    for resting in (frozenset[date](), frozenset({LABOUR_DAY})):
        assert flagged(calendar.mark(listening(first, 31, calendar, resting)), 30) == set()
    rested = listening(first, 31, calendar, frozenset({LABOUR_DAY}))
    assert GERMANY in flagged(Calendar(public=False).mark(rested), 30)


def test_an_outage_on_a_holiday_is_still_found() -> None:
    calendar = Calendar()
    matrix = listening(LABOUR_DAY - timedelta(days=30), 31, calendar, frozenset({LABOUR_DAY}))
    matrix.values[1, 30 * 24 + 9 : 30 * 24 + 15] *= 0.1
    assert GERMANY in flagged(calendar.mark(matrix), 30)


def test_holidays_are_national_and_can_be_added() -> None:
    calendar = Calendar(days_off={"DE": [date(2026, 7, 14)], "*": [date(2026, 11, 28)]})
    assert calendar.is_holiday("DE", LABOUR_DAY)
    assert not calendar.is_holiday("JP", LABOUR_DAY)
    assert calendar.is_holiday("DE", date(2026, 7, 14))
    assert not calendar.is_holiday("JP", date(2026, 7, 14))
    assert calendar.is_holiday("JP", date(2026, 11, 28))
    assert not calendar.is_holiday("unknown", LABOUR_DAY)


def test_a_country_has_the_clock_of_most_of_its_people() -> None:
    calendar = Calendar(zones={"AU": "Australia/Perth"})
    assert calendar.offset_hours("US", date(2026, 1, 5)) == -5
    assert calendar.offset_hours("AU", date(2026, 1, 5)) == 8
    assert Calendar().offset_hours("AU", date(2026, 1, 5)) == 11
    assert np.isnan(calendar.offset_hours("unknown", date(2026, 1, 5)))

"""When the span of all plays changes, so do the zeros of the cube, and of no more days than need it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from earshot.analytics.cube_days import days_that_became_due, spanned
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables


def day(number: int) -> date:
    return date(2026, 3, number)


def built(settings: Settings, *, span: list[int], last_play: int = 12) -> str:
    """A lake whose cube was built from plays of these days; the last one began at this hour."""
    small = SmallTables(settings.lake_root)
    at = datetime(2026, 3, span[-1], last_play, 30, tzinfo=UTC)
    small.append("silver.listens", [{"listen_id": "a", "started_at": at, "listen_date": day(span[-1])}])
    row = {"metric": "listens", "grain": "day", "window_start": at, "value": 1.0, "window_date": day(span[-1])}
    told: dict[str, Any] = dict(spanned([day(number) for number in span]))
    small.overwrite("gold.activity_cube", [row], metadata=told)
    return settings.lake_root


@pytest.mark.parametrize(
    ("before", "now", "due"),
    [
        ([3, 9], [3, 9], []),
        ([3, 9], [3, 9, 10], [9, 10]),
        ([3, 9], [3, 12], [9, 10, 11, 12]),
        ([3, 9], [1, 3, 9], []),
        ([3, 9], [5, 9], [3, 4]),
        ([3, 9], [3, 6], [6, 7, 8, 9]),
        ([3, 9], [], [3, 4, 5, 6, 7, 8, 9]),
    ],
    ids=["same", "next day", "later day", "earlier day", "first days erased", "last days erased", "all erased"],
)
def test_days_become_due_when_plays_follow_and_go_when_they_do_not(
    settings: Settings, before: list[int], now: list[int], due: list[int]
) -> None:
    root = built(settings, span=before)
    assert days_that_became_due(root, [day(number) for number in now]) == {day(number) for number in due}


def test_a_day_that_had_plays_in_its_last_hour_is_not_built_again(settings: Settings) -> None:
    root = built(settings, span=[3, 9], last_play=23)
    assert days_that_became_due(root, [day(3), day(9), day(10)]) == {day(10)}


def test_before_the_first_cube_nothing_is_due(settings: Settings) -> None:
    assert days_that_became_due(settings.lake_root, [day(3)]) == frozenset()

"""Clocks where people are: every second of the year as zoneinfo has it, through summer time and half hours."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import pyarrow as pa
import pytest

from earshot.core.local_time import local_dates, local_seconds, names_a_zone, weekdays_and_hours, zone_of

ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/St_Johns",
]


def _clock(zone: str, seconds: int) -> tuple[int, int]:
    local = datetime.fromtimestamp(seconds, UTC).astimezone(ZoneInfo(zone))
    return local.isoweekday(), local.hour


@pytest.mark.parametrize("zone", ZONES)
def test_weekday_and_hour_are_those_of_the_clock(zone: str) -> None:
    rng = np.random.default_rng(1)
    start, end = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (2026, 2027))
    changes = [int(datetime(2026, month, day, hour, tzinfo=UTC).timestamp()) for month, day, hour in (
        (3, 29, 1), (10, 25, 1), (3, 8, 7), (11, 1, 6), (4, 4, 15), (10, 3, 15), (3, 8, 5), (11, 1, 4),
    )]  # fmt: skip
    near = np.concatenate([at + rng.integers(-4_000, 7_000, 200) for at in changes])
    seconds = np.concatenate([rng.integers(start, end, 1_000), near])
    weekday, hour = weekdays_and_hours(local_seconds(ZoneInfo(zone), seconds))
    expected = [_clock(zone, second) for second in seconds.tolist()]
    assert list(zip(weekday.tolist(), hour.tolist(), strict=True)) == expected


def test_the_day_of_the_change_has_23_or_25_hours() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    for day, hours in (((2026, 3, 29), 23), ((2026, 10, 25), 25), ((2026, 7, 1), 24)):
        midnight = datetime(*day, tzinfo=berlin)
        seconds = int(midnight.timestamp()) + np.arange(hours) * 3_600
        local = local_seconds(berlin, seconds)
        assert len({second // 86_400 for second in local.tolist()}) == 1
        assert local_seconds(berlin, seconds[-1:] + 3_600)[0] // 86_400 == local[0] // 86_400 + 1


def test_what_is_no_zone_is_none_and_harms_nobody() -> None:
    for name in ("Mars/Olympus", "", "../../etc/passwd", "UTC\x00", "Europe", "a" * 3_000):
        assert zone_of(name) is None
    assert local_seconds(ZoneInfo("UTC"), np.array([], np.int64)).tolist() == []


NO_ZONES = ("Factory", "localtime", "posix/Europe/Berlin", "Mars/Olympus_Mons", "+25:00", "", None)


def test_every_zone_of_the_database_tells_its_date_and_what_is_none_that_of_utc() -> None:
    zones = sorted(available_timezones() - {"Factory", "localtime"})
    column = pa.array([*zones, *NO_ZONES], pa.string())
    assert names_a_zone(column).tolist() == [True] * len(zones) + [False] * len(NO_ZONES)
    moment = datetime(2026, 7, 1, tzinfo=UTC)
    seconds = np.full(len(column), int(moment.timestamp()))
    expected = [moment.astimezone(ZoneInfo(zone)).date() for zone in zones]
    assert local_dates(column, seconds).to_pylist() == [*expected, *(date(2026, 7, 1) for _ in NO_ZONES)]
    assert {date(2026, 6, 30), date(2026, 7, 1)} == set(expected)

"""Clocks where people are: offsets from UTC by IANA zone, exact through every change of the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]

SECONDS_PER_DAY: Final = 86_400
_SECONDS_PER_HOUR: Final = 3_600
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@cache
def zone_of(name: str) -> ZoneInfo | None:
    """The zone with this name of the IANA database; None where there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # what the name is may be anybody's text
        return None


def local_seconds(zone: ZoneInfo, seconds: Integers) -> Integers:
    """What the clock showed, as seconds since 1970-01-01 00:00 of that clock.

    The offset is looked up once an hour, and where it changes within one (summer time begins on the half-hour on Lord
    Howe Island) the second of the change is searched: a year costs 8,760 look-ups, however many plays there are.

    Args:
        zone: Of the clock.
        seconds: UTC, since 1970; whole seconds.
    """
    if not len(seconds):
        return seconds
    hours = np.unique(seconds // _SECONDS_PER_HOUR)
    starts: list[int] = []
    offsets: list[int] = []
    for hour in (hours * _SECONDS_PER_HOUR).tolist():
        first, last = _offset(zone, hour), _offset(zone, hour + _SECONDS_PER_HOUR - 1)
        starts.append(hour)
        offsets.append(first)
        if first != last:
            starts.append(_changes_at(zone, hour, hour + _SECONDS_PER_HOUR - 1))
            offsets.append(last)
    place = np.searchsorted(np.array(starts), seconds, side="right") - 1
    shifted: Integers = seconds + np.array(offsets, np.int64)[place]
    return shifted


def weekdays_and_hours(local: Integers) -> tuple[Integers, Integers]:
    """ISO weekday (1 is Monday) and hour (0 to 23) of seconds that `local_seconds` gave."""
    days = local // SECONDS_PER_DAY
    return (days + 3) % 7 + 1, local % SECONDS_PER_DAY // _SECONDS_PER_HOUR  # 1970-01-01 was a Thursday


def _offset(zone: ZoneInfo, seconds: int) -> int:
    offset = (_EPOCH + timedelta(seconds=seconds)).astimezone(zone).utcoffset()
    return int((offset or timedelta()).total_seconds())


def _changes_at(zone: ZoneInfo, first: int, last: int) -> int:
    """The second from which the offset of `last` holds."""
    old = _offset(zone, first)
    while last - first > 1:
        middle = (first + last) // 2
        if _offset(zone, middle) == old:
            first = middle
        else:
            last = middle
    return last

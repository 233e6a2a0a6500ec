"""Clocks where people are: offsets from UTC by IANA zone, exact through every change of the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pyarrow as pa

from earshot.core.arrow_columns import Flags, Integers, coded

SECONDS_PER_DAY: Final = 86_400
_SECONDS_PER_HOUR: Final = 3_600
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NO_PLACES: Final = ("Factory", "localtime", "posixrules", "posix/", "right/")


@cache
def zone_of(name: str) -> ZoneInfo | None:
    """The zone with this name of the IANA database; None where there is none."""
    if name.startswith(_NO_PLACES):
        return None
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


def names_a_zone(column: pa.ChunkedArray | pa.Array) -> Flags:
    """Whether the text names a zone of the IANA database; false where it is null."""
    codes, names = coded(column, missing="")
    known = np.array([zone_of(name) is not None for name in names.to_pylist()], np.bool_)
    found: Flags = known[codes]
    return found


def local_dates(zones: pa.ChunkedArray | pa.Array, seconds: Integers) -> pa.Array:
    """The dates (date32) that clocks in these zones showed; those of UTC where none is named.

    Args:
        zones: Names; what is no zone counts as UTC.
        seconds: UTC, since 1970; whole seconds.
    """
    codes, names = coded(zones, missing="")
    local = seconds.copy()
    for code, name in enumerate(names.to_pylist()):
        if (zone := zone_of(name)) is not None:
            there = np.flatnonzero(codes == code)
            local[there] = local_seconds(zone, seconds[there])
    return pa.array((local // SECONDS_PER_DAY).astype(np.int32), pa.date32())


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

"""Dates of wall clocks: the day it is at a moment in the time zone that a play names."""

from __future__ import annotations

from functools import cache
from typing import Final
from zoneinfo import available_timezones

from pyspark.sql import Column
from pyspark.sql import functions as F

UTC: Final = "UTC"

_NO_PLACES: Final = frozenset({"Factory", "localtime"})


@cache
def known_zones() -> tuple[str, ...]:
    """Names of the IANA time zone database."""
    return tuple(sorted(available_timezones() - _NO_PLACES))


def known_zone(zone: Column) -> Column:
    """The zone where the database has it, else null."""
    return F.when(zone.isin(*known_zones()), zone)


def local_date(moment: Column, zone: Column) -> Column:
    """The date that a clock in the zone shows at the moment.

    Args:
        moment: Timestamp.
        zone: A known zone; null for UTC.
    """
    return F.to_date(F.from_utc_timestamp(moment, F.coalesce(zone, F.lit(UTC))))

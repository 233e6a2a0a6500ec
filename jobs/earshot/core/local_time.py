"""Wall clocks: the local time of a moment in the time zone that a play names."""

from __future__ import annotations

from functools import cache
from typing import Final
from zoneinfo import available_timezones

from pyspark.sql import Column
from pyspark.sql import functions as F

UTC: Final = "UTC"


@cache
def known_zones() -> tuple[str, ...]:
    """Names of the time zone database: regions, whose offsets follow daylight saving, and UTC.

    Abbreviations such as CET are left out, as they do not say which rules a clock follows.
    """
    return (UTC, *sorted(zone for zone in available_timezones() if "/" in zone and zone[0].isupper()))


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

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


def spark_zone(column: str) -> Column:
    """The zone that the column names where Spark's own database has it, which may be another release, else null.

    It asks Java by reflection: for few rows.
    """
    zone = F.try_reflect(F.lit("java.time.ZoneId"), F.lit("of"), F.col(column))
    return F.when(zone.isNotNull(), F.col(column))


def local_date(moment: Column, zone: Column) -> Column:
    """The date that a clock in the zone shows at the moment.

    Args:
        moment: Timestamp.
        zone: One that `spark_zone` lets through; null for UTC.
    """
    return F.to_date(F.from_utc_timestamp(moment, F.coalesce(zone, F.lit(UTC))))

"""Row rules of a play on which sessions and every mart agree, and the names of what is missing or summed."""

from __future__ import annotations

from typing import Final

from pyspark.sql import Column
from pyspark.sql import functions as F

from earshot.core import columns as c
from earshot.core.stream_rule import StreamRule

UNKNOWN: Final = "unknown"
"""Stands in a mart where the play had no value."""

ALL: Final = "ALL"
"""Stands where a mart sums over every value."""


def counted(rule: StreamRule | int) -> Column:
    """Whether the play is a counted stream; never null.

    A play without `played_ms` counts: its source submits only completed listens.

    Args:
        rule: When it counts; a number is that of Spotify's kind, in milliseconds.
    """
    of = StreamRule.of(rule)
    played, duration = F.col(c.PLAYED_MS), F.col(c.DURATION_MS)
    enough = played >= F.lit(of.least_ms)
    if of.least_share > 0:
        enough |= F.coalesce(played >= F.lit(of.least_share) * duration, F.lit(False))
    if of.least_track_ms > 0:
        enough &= F.coalesce(duration >= F.lit(of.least_track_ms), F.lit(True))
        return played.isNull() | enough
    return F.coalesce(enough, F.lit(True))


def known(column: str) -> Column:
    """The value, or `unknown` where the play has none."""
    return F.coalesce(F.col(column), F.lit(UNKNOWN))

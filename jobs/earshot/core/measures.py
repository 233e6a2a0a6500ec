"""Row rules of a play on which sessions and every mart agree, and the names of what is missing or summed."""

from __future__ import annotations

from typing import Final

from pyspark.sql import Column
from pyspark.sql import functions as F

from earshot.core import columns as c

UNKNOWN: Final = "unknown"
"""Stands in a mart where the play had no value."""

ALL: Final = "ALL"
"""Stands where a mart sums over every value."""


def counted(counted_stream_ms: int) -> Column:
    """Whether the play is a counted stream.

    A play without `played_ms` counts: its source submits only completed listens.
    """
    return F.coalesce(F.col(c.PLAYED_MS) >= F.lit(counted_stream_ms), F.lit(True))


def known(column: str) -> Column:
    """The value, or `unknown` where the play has none."""
    return F.coalesce(F.col(column), F.lit(UNKNOWN))

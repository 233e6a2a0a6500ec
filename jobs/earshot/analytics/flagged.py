"""Marks the streams that look manipulated."""

from __future__ import annotations

from typing import Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from earshot.core import columns as c

INCLUDED: Final = "included"
EXCLUDED: Final = "excluded"
FLAGGED: Final = "is_flagged"

_FLAGGING: Final = ("suspect", "confirmed")


def with_flags(listens: DataFrame, suspects: DataFrame) -> DataFrame:
    """The plays with `is_flagged`.

    A play is flagged when its (listener, track, day), or its (listener, day) for every track, has
    the verdict suspect or confirmed.

    Args:
        listens: listener_id, track_id, listen_date and what else is to be kept.
        suspects: Rows of gold.suspect_listens.
    """
    by_day = (
        suspects.where(F.col(c.VERDICT).isin(*_FLAGGING))
        .groupBy(c.LISTENER_ID, c.LISTEN_DATE)
        .agg(
            F.bool_or(F.col(c.TRACK_ID).isNull()).alias("every_track"),
            F.collect_set(c.TRACK_ID).alias("some_tracks"),
        )
    )
    is_flagged = F.col("every_track") | F.array_contains("some_tracks", F.col(c.TRACK_ID))
    return listens.join(F.broadcast(by_day), [c.LISTENER_ID, c.LISTEN_DATE], "left").select(
        *(listens[name] for name in listens.columns), F.coalesce(is_flagged, F.lit(False)).alias(FLAGGED)
    )

"""Spark: the plays of silver.listens, reduced to one row for a listener, a track and a phase."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from earshot.core import columns as c
from earshot.core.measures import counted
from earshot.core.stream_rule import StreamRule

PHASE = "phase"
LIKES = "likes"


def play_counts(
    listens: DataFrame, suspects: DataFrame, *, phases: Sequence[date], stream_rule: StreamRule
) -> DataFrame:
    """Count what every listener did with every track.

    A play is *liked* when it is a counted stream (or its source submits only completed listens),
    was not skipped and was not flagged as manipulated.

    Args:
        listens: silver.listens.
        suspects: gold.suspect_listens.
        phases: First days of the phases 1, 2, ...; what lies before the first is phase 0.
        stream_rule: When a play is a counted stream.

    Returns:
        listener_id, track_id, phase (int), plays, likes, skips (bigint): every play stands in
        `plays`, so that a track once started is known as played.
    """
    flagged = (
        suspects.where(F.col(c.VERDICT).isin("suspect", "confirmed"))
        .groupBy(c.LISTENER_ID, c.LISTEN_DATE)
        .agg(F.collect_set(c.TRACK_ID).alias("_tracks"), F.bool_or(F.col(c.TRACK_ID).isNull()).alias("_all_tracks"))
    )
    organic = ~F.coalesce(F.col("_all_tracks") | F.array_contains("_tracks", F.col(c.TRACK_ID)), F.lit(False))
    skipped = F.coalesce(F.col(c.SKIPPED), F.lit(False))
    return (
        listens.where(F.col(c.LISTENER_ID).isNotNull() & F.col(c.TRACK_ID).isNotNull())
        .join(flagged, [c.LISTENER_ID, c.LISTEN_DATE], "left")
        .groupBy(c.LISTENER_ID, c.TRACK_ID, _phase(phases).alias(PHASE))
        .agg(
            F.count("*").alias(c.PLAYS),
            F.count_if(counted(stream_rule) & ~skipped & organic).alias(LIKES),
            F.count_if(skipped & organic).alias(c.SKIPS),
        )
        .select(c.LISTENER_ID, c.TRACK_ID, PHASE, c.PLAYS, LIKES, c.SKIPS)
    )


def _phase(starts: Sequence[date]) -> Column:
    phase = F.lit(0)
    for start in starts:
        phase = phase + (F.col(c.LISTEN_DATE) >= F.lit(start)).cast("int")
    return phase

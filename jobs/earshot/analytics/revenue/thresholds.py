"""Which tracks have streams enough to earn: counted over the months up to the one that is paid."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Final

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import DateType, LongType, StringType, StructField, StructType

from earshot.analytics import flagged as flags
from earshot.analytics.plays import numbered
from earshot.analytics.revenue.cells import EVERY, KINDS, ORGANIC
from earshot.analytics.revenue.filed_streams import Earning, FiledStreams
from earshot.core import columns as c
from earshot.core.arrow_rows import ArrowTasks
from earshot.core.revenue_settings import ProRataSettings, RevenueSettings

_COUNTS: Final = StructType(
    [
        StructField(c.TRACK_ID, StringType()),
        StructField(c.MONTH, DateType()),
        *(StructField(kind, LongType()) for kind in KINDS),
    ]
)


def months_before(month: date, count: int) -> date:
    """The first day of the month so many months earlier."""
    year, index = divmod(month.year * 12 + month.month - 1 - count, 12)
    return date(year, index + 1, 1)


def months_needed(month: date, terms: RevenueSettings) -> list[date]:
    """The months whose plays a month is paid from: itself, and those before in which a track comes to its threshold."""
    return [months_before(month, n) for n in range(terms.pro_rata.months if terms.pro_rata.minimum_streams else 1)]


def streams_of_tracks(plays: DataFrame) -> DataFrame:
    """Counted streams of each track and month: track_id, month, every, organic.

    Args:
        plays: track_id, month and is_flagged of counted streams.
    """
    return plays.groupBy(c.TRACK_ID, c.MONTH).agg(
        F.count("*").alias(EVERY), F.count_if(~F.col(flags.FLAGGED)).alias(ORGANIC)
    )


def tracks_that_earn(counts: DataFrame, rule: ProRataSettings) -> DataFrame:
    """Track, month, earns_every, earns_organic; those that have streams enough in the window only.

    Args:
        counts: Rows of `streams_of_tracks`; those of a track and month may be several.
        rule: How many are enough, over how many months.
    """
    return (
        counts.withColumn("ahead", F.explode(F.sequence(F.lit(0), F.lit(rule.months - 1))))
        .groupBy(c.TRACK_ID, F.add_months(c.MONTH, F.col("ahead")).alias(c.MONTH))
        .agg(*((F.sum(kind) >= rule.minimum_streams).alias(f"earns_{kind}") for kind in KINDS))
        .where("earns_every")
    )


def earning(
    spark: SparkSession, streams: FiledStreams, rule: ProRataSettings, months: Collection[date]
) -> Mapping[date, Earning]:
    """The tracks that earn in each of these months, counted by tasks that read the files, one a day.

    Args:
        spark: The session.
        streams: Of these months and those that count for them.
        rule: How many streams are enough, over how many months.
        months: First days.
    """

    def of_day(day: date) -> Iterator[pa.Table]:
        plays, is_flagged = streams.of_day(day, (c.TRACK_ID,))
        known = plays[c.TRACK_ID].is_valid().to_numpy()
        tracks = numbered(plays[c.TRACK_ID].filter(pa.array(known)))
        counts = [
            np.bincount(codes, minlength=len(tracks)) for codes in (tracks.codes, tracks.codes[~is_flagged[known]])
        ]
        month = pa.repeat(pa.scalar(day.replace(day=1), pa.date32()), len(tracks))
        yield pa.table([tracks.names, month, *map(pa.array, counts)], names=_COUNTS.names)

    counts = ArrowTasks(spark, sorted(streams.plays.days), of_day, _COUNTS).frame()
    rows = tracks_that_earn(counts, rule).where(F.col(c.MONTH).isin(*months)).toArrow().to_pylist()
    every: dict[date, set[str]] = {month: set() for month in months}
    organic: dict[date, set[str]] = {month: set() for month in months}
    for row in rows:
        every[row[c.MONTH]].add(row[c.TRACK_ID])
        if row[f"earns_{ORGANIC}"]:
            organic[row[c.MONTH]].add(row[c.TRACK_ID])
    return {month: Earning(frozenset(every[month]), frozenset(organic[month])) for month in months}

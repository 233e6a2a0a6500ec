"""Counted streams as the models need them: by pool and artist, from one shuffle of the plays."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from datetime import date
from typing import Final

import pyarrow as pa
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from earshot.analytics import flagged as flags
from earshot.analytics.revenue.cells import (
    CHOSEN,
    EARNS_EVERY,
    EARNS_ORGANIC,
    EVERY,
    FLAGGED,
    KINDS,
    ORGANIC,
)
from earshot.analytics.revenue.listeners import (
    FIGURES,
    GROUP,
    KEYS,
    MARKS,
    WEIGHTS,
    WORK,
    counts_of_listeners,
    counts_schema,
)
from earshot.analytics.revenue.splits import PARTS, split_tracks
from earshot.analytics.revenue.thresholds import streams_of_tracks, tracks_that_earn
from earshot.core import columns as c
from earshot.core.measures import counted, known
from earshot.core.revenue_settings import ArtistCentricSettings, ProRataSettings, RevenueSettings
from earshot.core.stream_rule import StreamRule

BOOSTED: Final = tuple(f"is_boosted_{kind}" for kind in KINDS)
PLAYS_OF_A_TASK: Final = 1_000_000

_NO_PARTS: Final = "array<struct<payee_id:string,millionths:bigint>>"


def streams_of_pools(
    listens: DataFrame,
    suspects: DataFrame,
    rights: DataFrame | None,
    *,
    terms: RevenueSettings,
    stream_rule: StreamRule,
    months: Collection[date] | None = None,
    plays: int = 0,
    group: Column | None = None,
) -> DataFrame:
    """One row a month, country, tier and artist (and track, where it has splits).

    Plays are shuffled once, by listener: what a listener's streams count needs no other listener. What is shuffled
    after that, by artist and by pool, are sums. Which tracks earn (only where there is a threshold) is counted
    where the plays lie; what is shuffled for it is a row a track and month of each task.

    Args:
        listens: Rows of silver.listens: those of the months, and where tracks earn only from a threshold on
            also those of the months before that count for it.
        suspects: Rows of gold.suspect_listens.
        rights: Rows of silver.rights; None where no track has splits.
        terms: Thresholds, and what counts as chosen.
        stream_rule: When a play is a counted stream.
        months: First days of the months to pay; all by default.
        plays: About how many, so that a task of Python has a million of them at most.
        group: A number that a listener's plays share; makes a row of each group, with `listener_group`.

    Returns:
        month, country, tier, artist_id, work, parts (see `splits`), streams_KIND, is_boosted_KIND, and for each model
        MODEL_KIND: an array of packed fractions (see `packing`).
    """
    every = flags.with_flags(listens.where(counted(stream_rule)), suspects).select(
        F.trunc(c.LISTEN_DATE, "month").alias(c.MONTH),
        known(c.COUNTRY).alias(c.COUNTRY),
        known(c.TIER).alias(c.TIER),
        known(c.ARTIST_ID).alias(c.ARTIST_ID),
        c.TRACK_ID,
        c.LISTENER_ID,
        flags.FLAGGED,
        F.coalesce(F.col(c.CONTEXT).isin(*terms.artist_centric.active_contexts), F.lit(False)).alias("is_chosen"),
    )
    parts = None if rights is None else F.broadcast(split_tracks(rights).withColumnRenamed(c.TRACK_ID, WORK))
    keys = KEYS if group is None else (*KEYS, GROUP)
    every = every if group is None else every.withColumn(GROUP, group.cast("bigint"))
    rules, schema = terms.artist_centric, from_arrow_schema(counts_schema(keys))

    def of_listeners(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return counts_of_listeners(batches, rules, keys)

    marked = _marked(every, terms.pro_rata, parts, months).select(*keys, c.LISTENER_ID, MARKS)
    by_listener = marked.repartition(_tasks(listens, plays), c.LISTENER_ID)
    return _by_pool(by_listener.mapInArrow(of_listeners, schema), keys, rules, parts)


def _by_pool(
    counts: DataFrame, keys: Sequence[str], rules: ArtistCentricSettings, parts: DataFrame | None
) -> DataFrame:
    """Counts of listeners added up by artist, where it is known which artists are boosted."""
    by_artist = counts.repartition(c.MONTH, c.ARTIST_ID)
    sums = by_artist.groupBy(*keys).agg(
        *(F.sum(name).alias(name) for name in FIGURES), *(F.collect_list(name).alias(name) for name in WEIGHTS)
    )
    of_artist = Window.partitionBy(c.MONTH, c.ARTIST_ID)
    boosted = sums.select(
        *keys,
        *(f"streams_{kind}" for kind in KINDS),
        *WEIGHTS,
        *(
            (
                (F.sum(f"streams_{kind}").over(of_artist) >= rules.boost_streams)
                & (F.sum(f"listeners_{kind}").over(of_artist) >= rules.boost_listeners)
            ).alias(f"is_boosted_{kind}")
            for kind in KINDS
        ),
    )
    divided = (
        boosted.withColumn(PARTS, F.lit(None).cast(_NO_PARTS)) if parts is None else boosted.join(parts, WORK, "left")
    )
    return divided.select(*keys, PARTS, *(f"streams_{kind}" for kind in KINDS), *BOOSTED, *WEIGHTS)


def _tasks(listens: DataFrame, plays: int) -> int:
    configured = int(listens.sparkSession.conf.get("spark.sql.shuffle.partitions") or 1)
    return max(configured, math.ceil(plays / PLAYS_OF_A_TASK))


def _marked(
    every: DataFrame, rule: ProRataSettings, parts: DataFrame | None, months: Collection[date] | None
) -> DataFrame:
    """The plays of the months, with `work` and `marks`."""
    paid = _of_months(every, months)
    earns: dict[str, Column] = {kind: F.lit(True) for kind in KINDS}
    if rule.minimum_streams:
        earning = F.broadcast(_of_months(tracks_that_earn(streams_of_tracks(every), rule), months))
        paid = paid.join(earning, [c.TRACK_ID, c.MONTH], "left")
        earns = {kind: F.coalesce(F.col(f"earns_{kind}"), F.lit(False)) for kind in KINDS}
    work = F.lit(None).cast("string")
    if parts is not None:
        paid, work = paid.join(parts.select(WORK), F.col(c.TRACK_ID) == F.col(WORK), "left"), F.col(WORK)
    bits = {
        FLAGGED: F.col(flags.FLAGGED),
        CHOSEN: F.col("is_chosen"),
        EARNS_EVERY: earns[EVERY],
        EARNS_ORGANIC: earns[ORGANIC],
    }
    marks = sum((F.when(holds, bit).otherwise(0) for bit, holds in bits.items()), F.lit(0))
    return paid.withColumns({WORK: work, MARKS: marks.cast("tinyint")})


def _of_months(rows: DataFrame, months: Collection[date] | None) -> DataFrame:
    if months is None:
        return rows
    return rows.where(F.col(c.MONTH).isin(*months) if months else F.lit(False))

"""Counted streams as the models need them: by listener, artist and pool, from one shuffle of the plays."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from earshot.analytics.flagged import FLAGGED, with_flags
from earshot.analytics.revenue.splits import PARTS, split_tracks
from earshot.core import columns as c
from earshot.core.measures import counted, known
from earshot.core.revenue_settings import RevenueSettings

EVERY: Final = "every"
ORGANIC: Final = "organic"
KINDS: Final = (EVERY, ORGANIC)
"""All streams, and those that are not flagged."""

FIELDS: Final = ("streams", "earning", "chosen", "of_listener", "of_listener_month", "new_listener")
"""Figures of each kind, as columns FIELD_KIND.

- streams: counted streams of a listener and artist in the pool
- earning: those of them whose track has streams enough (see `ProRataSettings`)
- chosen: those that the listener chose
- of_listener: all streams of the listener in the pool
- of_listener_month: all streams of the listener in the month
- new_listener: 1 in one row of each listener and artist of the month
"""

_MONTH_OF_LISTENER: Final = (c.MONTH, c.LISTENER_ID)
_WORK: Final = "work"


def streams_by_listener(
    listens: DataFrame,
    suspects: DataFrame,
    rights: DataFrame | None,
    *,
    terms: RevenueSettings,
    counted_stream_ms: int,
    also: Sequence[Column] = (),
) -> DataFrame:
    """One row a month, country, tier, listener, artist (and track, where it has splits), without the listener.

    Plays are shuffled once, by listener; sums and ranks of a listener then need no other.

    Args:
        listens: Rows of silver.listens: those of the months, and where tracks earn only from a threshold on
            also those of the months before that count for it.
        suspects: Rows of gold.suspect_listens.
        rights: Rows of silver.rights; None where no track has splits.
        terms: Thresholds, and what counts as chosen.
        counted_stream_ms: See `core.measures.counted`.
        also: What else is to be kept, of listener_id too.

    Returns:
        month, country, tier, artist_id, parts (see `splits`), `FIELDS` of each of `KINDS`, and `also`.
    """
    plays = with_flags(listens.where(counted(counted_stream_ms)), suspects).select(
        F.trunc(c.LISTEN_DATE, "month").alias(c.MONTH),
        known(c.COUNTRY).alias(c.COUNTRY),
        known(c.TIER).alias(c.TIER),
        known(c.ARTIST_ID).alias(c.ARTIST_ID),
        c.TRACK_ID,
        c.LISTENER_ID,
        F.col(FLAGGED),
        F.coalesce(F.col(c.CONTEXT).isin(*terms.artist_centric.active_contexts), F.lit(False)).alias("is_chosen"),
    )
    earning = _with_earning(plays, terms)
    parts = None if rights is None else F.broadcast(split_tracks(rights).withColumnRenamed(c.TRACK_ID, _WORK))
    by_artist = (
        _marked(earning, parts)
        .repartition(c.LISTENER_ID)
        .groupBy(*_MONTH_OF_LISTENER, c.COUNTRY, c.TIER, c.ARTIST_ID, _WORK)
        .agg(*(_sum(field, kind) for kind in KINDS for field in ("streams", "earning", "chosen")))
    )
    in_pool = Window.partitionBy(*_MONTH_OF_LISTENER, c.COUNTRY, c.TIER)
    in_month = Window.partitionBy(*_MONTH_OF_LISTENER)
    of_pool = by_artist.select(
        "*", *(F.sum(f"streams_{kind}").over(in_pool).alias(f"of_listener_{kind}") for kind in KINDS)
    )
    figures = of_pool.select(
        "*",
        *(F.sum(f"streams_{kind}").over(in_month).alias(f"of_listener_month_{kind}") for kind in KINDS),
        *(_first(kind).alias(f"new_listener_{kind}") for kind in KINDS),
    )
    no_parts = F.lit(None).cast("array<struct<payee_id:string,millionths:bigint>>")
    divided = figures.withColumn(PARTS, no_parts) if parts is None else figures.join(parts, _WORK, "left")
    return divided.select(
        c.MONTH,
        c.COUNTRY,
        c.TIER,
        c.ARTIST_ID,
        PARTS,
        *(f"{field}_{kind}" for kind in KINDS for field in FIELDS),
        *also,
    )


def months_before(month: date, count: int) -> date:
    """The first day of the month so many months earlier."""
    year, index = divmod(month.year * 12 + month.month - 1 - count, 12)
    return date(year, index + 1, 1)


def _marked(plays: DataFrame, parts: DataFrame | None) -> DataFrame:
    """The plays with `work`: the track, where it has splits."""
    if parts is None:
        return plays.withColumn(_WORK, F.lit(None).cast("string"))
    return plays.join(parts.select(_WORK), F.col(c.TRACK_ID) == F.col(_WORK), "left")


def _sum(field: str, kind: str) -> Column:
    conditions = {
        "streams": F.lit(True),
        "earning": F.col(f"earns_{kind}"),
        "chosen": F.col("is_chosen"),
    }
    of_kind = ~F.col(FLAGGED) if kind == ORGANIC else F.lit(True)
    return F.count_if(conditions[field] & of_kind).alias(f"{field}_{kind}")


def _first(kind: str) -> Column:
    """Whether the row is the one by which the listener counts for the artist in the month."""
    there = F.col(f"streams_{kind}") > 0
    of_artist = Window.partitionBy(*_MONTH_OF_LISTENER, c.ARTIST_ID)
    rank = F.row_number().over(of_artist.orderBy(F.desc("streams_organic"), c.COUNTRY, c.TIER, _WORK))
    return ((rank == 1) & there).cast("int")


def _with_earning(plays: DataFrame, terms: RevenueSettings) -> DataFrame:
    """The plays with earns_every and earns_organic: whether their track has streams enough in the window."""
    rule = terms.pro_rata
    if not rule.minimum_streams:
        return plays.select("*", *(F.lit(True).alias(f"earns_{kind}") for kind in KINDS))
    ahead = F.sequence(F.lit(0), F.lit(rule.months - 1))
    by_track = (
        plays.groupBy(c.TRACK_ID, c.MONTH)
        .agg(F.count("*").alias(EVERY), F.count_if(~F.col(FLAGGED)).alias(ORGANIC))
        .withColumn("ahead", F.explode(ahead))
        .groupBy(c.TRACK_ID, F.add_months(c.MONTH, F.col("ahead")).alias(c.MONTH))
        .agg(*((F.sum(kind) >= rule.minimum_streams).alias(f"earns_{kind}") for kind in KINDS))
    )
    return plays.join(by_track, [c.TRACK_ID, c.MONTH])

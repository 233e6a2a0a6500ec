"""gold.revenue: what each artist is paid out of the month's pool, to the minor unit."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from earshot.analytics.currencies import minor_unit
from earshot.analytics.flagged import EXCLUDED, FLAGGED, INCLUDED, with_flags
from earshot.core import columns as c
from earshot.core.measures import counted, known
from earshot.core.settings import RevenueSettings

PRO_RATA: Final = "pro_rata"
PROVISIONAL: Final = "provisional"
ARTIST: Final = "artist"

_POOL: Final = (c.MONTH, c.COUNTRY, c.TIER)
_PER_LISTENER: Final = "decimal(24,8)"
_MINOR: Final = "decimal(20,0)"
_COUNT: Final = "decimal(17,0)"
_UNIT: Final = "decimal(7,6)"


def pro_rata(listens: DataFrame, suspects: DataFrame, *, terms: RevenueSettings, counted_stream_ms: int) -> DataFrame:
    """Payouts by month, country and tier under the pro-rata model.

    The pool is price x share to rights holders x listeners with a counted stream, rounded half to
    even to the currency's minor unit; each artist gets the share of the pool that their streams have
    of all counted streams, rounded down, and what is left goes, one minor unit each, to the largest
    remainders (ties: payee_id asc). So the payouts of a pool add up to it exactly.

    With suspects excluded, flagged streams earn nothing and the pool stays what was paid in. Plays
    whose tier has no price (or is not known) are in no pool. A play without artist pays `unknown`.

    Args:
        listens: Rows of silver.listens of whole months.
        suspects: Rows of gold.suspect_listens.
        terms: Prices and the share.
        counted_stream_ms: See `core.measures.counted`.

    Returns:
        The columns of gold.revenue.
    """
    streams = with_flags(listens.where(counted(counted_stream_ms)), suspects).select(
        F.trunc(c.LISTEN_DATE, "month").alias(c.MONTH),
        known(c.COUNTRY).alias(c.COUNTRY),
        known(c.TIER).alias(c.TIER),
        known(c.ARTIST_ID).alias(c.PAYEE_ID),
        c.LISTENER_ID,
        FLAGGED,
    )
    pools = (
        streams.groupBy(*_POOL)
        .agg(F.count_distinct(c.LISTENER_ID).cast(_COUNT).alias(c.LISTENERS))
        .withColumn("terms", _terms(terms))
        .where(F.col("terms").isNotNull())
        .select(
            *_POOL,
            F.col("terms.currency").alias(c.CURRENCY),
            F.col("terms.unit").alias("unit"),
            F.bround(F.col("terms.per_listener") * F.col(c.LISTENERS), 0).cast(_MINOR).alias("pool_minor"),
        )
    )
    earned = (
        streams.groupBy(*_POOL, c.PAYEE_ID)
        .agg(F.count("*").alias("every"), F.count_if(~F.col(FLAGGED)).alias("organic"))
        .select(
            *_POOL,
            c.PAYEE_ID,
            F.expr(f"stack(2, '{INCLUDED}', every, '{EXCLUDED}', organic) AS ({c.SUSPECTS}, {c.STREAMS})"),
        )
        .where(F.col(c.STREAMS) > 0)
    )
    return _paid(earned.join(F.broadcast(pools), list(_POOL))).select(
        *_POOL,
        c.CURRENCY,
        F.lit(PRO_RATA).alias(c.MODEL),
        F.lit(ARTIST).alias(c.PAYEE_TYPE),
        c.PAYEE_ID,
        c.STREAMS,
        _money("amount_minor").alias(c.AMOUNT),
        _money("pool_minor").alias(c.POOL),
        c.SUSPECTS,
        F.lit(PROVISIONAL).alias(c.STATUS),
    )


def _paid(earned: DataFrame) -> DataFrame:
    """Adds amount_minor: the pool divided by streams, by the method of the largest remainder."""
    of_pool = Window.partitionBy(*_POOL, c.SUSPECTS)
    streams, pool = F.col(c.STREAMS).cast(_COUNT), F.col("pool_minor")
    return (
        earned.withColumn("total", F.sum(c.STREAMS).over(of_pool).cast(_COUNT))
        .withColumn("floor_minor", F.call_function("div", pool * streams, F.col("total")).cast(_MINOR))
        .withColumn("remainder", pool * streams - F.col("floor_minor") * F.col("total"))
        .withColumn("left_minor", pool - F.sum("floor_minor").over(of_pool))
        .withColumn("turn", F.row_number().over(of_pool.orderBy(F.desc("remainder"), c.PAYEE_ID)))
        .withColumn("amount_minor", F.col("floor_minor") + (F.col("turn") <= F.col("left_minor")).cast("int"))
    )


def _money(minor: str) -> Column:
    return (F.col(minor).cast(_MINOR) * F.col("unit")).cast("decimal(28,6)")


def _terms(terms: RevenueSettings) -> Column:
    """What a listener of (country, tier) brings into the pool, in minor units; null without a price."""
    if not terms.prices:
        return F.lit(None).cast(f"struct<currency:string,unit:{_UNIT},per_listener:{_PER_LISTENER}>")
    share = Decimal(str(terms.share_to_rights_holders))
    entries = {
        f"{price.country} {price.tier}": F.struct(
            F.lit(price.currency).alias("currency"),
            F.lit(minor_unit(price.currency)).cast(_UNIT).alias("unit"),
            F.lit(str(price.price * share / minor_unit(price.currency))).cast(_PER_LISTENER).alias("per_listener"),
        )
        for price in terms.prices
    }
    by_place = F.create_map(*(part for key, value in entries.items() for part in (F.lit(key), value)))
    return F.coalesce(
        F.element_at(by_place, F.concat_ws(" ", c.COUNTRY, c.TIER)),
        F.element_at(by_place, F.concat_ws(" ", F.lit("*"), c.TIER)),
    )

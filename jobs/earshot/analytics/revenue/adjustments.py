"""What closed months would be paid today, against what was booked: the difference is an adjustment."""

from __future__ import annotations

from datetime import date
from typing import Final

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from earshot.core import columns as c

ADJUSTMENT: Final = "adjustment"
LATE_PLAYS: Final = "late plays"
VERDICTS: Final = "verdicts"
SPLITS: Final = "splits"
ERASURE: Final = "erasure"
KEPT: Final = "erasure (kept)"
"""Books back what an erasure took: the money was rightly paid, only who listened is gone."""

_POOL: Final = (c.MONTH, c.COUNTRY, c.TIER, c.CURRENCY, c.MODEL, c.SUSPECTS)
_PAYOUT: Final = (*_POOL, c.PAYEE_TYPE, c.PAYEE_ID)


def adjustments(now: DataFrame, booked: DataFrame, *, reason: str, on: date) -> DataFrame:
    """Rows that bring what was booked to what would be paid now; none where nothing differs.

    Args:
        now: Payouts of closed months, computed from what silver holds now.
        booked: Their rows of gold.revenue: closed, and adjustments before.
        reason: Why they differ.
        on: Logical date of the run.

    Returns:
        The columns of gold.revenue. An erasure has two rows, so that what payees were paid stays.
    """
    before = booked.where(~F.col(c.REASON).eqNullSafe(KEPT))
    signed = _signed(now, 1).unionByName(_signed(before, -1))
    differing = (
        signed.groupBy(*_PAYOUT)
        .agg(F.sum(c.STREAMS).alias(c.STREAMS), F.sum(c.AMOUNT).alias(c.AMOUNT))
        .where((F.col(c.STREAMS) != 0) | (F.col(c.AMOUNT) != 0))
        .withColumn(c.REASON, F.lit(reason))
    )
    erased = differing.where((F.col(c.REASON) == ERASURE) & (F.col(c.AMOUNT) != 0))
    kept = erased.withColumns({c.REASON: F.lit(KEPT), c.STREAMS: F.lit(0).cast("bigint"), c.AMOUNT: -F.col(c.AMOUNT)})
    pool = F.sum(c.AMOUNT).over(Window.partitionBy(*_POOL, c.REASON))
    return differing.unionByName(kept).select(
        *_POOL[:-2],
        c.MODEL,
        c.PAYEE_TYPE,
        c.PAYEE_ID,
        c.STREAMS,
        F.col(c.AMOUNT).cast("decimal(28,6)").alias(c.AMOUNT),
        pool.cast("decimal(28,6)").alias(c.POOL),
        c.SUSPECTS,
        F.lit(ADJUSTMENT).alias(c.STATUS),
        c.REASON,
        F.lit(on).cast("date").alias(c.BOOKED_ON),
    )


def _signed(rows: DataFrame, sign: int) -> DataFrame:
    return rows.select(*_PAYOUT, *((sign * F.col(name)).alias(name) for name in (c.STREAMS, c.AMOUNT)))

"""What closed months would be paid today, against what was booked: the difference is an adjustment."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from typing import Final

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from earshot.core import columns as c
from earshot.core.changes import TOUCHED
from earshot.core.table_history import Change, TableHistory

ADJUSTMENT: Final = "adjustment"
LATE_PLAYS: Final = "late plays"
VERDICTS: Final = "verdicts"
ERASURE: Final = "erasure"
KEPT: Final = "erasure (kept)"
"""Books back what an erasure took: the money was rightly paid, only who listened is gone."""

_POOL: Final = (c.MONTH, c.COUNTRY, c.TIER, c.CURRENCY, c.MODEL, c.SUSPECTS)
_PAYOUT: Final = (*_POOL, c.PAYEE_TYPE, c.PAYEE_ID)


def adjustments(now: DataFrame, booked: DataFrame, *, reasons: Mapping[date, str], on: date) -> DataFrame:
    """Rows that bring what was booked to what would be paid now; none where nothing differs.

    Args:
        now: Payouts of closed months, computed from what silver holds now.
        booked: Their rows of gold.revenue: closed, and adjustments before.
        reasons: Why, by month.
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
        .withColumn(c.REASON, _reason(reasons))
    )
    erased = differing.where(F.col(c.REASON) == ERASURE).where(F.col(c.AMOUNT) != 0)
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


def reasons_of(
    listens: TableHistory, suspects: TableHistory, position: Mapping[str, int], months: Collection[date]
) -> dict[date, str]:
    """Why each of the months differs from what was booked, from the commits since.

    New plays bring verdicts with them, so `verdicts` is said only where no play came or went.
    """
    found: dict[date, set[str]] = {month: set() for month in months}
    for change, month in _months(listens, position.get(listens.spec.name, -1)):
        if month in found:
            found[month].add(ERASURE if "erased" in change.metadata else LATE_PLAYS)
    for _, month in _months(suspects, position.get(suspects.spec.name, -1)):
        if month in found and not found[month]:
            found[month].add(VERDICTS)
    return {month: " and ".join(sorted(why, reverse=True)) or LATE_PLAYS for month, why in found.items()}


def _months(history: TableHistory, position: int) -> Iterator[tuple[Change, date]]:
    for change in history.changes:
        if change.version > position and not change.leaves_rows:
            yield from ((change, month) for month in {day.replace(day=1) for day in _days(history, change)})


def _days(history: TableHistory, change: Change) -> Iterable[date]:
    named = change.metadata.get(TOUCHED)
    return map(date.fromisoformat, named) if named is not None else history.changed_days(change.version) or ()


def _signed(rows: DataFrame, sign: int) -> DataFrame:
    return rows.select(*_PAYOUT, *((sign * F.col(name)).alias(name) for name in (c.STREAMS, c.AMOUNT)))


def _reason(reasons: Mapping[date, str]) -> Column:
    cases = (F.when(F.col(c.MONTH) == F.lit(month), F.lit(why)) for month, why in reasons.items())
    return F.coalesce(*cases, F.lit(LATE_PLAYS))

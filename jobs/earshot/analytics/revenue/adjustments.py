"""What closed months would be paid today, against what was booked: the difference is an adjustment."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from pyspark.sql import DataFrame, Window
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


@dataclass(frozen=True)
class Booking:
    """Why months differ from what was booked.

    Attributes:
        reason: late plays, verdicts or erasure.
        months: First days.
        without: Batches of plays that are booked for another reason.
    """

    reason: str
    months: frozenset[date]
    without: frozenset[str] = frozenset()


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


def bookings(
    listens: TableHistory, suspects: TableHistory, position: Mapping[str, int], months: Collection[date]
) -> list[Booking]:
    """What is to be booked for these months, by reason and in this order, from the commits since.

    New plays bring verdicts with them, so `verdicts` is said only where no play came or went. Of batches
    that the commits do not name, what came and what went cannot be told apart: they are late plays.
    """
    came: set[date] = set()
    went: set[date] = set()
    batches: set[str | None] = set()
    for change, month in _months(listens, position.get(listens.spec.name, -1)):
        if "erased" in change.metadata:
            went.add(month)
        else:
            came.add(month)
            batches.add(change.metadata.get(c.BATCH_ID))
    judged = {month for _, month in _months(suspects, position.get(suspects.spec.name, -1))}
    told = {batch for batch in batches if batch is not None}
    if None in batches:
        went -= came
    found = (
        Booking(ERASURE, frozenset(went.intersection(months)), frozenset(told)),
        Booking(VERDICTS, frozenset((judged - came - went).intersection(months))),
        Booking(LATE_PLAYS, frozenset(came.intersection(months))),
    )
    return [booking for booking in found if booking.months]


def _months(history: TableHistory, position: int) -> Iterator[tuple[Change, date]]:
    for change in history.changes:
        if change.version > position and not change.leaves_rows:
            yield from ((change, month) for month in {day.replace(day=1) for day in _days(history, change)})


def _days(history: TableHistory, change: Change) -> Iterable[date]:
    named = change.metadata.get(TOUCHED)
    return map(date.fromisoformat, named) if named is not None else history.changed_days(change.version) or ()


def _signed(rows: DataFrame, sign: int) -> DataFrame:
    return rows.select(*_PAYOUT, *((sign * F.col(name)).alias(name) for name in (c.STREAMS, c.AMOUNT)))

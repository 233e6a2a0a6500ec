"""Books the adjustments of closed months: what changed since the last booking, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import reduce
from typing import Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from earshot.analytics.revenue.adjustments import ERASURE, LATE_PLAYS, VERDICTS, adjustments
from earshot.analytics.revenue.closed_months import REVENUE, closed_months
from earshot.analytics.revenue.mart import revenue
from earshot.analytics.revenue.splits import shares
from earshot.analytics.revenue.streams import months_before
from earshot.core import columns as c
from earshot.core.changes import CONSUMED, TOUCHED, TouchedDays
from earshot.core.job import Job
from earshot.core.revenue_settings import RevenueSettings
from earshot.core.table_history import Change, TableHistory
from earshot.core.tables import days_condition

LISTENS, SUSPECTS = "silver.listens", "gold.suspect_listens"
_BOOKED: Final = "booked"


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


def book(job: Job, months: Collection[date], begun: TouchedDays) -> None:
    """Book in one commit what erasures, verdicts and late plays change in closed months.

    The commit tells up to where it booked, so that a run after one that was killed books nothing twice; and
    where no open month is to be rebuilt, it is this commit that consumes the changes.

    Args:
        job: The run.
        months: First days of closed months that something touched.
        begun: What is to be rebuilt of the open months.
    """
    if not months:
        return
    root, closed = job.tables.root, closed_months(job.tables.root)
    told = (
        change.metadata.get(_BOOKED) or change.metadata.get(CONSUMED) for change in TableHistory(root, REVENUE).changes
    )
    position: Mapping[str, int] = next((versions for versions in told if versions), {})
    due = bookings(TableHistory(root, LISTENS), TableHistory(root, SUSPECTS), position, months)
    booked = job.tables.read(REVENUE).where(days_condition(c.MONTH, months))
    rows: list[DataFrame] = []
    for booking in due:
        for terms in _different(closed[month] for month in booking.months):
            of_terms = {month for month in booking.months if closed[month] == terms}
            before = reduce(DataFrame.unionByName, rows, booked).where(F.col(c.MONTH).isin(*of_terms))
            now = _payouts(job, of_terms, terms, booking.without)
            rows.append(adjustments(now, before, reason=booking.reason, on=job.date).persist())
    counts = Counter[str]()
    for frame in rows:
        counts.update({row[c.REASON]: row["count"] for row in frame.groupBy(c.REASON).count().collect()})
    if counts:
        metadata: dict[str, object] = {_BOOKED: begun.consumed}
        metadata |= {} if begun else {CONSUMED: begun.consumed}
        job.tables.append(REVENUE, reduce(DataFrame.unionByName, rows), metadata=metadata)
        job.tell(adjustments=dict(counts))
    for frame in rows:
        frame.unpersist()


def _different(terms: Iterable[RevenueSettings]) -> list[RevenueSettings]:
    return list({one.model_dump_json(): one for one in terms}.values())


def _payouts(job: Job, months: Collection[date], terms: RevenueSettings, without: Collection[str]) -> DataFrame:
    """What closed months would be paid now, on the terms of their closing, without these batches."""
    tables = job.tables
    window = terms.pro_rata.months if terms.pro_rata.minimum_streams else 1
    needed = {months_before(month, n) for month in months for n in range(window)}
    plays = tables.read(LISTENS).where(F.trunc(c.LISTEN_DATE, "month").isin(*needed))
    return revenue(
        plays.where(~F.coalesce(F.col(c.BATCH_ID), F.lit("")).isin(*without)),
        tables.read(SUSPECTS),
        shares(tables),
        terms=terms,
        stream_rule=job.settings.marts.stream_rule,
        months=months,
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

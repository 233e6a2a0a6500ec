"""Books the adjustments of closed months: what changed since the last booking, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import reduce
from itertools import takewhile
from typing import Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from earshot.analytics.revenue.adjustments import ERASURE, LATE_PLAYS, SPLITS, VERDICTS, adjustments
from earshot.analytics.revenue.closed_months import REVENUE, closed_months
from earshot.analytics.revenue.paid_now import LISTENS, SUSPECTS, paid_now
from earshot.analytics.revenue.splits import RIGHTS, shares, shares_before, tracks_with_other_splits
from earshot.analytics.revenue.thresholds import months_needed
from earshot.core import columns as c
from earshot.core.changes import CONSUMED, TOUCHED, TouchedDays
from earshot.core.errors import TableError
from earshot.core.job import Job
from earshot.core.revenue_settings import RevenueSettings
from earshot.core.table_history import Change, TableHistory
from earshot.core.tables import Tables, days_condition

_BOOKED: Final = "booked"


@dataclass(frozen=True)
class Booking:
    """Why months differ from what was booked.

    Attributes:
        reason: late plays, verdicts, erasure or splits.
        months: First days.
        without: Batches of plays that are booked for another reason.
    """

    reason: str
    months: frozenset[date]
    without: frozenset[str] = frozenset()


def book(job: Job, changed: Collection[date], begun: TouchedDays) -> None:
    """Book in one commit what erasures, verdicts, late plays and new splits change in closed months.

    The commit tells up to where it booked, so that a run after one that was killed books nothing twice; and
    where no open month is to be rebuilt, it is this commit that consumes the changes.

    Args:
        job: The run.
        changed: First days of months, open or closed, whose plays or verdicts changed.
        begun: What is to be rebuilt of the open months.
    """
    tables, closed = job.tables, closed_months(job.tables.root)
    position = _position(tables.root)
    splits = position.get(RIGHTS, -1)
    is_split_anew = begun.consumed.get(RIGHTS, -1) != splits
    if not affected(changed, closed) and not is_split_anew:
        return
    other_splits = _with_other_splits(tables, closed, splits) if is_split_anew else frozenset()
    due = [
        *bookings(TableHistory(tables.root, LISTENS), TableHistory(tables.root, SUSPECTS), position, closed),
        *([Booking(SPLITS, other_splits)] if other_splits else []),
    ]
    old = _shares_then(tables, splits) if other_splits else shares(tables)
    booked = tables.read(REVENUE).where(days_condition(c.MONTH, closed))
    rows: list[DataFrame] = []
    for booking in due:
        rights = shares(tables) if booking.reason == SPLITS else old
        for terms in _different(closed[month] for month in booking.months):
            of_terms = {month for month in booking.months if closed[month] == terms}
            before = reduce(DataFrame.unionByName, rows, booked).where(F.col(c.MONTH).isin(*of_terms))
            stream_rule = job.settings.marts.stream_rule
            now = paid_now(tables, of_terms, rights, terms=terms, stream_rule=stream_rule, without=booking.without)
            rows.append(adjustments(now, before, reason=booking.reason, on=job.date).persist())
    counts = Counter[str]()
    for frame in rows:
        counts.update({row[c.REASON]: row["count"] for row in frame.groupBy(c.REASON).count().collect()})
    if counts or not begun:
        metadata: dict[str, object] = {_BOOKED: begun.consumed}
        metadata |= {} if begun else {CONSUMED: begun.consumed}
        tables.append(REVENUE, reduce(DataFrame.unionByName, rows, booked.limit(0)), metadata=metadata)
        job.tell(**({"adjustments": dict(counts)} if counts else {}))
    for frame in rows:
        frame.unpersist()


def affected(changed: Collection[date], closed: Mapping[date, RevenueSettings]) -> frozenset[date]:
    """The closed months that are paid from plays of a month that changed: itself, and those its streams count for."""
    return frozenset(
        month for month, terms in closed.items() if not set(changed).isdisjoint(months_needed(month, terms))
    )


def _position(root: str) -> Mapping[str, int]:
    """Version of each source up to which was booked."""
    changes = TableHistory(root, REVENUE).changes()
    told = (change.metadata.get(_BOOKED) or change.metadata.get(CONSUMED) for change in changes)
    return next((versions for versions in told if versions), {})


def _different(terms: Iterable[RevenueSettings]) -> list[RevenueSettings]:
    return list({one.model_dump_json(): one for one in terms}.values())


def _with_other_splits(tables: Tables, closed: Collection[date], version: int) -> frozenset[date]:
    """The closed months in which a track was heard whose shares changed; all where the old ones are vacuumed."""
    try:
        tracks = tracks_with_other_splits(tables.root, version)
    except TableError:
        return frozenset(closed)
    days = [day for day in TableHistory(tables.root, LISTENS).days() if day.replace(day=1) in set(closed)]
    plays = tables.read(LISTENS).where(days_condition(c.LISTEN_DATE, days if tracks else ()))
    changed = tables.spark.createDataFrame([(track,) for track in sorted(tracks)], f"{c.TRACK_ID} string")
    heard = plays.join(F.broadcast(changed), c.TRACK_ID, "left_semi")
    return frozenset(row[0] for row in heard.select(F.trunc(c.LISTEN_DATE, "month")).distinct().collect())


def _shares_then(tables: Tables, version: int) -> DataFrame | None:
    """The shares on which was booked, so that what else changed is not mixed with the new ones."""
    try:
        return shares_before(tables, version)
    except TableError:
        return shares(tables)


def bookings(
    listens: TableHistory,
    suspects: TableHistory,
    position: Mapping[str, int],
    closed: Mapping[date, RevenueSettings],
) -> list[Booking]:
    """What is to be booked for closed months, by reason and in this order, from the commits since.

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
    late = affected(came, closed)
    gone = affected(went, closed)
    found = (
        Booking(ERASURE, gone, frozenset(told)),
        Booking(VERDICTS, affected(judged, closed) - late - gone),
        Booking(LATE_PLAYS, late),
    )
    return [booking for booking in found if booking.months]


def _months(history: TableHistory, position: int) -> Iterator[tuple[Change, date]]:
    for change in takewhile(lambda change: change.version > position, history.changes()):
        if not change.leaves_rows:
            yield from ((change, month) for month in {day.replace(day=1) for day in _days(history, change)})


def _days(history: TableHistory, change: Change) -> Iterable[date]:
    named = change.metadata.get(TOUCHED)
    return map(date.fromisoformat, named) if named is not None else history.changed_days(change.version) or ()

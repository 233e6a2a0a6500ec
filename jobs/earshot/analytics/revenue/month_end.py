"""What happens around the rebuild of gold.revenue: new terms, adjustments, closing, the KPI."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Container
from dataclasses import replace
from datetime import date
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F

from earshot.analytics.revenue.booking import book
from earshot.analytics.revenue.closed_months import (
    REVENUE,
    close,
    closed_months,
    month_to_close,
    months_due,
)
from earshot.analytics.revenue.models import PRO_RATA
from earshot.analytics.revenue.paid_now import LISTENS
from earshot.analytics.revenue.splits import RIGHTS
from earshot.core import columns as c
from earshot.core.changes import TouchedDays
from earshot.core.config import place_of
from earshot.core.day_files import DayFiles
from earshot.core.errors import SettingsError
from earshot.core.job import Job
from earshot.core.measures import UNKNOWN, counted
from earshot.core.small_tables import SmallTables
from earshot.core.table_history import TableHistory

_TERMS: Final = "settings.revenue"


def begin(job: Job, touched: TouchedDays) -> TouchedDays:
    """Check the pools, book adjustments of closed months, and add the days that new terms reprice.

    Args:
        job: The run.
        touched: What changed for gold.revenue.

    Returns:
        The days of open months among them; all of these where prices, pools, thresholds or splits changed.

    Raises:
        SettingsError: A pool of the settings has no counted stream.
    """
    if LISTENS not in touched.consumed:
        return touched
    closed = closed_months(job.tables.root)
    _check_pools(job, closed)
    position = TableHistory(job.tables.root, REVENUE).consumed or {}
    rights = TableHistory(job.tables.root, RIGHTS).version
    inputs = {RIGHTS: -1 if rights is None else rights, _TERMS: zlib.crc32(_repricing(job).encode())}
    changed = frozenset(day.replace(day=1) for day in touched.days)
    counts_later = bool(changed & set(closed)) and job.settings.revenue.pro_rata.minimum_streams > 0
    is_repriced = counts_later or any(position.get(name) != now for name, now in inputs.items())
    candidates = touched.days | (TableHistory(job.tables.root, LISTENS).days() if is_repriced else frozenset())
    open_days = frozenset(day for day in candidates if day.replace(day=1) not in closed)
    begun = replace(touched, days=open_days, consumed={**touched.consumed, **inputs})
    if closed:
        book(job, changed, begun)
    return begun


def finish(job: Job, touched: TouchedDays) -> None:
    """Measure the streams that pay nobody, and close the months that are due or that the option `close` names."""
    closed, on, terms = closed_months(job.tables.root), job.date, job.settings.revenue
    months = TableHistory(job.tables.root, REVENUE).days()
    _measure(job, sorted({day.replace(day=1) for day in touched.days} - set(closed)))
    due = months_due(months, closed, terms, on)
    if named := job.arguments.get("close"):
        due = sorted({*due, month_to_close(named, months, on)} - set(closed))
    if due or closed:
        close(job.tables, due, terms, run_id=job.run_id, on=on, at=job.clock())
    for month in due:
        job.audit.record("revenue.close", f"{month:%Y-%m}", {"on": on, "run_id": job.run_id})
        job.tell(closed=f"{month:%Y-%m}")


def _check_pools(job: Job, closed: Container[date]) -> None:
    pools = job.settings.revenue.pools
    begun = [
        (number, pool, month)
        for number, pool in enumerate(pools)
        for month in (date.fromisoformat(f"{pool.month}-01"),)
        if month <= job.date and month not in closed
    ]
    if not begun:
        return
    month = F.trunc(c.LISTEN_DATE, "month")
    plays = job.tables.read(LISTENS).where(month.isin(*(month for _, _, month in begun)))
    heard = plays.where(counted(job.settings.marts.stream_rule)).select(month, c.COUNTRY, c.TIER).distinct()
    places = {tuple(row) for row in heard.collect()}
    for number, pool, first in begun:
        if (first, pool.country, pool.tier) not in places:
            near = sorted(f"{country}/{tier}" for m, country, tier in places if m == first and country and tier)
            raise SettingsError(
                f"The pool of {pool.month} {pool.country} {pool.tier} has no counted stream to be paid for.",
                where=place_of(job.settings, ("revenue", "pools", number)),
                remedy=f"Correct it; streams of that month are in: {', '.join(near[:12]) or 'no place'}.",
            )


def _repricing(job: Job) -> str:
    """The terms that change payouts, as text."""
    terms = job.settings.revenue.model_dump_json(exclude={"close_after_days", "paid_model"})
    return f"{job.settings.marts.stream_rule} {terms}"


def _measure(job: Job, months: Collection[date]) -> None:
    """KPIs of each month: streams whose payee is unknown, and counted streams of places without price or pool."""
    small, activity = SmallTables(job.tables.root), DayFiles.now(job.tables.root, "gold.activity")
    rows: list[dict[str, Any]] = []
    for month in months:
        wanted = [(c.MONTH, "=", month), (c.MODEL, "=", PRO_RATA), (c.SUSPECTS, "=", "included")]
        paid = small.arrow(REVENUE, wanted, columns=[c.COUNTRY, c.TIER, c.PAYEE_ID, c.STREAMS])
        every = pc.sum(paid[c.STREAMS]).as_py() or 0
        nobody = pc.sum(paid[c.STREAMS].filter(pc.equal(paid[c.PAYEE_ID], UNKNOWN))).as_py() or 0
        heard = _heard(activity, month)
        pools = set(zip(paid[c.COUNTRY].to_pylist(), paid[c.TIER].to_pylist(), strict=True))
        unpriced = sum(streams for place, streams in heard.items() if place not in pools)
        for kpi, part, whole in (
            ("unknown_payee_share", nobody, every),
            ("unpriced_stream_share", unpriced, sum(heard.values())),
        ):
            if whole:
                batch = {c.BATCH_ID: f"revenue-{month:%Y-%m}", c.MEASURED_AT: job.clock(), c.SUITE: REVENUE}
                rows.append({**batch, c.KPI: kpi, c.VALUE: part / whole})
    small.append("gold.quality_kpis", rows)


def _heard(activity: DayFiles, month: date) -> dict[tuple[str, str], int]:
    """Counted streams of the month by country and tier, as gold.activity has them."""
    days = sorted(day for day in activity.days if day.replace(day=1) == month)
    rows = [activity.read(day, (c.COUNTRY, c.TIER, c.COUNTED_LISTENS), plain=True) for day in days]
    if not rows:
        return {}
    sums = pa.concat_tables(rows).group_by([c.COUNTRY, c.TIER]).aggregate([(c.COUNTED_LISTENS, "sum")])
    return {
        (row[c.COUNTRY], row[c.TIER]): row[f"{c.COUNTED_LISTENS}_sum"]
        for row in sums.to_pylist()
        if row[f"{c.COUNTED_LISTENS}_sum"]
    }

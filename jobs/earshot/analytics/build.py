"""Which rows each mart is built from, and which it replaces: the marts' side of build_marts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from pyspark.sql import DataFrame

from earshot.analytics import behaviour as listening
from earshot.analytics.activity import activity
from earshot.analytics.activity_cube import REMEMBERED_DAYS, CubeRules, activity_cube
from earshot.analytics.audio_quality import audio_quality
from earshot.analytics.chart_periods import days_to_read, periods_to_build
from earshot.analytics.charts import charts
from earshot.analytics.revenue.closed_months import closed_months
from earshot.analytics.revenue.mart import revenue
from earshot.analytics.revenue.splits import shares
from earshot.analytics.revenue.streams import months_before
from earshot.core import columns as c
from earshot.core.arrow_rows import ArrowRows
from earshot.core.changes import TouchedDays, with_followers
from earshot.core.partitions import Partition, replace_partitions
from earshot.core.settings import Settings
from earshot.core.table_history import TableHistory
from earshot.core.tables import Tables, days_condition

LISTENS: Final = "silver.listens"
SUSPECTS: Final = "gold.suspect_listens"

# The longest marts first, so that the threads end together.
SOURCES: Final[Mapping[str, tuple[str, ...]]] = {
    "gold.charts": (LISTENS, SUSPECTS),
    "gold.activity_cube": (LISTENS,),
    "gold.behaviour": (LISTENS,),
    "gold.audio_quality": (LISTENS,),
    "gold.revenue": (LISTENS, SUSPECTS),
    "gold.activity": (LISTENS,),
}
"""Every mart and the tables it is built from."""

_READ: Final = (
    c.LISTEN_ID,
    c.LISTENER_ID,
    c.TRACK_ID,
    c.ARTIST_ID,
    c.ALBUM_TITLE,
    c.STARTED_AT,
    c.PLAYED_MS,
    c.DURATION_MS,
    c.LISTEN_DATE,
    c.COUNTRY,
    c.TIME_ZONE,
    c.DEVICE,
    c.PLATFORM,
    c.APP_VERSION,
    c.TIER,
    c.CONTEXT,
    c.REASON_START,
    c.REASON_END,
    c.SKIPPED,
    c.STARTUP_MS,
    c.REBUFFER_COUNT,
    c.REBUFFER_MS,
    c.BITRATE_KBPS,
    c.START_FAILED,
    c.CDN,
)


@dataclass(frozen=True)
class _Rebuild:
    """One mart's part of the work.

    Attributes:
        reads: Days of silver.listens it is built from.
        rows: The rows, given the plays of these days.
        replaced: The partitions of the table that they replace.
        of_all: Those that they replace when the mart is rebuilt as a whole; None = every one.
    """

    reads: frozenset[date]
    rows: Callable[[DataFrame], DataFrame | ArrowRows]
    replaced: frozenset[Partition]
    of_all: frozenset[Partition] | None = None


def build(tables: Tables, touched: Mapping[str, TouchedDays], settings: Settings) -> None:
    """Rebuild each mart for the days that changed, in one commit a mart; three marts at a time.

    Args:
        tables: The lake.
        touched: What changed for each mart of `SOURCES`; a mart for which nothing did is left alone.
        settings: What is in force.
    """
    existing = TableHistory(tables.root, LISTENS).days()
    plans = {mart: _PLANS[mart](tables, touched[mart], existing, settings) for mart in SOURCES if touched[mart]}
    reads = frozenset[date]().union(*(plan.reads for plan in plans.values()))
    plays = tables.read(LISTENS).where(days_condition(c.LISTEN_DATE, reads)).select(*_READ)

    def write(mart: str) -> None:
        plan = plans[mart]
        rows = plan.rows(plays.where(days_condition(c.LISTEN_DATE, plan.reads)))
        partitions = plan.of_all if touched[mart].complete else plan.replaced
        replace_partitions(tables, mart, rows, partitions, metadata=touched[mart].metadata)

    with ThreadPoolExecutor(max_workers=3, thread_name_prefix="mart") as pool:
        list(pool.map(write, plans))


def _activity(tables: Tables, touched: TouchedDays, existing: frozenset[date], settings: Settings) -> _Rebuild:
    def rows(plays: DataFrame) -> DataFrame:
        return activity(plays, counted_stream_ms=settings.marts.counted_stream_ms)

    return _Rebuild(touched.days, rows, _each(touched.days))


def _audio_quality(tables: Tables, touched: TouchedDays, existing: frozenset[date], settings: Settings) -> _Rebuild:
    return _Rebuild(touched.days, audio_quality, _each(touched.days))


def _behaviour(tables: Tables, touched: TouchedDays, existing: frozenset[date], settings: Settings) -> _Rebuild:
    days = with_followers(touched.days, listening.LOOKBACK_DAYS, existing)
    reads = {day for day in existing if any(0 <= (d - day).days <= listening.LOOKBACK_DAYS for d in days)}

    def rows(plays: DataFrame) -> DataFrame:
        marts = settings.marts
        counted, minimum = marts.counted_stream_ms, marts.behaviour_minimum_volume
        return listening.behaviour(plays, days=days, counted_stream_ms=counted, minimum_volume=minimum)

    return _Rebuild(frozenset(reads), rows, _each(days))


def _cube(tables: Tables, touched: TouchedDays, existing: frozenset[date], settings: Settings) -> _Rebuild:
    marts = settings.marts
    rules = CubeRules(marts.cube_minimum_volume, marts.cube_hourly_minimum_volume, marts.counted_stream_ms)
    calendar = _calendar(existing)
    days = with_followers(touched.days, REMEMBERED_DAYS, calendar) | _days_to_complete(tables, calendar)
    newest = max(existing, default=max(days))

    def rows(plays: DataFrame) -> ArrowRows:
        built = tables.read("gold.activity_cube")
        # A day without plays has its zeros only when plays follow it.
        due = frozenset(day for day in days if day <= newest) or days
        return activity_cube(plays, built, days=due, newest=newest, rules=rules)

    return _Rebuild(days, rows, _each(days))


def _calendar(existing: frozenset[date]) -> frozenset[date]:
    """Every day from the first with plays to the last."""
    if not existing:
        return existing
    first = min(existing)
    return frozenset(first + timedelta(days=offset) for offset in range((max(existing) - first).days + 1))


def _days_to_complete(tables: Tables, calendar: frozenset[date]) -> frozenset[date]:
    """Days whose zeros were not due when they were built, because no later play was known then."""
    built = TableHistory(tables.root, "gold.activity_cube")
    last_built = max(built.days(), default=None)
    if last_built is None or last_built >= max(calendar, default=last_built):
        return calendar - built.days()
    latest = TableHistory(tables.root, LISTENS).latest(c.STARTED_AT, last_built)
    is_whole = latest is not None and latest.hour == 23  # noqa: PLR2004
    return calendar - built.days() | (frozenset() if is_whole else frozenset({last_built}))


def _charts(tables: Tables, touched: TouchedDays, existing: frozenset[date], settings: Settings) -> _Rebuild:
    periods = periods_to_build(touched.days, existing)

    def rows(plays: DataFrame) -> ArrowRows:
        suspects = tables.read(SUSPECTS)
        return charts(plays, suspects, periods=periods, counted_stream_ms=settings.marts.counted_stream_ms)

    replaced = frozenset((period.kind, period.start) for period in periods)
    return _Rebuild(days_to_read(periods, existing), rows, replaced)


def _revenue(tables: Tables, touched: TouchedDays, existing: frozenset[date], settings: Settings) -> _Rebuild:
    closed = closed_months(tables.root)
    months = {day.replace(day=1) for day in touched.days} - set(closed)
    window = settings.revenue.pro_rata.months if settings.revenue.pro_rata.minimum_streams else 1
    if window > 1:
        later = {month for day in existing for month in (day.replace(day=1),) if month not in closed}
        months |= {month for month in later if any(months_before(month, n) in months for n in range(window))}
    needed = {months_before(month, n) for month in months for n in range(window)}

    def rows(plays: DataFrame) -> DataFrame:
        return revenue(
            plays,
            tables.read(SUSPECTS),
            shares(tables),
            terms=settings.revenue,
            counted_stream_ms=settings.marts.counted_stream_ms,
            months=months,
        )

    reads = frozenset(day for day in existing if day.replace(day=1) in needed)
    present = TableHistory(tables.root, "gold.revenue").days() | {day.replace(day=1) for day in existing}
    return _Rebuild(reads, rows, _each(months), _each(present - set(closed)))


def _each(days: Iterable[date]) -> frozenset[Partition]:
    return frozenset((day,) for day in days)


_PLANS: Final[Mapping[str, Callable[[Tables, TouchedDays, frozenset[date], Settings], _Rebuild]]] = {
    "gold.charts": _charts,
    "gold.activity_cube": _cube,
    "gold.behaviour": _behaviour,
    "gold.audio_quality": _audio_quality,
    "gold.revenue": _revenue,
    "gold.activity": _activity,
}

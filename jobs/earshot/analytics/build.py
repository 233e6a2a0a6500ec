"""Which rows each mart is built from, and which it replaces: the marts' side of build_marts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from pyspark.sql import DataFrame

from earshot.analytics import behaviour as listening
from earshot.analytics.activity import activity
from earshot.analytics.activity_cube import REMEMBERED_DAYS, CubeRules, activity_cube
from earshot.analytics.audio_quality import audio_quality
from earshot.analytics.built_charts import BuiltCharts
from earshot.analytics.chart_periods import days_to_read, periods_of_days
from earshot.analytics.charts import charts
from earshot.analytics.cube_days import CUBE, days_between, days_that_became_due, spanned
from earshot.analytics.entity_charts import ChartRules
from earshot.analytics.play_days import FiledPlays
from earshot.analytics.revenue.closed_months import closed_months
from earshot.analytics.revenue.paid_now import payments
from earshot.analytics.revenue.splits import shares
from earshot.analytics.revenue.thresholds import months_needed
from earshot.core.arrow_rows import ArrowRows, ArrowTasks
from earshot.core.changes import TouchedDays, with_followers
from earshot.core.day_files import DayFiles
from earshot.core.memo_files import MemoFiles
from earshot.core.partitions import Partition, replace_partitions
from earshot.core.settings import Settings
from earshot.core.table_history import TableHistory
from earshot.core.tables import Tables

LISTENS: Final = "silver.listens"
SUSPECTS: Final = "gold.suspect_listens"

# The longest marts first: their tasks queue in this order, and the short ones fill the cores at the end.
SOURCES: Final[Mapping[str, tuple[str, ...]]] = {
    "gold.charts": (LISTENS, SUSPECTS),
    "gold.revenue": (LISTENS, SUSPECTS),
    "gold.activity_cube": (LISTENS,),
    "gold.behaviour": (LISTENS,),
    "gold.audio_quality": (LISTENS,),
    "gold.activity": (LISTENS,),
}
"""Every mart and the tables it is built from."""


@dataclass(frozen=True)
class _Rebuild:
    """One mart's part of the work.

    Attributes:
        reads: Days of silver.listens it is built from.
        rows: The rows, given the plays of these days.
        replaced: The partitions of the table that they replace.
        of_all: Those that they replace when the mart is rebuilt as a whole; None = every one.
        since: Version of the table from which they are computed, where they are.
        told: What its commit says besides.
    """

    reads: frozenset[date]
    rows: Callable[[FiledPlays], DataFrame | ArrowRows | ArrowTasks]
    replaced: frozenset[Partition]
    of_all: frozenset[Partition] | None = None
    since: int | None = None
    told: Mapping[str, object] = field(default_factory=dict)


def rules_of(mart: str, settings: Settings) -> str:
    """What the rows of a mart depend on besides its sources; empty where `revenue.month_end` minds it."""
    marts = settings.marts
    rules: dict[str, tuple[object, ...]] = {
        "gold.charts": (ChartRules.of(marts),),
        "gold.activity_cube": (_cube_rules(settings),),
        "gold.behaviour": (marts.stream_rule, marts.behaviour_minimum_volume),
        "gold.activity": (marts.stream_rule,),
        "gold.audio_quality": (marts.session_gap_minutes,),
    }
    return repr(rules[mart]) if mart in rules else ""


def build(tables: Tables, touched: Mapping[str, TouchedDays], settings: Settings) -> None:
    """Rebuild each mart for the days that changed, in one commit a mart; three marts at a time.

    Args:
        tables: The lake.
        touched: What changed for each mart of `SOURCES`; a mart for which nothing did is left alone.
        settings: What is in force.
    """
    plays = FiledPlays(tables.spark, DayFiles.now(tables.root, LISTENS))
    existing = plays.files.days

    def write(mart: str) -> None:
        plan = _PLANS[mart](tables, touched[mart], existing, settings)
        rows = plan.rows(plays.of(plan.reads))
        partitions = plan.of_all if touched[mart].complete else plan.replaced
        metadata = {**touched[mart].metadata, **plan.told}
        replace_partitions(tables, mart, rows, partitions, metadata=metadata, since=plan.since)

    with ThreadPoolExecutor(max_workers=3, thread_name_prefix="mart") as pool:
        list(pool.map(write, [mart for mart in SOURCES if touched[mart]]))


def _activity(tables: Tables, touched: TouchedDays, existing: frozenset[date], settings: Settings) -> _Rebuild:
    def rows(plays: FiledPlays) -> ArrowRows | ArrowTasks:
        return activity(plays, stream_rule=settings.marts.stream_rule)

    return _Rebuild(touched.days, rows, _each(touched.days))


def _audio_quality(tables: Tables, touched: TouchedDays, existing: frozenset[date], settings: Settings) -> _Rebuild:
    def rows(plays: FiledPlays) -> ArrowRows | ArrowTasks:
        return audio_quality(plays, session_gap_minutes=settings.marts.session_gap_minutes)

    return _Rebuild(touched.days, rows, _each(touched.days))


def _behaviour(tables: Tables, touched: TouchedDays, existing: frozenset[date], settings: Settings) -> _Rebuild:
    days = with_followers(touched.days, listening.LOOKBACK_DAYS, existing)
    reads = {day for day in existing if any(0 <= (d - day).days <= listening.LOOKBACK_DAYS for d in days)}

    def rows(plays: FiledPlays) -> ArrowRows | ArrowTasks:
        marts = settings.marts
        rule, minimum = marts.stream_rule, marts.behaviour_minimum_volume
        memos = _memos(tables, "gold.behaviour", settings)
        return listening.behaviour(plays, days=days, stream_rule=rule, minimum_volume=minimum, memos=memos)

    return _Rebuild(frozenset(reads), rows, _each(days))


def _cube(tables: Tables, touched: TouchedDays, existing: frozenset[date], settings: Settings) -> _Rebuild:
    rules = _cube_rules(settings)
    calendar = days_between(min(existing), max(existing)) if existing else frozenset[date]()
    days = with_followers(touched.days, REMEMBERED_DAYS, calendar) | days_that_became_due(tables.root, existing)
    due = days & calendar

    def rows(plays: FiledPlays) -> ArrowTasks:
        built = DayFiles(CUBE) if touched.complete else DayFiles.now(tables.root, CUBE)
        return activity_cube(
            plays, built.of(built.days - days), days=due, newest=max(existing, default=date.min), rules=rules
        )

    return _Rebuild(due, rows, _each(days), told=spanned(existing))


def _cube_rules(settings: Settings) -> CubeRules:
    marts = settings.marts
    return CubeRules(
        marts.cube_minimum_volume,
        marts.cube_hourly_minimum_volume,
        marts.stream_rule,
        marts.cube_deep_minimum_volume,
        marts.cube_combinations,
        marts.cube_deep_combinations,
    )


def _charts(tables: Tables, touched: TouchedDays, existing: frozenset[date], settings: Settings) -> _Rebuild:
    periods = periods_of_days(touched.days)
    built = BuiltCharts() if touched.complete else BuiltCharts.now(tables.root, periods)

    def rows(plays: FiledPlays) -> ArrowTasks:
        rules = ChartRules.of(settings.marts)
        memos = _memos(tables, "gold.charts", settings)
        suspects = DayFiles.now(tables.root, SUSPECTS)
        return charts(plays, suspects, periods=periods, rules=rules, built=built, memos=memos)

    replaced = frozenset((period.kind, period.start) for period in periods | built.after(periods))
    return _Rebuild(days_to_read(periods, existing), rows, replaced, since=built.version)


def _revenue(tables: Tables, touched: TouchedDays, existing: frozenset[date], settings: Settings) -> _Rebuild:
    closed = closed_months(tables.root)
    months = {day.replace(day=1) for day in touched.days} - set(closed)
    terms = settings.revenue
    later = {day.replace(day=1) for day in existing} - set(closed)
    months |= {month for month in later if not months.isdisjoint(months_needed(month, terms))}
    needed = {before for month in months for before in months_needed(month, terms)}

    def rows(plays: FiledPlays) -> DataFrame | ArrowTasks:
        rule = settings.marts.stream_rule
        memos = _memos(tables, "gold.revenue", settings)
        return payments(tables, plays.files, months, shares(tables), terms=terms, stream_rule=rule, memos=memos)

    reads = frozenset(day for day in existing if day.replace(day=1) in needed)
    present = TableHistory(tables.root, "gold.revenue").days() | {day.replace(day=1) for day in existing}
    return _Rebuild(reads, rows, _each(months), _each(present - set(closed)))


def _memos(tables: Tables, mart: str, settings: Settings) -> MemoFiles:
    return MemoFiles.of(tables.root, mart, least=settings.marts.remembered_from)


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

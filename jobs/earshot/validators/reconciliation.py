"""Marts and sessions beside the plays that they were made of: frames whose two sides must be equal.

The plays are summed once, by day, country and tier; every comparison takes its side from these sums.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from earshot.core import columns as c
from earshot.core.measures import ALL, counted, known
from earshot.core.stream_rule import StreamRule

PLAYS, COUNTED, HEARD_MS, SKIPPED = "plays", "counted", "heard_ms", "skipped"
_SUMS: Final = (PLAYS, COUNTED, HEARD_MS, SKIPPED)
_DAY: Final = "day"

Read = Callable[[str], DataFrame]


def sums_of_plays(listens: DataFrame, *, stream_rule: StreamRule) -> DataFrame:
    """Plays, counted streams, milliseconds heard and skips, by day, country and tier. One shuffle.

    Args:
        listens: Rows of silver.listens.
        stream_rule: When a play is a counted stream.
    """
    keys = (F.col(c.LISTEN_DATE).alias(_DAY), *(known(name).alias(name) for name in (c.COUNTRY, c.TIER)))
    return listens.groupBy(*keys).agg(
        F.count("*").alias(PLAYS),
        F.count_if(counted(stream_rule)).alias(COUNTED),
        _sum(c.PLAYED_MS).alias(HEARD_MS),
        F.count_if(c.SKIPPED).alias(SKIPPED),
    )


def session_totals(sums: DataFrame, sessions: DataFrame) -> DataFrame:
    """One row: plays, listens, heard_ms, played_ms."""
    of_plays = sums.agg(_sum(PLAYS).alias(PLAYS), _sum(HEARD_MS).alias(HEARD_MS))
    of_sessions = sessions.agg(_sum(c.LISTENS).alias(c.LISTENS), _sum(c.PLAYED_MS).alias(c.PLAYED_MS))
    return of_plays.crossJoin(of_sessions).where((F.col(PLAYS) > 0) & (F.col(c.LISTENS) > 0))


def charted_days(sums: DataFrame, charts: DataFrame) -> DataFrame:
    """A row a day and entity: streams of the charts over everything, and counted streams of silver."""
    whole = (
        (F.col(c.PERIOD) == _DAY)
        & (F.col(c.COUNTRY) == ALL)
        & (F.col(c.TIER) == ALL)
        & (F.col(c.SUSPECTS) == "included")
    )
    charted = charts.where(whole).groupBy(F.col(c.PERIOD_START).alias(_DAY), c.ENTITY).agg(_sum(c.STREAMS).alias("of"))
    entities = charts.select(c.ENTITY).distinct()
    by_day = sums.groupBy(_DAY).agg(_sum(COUNTED).alias(COUNTED)).where(F.col(COUNTED) > 0).crossJoin(entities)
    both = by_day.join(charted, [_DAY, c.ENTITY], "full")
    return both.select(_DAY, c.ENTITY, _or_none("of").alias(c.STREAMS), _or_none(COUNTED).alias(COUNTED))


def active_days(sums: DataFrame, activity: DataFrame) -> DataFrame:
    """A row a day: listens, counted_listens, played_ms and skips of gold.activity beside those of silver."""
    measured = (c.LISTENS, c.COUNTED_LISTENS, c.PLAYED_MS, c.SKIPS)
    of_mart = activity.groupBy(F.to_date(c.HOUR_START).alias(_DAY)).agg(*(_sum(name).alias(name) for name in measured))
    of_plays = sums.groupBy(_DAY).agg(*(_sum(name).alias(name) for name in _SUMS))
    both = of_plays.join(of_mart, _DAY, "full")
    return both.select(_DAY, *(_or_none(name).alias(name) for name in (*measured, *_SUMS)))


def paid_pools(sums: DataFrame, revenue: DataFrame) -> DataFrame:
    """A row an open pool: the streams that it pays, counted streams of silver, and whether rights holders share them.

    Months that are closed are left out: what comes late is booked as an adjustment.
    """
    pool = (c.MONTH, c.COUNTRY, c.TIER)
    closed = revenue.where(F.col(c.STATUS) != "provisional").select(c.MONTH).distinct()
    one_model = revenue.where((F.col(c.MODEL) == "pro_rata") & (F.col(c.SUSPECTS) == "included"))
    of_mart = (
        one_model.join(closed, c.MONTH, "leftanti")
        .groupBy(*pool)
        .agg(
            _sum(c.STREAMS).alias(c.STREAMS),
            F.bool_or(F.col(c.PAYEE_TYPE) == "rights_holder").alias("is_split"),
        )
    )
    month = F.trunc(_DAY, "month").alias(c.MONTH)
    of_plays = sums.groupBy(month, c.COUNTRY, c.TIER).agg(_sum(COUNTED).alias(COUNTED)).where(F.col(COUNTED) > 0)
    both = of_mart.join(of_plays, list(pool), "left")
    return both.select(*pool, c.STREAMS, _or_none(COUNTED).alias(COUNTED), "is_split")


@contextmanager
def reconciled(
    read: Read, *, stream_rule: StreamRule, is_capped: bool = False
) -> Iterator[dict[str, Callable[[], DataFrame]]]:
    """The frames by name, to be judged while the block runs; the plays are summed for the first, and kept.

    Args:
        read: Gives a table by name.
        stream_rule: When a play is a counted stream.
        is_capped: A listener adds so many streams to a chart at most: charts then add up to less, and are not judged.
    """
    sums = sums_of_plays(read("silver.listens"), stream_rule=stream_rule).persist()
    try:
        yield {
            "silver.session_totals": lambda: session_totals(sums, read("silver.sessions")),
            "gold.reconciled_charts": lambda: charted_days(sums, read("gold.charts")).where(F.lit(not is_capped)),
            "gold.reconciled_activity": lambda: active_days(sums, read("gold.activity")),
            "gold.reconciled_revenue": lambda: paid_pools(sums, read("gold.revenue")),
        }
    finally:
        sums.unpersist()


def _sum(column: str) -> Column:
    return F.coalesce(F.sum(column), F.lit(0)).cast("bigint")


def _or_none(column: str) -> Column:
    """0 where one side has no such row: there it has nothing."""
    return F.coalesce(F.col(column), F.lit(0))

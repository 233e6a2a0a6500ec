"""gold.charts: every track, artist and album, ranked by counted streams."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema

from earshot.analytics.chart_periods import ALL_TIME_START, Period, periods_condition
from earshot.analytics.flagged import EXCLUDED, FLAGGED, INCLUDED, with_flags
from earshot.analytics.plays import Flags, Integers, Names, flags, numbered, table_of
from earshot.core import columns as c
from earshot.core.arrow_rows import ArrowRows
from earshot.core.measures import ALL, counted, known
from earshot.core.tables import spec_of

ENTITIES: Final = {"track": c.TRACK_ID, "artist": c.ARTIST_ID, "album": c.ALBUM_TITLE}
"""Entity and the column of silver.listens that identifies it."""

_BEFORE: Final = "is_before"
_SCHEMA: Final = spec_of("gold.charts").schema
_ARROW: Final = to_arrow_schema(_SCHEMA, timezone="UTC")


def charts(
    listens: DataFrame, suspects: DataFrame, *, periods: Collection[Period], counted_stream_ms: int
) -> ArrowRows:
    """Charts of the periods, by country and ALL, tier and ALL, with and without suspect streams.

    Streams are counted streams; rank is by streams desc, listeners desc, entity_id asc, without
    gaps or ties. previous_rank is the rank in the period before, in the same chart. An album is
    known by its title alone, as silver.listens has no id of albums; what has no id is `unknown`.

    The plays of a period and of the one before go to one Arrow task, which counts and ranks by
    sorting integers: 24 groupings and their distinct listeners from one shuffle of the plays.

    Args:
        listens: Rows of silver.listens of the periods and of those before them.
        suspects: Rows of gold.suspect_listens.
        periods: What to build.
        counted_stream_ms: See `core.measures.counted`.

    Returns:
        The columns of gold.charts, a group a period.
    """
    plays = with_flags(listens.where(counted(counted_stream_ms)), suspects).select(
        c.LISTEN_DATE,
        c.LISTENER_ID,
        FLAGGED,
        *(known(name).alias(name) for name in (c.COUNTRY, c.TIER, *ENTITIES.values())),
    )
    week, month = f"trunc({c.LISTEN_DATE}, 'week')", f"trunc({c.LISTEN_DATE}, 'month')"
    placed = plays.select(
        "*",
        F.expr(
            f"""stack(7, 'day', {c.LISTEN_DATE}, false, 'day', date_add({c.LISTEN_DATE}, 1), true,
                         'week', {week}, false, 'week', date_add({week}, 7), true,
                         'month', {month}, false, 'month', CAST(add_months({month}, 1) AS DATE), true,
                         'all_time', DATE'{ALL_TIME_START}', false) AS ({c.PERIOD}, {c.PERIOD_START}, {_BEFORE})"""
        ),
    ).where(periods_condition(periods))

    def build(key: tuple[Any, ...], rows: pa.Table) -> pa.Table:
        return chart_of_period(rows, period=key[0].as_py(), start=key[1].as_py())

    count = max(1, min(len(periods), int(listens.sparkSession.conf.get("spark.sql.shuffle.partitions") or 1)))
    plays_of_periods = placed.repartition(count, c.PERIOD, c.PERIOD_START).groupBy(c.PERIOD, c.PERIOD_START)
    return ArrowRows(plays_of_periods, build, _SCHEMA)


def chart_of_period(plays: pa.Table, *, period: str, start: date) -> pa.Table:
    """Every chart of one period.

    Args:
        plays: Its counted streams, and with `is_before` those of the period before: listener_id,
            country, tier, is_flagged and the columns of `ENTITIES`, none null.
        period: day, week, month or all_time.
        start: Its first day.
    """
    listener, country, tier = (numbered(plays[name]) for name in (c.LISTENER_ID, c.COUNTRY, c.TIER))
    is_before, is_flagged = flags(plays[_BEFORE]), flags(plays[FLAGGED])
    parts = [
        _rows(chart, name, fixed, suspects, period=period, start=start)
        for name, column in ENTITIES.items()
        for entity in (numbered(plays[column]),)
        for fixed in _breakdowns(country, tier)
        for suspects, kept in ((INCLUDED, np.ones(len(is_flagged), bool)), (EXCLUDED, ~is_flagged))
        for chart in (_ranked_with_previous(entity, fixed, listener, kept, is_before),)
    ]
    return pa.concat_tables(parts)


@dataclass(frozen=True)
class _Breakdown:
    """Plays by country or all of them, and by tier or all of them."""

    country: Names
    tier: Names

    @property
    def codes(self) -> Integers:
        return self.country.codes * len(self.tier) + self.tier.codes


@dataclass(frozen=True)
class _Chart:
    """Rows of all charts of a breakdown: breakdown, entity, figures."""

    group: Integers
    entity: Names
    streams: Integers
    listeners: Integers
    rank: Integers
    previous_rank: Integers  # 0 = none


def _breakdowns(country: Names, tier: Names) -> Iterator[_Breakdown]:
    every_country, every_tier = (
        Names(np.zeros(len(names.codes), np.int64), pa.array([ALL], pa.string())) for names in (country, tier)
    )
    for by_country in (country, every_country):
        for by_tier in (tier, every_tier):
            yield _Breakdown(by_country, by_tier)


def _ranked_with_previous(entity: Names, fixed: _Breakdown, listener: Names, kept: Flags, is_before: Flags) -> _Chart:
    keys = fixed.codes * len(entity) + entity.codes
    now, streams, listeners, rank = _ranked(keys, listener, kept & ~is_before, len(entity))
    before, _, _, rank_before = _ranked(keys, listener, kept & is_before, len(entity))
    previous = np.zeros(len(now), np.int64)
    if len(before):
        at = np.minimum(np.searchsorted(before, now), len(before) - 1)
        previous = np.where(before[at] == now, rank_before[at], 0)
    return _Chart(now // len(entity), Names(now % len(entity), entity.names), streams, listeners, rank, previous)


def _ranked(
    keys: Integers, listener: Names, kept: Flags, entities: int
) -> tuple[Integers, Integers, Integers, Integers]:
    """Of each key (breakdown x entity) in order: key, streams, listeners, rank in its breakdown."""
    if not kept.any():
        empty = np.zeros(0, np.int64)
        return empty, empty, empty, empty
    pairs, plays = np.unique(keys[kept] * len(listener) + listener.codes[kept], return_counts=True)
    key_of_pair = pairs // len(listener)
    first = np.flatnonzero(np.diff(key_of_pair, prepend=-1))
    key = key_of_pair[first]
    streams = np.add.reduceat(plays, first)
    listeners = np.diff(first, append=len(pairs))
    group = key // entities
    order = np.lexsort((key, -listeners, -streams, group))
    opening = np.flatnonzero(np.diff(group[order], prepend=-1))
    rank = np.empty(len(key), np.int64)
    rank[order] = np.arange(len(key)) - np.repeat(opening, np.diff(opening, append=len(key))) + 1
    return key, streams, listeners, rank


def _rows(chart: _Chart, entity: str, fixed: _Breakdown, suspects: str, *, period: str, start: date) -> pa.Table:
    count = len(chart.group)

    def same(value: object, kind: pa.DataType) -> pa.Array:
        return pa.repeat(pa.scalar(value, kind), count)

    return table_of(
        {
            c.PERIOD: same(period, pa.string()),
            c.PERIOD_START: same(start, pa.date32()),
            c.COUNTRY: fixed.country.names.take(pa.array(chart.group // len(fixed.tier))),
            c.TIER: fixed.tier.names.take(pa.array(chart.group % len(fixed.tier))),
            c.ENTITY: same(entity, pa.string()),
            c.ENTITY_ID: chart.entity.names.take(pa.array(chart.entity.codes)),
            c.SUSPECTS: same(suspects, pa.string()),
            c.RANK: chart.rank,
            c.STREAMS: chart.streams,
            c.LISTENERS: chart.listeners,
            c.PREVIOUS_RANK: pa.array(chart.previous_rank, mask=chart.previous_rank == 0),
        },
        _ARROW,
    )

"""gold.revenue: what each payee gets out of the month's pools, by three models, to the minor unit."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date
from typing import Any, Final

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import to_arrow_schema

from earshot.analytics.revenue.filed_streams import FiledStreams
from earshot.analytics.revenue.month_memory import MonthMemory
from earshot.analytics.revenue.payouts import payouts_of_pool
from earshot.analytics.revenue.pool_streams import PoolStreams
from earshot.analytics.revenue.splits import split_tracks
from earshot.analytics.revenue.streams import streams_of_pools
from earshot.analytics.revenue.thresholds import earning
from earshot.core import columns as c
from earshot.core.arrow_rows import ArrowTasks
from earshot.core.memo_files import MemoFiles
from earshot.core.revenue_settings import RevenueSettings
from earshot.core.stream_rule import StreamRule
from earshot.core.tables import spec_of

_SCHEMA: Final = spec_of("gold.revenue").schema
_ARROW: Final = to_arrow_schema(_SCHEMA, timezone="UTC")
_ROWS_OF_A_FILE: Final = 1_000_000


def revenue(
    listens: DataFrame,
    suspects: DataFrame,
    rights: DataFrame | None,
    *,
    terms: RevenueSettings,
    stream_rule: StreamRule,
    months: Collection[date] | None = None,
    plays: int = 0,
) -> DataFrame:
    """Payouts by month, country and tier under the pro-rata, the user-centric and the artist-centric model.

    The pool is what the month brought (see `pools`); a model says what each stream counts (see `models`), and
    the pool is divided in these proportions by the method of the largest remainder (see `rounding`; ties:
    payee_id asc). So the payouts of a pool add up to it exactly.

    With suspects excluded, flagged streams earn nothing and the pool stays what was paid in. Where no stream may
    earn, the whole pool is `suspense`. Plays whose tier has no price are in no pool. A play without artist pays
    `unknown`; a track with rights holders pays these (see `splits`).

    Args:
        listens: Rows of silver.listens of whole months; see `streams.streams_of_pools`.
        suspects: Rows of gold.suspect_listens.
        rights: Rows of silver.rights; None where no track has splits.
        terms: Prices, pools, thresholds.
        stream_rule: When a play is a counted stream.
        months: First days of the months to pay; all by default.
        plays: About how many, for the number of tasks.

    Returns:
        The columns of gold.revenue; status is provisional.
    """
    streams = streams_of_pools(
        listens, suspects, rights, terms=terms, stream_rule=stream_rule, months=months, plays=plays
    )
    return paid_out(streams, terms)


def revenue_of_files(
    spark: SparkSession,
    streams: FiledStreams,
    rights: DataFrame | None,
    *,
    terms: RevenueSettings,
    months: Collection[date],
    memos: MemoFiles | None = None,
    plays: int = 0,
) -> ArrowTasks:
    """`revenue` of plays that tasks read themselves, a task a month.

    Args:
        spark: The session.
        streams: Of these months, and where tracks earn only from a threshold on also those of the months before.
        rights: Rows of silver.rights; None where no track has splits.
        terms: Prices, pools, thresholds.
        months: First days of the months to pay.
        memos: What is remembered of months, so that not all their days are read again. Nothing is where tracks earn
            from a threshold on: which ones do changes from day to day.
        plays: How many the months have, which tells whether it is worth it.
    """
    splits = None if rights is None else split_tracks(rights).toArrow()
    earns = earning(spark, streams, terms.pro_rata, months) if terms.pro_rata.minimum_streams else {}

    told = repr((streams.rule, sorted(streams.without), sorted(terms.artist_centric.active_contexts)))
    split = "" if splits is None else "\n".join(sorted(splits[c.TRACK_ID].to_pylist()))
    memories: dict[date, MonthMemory] = {}
    if memos and plays >= memos.least and not terms.pro_rata.minimum_streams:
        made_from, rules = (streams.plays, streams.suspects), f"{told}\n{split}"
        memories = {month: MonthMemory.of(memos, month, made_from, rules=rules) for month in months}
    if memos:
        names = {name for memory in memories.values() for name in memory.names.values()}
        memos.keep(names, later_than=max(streams.plays.days, default=date.min))

    def of_month(month: date) -> Iterator[pa.Table]:
        paid: list[pa.Table] = []
        pools = streams.pools(
            month, terms.artist_centric, splits=splits, earning=earns.get(month), memory=memories.get(month)
        )
        for country, tier, of_pool in pools:
            found = payouts_of_pool(of_pool, month=month, country=country, tier=tier, terms=terms, schema=_ARROW)
            paid += [] if found is None else [found]
            if sum(map(len, paid)) >= _ROWS_OF_A_FILE:
                yield pa.concat_tables(paid)
                paid = []
        if paid:
            yield pa.concat_tables(paid)

    return ArrowTasks(spark, sorted(months), of_month, _SCHEMA)


def paid_out(streams: DataFrame, terms: RevenueSettings) -> DataFrame:
    """The payouts of pools, given the rows of `streams_of_pools`."""

    def build(key: tuple[Any, ...], rows: pa.Table) -> pa.Table:
        month, country, tier = (part.as_py() for part in key)
        of_pool = PoolStreams.of_rows(rows)
        found = payouts_of_pool(of_pool, month=month, country=country, tier=tier, terms=terms, schema=_ARROW)
        return _ARROW.empty_table() if found is None else found.cast(_ARROW)

    return streams.groupBy(c.MONTH, c.COUNTRY, c.TIER).applyInArrow(build, _SCHEMA).select(*_SCHEMA.names)

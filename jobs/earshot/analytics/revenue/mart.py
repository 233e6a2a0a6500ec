"""gold.revenue: what each payee gets out of the month's pools, by three models, to the minor unit."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any, Final

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import to_arrow_schema

from earshot.analytics.revenue.filed_streams import FiledStreams
from earshot.analytics.revenue.payouts import payouts_of_pool
from earshot.analytics.revenue.streams import streams_of_files, streams_of_pools
from earshot.core import columns as c
from earshot.core.revenue_settings import RevenueSettings
from earshot.core.stream_rule import StreamRule
from earshot.core.tables import spec_of

_SCHEMA: Final = spec_of("gold.revenue").schema
_ARROW: Final = to_arrow_schema(_SCHEMA, timezone="UTC")


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
    streams: FiledStreams, *, terms: RevenueSettings, stream_rule: StreamRule, months: Collection[date], plays: int
) -> DataFrame:
    """`revenue` of plays that tasks read themselves, where `streams.is_read_by_tasks` holds."""
    return paid_out(streams_of_files(streams, terms=terms, stream_rule=stream_rule, months=months, plays=plays), terms)


def paid_out(streams: DataFrame, terms: RevenueSettings) -> DataFrame:
    """The payouts of pools, given the rows of `streams_of_pools`."""

    def build(key: tuple[Any, ...], rows: pa.Table) -> pa.Table:
        month, country, tier = (part.as_py() for part in key)
        return payouts_of_pool(rows, month=month, country=country, tier=tier, terms=terms, schema=_ARROW)

    return streams.groupBy(c.MONTH, c.COUNTRY, c.TIER).applyInArrow(build, _SCHEMA).select(*_SCHEMA.names)

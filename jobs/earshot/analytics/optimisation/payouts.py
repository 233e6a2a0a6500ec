"""Concentration of a month's payouts, by model and country, from the streams of its listeners."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructField, StructType

from earshot.analytics.optimisation.estimates import Estimate
from earshot.analytics.optimisation.inequality import concentration, inequality, paid_without
from earshot.analytics.plays import Flags, Floats, Integers, numbered
from earshot.analytics.revenue.models import MODELS, Streams, boosted
from earshot.analytics.revenue.streams import EVERY, streams_by_listener
from earshot.core import columns as c
from earshot.core.measures import ALL
from earshot.core.revenue_settings import RevenueSettings
from earshot.core.tables import spec_of

_GROUP: Final = "listener_group"
_FIELDS: Final = (c.METRIC, c.DIMENSIONS, c.VALUE, c.LOWER, c.UPPER, c.LISTENERS, c.DESIGN, c.METHOD, c.REASON)

Pools = Mapping[tuple[str, str], tuple[str, Decimal]]
"""By country and tier: currency and money."""


def payout_concentration(
    listens: DataFrame,
    suspects: DataFrame,
    *,
    pools: Pools,
    terms: RevenueSettings,
    counted_stream_ms: int,
    groups: int,
) -> DataFrame:
    """How the pools of one month are concentrated on artists, by model, country and currency.

    What a stream counts is that of `revenue.models`, so the amounts are those of gold.revenue before they are
    rounded, before artists share with rights holders, and with suspects included. Who is boosted in the
    artist-centric model is taken as it is. One shuffle of the plays, then one task for the month.

    Args:
        listens: See `revenue.streams.streams_by_listener`; of one month, and those before that its threshold needs.
        suspects: Rows of gold.suspect_listens.
        pools: Of the month, as gold.revenue has them.
        terms: Thresholds and boosts.
        counted_stream_ms: See `core.measures.counted`.
        groups: Of listeners, for the intervals.

    Returns:
        month, and the columns of gold.optimisation that an `Estimate` fills; dimensions are model, country (or
        ALL of a currency) and currency, and `against` where a change is told.
    """
    group = F.pmod(F.xxhash64(c.LISTENER_ID), F.lit(groups)).cast("int").alias(_GROUP)
    streams = streams_by_listener(
        listens, suspects, None, terms=terms, counted_stream_ms=counted_stream_ms, also=(group,)
    )
    fields = {field.name: field for field in spec_of("gold.optimisation").schema}
    schema = StructType([StructField(c.MONTH, streams.schema[c.MONTH].dataType), *(fields[name] for name in _FIELDS)])
    arrow = to_arrow_schema(schema, timezone="UTC")

    def build(key: tuple[Any, ...], rows: pa.Table) -> pa.Table:
        found = _Month.of(rows, terms, pools).estimates()
        told = [{c.MONTH: key[0].as_py(), **estimate.row()} for estimate in found]
        return pa.Table.from_pylist(told, schema=arrow)

    return streams.groupBy(c.MONTH).applyInArrow(build, schema).select(*schema.names)


@dataclass(frozen=True)
class _Month:
    """The rows of a month, sorted by pool."""

    streams: Streams
    group: Integers
    artist: Integers
    pool: Integers
    pools: list[tuple[str, str]]
    money: Pools
    terms: RevenueSettings

    @classmethod
    def of(cls, rows: pa.Table, terms: RevenueSettings, money: Pools) -> _Month:
        country, tier, artist = numbered(rows[c.COUNTRY]), numbered(rows[c.TIER]), numbered(rows[c.ARTIST_ID])
        keys, pool = np.unique(country.codes * len(tier) + tier.codes, return_inverse=True)
        names = [(country.names[int(k) // len(tier)].as_py(), tier.names[int(k) % len(tier)].as_py()) for k in keys]

        def field(name: str) -> Integers:
            values: Integers = rows[f"{name}_{EVERY}"].to_numpy().astype(np.int64)
            return values

        is_boosted = boosted(artist.codes, field("streams"), field("new_listener"), terms.artist_centric)
        streams = Streams(
            field("streams"),
            field("earning"),
            field("chosen"),
            field("of_listener"),
            field("of_listener_month"),
            is_boosted,
        )
        return cls(streams, rows[_GROUP].to_numpy().astype(np.int64), artist.codes, pool, names, money, terms)

    def estimates(self) -> Iterator[Estimate]:
        """Of each country, and of all countries that are paid in one currency."""
        paid = [n for n, place in enumerate(self.pools) if place in self.money]
        currency = {n: self.money[self.pools[n]][0] for n in paid}
        for name in sorted(set(currency.values())):
            of_currency = [n for n in paid if currency[n] == name]
            countries = sorted({self.pools[n][0] for n in of_currency})
            for country in [ALL, *countries] if len(countries) > 1 else countries:
                inside = [n for n in of_currency if country in {ALL, self.pools[n][0]}]
                yield from self._scope(inside, country=country, currency=name)

    def _scope(self, pools: list[int], **where: str) -> list[Estimate]:
        there = np.flatnonzero(np.isin(self.pool, pools) & (self.streams.streams > 0))
        streams, pool = self.streams.of(there), self.pool[there]
        groups, group = np.unique(self.group[there], return_inverse=True)
        artists, artist = np.unique(self.artist[there], return_inverse=True)
        size = len(groups), len(artists)
        listeners = round(float((streams.streams / np.maximum(streams.of_listener, 1)).sum()))
        measures: dict[str, Floats] = {}
        for model, counting in MODELS.items():
            numerator, denominator = counting(streams, self.terms.artist_centric)
            counts = numerator / denominator
            paid = np.zeros((1 + size[0], size[1]))
            for number in pools:
                rows: Flags = pool == number
                money = float(self.money[self.pools[number]][1])
                paid += paid_without(group[rows], artist[rows], counts[rows], pool=money, size=size)
            measures[model] = inequality(paid)
        return concentration(measures, listeners, **where)

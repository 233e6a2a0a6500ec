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
from earshot.analytics.plays import Flags, Floats, Integers, numbered, sum_by_group
from earshot.analytics.revenue.cells import EVERY
from earshot.analytics.revenue.listeners import GROUP
from earshot.analytics.revenue.models import ARTIST_CENTRIC, MODELS, USER_CENTRIC
from earshot.analytics.revenue.packing import unpacked
from earshot.analytics.revenue.streams import streams_of_pools
from earshot.core import columns as c
from earshot.core.arrow_columns import flags
from earshot.core.measures import ALL
from earshot.core.revenue_settings import RevenueSettings
from earshot.core.stream_rule import StreamRule
from earshot.core.tables import spec_of

_FIELDS: Final = (c.METRIC, c.DIMENSIONS, c.VALUE, c.LOWER, c.UPPER, c.LISTENERS, c.DESIGN, c.METHOD, c.REASON)

Pools = Mapping[tuple[str, str], tuple[str, Decimal]]
"""By country and tier: currency and money."""


def payout_concentration(
    listens: DataFrame,
    suspects: DataFrame,
    *,
    pools: Pools,
    terms: RevenueSettings,
    stream_rule: StreamRule,
    groups: int,
) -> DataFrame:
    """How the pools of one month are concentrated on artists, by model, country and currency.

    What a stream counts is that of `revenue.models`, so the amounts are those of gold.revenue before they are
    rounded, before artists share with rights holders, and with suspects included. Who is boosted in the
    artist-centric model is taken as it is. One shuffle of the plays, then one task for the month.

    Args:
        listens: See `revenue.streams.streams_of_pools`; of one month, and those before that its threshold needs.
        suspects: Rows of gold.suspect_listens.
        pools: Of the month, as gold.revenue has them.
        terms: Thresholds and boosts.
        stream_rule: When a play is a counted stream.
        groups: Of listeners, for the intervals.

    Returns:
        month, and the columns of gold.optimisation that an `Estimate` fills; dimensions are model, country (or
        ALL of a currency) and currency, and `against` where a change is told.
    """
    group = F.pmod(F.xxhash64(c.LISTENER_ID), F.lit(groups))
    streams = streams_of_pools(listens, suspects, None, terms=terms, stream_rule=stream_rule, group=group)
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
    """The rows of a month; what their streams count by model."""

    counts: Mapping[str, Floats]
    group: Integers
    artist: Integers
    pool: Integers
    pools: list[tuple[str, str]]
    money: Pools

    @classmethod
    def of(cls, rows: pa.Table, terms: RevenueSettings, money: Pools) -> _Month:
        country, tier, artist = numbered(rows[c.COUNTRY]), numbered(rows[c.TIER]), numbered(rows[c.ARTIST_ID])
        keys, pool = np.unique(country.codes * len(tier) + tier.codes, return_inverse=True)
        names = [(country.names[int(k) // len(tier)].as_py(), tier.names[int(k) % len(tier)].as_py()) for k in keys]
        counts = {model: _counts(rows, f"{model}_{EVERY}") for model in MODELS}
        boost = np.where(flags(rows[f"is_boosted_{EVERY}"]), terms.artist_centric.boost_factor, 1)
        counts[ARTIST_CENTRIC] = counts[ARTIST_CENTRIC] * boost
        return cls(counts, rows[GROUP].to_numpy().astype(np.int64), artist.codes, pool, names, money)

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
        there = np.flatnonzero(np.isin(self.pool, pools))
        pool = self.pool[there]
        groups, group = np.unique(self.group[there], return_inverse=True)
        artists, artist = np.unique(self.artist[there], return_inverse=True)
        size = len(groups), len(artists)
        measures: dict[str, Floats] = {}
        for model, every in self.counts.items():
            counts = every[there]
            paid = np.zeros((1 + size[0], size[1]))
            for number in pools:
                rows: Flags = pool == number
                money = float(self.money[self.pools[number]][1])
                paid += paid_without(group[rows], artist[rows], counts[rows], pool=money, size=size)
            measures[model] = inequality(paid)
        return concentration(measures, round(float(self.counts[USER_CENTRIC][there].sum())), **where)


def _counts(rows: pa.Table, name: str) -> Floats:
    """What the streams of each row count; of the user-centric model the listeners."""
    fractions = unpacked(rows[name].combine_chunks())
    counts = fractions.numerator.astype(np.float64) / fractions.denominator
    return sum_by_group(fractions.part, counts, size=rows.num_rows)

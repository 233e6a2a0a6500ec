"""gold.behaviour: how people listen, by day, country and tier."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import date
from typing import Any, Final

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema

from earshot.analytics import behaviour_slices as slices
from earshot.analytics.plays import (
    Floats,
    Integers,
    Names,
    distinct_by_group,
    flags,
    mixed,
    numbered,
    numbers,
    ratio,
    sum_by_group,
    table_of,
)
from earshot.core import columns as c
from earshot.core.measures import ALL, counted, known
from earshot.core.stream_rule import StreamRule
from earshot.core.tables import days_condition, spec_of

LOOKBACK_DAYS: Final = 7
"""A track is a discovery for a listener who did not play it on so many days before."""

RATES: Final = {
    "completion_rate": "is_completed",
    "skip_rate": "was_skipped",
    "repeat_rate": "is_repeat",
    "discovery_rate": "is_discovery",
    "autoplay_rate": "is_autoplay",
    "counted_rate": "is_counted",
}

_SCHEMA: Final = spec_of("gold.behaviour").schema
_ARROW: Final = to_arrow_schema(_SCHEMA, timezone="UTC")
_COMPLETED: Final = 0.9
_MS_PER_MINUTE: Final = 60_000


def behaviour(listens: DataFrame, *, days: Collection[date], stream_rule: StreamRule, minimum_volume: int) -> DataFrame:
    """Rates, listeners and concentration by day, country or ALL, tier or ALL.

    - completion_rate: plays heard to 90 % of the track, else (where a duration is missing) ended
      by `trackdone`; of the plays that tell.
    - skip_rate: skipped plays, of those that tell. autoplay_rate: plays that began because the one
      before ended, of those that tell. counted_rate: counted streams of all plays.
    - repeat_rate: plays of a track that the listener already played that day. discovery_rate: plays
      of a track that the listener played neither earlier that day nor in the 7 days before.
    - listeners; minutes_per_listener; distinct_tracks.
    - track_entropy: Shannon entropy of the plays over tracks, in bits. track_gini: Gini coefficient
      of the plays over the tracks that were played, 0 (even) to 1 - 1 / tracks.

    The volume of a rate is the plays that tell, of all else the plays. Metrics of a `slice` have names of their own:

    - local_listens: plays by weekday and hour (`Mon 08`) of the listener's own clock, summer time and zones of half
      hours included; the volume is the plays of the group whose time_zone is known.
    - completion_, skip_, repeat_ and discovery_rate_by_context, listens_by_context: the same by context.
    - completion_, skip_ and repeat_rate_by_track: by track, of all countries and tiers only, and only where at least
      `minimum_volume` plays of the day tell.

    Args:
        listens: Rows of silver.listens of the days and of the `LOOKBACK_DAYS` before each.
        days: UTC days to build.
        stream_rule: When a play is a counted stream.
        minimum_volume: Plays from which a track has rates of its own.

    Returns:
        The columns of gold.behaviour.
    """
    of_pair = Window.partitionBy(c.LISTENER_ID, c.TRACK_ID).orderBy(c.STARTED_AT, c.LISTEN_ID)
    before = F.lag(c.LISTEN_DATE).over(of_pair)
    since = F.date_diff(c.LISTEN_DATE, before)
    plays = (
        listens.select(
            c.LISTEN_DATE,
            c.LISTENER_ID,
            known(c.TRACK_ID).alias(c.TRACK_ID),
            known(c.COUNTRY).alias(c.COUNTRY),
            known(c.TIER).alias(c.TIER),
            known(c.CONTEXT).alias(c.CONTEXT),
            c.STARTED_AT,
            c.TIME_ZONE,
            F.col(c.PLAYED_MS),
            _is_completed().alias("is_completed"),
            F.col(c.SKIPPED).alias("was_skipped"),
            F.coalesce(since == 0, F.lit(False)).alias("is_repeat"),
            F.coalesce(since > LOOKBACK_DAYS, F.lit(True)).alias("is_discovery"),
            F.col(c.REASON_START).isin("trackdone", "autoplay").alias("is_autoplay"),
            counted(stream_rule).alias("is_counted"),
        )
        .where(days_condition(c.LISTEN_DATE, days))
        .groupBy(c.LISTEN_DATE)
    )

    def build(key: tuple[Any, ...], rows: pa.Table) -> pa.Table:
        return behaviour_of_day(rows, day=key[0].as_py(), minimum_volume=minimum_volume)

    return plays.applyInArrow(build, _SCHEMA).select(*_SCHEMA.names)


def behaviour_of_day(plays: pa.Table, *, day: date, minimum_volume: int) -> pa.Table:
    """The rows of one day.

    Args:
        plays: listener_id, track_id, country, tier, context, started_at, time_zone, played_ms and the columns of
            `RATES`.
        day: The UTC day.
        minimum_volume: Plays from which a track has rates of its own.
    """
    country, tier = numbered(plays[c.COUNTRY]), numbered(plays[c.TIER])
    every = Names(np.zeros(plays.num_rows, np.int64), pa.array([ALL], pa.string()))
    splits = (slices.by_context(plays, country, tier), slices.by_local_hour(plays, country, tier))
    parts = []
    for by_country, over_countries in ((country, ()), (every, (0,))):
        for by_tier, over_tiers in ((tier, ()), (every, (1,))):
            keys, axes = (by_country, by_tier), (*over_countries, *over_tiers)
            size = len(by_country) * len(by_tier)
            groups = mixed((by_country.codes, by_tier.codes), (len(by_country), len(by_tier)), plays.num_rows)
            parts.append(_rows(_metrics(plays, groups, size), keys, None, day=day))
            parts += [_rows(split.over(axes), keys, split.names, day=day) for split in splits]
    by_track = slices.by_track(plays, minimum_volume=minimum_volume)
    parts.append(_rows(by_track.over(()), (every, every), by_track.names, day=day))
    return pa.concat_tables(parts)


def _is_completed() -> Column:
    heard = F.col(c.PLAYED_MS) >= _COMPLETED * F.col(c.DURATION_MS)
    return F.coalesce(heard, F.col(c.REASON_END) == "trackdone")


def _rows(
    metrics: Iterable[slices.Metric], keys: tuple[Names, Names], names: pa.Array | None, *, day: date
) -> pa.Table:
    """Rows of the groups that have a value: groups are country x tier, and x slice where there is one."""
    country, tier = keys
    width = 1 if names is None else max(len(names), 1)
    parts = []
    for metric, values, volumes in metrics:
        there = np.flatnonzero(np.isfinite(values) & (volumes > 0))
        group, nothing = there // width, pa.nulls(len(there), pa.string())
        parts.append(
            table_of(
                {
                    c.DAY: pa.repeat(pa.scalar(day, pa.date32()), len(there)),
                    c.COUNTRY: country.names.take(pa.array(group // len(tier))),
                    c.TIER: tier.names.take(pa.array(group % len(tier))),
                    c.METRIC: pa.repeat(metric, len(there)),
                    c.VALUE: values[there],
                    c.VOLUME: volumes[there].astype(np.int64),
                    c.SLICE: nothing if names is None else names.take(pa.array(there % width)),
                },
                _ARROW,
            )
        )
    return pa.concat_tables(parts)


def _metrics(plays: pa.Table, groups: Integers, size: int) -> Iterator[tuple[str, Floats, Floats]]:
    """Metric, its value and its volume by group."""
    volume = np.bincount(groups, minlength=size).astype(np.float64)
    for metric, column in RATES.items():
        told = sum_by_group(groups, plays[column].is_valid().to_numpy(), size=size)
        yield metric, ratio(sum_by_group(groups, flags(plays[column]), size=size), told), told
    listener, track = numbered(plays[c.LISTENER_ID]), numbered(plays[c.TRACK_ID])
    people = distinct_by_group(groups, listener.codes, size=size, among=len(listener)).astype(np.float64)
    minutes = sum_by_group(groups, numbers(plays[c.PLAYED_MS]), size=size) / _MS_PER_MINUTE
    yield c.LISTENERS, people, volume
    yield "minutes_per_listener", ratio(minutes, people), volume
    pairs, counts = np.unique(groups * max(len(track), 1) + track.codes, return_counts=True)
    group = pairs // max(len(track), 1)
    tracks = np.bincount(group, minlength=size).astype(np.float64)
    yield "distinct_tracks", tracks, volume
    yield "track_entropy", _entropy(group, counts, volume), volume
    yield "track_gini", _gini(group, counts, volume, tracks), volume


def _entropy(group: Integers, counts: Integers, volume: Floats) -> Floats:
    share = counts / volume[group]
    return np.maximum(sum_by_group(group, -share * np.log2(share), size=len(volume)), 0)


def _gini(group: Integers, counts: Integers, volume: Floats, tracks: Floats) -> Floats:
    """sum((2 i - n - 1) x_i) / (n sum(x)) over x in ascending order, i from 1."""
    order = np.lexsort((counts, group))
    first = np.cumsum(tracks) - tracks
    place = np.arange(1, len(group) + 1) - first[group[order]]
    weighed = (2 * place - tracks[group[order]] - 1) * counts[order]
    return ratio(sum_by_group(group[order], weighed, size=len(volume)), tracks * volume)

"""gold.behaviour: how people listen, by day, country and tier."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema

from earshot.analytics import behaviour_slices as slices
from earshot.analytics.behaviour_sums import Metric, Sums
from earshot.analytics.heard_pairs import PAIR, HeardPairs, PairMemos, PlayedPairs
from earshot.analytics.judged_plays import READ, Judged, judged
from earshot.analytics.play_days import FiledPlays, Plays
from earshot.analytics.plays import Names, numbered, table_of
from earshot.core import columns as c
from earshot.core.arrow_rows import ArrowRows, ArrowTasks
from earshot.core.day_files import DayFiles
from earshot.core.measures import ALL, UNKNOWN
from earshot.core.memo_files import MemoFiles
from earshot.core.stream_rule import StreamRule
from earshot.core.tables import days_condition, spec_of

LOOKBACK_DAYS: Final = 7
"""A track is a discovery for a listener who did not play it on so many days before."""

_IS_BEFORE: Final = "is_before"
_SCHEMA: Final = spec_of("gold.behaviour").schema
_ARROW: Final = to_arrow_schema(_SCHEMA, timezone="UTC")


def behaviour(
    listens: Plays,
    *,
    days: Collection[date],
    stream_rule: StreamRule,
    minimum_volume: int,
    memos: MemoFiles | None = None,
) -> ArrowRows | ArrowTasks:
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
        memos: What is remembered of who played what on the last days.

    Returns:
        The columns of gold.behaviour, a task a day.
    """

    def build(
        day: date, plays: pa.Table, played: PlayedPairs, before: Iterable[HeardPairs], ids: Callable[[], pa.Table]
    ) -> pa.Table:
        found = judged(plays, played, before, stream_rule=stream_rule, ids=ids)
        return behaviour_of_day(plays, found, day=day, minimum_volume=minimum_volume)

    if isinstance(listens, FiledPlays):
        files, remembered = listens.files, _remembered(memos, listens.files)

        def heard(day: date) -> HeardPairs:
            pairs = remembered.read(day) if remembered else None
            if pairs is None:
                pairs = HeardPairs.of(PlayedPairs.of(files.read(day, PAIR)))
                if remembered:
                    remembered.keep(day, pairs)
            return pairs

        def of_files(day: date) -> Iterator[pa.Table]:
            plays = files.read(day, READ)
            played = PlayedPairs.of(plays)
            before = (heard(one) for one in _days_before(day) if one in files.days)
            yield build(day, plays, played, before, lambda: files.read(day, [c.LISTEN_ID], plain=True))
            if remembered:
                remembered.keep(day, HeardPairs.of(played))

        return ArrowTasks(listens.spark, sorted(files.days.intersection(days)), of_files, _SCHEMA)

    def of_group(key: tuple[Any, ...], rows: pa.Table) -> pa.Table:
        earlier = rows[_IS_BEFORE]
        plays = rows.filter(pc.invert(earlier))
        if not plays.num_rows:
            return _ARROW.empty_table()
        before = HeardPairs.of(PlayedPairs.of(rows.filter(earlier)))
        return build(key[0].as_py(), plays, PlayedPairs.of(plays), [before], lambda: plays)

    plays = listens.where(days_condition(c.LISTEN_DATE, days)).select(
        c.LISTEN_DATE, c.LISTEN_ID, *READ, F.lit(False).alias(_IS_BEFORE)
    )
    following = F.sequence(F.date_add(c.LISTEN_DATE, 1), F.date_add(c.LISTEN_DATE, LOOKBACK_DAYS))
    pairs = listens.select(c.LISTEN_DATE, *PAIR).distinct().withColumn(c.LISTEN_DATE, F.explode(following))
    before = pairs.where(days_condition(c.LISTEN_DATE, days)).withColumn(_IS_BEFORE, F.lit(True))
    return ArrowRows(plays.unionByName(before, allowMissingColumns=True).groupBy(c.LISTEN_DATE), of_group, _SCHEMA)


def _days_before(day: date) -> list[date]:
    return [day - timedelta(days=n) for n in range(LOOKBACK_DAYS, 0, -1)]


def _remembered(memos: MemoFiles | None, listens: DayFiles) -> PairMemos | None:
    """The pairs of the days that the next ones look back at, each of which has its part of what is worth a memo."""
    if memos is None or not listens.days:
        return None
    newest = max(listens.days)
    of_a_day = replace(memos, least=memos.least // LOOKBACK_DAYS)
    remembered = PairMemos.of(of_a_day, listens, [*_days_before(newest), newest])
    memos.keep(remembered.names.values(), later_than=newest)
    return remembered


def behaviour_of_day(plays: pa.Table, found: Mapping[str, Judged], *, day: date, minimum_volume: int) -> pa.Table:
    """The rows of one day.

    Args:
        plays: The plays: what `behaviour` reads of them, nulls included.
        found: What they are; see `judged`.
        day: The UTC day.
        minimum_volume: Plays from which a track has rates of its own.
    """
    country, tier, track = (numbered(plays[name], missing=UNKNOWN) for name in (c.COUNTRY, c.TIER, c.TRACK_ID))
    every = Names(np.zeros(plays.num_rows, np.int64), pa.array([ALL], pa.string()))
    splits = (slices.by_context(plays, found, country, tier), slices.by_local_hour(plays, country, tier))
    sums = Sums.of(plays, found, country, tier, track)
    parts = []
    for by_country, over_countries in ((country, ()), (every, (0,))):
        for by_tier, over_tiers in ((tier, ()), (every, (1,))):
            keys, axes = (by_country, by_tier), (*over_countries, *over_tiers)
            parts.append(_rows(sums.over(axes), keys, None, day=day))
            parts += [_rows(split.over(axes), keys, split.names, day=day) for split in splits]
    by_track = slices.by_track(found, track, minimum_volume=minimum_volume)
    parts.append(_rows(by_track.over(()), (every, every), by_track.names, day=day))
    return pa.concat_tables(parts)


def _rows(metrics: Iterable[Metric], keys: tuple[Names, Names], names: pa.Array | None, *, day: date) -> pa.Table:
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

"""The streams of whole months, from files that a task reads: what divides their pools, without a shuffle."""

from __future__ import annotations

import math
import operator
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Final, Self

import numpy as np
import pyarrow as pa

from earshot.analytics.flagged import flags_of
from earshot.analytics.plays import counted_keys, mixed, numbered, places_of
from earshot.analytics.revenue.cells import (
    CHOSEN,
    EARNS_EVERY,
    EARNS_ORGANIC,
    EVERY,
    FLAGGED,
    KINDS,
    ORGANIC,
    Cells,
    Counts,
    counts_of,
)
from earshot.analytics.revenue.listeners import MARKS
from earshot.analytics.revenue.models import MODELS
from earshot.analytics.revenue.pool_streams import PoolStreams, Shares, StreamsOfKind
from earshot.analytics.revenue.rounding import Weights, joined, totals
from earshot.core import columns as c
from earshot.core.arrow_columns import Integers, coded, is_in, numbers
from earshot.core.day_files import DayFiles
from earshot.core.measures import UNKNOWN
from earshot.core.revenue_settings import ArtistCentricSettings
from earshot.core.stream_rule import StreamRule

MOST_PLAYS: Final = 16_000_000
"""A task holds the streams of its month; more of them are shuffled in parts."""

_NAMED: Final = (c.COUNTRY, c.TIER, c.ARTIST_ID)
_READ: Final = (*_NAMED, c.LISTENER_ID, c.CONTEXT, c.PLAYED_MS, c.DURATION_MS)
_MARKS: Final = 16
_CELLS_AT_ONCE: Final = 1_000_000

Pools = Iterator[tuple[str, str, PoolStreams]]
"""Country, tier, and what divides their pool."""


@dataclass(frozen=True)
class FiledStreams:
    """Plays of whole months, and the verdicts on them. Can be sent to executors.

    Attributes:
        plays: Files of silver.listens.
        suspects: Files of gold.suspect_listens.
    """

    plays: DayFiles
    suspects: DayFiles

    def pools(self, month: date, rule: StreamRule, rules: ArtistCentricSettings) -> Pools:
        """What divides the pools of a month; every track earns, none has splits.

        Args:
            month: Its first day.
            rule: When a play is a counted stream.
            rules: What a stream counts in the artist-centric model.
        """
        streams = self._counted(month, rule, rules.active_contexts)
        return _MonthStreams.of(streams, rules).pools() if streams.num_rows else iter(())

    def _counted(self, month: date, rule: StreamRule, chosen: Collection[str]) -> pa.Table:
        days = sorted(day for day in self.plays.days if day.replace(day=1) == month)
        streams = [_streams(self.plays, self.suspects, day, rule, chosen) for day in days]
        return pa.concat_tables(streams) if streams else pa.table({})


def _streams(files: DayFiles, suspects: DayFiles, day: date, rule: StreamRule, chosen: Collection[str]) -> pa.Table:
    """The counted streams of a day, with `marks`."""
    judged = (c.TRACK_ID,) if day in suspects.days else ()
    plays = files.read(day, (*_READ, *judged))
    marks = CHOSEN * is_in(plays[c.CONTEXT], chosen) + EARNS_EVERY + EARNS_ORGANIC
    if judged:
        marks += FLAGGED * flags_of(plays, suspects, day)
    counts = rule.counted(numbers(plays[c.PLAYED_MS]), numbers(plays[c.DURATION_MS]))
    marked = plays.select([*_NAMED, c.LISTENER_ID]).append_column(MARKS, pa.array(marks, pa.int8()))
    return marked.filter(pa.array(counts))


@dataclass(frozen=True)
class _MonthStreams:
    """The streams of a month.

    Attributes:
        countries: By number.
        tiers: By number.
        artists: By number, ascending.
        pool: Of each row, country and tier; ascending.
        artist: Of each row, ascending within its pool.
        kinds: The streams of the rows.
    """

    countries: pa.Array
    tiers: pa.Array
    artists: pa.Array
    pool: Integers
    artist: Integers
    kinds: Mapping[str, StreamsOfKind]

    @classmethod
    def of(cls, streams: pa.Table, rules: ArtistCentricSettings) -> Self:
        """Count streams; columns as `_streams` has them, at least one row."""
        country, tier, artist = (numbered(streams[name], missing=UNKNOWN) for name in _NAMED)
        listener, people = coded(streams[c.LISTENER_ID], missing=UNKNOWN)
        codes = [listener, country.codes, tier.codes, artist.codes, streams[MARKS].to_numpy().astype(np.int64)]
        sizes = [len(people), len(country), len(tier), len(artist), _MARKS]
        keys, plays = counted_keys(mixed(codes, sizes, streams.num_rows), size=math.prod(sizes))
        rows, cells = _cells(keys, plays, pools=len(country) * len(tier), artists=len(artist))
        pool, of_row = np.divmod(rows, len(artist))
        return cls(country.names, tier.names, artist.names, pool, of_row, _kinds(cells, of_row, rules))

    def pools(self) -> Pools:
        """What divides each pool."""
        first = np.flatnonzero(np.diff(self.pool, prepend=-1))
        for low, high in pairwise([*first.tolist(), len(self.pool)]):
            country, tier = divmod(int(self.pool[low]), len(self.tiers))
            shares = Shares.of_artists(self.artists.take(pa.array(self.artist[low:high])))
            kinds = {kind: _of_rows(of, low, high) for kind, of in self.kinds.items()}
            yield self.countries[country].as_py(), self.tiers[tier].as_py(), PoolStreams(shares, kinds)


def _cells(keys: Integers, plays: Integers, *, pools: int, artists: int) -> tuple[Integers, Cells]:
    """The different pairs of pool and artist, and the cells; keys are of listener, pool, artist and marks."""
    rest, marks = np.divmod(keys, _MARKS)
    listener, of_row = np.divmod(rest, pools * artists)
    rows, row = places_of(of_row)
    pool, artist = np.divmod(rows, artists)
    return rows, Cells(listener, pool[row], artist[row], row, marks, plays)


def _kinds(cells: Cells, artist: Integers, rules: ArtistCentricSettings) -> dict[str, StreamsOfKind]:
    """The streams of all rows: counted for some listeners at once, and added up."""
    found: dict[str, list[Counts]] = {kind: [] for kind in KINDS}
    for part in _parts(cells):
        counts = counts_of(part, rules, rows=len(artist))
        every = counts[EVERY].added_up()
        found[EVERY].append(every)
        found[ORGANIC].append(every if counts[ORGANIC] is counts[EVERY] else counts[ORGANIC].added_up())
    kinds = {EVERY: _whole(found[EVERY], artist, rules)}
    is_same = all(map(operator.is_, *found.values()))
    return {**kinds, ORGANIC: kinds[EVERY] if is_same else _whole(found[ORGANIC], artist, rules)}


def _parts(cells: Cells) -> Iterator[Cells]:
    """Cells of whole listeners, about a million at once."""
    count = len(cells.listener)
    opening = np.append(np.flatnonzero(np.diff(cells.listener, prepend=-1)), count)
    about = np.searchsorted(opening, np.arange(0, count, _CELLS_AT_ONCE))
    for low, high in pairwise([*np.unique(opening[about]).tolist(), count]):
        if low < high:
            yield cells.between(low, high)


def _whole(parts: Sequence[Counts], artist: Integers, rules: ArtistCentricSettings) -> StreamsOfKind:
    size, artists = len(artist), int(artist.max()) + 1
    streams, listeners = (np.sum([of.streams for of in parts], axis=0), np.sum([of.listeners for of in parts], axis=0))
    is_boosted = (totals(artist, streams, size=artists) >= rules.boost_streams) & (
        totals(artist, listeners, size=artists) >= rules.boost_listeners
    )
    weights = {model: joined([of.weights[model] for of in parts], parts=size) for model in MODELS}
    return StreamsOfKind(streams, is_boosted[artist], weights)


def _of_rows(of: StreamsOfKind, low: int, high: int) -> StreamsOfKind:
    """Rows of these numbers; fractions are in the order of the rows."""
    weights: dict[str, Weights] = {}
    for model, every in of.weights.items():
        first, last = np.searchsorted(every.part, (low, high))
        weights[model] = Weights(
            every.part[first:last] - low, every.numerator[first:last], every.denominator[first:last]
        )
    return StreamsOfKind(of.streams[low:high], of.is_boosted[low:high], weights)

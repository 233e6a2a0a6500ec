"""The different streams of a month, and what divides its pools."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from earshot.analytics.plays import Names, counted_keys, numbered, renumbered
from earshot.analytics.revenue.cells import EVERY, KINDS, ORGANIC, Cells, Counts, counts_of
from earshot.analytics.revenue.listeners import MARKS, WORK
from earshot.analytics.revenue.models import MODELS
from earshot.analytics.revenue.pool_streams import PoolStreams, Shares, StreamsOfKind
from earshot.analytics.revenue.rounding import Weights, joined, totals
from earshot.analytics.revenue.splits import PARTS
from earshot.core import columns as c
from earshot.core.arrow_columns import Integers, coded, distinct
from earshot.core.day_files import TEXT
from earshot.core.measures import UNKNOWN
from earshot.core.revenue_settings import ArtistCentricSettings

NAMED: Final = (c.COUNTRY, c.TIER, c.ARTIST_ID)
STREAMS: Final = pa.schema([*((name, TEXT) for name in (*NAMED, c.LISTENER_ID, WORK)), (MARKS, pa.int8())])
"""A row a counted stream."""

_MARKS: Final = 16
_CELLS_AT_ONCE: Final = 1_000_000

Pools = Iterator[tuple[str, str, PoolStreams]]
"""Country, tier, and what divides their pool."""


@dataclass(frozen=True)
class MonthCells:
    """The different streams of a month, two integers each.

    Attributes:
        countries: By number, ascending; so are tiers and artists.
        tiers: By number.
        artists: By number.
        works: By number, from 1 on; 0 is what has no splits.
        titles: Artist and work (mixed radix), ascending.
        keys: Listener, country, tier, title and marks (mixed radix), ascending.
        plays: How many streams there are of each.
    """

    countries: pa.Array
    tiers: pa.Array
    artists: pa.Array
    works: pa.Array
    titles: Integers
    keys: Integers
    plays: Integers

    @classmethod
    def of(cls, streams: pa.Table) -> Self:
        """Those of a table of `STREAMS`."""
        key, people = coded(streams[c.LISTENER_ID], missing=UNKNOWN)
        countries, tiers, artists = (numbered(streams[name], missing=UNKNOWN) for name in NAMED)
        works, titles, title = _titles(artists, streams[WORK])
        size = len(people)
        for codes, many in ((countries.codes, len(countries)), (tiers.codes, len(tiers)), (title, len(titles))):
            size *= max(many, 1)
            key *= max(many, 1)
            key += codes
        key *= _MARKS
        key += streams[MARKS].to_numpy()
        keys, plays = counted_keys(key, size=size * _MARKS)
        return cls(countries.names, tiers.names, artists.names, works, titles, keys, plays)

    @property
    def of_a_listener(self) -> int:
        """How many keys a listener may have."""
        return len(self.countries) * len(self.tiers) * len(self.titles) * _MARKS

    def rows(self) -> Integers:
        """The different combinations of country, tier and title, ascending."""
        return distinct(self.keys % max(self.of_a_listener, 1) // _MARKS)

    def parts(self, rows: Integers) -> Iterator[Cells]:
        """Cells of whole listeners, about a million at once."""
        first = self.keys[::_CELLS_AT_ONCE] // max(self.of_a_listener, 1) * self.of_a_listener
        for low, high in pairwise([*np.unique(np.searchsorted(self.keys, first)).tolist(), len(self.keys)]):
            listener, of_row = np.divmod(self.keys[low:high] // _MARKS, self.of_a_listener // _MARKS)
            pool, title = np.divmod(of_row, len(self.titles))
            marks, row = self.keys[low:high] % _MARKS, np.searchsorted(rows, of_row)
            yield Cells(listener - listener[0], pool, self.artist_of(title), row, marks, self.plays[low:high])

    def artist_of(self, titles: Integers) -> Integers:
        """The artist of each."""
        return self.titles[titles] // (len(self.works) + 1)

    def shares(self, titles: Integers, splits: pa.Table | None) -> Shares:
        """Whom each title pays: its artist, or the parts of its work."""
        artist, work = np.divmod(self.titles[titles], len(self.works) + 1)
        names = self.artists.take(pa.array(artist))
        if splits is None or not work.any():
            return Shares.of_artists(names)
        place = pc.index_in(self.works, value_set=splits[c.TRACK_ID].combine_chunks())
        of_work = place.take(pa.array(work - 1, mask=work == 0))
        return Shares.of_rows(pa.table({c.ARTIST_ID: names, PARTS: splits[PARTS].take(of_work)}))


def _titles(artists: Names, works: pa.ChunkedArray) -> tuple[pa.Array, Integers, Integers]:
    """The works that there are, the different pairs of artist and work, and of each stream which it is of."""
    if works.null_count == len(works):
        return pa.array([], pa.string()), np.arange(len(artists)), artists.codes
    found = numbered(works, missing="")
    of_work = np.where(works.is_valid().to_numpy(), found.codes + 1, 0)
    titles, title = renumbered(artists.codes * (len(found) + 1) + of_work)
    return found.names, titles, title


def pools_of_month(cells: MonthCells, rules: ArtistCentricSettings, splits: pa.Table | None = None) -> Pools:
    """What divides each pool of the month.

    Args:
        cells: The month.
        rules: What a stream counts in the artist-centric model.
        splits: Tracks and their parts, as `splits.split_tracks` has them; None where no track has splits.
    """
    rows = cells.rows()
    pool, title = np.divmod(rows, max(len(cells.titles), 1))
    kinds = _kinds(cells.parts(rows), cells.artist_of(title), rules)
    first = np.flatnonzero(np.diff(pool, prepend=-1))
    for low, high in pairwise([*first.tolist(), len(rows)]):
        country, tier = divmod(int(pool[low]), len(cells.tiers))
        shares = cells.shares(title[low:high], splits)
        of_pool = {kind: _of_rows(of, low, high) for kind, of in kinds.items()}
        yield cells.countries[country].as_py(), cells.tiers[tier].as_py(), PoolStreams(shares, of_pool)


def _kinds(parts: Iterator[Cells], artist: Integers, rules: ArtistCentricSettings) -> dict[str, StreamsOfKind]:
    """The streams of all rows: counted for some listeners at once, and added up."""
    found: dict[str, list[Counts]] = {kind: [] for kind in KINDS}
    for part in parts:
        counts = counts_of(part, rules, rows=len(artist))
        every = counts[EVERY].added_up()
        found[EVERY].append(every)
        found[ORGANIC].append(every if counts[ORGANIC] is counts[EVERY] else counts[ORGANIC].added_up())
    if not found[EVERY]:
        return {}
    kinds = {EVERY: _whole(found[EVERY], artist, rules)}
    is_same = all(map(operator.is_, *found.values()))
    return {**kinds, ORGANIC: kinds[EVERY] if is_same else _whole(found[ORGANIC], artist, rules)}


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

"""The different streams of a month, and what divides its pools."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from earshot.analytics.revenue.cells import EVERY, ORGANIC, Cells, SumsOfRows, counts_of
from earshot.analytics.revenue.month_sums import MonthSums, Run
from earshot.analytics.revenue.pool_streams import PoolStreams, Shares, StreamsOfKind
from earshot.analytics.revenue.splits import PARTS
from earshot.core import columns as c
from earshot.core.arrow_columns import Integers, distinct
from earshot.core.revenue_settings import ArtistCentricSettings

BITS: Final = 16
"""Different marks."""

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
        listeners: How many there are.
        titles: Artist and work (mixed radix), ascending.
        keys: Country, tier, listener, title and marks (mixed radix), ascending.
        plays: How many streams there are of each.
    """

    countries: pa.Array
    tiers: pa.Array
    artists: pa.Array
    works: pa.Array
    listeners: int
    titles: Integers
    keys: Integers
    plays: NDArray[np.int32]

    @property
    def of_a_pool(self) -> int:
        """How many keys a pool may have."""
        return self.listeners * self.of_a_listener

    @property
    def of_a_listener(self) -> int:
        """How many keys a listener may have in a pool."""
        return len(self.titles) * BITS

    def pools(self) -> Iterator[tuple[int, slice]]:
        """The number of each pool (country and tier, mixed radix) and where its keys are."""
        first = np.arange(len(self.countries) * len(self.tiers) + 1) * self.of_a_pool
        for pool, (low, high) in enumerate(pairwise(np.searchsorted(self.keys, first).tolist())):
            if low < high:
                yield pool, slice(low, high)

    def runs(self, where: slice) -> Iterator[Run]:
        """The cells there, those of whole listeners together, about a million at once."""
        keys = self.keys[where]
        first = keys[::_CELLS_AT_ONCE] // self.of_a_listener * self.of_a_listener
        for low, high in pairwise([*np.unique(np.searchsorted(keys, first)).tolist(), len(keys)]):
            listener, of_title = np.divmod(keys[low:high] % self.of_a_pool, self.of_a_listener)
            title, marks = np.divmod(of_title, BITS)
            plays = self.plays[where][low:high].astype(np.int64)
            yield Run(listener, title, self.artist_of(title), marks, plays)

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


def pools_of_month(cells: MonthCells, rules: ArtistCentricSettings, splits: pa.Table | None = None) -> Pools:
    """What divides each pool of the month.

    Args:
        cells: The month.
        rules: What a stream counts in the artist-centric model.
        splits: Tracks and their parts, as `splits.split_tracks` has them; None where no track has splits.
    """
    month = MonthSums(cells.listeners, len(cells.artists))
    for add in (month.add_listeners, month.add_artists):
        for _, where in cells.pools():
            for run in cells.runs(where):
                add(run)
    is_boosted = month.boosted(rules)
    for pool, where in cells.pools():
        titles = distinct(np.concatenate([distinct(run.title) for run in cells.runs(where)]))
        artist = cells.artist_of(titles)
        counts = {kind: sums.sums() for kind, sums in _sums(cells, where, titles, month, rules).items()}
        kinds = {kind: StreamsOfKind(of.streams, is_boosted[kind][artist], of.weights) for kind, of in counts.items()}
        country, tier = divmod(pool, len(cells.tiers))
        of_pool = PoolStreams(cells.shares(titles, splits), kinds)
        yield cells.countries[country].as_py(), cells.tiers[tier].as_py(), of_pool


def _sums(
    cells: MonthCells, where: slice, titles: Integers, month: MonthSums, rules: ArtistCentricSettings
) -> dict[str, SumsOfRows]:
    """What the streams of a pool count, by kind; the same object where the kinds do not differ."""
    every = SumsOfRows(len(titles))
    sums = {EVERY: every, ORGANIC: every}
    for run in cells.runs(where):
        row = np.searchsorted(titles, run.title)
        of_month = month.of_month(run.listener)
        pool = np.zeros_like(row)
        counts = counts_of(
            Cells(run.listener, pool, run.artist, row, run.marks, run.plays, of_month), rules, rows=len(titles)
        )
        is_same = counts[ORGANIC] is counts[EVERY]
        if sums[ORGANIC] is every and not is_same:
            sums[ORGANIC] = every.copy()
        added = counts[EVERY].added_up()
        every.add(added)
        if sums[ORGANIC] is not every:
            sums[ORGANIC].add(added if is_same else counts[ORGANIC].added_up())
    return sums

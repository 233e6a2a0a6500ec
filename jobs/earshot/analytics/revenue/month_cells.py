"""The different streams of a month, and what divides its pools."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from earshot.analytics.revenue.cells import EVERY, ORGANIC, Cells, SumsOfRows, counts_of
from earshot.analytics.revenue.listeners import WORK
from earshot.analytics.revenue.month_sums import MonthSums, Run
from earshot.analytics.revenue.pool_streams import PoolStreams, Shares, StreamsOfKind
from earshot.analytics.revenue.splits import PARTS
from earshot.core import columns as c
from earshot.core.arrow_columns import Integers
from earshot.core.errors import TableError
from earshot.core.revenue_settings import ArtistCentricSettings

_BITS_OF_MARKS: Final = 4
BITS: Final = 1 << _BITS_OF_MARKS
"""Different marks."""

_LARGEST: Final = 2**63
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
        plays: How many streams there are of each; as small numbers as hold them.
    """

    countries: pa.Array
    tiers: pa.Array
    artists: pa.Array
    works: pa.Array
    listeners: int
    titles: Integers
    keys: Integers
    plays: NDArray[np.integer[Any]]

    def check(self) -> None:
        """Refuse more combinations than a key holds.

        Raises:
            TableError: There are more than 63 bits hold.
        """
        if len(self.countries) * len(self.tiers) * self.of_a_pool >= _LARGEST:
            raise TableError(
                f"{len(self.titles):,} artists and tracks with splits, their listeners, countries and tiers are too "
                "many to be paid together.",
                where="silver.listens",
                remedy="Map the countries and tiers that do not belong there to one that does.",
            )

    @property
    def named(self) -> dict[str, pa.Array]:
        """The names of all but the listeners, by column."""
        return {c.COUNTRY: self.countries, c.TIER: self.tiers, c.ARTIST_ID: self.artists, WORK: self.works}

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
        """The cells there, those of one pool and of whole listeners together, about a million at once."""
        if where.start == where.stop:
            return
        of_pool, of_listener = self.of_a_pool, self.of_a_listener
        opening = self.keys[where.start] // of_pool * of_pool
        first = self.keys[where][::_CELLS_AT_ONCE] // of_listener * of_listener
        artists = self.titles // (len(self.works) + 1)
        ends = where.start + np.unique(np.searchsorted(self.keys[where], first))
        for low, high in pairwise([*ends.tolist(), where.stop]):
            keys = self.keys[low:high] - opening
            listener = keys // of_listener
            of_title = keys - listener * of_listener
            title = of_title >> _BITS_OF_MARKS
            plays = self.plays[low:high].astype(np.int64)
            yield Run(listener, title, artists[title], of_title & (BITS - 1), plays)

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
    titles = {pool: _heard(cells, where, month) for pool, where in cells.pools()}
    for _, where in cells.pools():
        for run in cells.runs(where):
            month.add_artists(run)
    is_boosted = month.boosted(rules)
    for pool, where in cells.pools():
        heard = titles.pop(pool)
        artist = cells.titles[heard] // (len(cells.works) + 1)
        counts = {kind: sums.sums() for kind, sums in _sums(cells, where, heard, month, rules).items()}
        kinds = {kind: StreamsOfKind(of.streams, is_boosted[kind][artist], of.weights) for kind, of in counts.items()}
        country, tier = divmod(pool, len(cells.tiers))
        of_pool = PoolStreams(cells.shares(heard, splits), kinds)
        yield cells.countries[country].as_py(), cells.tiers[tier].as_py(), of_pool


def _heard(cells: MonthCells, where: slice, month: MonthSums) -> Integers:
    """The titles of a pool; the streams of its listeners are counted on the way."""
    is_there = np.zeros(len(cells.titles), np.bool_)
    for run in cells.runs(where):
        month.add_listeners(run)
        is_there[run.title] = True
    return np.flatnonzero(is_there)


def _sums(
    cells: MonthCells, where: slice, titles: Integers, month: MonthSums, rules: ArtistCentricSettings
) -> dict[str, SumsOfRows]:
    """What the streams of a pool count, by kind; the same object where the kinds do not differ."""
    every = SumsOfRows(len(titles))
    sums = {EVERY: every, ORGANIC: every}
    rows = np.zeros(len(cells.titles), np.int64)
    rows[titles] = np.arange(len(titles))
    for run in cells.runs(where):
        row = rows[run.title]
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

"""The streams of a month as numbers while its days come: thirteen bytes each, however long their names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from earshot.analytics.many_names import Codes, ManyNames
from earshot.analytics.plays import Integers
from earshot.analytics.revenue.listeners import MARKS, WORK
from earshot.analytics.revenue.month_cells import BITS, MonthCells
from earshot.core import columns as c
from earshot.core.arrow_columns import distinct
from earshot.core.day_files import TEXT
from earshot.core.measures import UNKNOWN

NAMED: Final = (c.COUNTRY, c.TIER, c.ARTIST_ID, c.LISTENER_ID)
STREAMS: Final = pa.schema([*((name, TEXT) for name in (*NAMED, WORK)), (MARKS, pa.int8())])
"""A row a counted stream; work is the track where it has splits."""

_TIER_BITS: Final = 15
_TIERS: Final = 2**_TIER_BITS
_MOST_NAMES: Final = {c.COUNTRY: 2**15, c.TIER: _TIERS}
_AT_ONCE: Final = 1_000_000
_MANY: Final = 16_000_000
"""The days of so many streams lay in pieces that hold nothing as large as what follows: they go back to the system."""


class _Part(NamedTuple):
    """Streams of a day: numbers of names as they came."""

    listener: Codes
    place: Codes
    artist: Codes
    work: Codes
    marks: NDArray[np.int8]


class GatheredStreams:
    """Streams of a month, added a day at a time.

    Args:
        first: Names that have the first numbers, by column.
    """

    def __init__(self, first: Mapping[str, pa.Array] | None = None) -> None:
        begun = first or {}
        self._names = {name: ManyNames(name, _MOST_NAMES.get(name, 2**31), begun.get(name)) for name in (*NAMED, WORK)}
        self._parts: list[_Part] = []

    @property
    def streams(self) -> int:
        """How many were gathered since the last `cells`."""
        return sum(len(part.marks) for part in self._parts)

    @property
    def listeners(self) -> pa.Array:
        """The names of the listeners so far, by number."""
        return self._names[c.LISTENER_ID].listed

    def add(self, streams: pa.Table) -> None:
        """Take rows of `STREAMS`."""
        country, tier, artist, listener = (self._names[name].codes(streams[name], missing=UNKNOWN) for name in NAMED)
        marks = streams[MARKS].to_numpy()
        self._parts.append(_Part(listener, country * _TIERS + tier, artist, self._works(streams[WORK]), marks))

    def cells(self) -> MonthCells:
        """The different streams; those gathered are forgotten.

        Raises:
            TableError: There are more combinations than 63 bits hold.
        """
        country, tier, artist = (_places(self._names[name].listed) for name in (c.COUNTRY, c.TIER, c.ARTIST_ID))
        works = len(self._names[WORK]) + 1

        def title(part: _Part) -> Integers:
            found: Integers = artist[part.artist] * works + part.work
            return found

        titles = _titles(self._parts, title, len(artist), works)
        empty = MonthCells(
            countries=_sorted(self._names[c.COUNTRY].listed),
            tiers=_sorted(self._names[c.TIER].listed),
            artists=_sorted(self._names[c.ARTIST_ID].listed),
            works=self._names[WORK].listed,
            listeners=len(self._names[c.LISTENER_ID]),
            titles=titles,
            keys=np.empty(0, np.int64),
            plays=np.empty(0, np.int32),
        )
        empty.check()
        keys = np.empty(self.streams, np.int64)
        first = 0
        while self._parts:
            part = self._parts.pop()
            key = keys[first : (first := first + len(part.marks))]
            key[:] = country[part.place >> _TIER_BITS]
            for code, size in (
                (tier[part.place & _TIERS - 1], len(tier)),
                (part.listener, empty.listeners),
                (title(part) if works == 1 else np.searchsorted(titles, title(part)), len(titles)),
                (part.marks, BITS),
            ):
                key *= size
                key += code
        if len(keys) > _MANY:
            pa.default_memory_pool().release_unused()
        keys, plays = _counted(keys)
        return replace(empty, keys=keys, plays=plays)

    def _works(self, works: pa.ChunkedArray) -> Codes:
        """From 1 on; 0 is what has no splits."""
        if works.null_count == len(works):
            return np.broadcast_to(np.int32(0), len(works))
        codes = self._names[WORK].codes(works, missing="") + 1
        codes[~works.is_valid().to_numpy()] = 0
        return codes


def _counted(keys: Integers) -> tuple[Integers, NDArray[np.int32]]:
    """The different keys in their order, and how often each is there; takes the memory of the keys for them."""
    keys.sort()
    is_first = np.ones(len(keys), np.bool_)
    np.not_equal(keys[1:], keys[:-1], out=is_first[1:])
    places = np.empty(np.count_nonzero(is_first) + 1, np.int32)
    places[-1] = len(keys)
    found = 0
    for first in range(0, len(keys), _AT_ONCE):
        there = first + np.flatnonzero(is_first[first : first + _AT_ONCE])
        to = slice(found, found := found + len(there))
        places[to], keys[to] = there, keys[there]
    for first in range(0, found, _AT_ONCE):
        last = min(first + _AT_ONCE, found)
        places[first:last] = np.diff(places[first : last + 1])
    return keys[:found], places[:found]


def _places(listed: pa.Array) -> Integers:
    """Of each name, where it stands among the names sorted as bytes."""
    order = pc.sort_indices(listed).to_numpy(zero_copy_only=False)
    places = np.empty(len(order), np.int64)
    places[order] = np.arange(len(order))
    return places


def _sorted(listed: pa.Array) -> pa.Array:
    return listed.take(pc.sort_indices(listed))


def _titles(parts: Sequence[_Part], title: Callable[[_Part], Integers], artists: int, works: int) -> Integers:
    """The different pairs of artist and work, ascending."""
    if works == 1:
        return np.arange(artists)
    return distinct(np.concatenate([distinct(title(part)) for part in parts]))

"""What must be known of a whole month before its pools are divided: streams of listeners, and who is boosted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from earshot.analytics.plays import Flags, Integers
from earshot.analytics.revenue.cells import FLAGGED, KINDS, kept
from earshot.analytics.revenue.rounding import totals
from earshot.core.arrow_columns import distinct, opens
from earshot.core.revenue_settings import ArtistCentricSettings


class Run(NamedTuple):
    """Different streams of whole listeners in a pool, by listener and title.

    Attributes:
        listener: Number.
        title: Number; an artist's stand together.
        artist: Of the title.
        marks: Bits of `cells`.
        plays: How many streams there are of each.
    """

    listener: Integers
    title: Integers
    artist: Integers
    marks: Integers
    plays: Integers


class MonthSums:
    """Sums over all pools.

    Args:
        listeners: How many there are.
        artists: How many there are.
    """

    def __init__(self, listeners: int, artists: int) -> None:
        self._artists = artists
        self._of_listeners = {kind: _Sums(listeners) for kind in KINDS}
        self._of_artists = {kind: _Sums(artists) for kind in KINDS}
        self._pairs: dict[str, list[Integers]] = {kind: [np.zeros(0, np.int64)] for kind in KINDS}

    def add_listeners(self, run: Run) -> None:
        """Count the streams of listeners in a pool, and the pool."""
        for kinds, some in _by_kinds(run):
            first = np.flatnonzero(opens(some.listener))
            if len(first):
                listener, streams = some.listener[first], np.add.reduceat(some.plays, first)
                for kind in kinds:
                    self._of_listeners[kind].streams[listener] += streams
                    self._of_listeners[kind].others[listener] += 1

    def add_artists(self, run: Run) -> None:
        """Count the streams of artists and their listeners: after the listeners of all pools."""
        for kinds, some in _by_kinds(run):
            streams = totals(some.artist, some.plays, size=self._artists)
            first = opens(some.listener) | opens(some.artist)
            listener, artist = some.listener[first], some.artist[first]
            for kind in kinds:
                of = self._of_artists[kind]
                in_several = self._of_listeners[kind].others[listener] > 1
                of.streams += streams
                of.others += np.bincount(artist[~in_several], minlength=self._artists)
                self._pairs[kind].append(listener[in_several] * self._artists + artist[in_several])

    def of_month(self, listeners: Integers) -> dict[str, Integers]:
        """By kind, all streams of each of these listeners in the month."""
        return {kind: of.streams[listeners] for kind, of in self._of_listeners.items()}

    def boosted(self, rules: ArtistCentricSettings) -> Mapping[str, Flags]:
        """By kind, which artists have streams and listeners enough in the month."""
        found: dict[str, Flags] = {}
        for kind, of in self._of_artists.items():
            pairs = distinct(np.concatenate(self._pairs[kind]))
            listeners = of.others + np.bincount(pairs % max(self._artists, 1), minlength=self._artists)
            found[kind] = (of.streams >= rules.boost_streams) & (listeners >= rules.boost_listeners)
        return found


class _Sums:
    """Of listeners their streams and how many pools they are in, of artists their streams and listeners."""

    def __init__(self, size: int) -> None:
        self.streams = np.zeros(size, np.int64)
        self.others = np.zeros(size, np.int64)


def _by_kinds(run: Run) -> Iterator[tuple[Sequence[str], Run]]:
    """The cells that have streams of some kinds; of both at once where none is flagged."""
    if not (run.marks & FLAGGED).any():
        yield KINDS, run
        return
    for kind in KINDS:
        plays = kept(run.plays, run.marks, kind)
        there = plays > 0
        yield [kind], Run(*(column[there] for column in run._replace(plays=plays)))

"""Which listener played which track on a day: as sorted numbers, in which the pairs of another day are looked up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Self

import numpy as np
import pyarrow as pa

from earshot.analytics.plays import Flags, Integers, Names, is_among, numbered
from earshot.core import columns as c
from earshot.core.arrow_columns import distinct, places_in
from earshot.core.day_files import DayFiles
from earshot.core.measures import UNKNOWN
from earshot.core.memo_files import MemoFiles, listed, memo_name, one_row

PAIR: Final = (c.LISTENER_ID, c.TRACK_ID)

_FORMAT: Final = 1


@dataclass(frozen=True)
class PlayedPairs:
    """Listener and track of each play.

    Attributes:
        listener: By play.
        track: By play.
    """

    listener: Names
    track: Names

    @classmethod
    def of(cls, plays: pa.Table) -> Self:
        """Those of plays: columns `PAIR`, nulls included."""
        return cls(*(numbered(plays[name], missing=UNKNOWN) for name in PAIR))

    @property
    def keys(self) -> Integers:
        """One number for each listener and track, by play."""
        return self.listener.codes * len(self.track) + self.track.codes


@dataclass(frozen=True)
class HeardPairs:
    """The different pairs of some plays.

    Attributes:
        listeners: Sorted as bytes; a number is a place among them.
        tracks: Likewise.
        keys: Listener and track (mixed radix), ascending.
    """

    listeners: pa.Array
    tracks: pa.Array
    keys: Integers

    @classmethod
    def of(cls, played: PlayedPairs) -> Self:
        """Those of plays."""
        return cls(played.listener.names, played.track.names, distinct(played.keys))

    def hold(self, listener: Integers, track: Integers, names: PlayedPairs) -> Flags:
        """Whether each pair is among these, given its numbers among other names."""
        people, tracks = places_in(names.listener.names, self.listeners), places_in(names.track.names, self.tracks)
        of_listener, of_track = people[listener], tracks[track]
        found = is_among(of_listener * len(self.tracks) + of_track, self.keys)
        return found & (of_listener >= 0) & (of_track >= 0)


def heard_before(pairs: Integers, played: PlayedPairs, before: Iterable[HeardPairs]) -> Flags:
    """Whether each of these pairs of played ones is among those of the days before."""
    listener, track = np.divmod(pairs, max(len(played.track), 1))
    found = np.zeros(len(pairs), np.bool_)
    for of_day in before:
        found |= of_day.hold(listener, track, played)
    return found


@dataclass(frozen=True)
class PairMemos:
    """The pairs of the last days, remembered. Can be sent to executors.

    Attributes:
        files: Where.
        names: Of the memo of each day.
    """

    files: MemoFiles
    names: Mapping[date, str]

    @classmethod
    def of(cls, files: MemoFiles, listens: DayFiles, days: Iterable[date]) -> Self:
        """Those of days, named for the files of silver.listens that they are made from."""
        there = [day for day in days if day in listens.days]
        return cls(files, {day: memo_name(str(day), [str(_FORMAT), listens.named(day)]) for day in there})

    def read(self, day: date) -> HeardPairs | None:
        """The pairs of a day; None where they are not remembered."""
        memo = self.files.read(self.names[day]) if day in self.names else None
        if memo is None:
            return None
        listeners, tracks, keys = (listed(memo, of) for of in (*PAIR, "keys"))
        return HeardPairs(listeners, tracks, keys.to_numpy())

    def keep(self, day: date, pairs: HeardPairs) -> None:
        """Remember the pairs of a day, where it is one of these days and they are many."""
        name = self.names.get(day)
        if name is not None and name not in self.files and len(pairs.keys) >= self.files.least:
            columns = (pairs.listeners, pairs.tracks, pairs.keys)
            self.files.write(name, one_row(dict(zip((*PAIR, "keys"), columns, strict=True))))

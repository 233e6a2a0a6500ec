"""Counted streams of one kind of entity as sorted integers, and their sums over countries and tiers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from earshot.analytics.chart_names import Key, Vocabulary
from earshot.analytics.many_names import Codes
from earshot.analytics.plays import Flags, Integers, places_of, sums_of_keys, with_further
from earshot.core.arrow_columns import opens
from earshot.core.errors import TableError

Numbers = Integers | Codes

_LARGEST_KEY: Final = 2**62
"""A bit is left for the mark of `CodedPlays`."""


@dataclass(frozen=True)
class Coding:
    """How a stream is one number: by entity, listener, country and tier, in this order.

    Attributes:
        countries: How many countries there are; ALL is one of them.
        tiers: How many tiers there are; ALL is one of them.
        entities: How many entities there are.
        people: How many listeners there are.
    """

    countries: int
    tiers: int
    entities: int
    people: int

    @classmethod
    def of(cls, names: Vocabulary) -> Coding:
        """That of everything named so far.

        Raises:
            TableError: There are more combinations than 62 bits hold.
        """
        return cls.sized(len(names.country), len(names.tier), len(names.entity), len(names.listener))

    @classmethod
    def sized(cls, *sizes: int) -> Coding:
        """That of so many countries, tiers, entities and people.

        Raises:
            TableError: There are more combinations than 62 bits hold.
        """
        coding = cls(*(max(size, 1) for size in sizes))
        if coding.places * coding.entities * coding.people >= _LARGEST_KEY:
            raise TableError(
                f"{coding.entities:,} entities of {coding.people:,} listeners in {coding.places:,} countries and "
                "tiers are too many to be counted together.",
                where="silver.listens",
                remedy="Map the countries and tiers that do not belong there to one that does.",
            )
        return coding

    @property
    def places(self) -> int:
        """Combinations of country and tier."""
        return self.countries * self.tiers

    @property
    def groups(self) -> int:
        """Combinations of country, tier and entity."""
        return self.places * self.entities

    def key(self, entity: Numbers, listener: Numbers, country: Numbers, tier: Numbers) -> Integers:
        """Of each stream its number."""
        keys = entity.astype(np.int64)
        for codes, size in ((listener, self.people), (country, self.countries), (tier, self.tiers)):
            keys *= size
            keys += codes
        return keys

    def parts(self, keys: Integers) -> tuple[Integers, Integers, Integers, Integers]:
        """Entity, listener, country and tier of each number."""
        keys, tier = np.divmod(keys, self.tiers)
        pair, country = np.divmod(keys, self.countries)
        entity, listener = np.divmod(pair, self.people)
        return entity, listener, country, tier


@dataclass(frozen=True)
class CodedPlays:
    """Counted streams, a number each.

    Attributes:
        marked: Twice the number of `Coding`, and one more where the stream looks manipulated; ascending.
    """

    marked: Integers

    @classmethod
    def of(cls, marked: Integers) -> CodedPlays:
        """Those of streams in any order."""
        return cls(np.sort(marked))

    @classmethod
    def joined(cls, parts: Sequence[CodedPlays]) -> CodedPlays:
        """All of them. NumPy's stable sort merges what ascends already, in a seventh of the time of the other."""
        if len(parts) == 1:
            return parts[0]
        return cls(np.sort(np.concatenate([part.marked for part in parts]), kind="stable"))

    def counted(self) -> Counted:
        """How many there are of each number."""
        first = np.flatnonzero(opens(self.marked >> 1))
        every = Streams(self.marked[first] >> 1, np.diff(first, append=len(self.marked)))
        is_flagged = self.marked & 1
        if not is_flagged.any():
            return every, None
        left = every.count - np.add.reduceat(is_flagged, first)
        return every, Streams(every.keys, left).where(left > 0)


@dataclass(frozen=True)
class Streams:
    """How many streams each entity has of each listener in each country and tier.

    Attributes:
        keys: See `Coding`; ascending and different.
        count: Streams of each.
    """

    keys: Integers
    count: Integers

    def where(self, chosen: Flags) -> Streams:
        """Some of them."""
        return Streams(self.keys[chosen], self.count[chosen])

    def plus(self, other: Streams) -> Streams:
        """These and others."""
        at, is_known = places_of(other.keys, self.keys)
        count = self.count.copy()
        count[at[is_known]] += other.count[is_known]
        keys = with_further(self.keys, at, ~is_known, other.keys)
        return Streams(keys, with_further(count, at, ~is_known, other.count))


Counted = tuple[Streams, Streams | None]
"""Streams, and those of them that are not flagged; None where none is flagged."""


@dataclass(frozen=True)
class Groups:
    """Streams and different listeners of entities in charts: by country and ALL, tier and ALL.

    Attributes:
        keys: See `chart_names.Key`; ascending.
        streams: Of each.
        listeners: Of each.
    """

    keys: Integers
    streams: Integers
    listeners: Integers

    @classmethod
    def of(cls, streams: Streams, coding: Coding, *, listener_cap: int = 0) -> Groups:
        """Sum streams up.

        Streams add up over countries and tiers. Listeners do, too, but for those whom an entity has in several
        places: these are counted again.

        Args:
            streams: Of a period.
            coding: Of their keys.
            listener_cap: Streams that a listener adds to an entity at most; 0 = all.
        """
        pair = streams.keys // coding.places
        own = (streams.keys - pair * coding.places) * coding.entities + pair // coding.people
        capped = np.minimum(streams.count, listener_cap) if listener_cap else streams.count
        by_place = sums_of_keys(own, capped, np.ones(len(own), np.int64), size=coding.groups)
        alike = np.flatnonzero(~opens(pair)[1:])
        wander = np.union1d(alike, alike + 1)
        wanderers = _Wanderers(pair[wander], own[wander], streams.count[wander], listener_cap)
        every = [by_place, *(wanderers.over(by_place, partial(roll, coding), coding.groups) for roll in _ROLLS)]
        keys, counts, listeners = (np.concatenate(columns) for columns in zip(*every, strict=True))
        place, entity = np.divmod(keys, coding.entities)
        country, tier = np.divmod(place, coding.tiers)
        packed = Key(np.zeros(len(keys), np.int64), country, tier, entity).packed
        order = np.argsort(packed)
        return cls(packed[order], counts[order], listeners[order])

    def less(self, other: Groups) -> Groups:
        """These without others, which are part of them; a group of which nothing is left stays."""
        streams, listeners = self.streams.copy(), self.listeners.copy()
        at = np.searchsorted(self.keys, other.keys)
        streams[at] -= other.streams
        listeners[at] -= other.listeners
        return Groups(self.keys, streams, listeners)

    def plus(self, other: Groups) -> Groups:
        """These and others, which have no listener of an entity in common."""
        at, is_known = places_of(other.keys, self.keys)

        def added(own: Integers, more: Integers) -> Integers:
            values = own.copy()
            values[at[is_known]] += more[is_known]
            return with_further(values, at, ~is_known, more)

        keys = with_further(self.keys, at, ~is_known, other.keys)
        return Groups(keys, added(self.streams, other.streams), added(self.listeners, other.listeners))


def _everywhere(coding: Coding, keys: Integers) -> Integers:
    return keys % coding.entities


def _all_countries(coding: Coding, keys: Integers) -> Integers:
    return keys % (coding.tiers * coding.entities)


def _all_tiers(coding: Coding, keys: Integers) -> Integers:
    of_country = coding.tiers * coding.entities
    return keys // of_country * of_country + keys % coding.entities


_ROLLS: Final[tuple[Callable[[Coding, Integers], Integers], ...]] = (_everywhere, _all_countries, _all_tiers)
"""From the group of a country and a tier to those that hold it, too: ALL has the number 0."""

_Sums = tuple[Integers, Integers, Integers]


@dataclass(frozen=True)
class _Wanderers:
    """Streams of listeners whom an entity has in several countries or tiers.

    Attributes:
        pair: Entity and listener, ascending.
        own: The group of their country, tier and entity.
        streams: All of them.
        cap: Streams that a listener adds to an entity at most; 0 = all.
    """

    pair: Integers
    own: Integers
    streams: Integers
    cap: int

    def over(self, by_place: _Sums, rolled: Callable[[Integers], Integers], size: int) -> _Sums:
        """The sums over what `rolled` makes of the keys of groups: keys of larger ones, 0 to `size` - 1."""
        keys, streams, listeners = sums_of_keys(rolled(by_place[0]), by_place[1], by_place[2], size=size)
        if not len(self.pair):
            return keys, streams, listeners
        group = rolled(self.own)
        order = np.lexsort((group, self.pair))
        pair, group, whole = self.pair[order], group[order], self.streams[order]
        first = np.flatnonzero(opens(pair) | opens(group))
        at = np.searchsorted(keys, group[first])
        np.subtract.at(listeners, at, np.diff(first, append=len(order)) - 1)
        if self.cap:
            counted = np.add.reduceat(np.minimum(whole, self.cap), first)
            np.subtract.at(streams, at, counted - np.minimum(np.add.reduceat(whole, first), self.cap))
        return keys, streams, listeners

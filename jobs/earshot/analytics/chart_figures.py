"""Ranks of one kind of entity in one period, by sorting integers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from earshot.analytics.chart_names import EXCLUDED_KEYS, Codes, Key, Vocabulary
from earshot.analytics.plays import Flags, Integers, sums_of_keys


@dataclass(frozen=True)
class CodedPlays:
    """Counted streams as numbers of a `Vocabulary`: 17 bytes each."""

    country: Codes
    tier: Codes
    entity: Codes
    listener: Codes
    is_flagged: Flags

    @classmethod
    def joined(cls, parts: Sequence[CodedPlays]) -> CodedPlays:
        """All of them."""
        if len(parts) == 1:
            return parts[0]
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__dataclass_fields__))

    def where(self, kept: Flags | slice) -> CodedPlays:
        """Only these."""
        return CodedPlays(*(getattr(self, name)[kept] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Ranks:
    """Rows of all charts of one period and kind of entity, by ascending key (see `chart_names.Key`)."""

    keys: Integers
    rank: Integers


@dataclass(frozen=True)
class Figures(Ranks):
    """Ranks, and what they come from."""

    streams: Integers
    listeners: Integers


def figures(plays: CodedPlays, names: Vocabulary, *, listener_cap: int = 0) -> Figures:
    """Rank every entity by country and ALL, tier and ALL, with and without flagged streams.

    Streams desc, listeners desc, entity_id asc: without gaps or ties.

    Args:
        plays: The counted streams of the period.
        names: Their numbers.
        listener_cap: Streams that a listener adds to an entity at most; 0 = all.
    """
    every = _ranked(_Streams.of(plays, names, listener_cap), names)
    organic = every
    if plays.is_flagged.any():
        organic = _ranked(_Streams.of(plays.where(~plays.is_flagged), names, listener_cap), names)
    return Figures(
        np.concatenate([every.keys, organic.keys + EXCLUDED_KEYS]),
        np.concatenate([every.rank, organic.rank]),
        np.concatenate([every.streams, organic.streams]),
        np.concatenate([every.listeners, organic.listeners]),
    )


@dataclass(frozen=True)
class _Groups:
    """Streams and distinct listeners of places and entities.

    Attributes:
        keys: (Country x tiers + tier) x entities + entity, ascending.
        streams: Of each.
        listeners: Of each.
    """

    keys: Integers
    streams: Integers
    listeners: Integers


@dataclass(frozen=True)
class _Streams:
    """Streams of a period: by country, tier, entity and listener, and how to sum over countries and tiers.

    Streams add up. Listeners do, too, but for those who were in several places: these are counted again.

    Attributes:
        tiers: Numbers of tiers.
        entities: Numbers of entities.
        people: Numbers of listeners.
        cap: Streams that a listener adds to an entity at most; 0 = all.
        by_place: The groups of each country and tier.
        wanderers: The key of each listener's group, of listeners who were in several places.
        listener: Of each of these, the listener.
        streams: Their streams, all of them.
    """

    tiers: int
    entities: int
    people: int
    cap: int
    by_place: _Groups
    wanderers: Integers
    listener: Integers
    streams: Integers

    @classmethod
    def of(cls, plays: CodedPlays, names: Vocabulary, cap: int) -> _Streams:
        """Count the plays."""
        tiers, entities, people = len(names.tier), len(names.entity), len(names.listener)
        keys = plays.country.astype(np.int64)
        for codes, size in ((plays.tier, tiers), (plays.entity, entities), (plays.listener, people)):
            keys *= size
            keys += codes
        keys.sort()
        first = np.flatnonzero(np.diff(keys, prepend=-1))
        count = np.diff(first, append=len(keys))
        group, listener = np.divmod(keys[first], max(people, 1))
        opens = np.flatnonzero(np.diff(group, prepend=-1))
        capped = np.minimum(count, cap) if cap else count
        streams = np.add.reduceat(capped, opens) if len(opens) else capped
        by_place = _Groups(group[opens], streams, np.diff(opens, append=len(group)))
        wander = _wander(group // max(entities, 1), listener, people)
        return cls(tiers, entities, people, cap, by_place, group[wander], listener[wander], count[wander])

    def over(self, rolled: Callable[[Integers], Integers], size: int) -> _Groups:
        """The groups of what `rolled` makes of their keys.

        Args:
            rolled: Keys of groups to those of larger ones, 0 to `size` - 1.
            size: How many there may be.
        """
        of = self.by_place
        keys, streams, listeners = sums_of_keys(rolled(of.keys), of.streams, of.listeners, size=size)
        if len(self.wanderers):
            capped = np.minimum(self.streams, self.cap) if self.cap else self.streams
            pairs = rolled(self.wanderers) * self.people + self.listener
            order = np.argsort(pairs)
            first = np.flatnonzero(np.diff(pairs[order], prepend=-1))
            at = np.searchsorted(keys, pairs[order[first]] // self.people)
            whole, counted = (np.add.reduceat(values[order], first) for values in (self.streams, capped))
            added = np.minimum(whole, self.cap) if self.cap else whole
            np.subtract.at(listeners, at, np.diff(first, append=len(order)) - 1)
            np.subtract.at(streams, at, counted - added)
        return _Groups(keys, streams, listeners)


def _wander(place: Integers, listener: Integers, people: int) -> Integers:
    """Which rows are of listeners who were in several places."""
    home = np.full(people, -1, np.int64)
    home[listener] = place
    travels = np.zeros(people, np.bool_)
    travels[listener[home[listener] != place]] = True
    return np.flatnonzero(travels[listener])


def _ranked(streams: _Streams, names: Vocabulary) -> Figures:
    tiers, entities = max(streams.tiers, 1), max(streams.entities, 1)
    size = len(names.country) * tiers * entities
    every = [
        streams.by_place,
        streams.over(lambda keys: keys // (tiers * entities) * (tiers * entities) + keys % entities, size),
        streams.over(lambda keys: keys % (tiers * entities), tiers * entities),
        streams.over(lambda keys: keys % entities, entities),
    ]
    keys, counts, listeners = (
        np.concatenate([getattr(groups, name) for groups in every]) for name in ("keys", "streams", "listeners")
    )
    place, entity = np.divmod(keys, entities)
    order = _best_first(place, counts, listeners, names.entity.places[entity])
    opening = np.flatnonzero(np.diff(place[order], prepend=-1))
    rank = np.empty(len(keys), np.int64)
    rank[order] = np.arange(len(keys)) - np.repeat(opening, np.diff(opening, append=len(keys))) + 1
    packed = Key(np.zeros(len(keys), np.int64), place // tiers, place % tiers, entity).packed
    by_key = np.argsort(packed)
    return Figures(packed[by_key], rank[by_key], counts[by_key], listeners[by_key])


def _best_first(place: Integers, streams: Integers, listeners: Integers, name: Integers) -> Integers:
    """The order by place, then streams desc, listeners desc, name: by one number, where it holds them."""
    parts = (place, streams.max(initial=0) - streams, listeners.max(initial=0) - listeners, name)
    bits = [int(part.max(initial=0)).bit_length() for part in parts]
    if sum(bits) >= _BITS:
        return np.lexsort(parts[::-1])
    packed = np.zeros(len(place), np.int64)
    for part, width in zip(parts, bits, strict=True):
        packed = packed << width | part
    return np.argsort(packed)


_BITS = 63

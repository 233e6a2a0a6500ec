"""Ranks of one kind of entity in one period, by sorting integers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from earshot.analytics.chart_names import Codes, Key, Vocabulary
from earshot.analytics.plays import Flags, Integers


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
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__dataclass_fields__))


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
    parts = [
        _ranked(plays, names, kept, excluded, by_country, by_tier, listener_cap)
        for excluded, kept in ((0, None), (1, ~plays.is_flagged))
        for by_country, by_tier in _breakdowns(plays)
    ]
    keys, *columns = (np.concatenate([part[n] for part in parts]) for n in range(4))
    order = np.argsort(keys)
    return Figures(keys[order], *(column[order] for column in columns))


def _breakdowns(plays: CodedPlays) -> Iterator[tuple[Integers, Integers]]:
    every = np.zeros(len(plays.entity), np.int32)
    for by_country in (plays.country, every):
        for by_tier in (plays.tier, every):
            yield by_country.astype(np.int64), by_tier.astype(np.int64)


def _ranked(
    plays: CodedPlays,
    names: Vocabulary,
    kept: Flags | None,
    excluded: int,
    country: Integers,
    tier: Integers,
    listener_cap: int,
) -> tuple[Integers, Integers, Integers, Integers]:
    entities, people, tiers = len(names.entity), len(names.listener), len(names.tier)
    pairs = ((country * tiers + tier) * entities + plays.entity) * people + plays.listener
    pair, count = np.unique(pairs if kept is None else pairs[kept], return_counts=True)
    if not len(pair):
        empty = np.zeros(0, np.int64)
        return empty, empty, empty, empty
    if listener_cap:
        count = np.minimum(count, listener_cap)
    of_pair = pair // people
    first = np.flatnonzero(np.diff(of_pair, prepend=-1))
    group, entity = np.divmod(of_pair[first], entities)
    streams = np.add.reduceat(count, first)
    listeners = np.diff(first, append=len(pair))
    order = np.lexsort((names.entity.places[entity], -listeners, -streams, group))
    opening = np.flatnonzero(np.diff(group[order], prepend=-1))
    rank = np.empty(len(group), np.int64)
    rank[order] = np.arange(len(group)) - np.repeat(opening, np.diff(opening, append=len(group))) + 1
    key = Key(np.full(len(group), excluded, np.int64), group // tiers, group % tiers, entity)
    return key.packed, rank, streams, listeners

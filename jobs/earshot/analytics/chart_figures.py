"""Ranks of one kind of entity in one period, by sorting integers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from earshot.analytics.chart_names import EXCLUDED_KEYS, Key, Vocabulary
from earshot.analytics.chart_streams import Groups
from earshot.analytics.plays import Integers
from earshot.core.arrow_columns import opens

_BITS: Final = 63


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


def figures(every: Groups, organic: Groups | None, names: Vocabulary) -> Figures:
    """Rank every entity by country and ALL, tier and ALL, with and without flagged streams.

    Streams desc, listeners desc, entity_id asc: without gaps or ties.

    Args:
        every: Sums of all counted streams of the period.
        organic: Of those that are not flagged; None where none is.
        names: What the numbers of entities stand for.
    """
    rank = _ranked(every, names)
    organic, of_organic = (every, rank) if organic is None else (organic, _ranked(organic, names))
    return Figures(
        np.concatenate([every.keys, organic.keys + EXCLUDED_KEYS]),
        np.concatenate([rank, of_organic]),
        np.concatenate([every.streams, organic.streams]),
        np.concatenate([every.listeners, organic.listeners]),
    )


def _ranked(groups: Groups, names: Vocabulary) -> Integers:
    key = Key.of(groups.keys)
    place = key.country * len(names.tier) + key.tier
    order = _best_first(place, groups.streams, groups.listeners, names.entity.places[key.entity])
    opening = np.flatnonzero(opens(place[order]))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order)) - np.repeat(opening, np.diff(opening, append=len(order))) + 1
    return rank


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

"""Sums of the plays of a day by country and tier, from which gold.behaviour follows for all of them, too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from earshot.analytics.judged_plays import RATES, Judged
from earshot.analytics.plays import (
    Flags,
    Floats,
    Integers,
    Names,
    counted_keys,
    mixed,
    ratio,
    sum_by_group,
    summed_keys,
)
from earshot.core import columns as c
from earshot.core.arrow_columns import coded, numbers
from earshot.core.measures import UNKNOWN

Metric = tuple[str, Floats, Floats]
"""Name, values and volumes by group."""

_MS_PER_MINUTE: Final = 60_000


@dataclass(frozen=True)
class Sums:
    """Sums of a day.

    Attributes:
        rates: Name to plays that do it and plays that tell, each countries x tiers x 1.
        volume: Plays, of the same shape.
        heard_ms: Time heard, of the same shape.
        people: Keys of country, tier and listener.
        listeners: How many listeners there may be.
        streams: Keys of country, tier and track, ascending.
        counts: Plays of each of them.
        tracks: How many tracks there may be.
    """

    rates: Mapping[str, tuple[Floats, Floats]]
    volume: Floats
    heard_ms: Floats
    people: Integers
    listeners: int
    streams: Integers
    counts: Integers
    tracks: int

    @classmethod
    def of(cls, plays: pa.Table, found: Mapping[str, Judged], country: Names, tier: Names, track: Names) -> Sums:
        """Add up the plays; `found` is what they are."""
        shape = (len(country), len(tier), 1)
        size = len(country) * len(tier)
        groups = mixed((country.codes, tier.codes), shape[:2], plays.num_rows)
        listener, names = coded(plays[c.LISTENER_ID], missing=UNKNOWN)
        people, _ = counted_keys(groups * len(names) + listener, size=size * len(names))
        streams, counts = counted_keys(groups * len(track) + track.codes, size=size * len(track))
        return cls(
            sums_of(found, {rate: rate for rate in RATES}, groups, shape),
            np.bincount(groups, minlength=size).astype(np.float64).reshape(shape),
            sum_by_group(groups, numbers(plays[c.PLAYED_MS]), size=size).reshape(shape),
            people,
            len(names),
            streams,
            counts,
            len(track),
        )

    def over(self, axes: tuple[int, ...]) -> Iterator[Metric]:
        """The metrics, summed over countries (0), tiers (1) or both."""
        for metric, sums in self.rates.items():
            part, told = (values.sum(axes, keepdims=True).ravel() for values in sums)
            yield metric, ratio(part, told), told
        volume, heard = (values.sum(axes, keepdims=True).ravel() for values in (self.volume, self.heard_ms))
        people = self._distinct(self.people, self.listeners, axes, len(volume))
        yield c.LISTENERS, people, volume
        yield "minutes_per_listener", ratio(heard / _MS_PER_MINUTE, people), volume
        streams, counts = summed_keys(self._regrouped(self.streams, self.tracks, axes), self.counts)
        group = streams // self.tracks
        tracks = np.bincount(group, minlength=len(volume)).astype(np.float64)
        yield "distinct_tracks", tracks, volume
        yield "track_entropy", _entropy(group, counts, volume), volume
        yield "track_gini", _gini(group, counts, volume, tracks), volume

    def _distinct(self, keys: Integers, width: int, axes: tuple[int, ...], size: int) -> Floats:
        found, _ = counted_keys(self._regrouped(keys, width, axes), size=size * width)
        return np.bincount(found // width, minlength=size).astype(np.float64)

    def _regrouped(self, keys: Integers, width: int, axes: tuple[int, ...]) -> Integers:
        """Keys of country, tier and something else, without what is summed over."""
        group, rest = np.divmod(keys, width)
        tiers = self.volume.shape[1]
        if 0 in axes:
            group = group % tiers
        if 1 in axes:
            group = group // tiers
        regrouped: Integers = group * width + rest
        return regrouped


def sums_of(
    found: Mapping[str, Judged], rates: Mapping[str, str], groups: Integers, shape: tuple[int, ...]
) -> dict[str, tuple[Floats, Floats]]:
    """Plays that do it and plays that tell, by group.

    Args:
        found: What each play is.
        rates: Name of the result to the name in `found`.
        groups: Of each play, its group.
        shape: Of the results.
    """
    size = int(np.prod(shape))
    every = np.bincount(groups, minlength=size).astype(np.float64).reshape(shape)

    def sums(which: Flags) -> Floats:
        return every if which.all() else np.bincount(groups[which], minlength=size).astype(np.float64).reshape(shape)

    return {name: (sums(found[rate][1]), sums(found[rate][0])) for name, rate in rates.items()}


def _entropy(group: Integers, counts: Integers, volume: Floats) -> Floats:
    share = counts / volume[group]
    return np.maximum(sum_by_group(group, -share * np.log2(share), size=len(volume)), 0)


def _gini(group: Integers, counts: Integers, volume: Floats, tracks: Floats) -> Floats:
    """sum((2 i - n - 1) x_i) / (n sum(x)) over x in ascending order, i from 1."""
    order = np.lexsort((counts, group))
    first = np.cumsum(tracks) - tracks
    place = np.arange(1, len(group) + 1) - first[group[order]]
    weighed = (2 * place - tracks[group[order]] - 1) * counts[order]
    return ratio(sum_by_group(group[order], weighed, size=len(volume)), tracks * volume)

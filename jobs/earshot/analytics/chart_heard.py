"""Who heard what where in some days, kept in a form in which a few pairs of entity and listener are found quickly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from earshot.analytics.chart_names import Vocabulary, sorted_names, with_all
from earshot.analytics.chart_streams import Coding, Counted, Streams
from earshot.analytics.chart_tally import Counting, Sums
from earshot.analytics.plays import Integers
from earshot.core.arrow_columns import opens, places_in
from earshot.core.memo_files import listed, one_row

_BITS: Final = 63
_NAMES: Final = ("country", "tier", "entity", "listener")


class Asked(NamedTuple):
    """Pairs of an entity and a listener, ascending, and their parts."""

    pair: Integers
    entity: Integers
    listener: Integers

    @classmethod
    def of(cls, streams: Streams, coding: Coding) -> Asked:
        """Those of streams."""
        pair = streams.keys // coding.places
        pair = pair[opens(pair)]
        return cls(pair, *np.divmod(pair, coding.people))


@dataclass(frozen=True)
class Heard:
    """Streams of one kind of entity by entity, listener and place, in names of their own.

    Attributes:
        names: Countries, tiers, entities and listeners, each sorted as bytes; a number is a place among them.
        keys: See `chart_streams.Coding`, of these names; ascending.
        streams: Of each key.
        organic: Those of them that are not flagged; empty where none is flagged.
    """

    names: tuple[pa.Array, ...]
    keys: Integers
    streams: NDArray[Any]
    organic: NDArray[Any]

    @classmethod
    def of(cls, counted: Counted, coding: Coding, names: Vocabulary) -> Self:
        """Streams that are counted in other names, of which those are kept that are used."""
        every, left = counted[0], _organic(counted)
        entity, listener, country, tier = coding.parts(every.keys)
        codes = (country, tier, entity, listener)
        known = (names.country.listed, names.tier.listed, names.entity.listed, names.listener.listed)
        used = [_Used.of(own, of_all) for own, of_all in zip(codes, known, strict=True)]
        kept = tuple(one.names for one in used)
        country, tier, entity, listener = (one.number[own] for one, own in zip(used, codes, strict=True))
        keys, order = _in_order(_coding(kept).key(entity, listener, country, tier))
        return cls(kept, keys, _small(every.count[order]), _small(left[order] if len(left) else left))

    @classmethod
    def merged(cls, parts: Sequence[Heard]) -> Heard:
        """The streams of several spans."""
        if len(parts) == 1:
            return parts[0]
        names = [sorted_names(*of) for of in zip(*(part.names for part in parts), strict=True)]
        coding = _coding(names)
        keys = [part._keys_in(names, coding) for part in parts]
        streams = [part.streams for part in parts]
        organic = [part.organic if len(part.organic) else part.streams for part in parts]
        if not any(len(part.organic) for part in parts):
            merged, sums = _merged(keys, [streams])
            return cls(tuple(names), merged, _small(sums[0]), _small(sums[0][:0]))
        merged, sums = _merged(keys, [streams, organic])
        return cls(tuple(names), merged, _small(sums[0]), _small(sums[1]))

    def earlier(self, asked: Asked, coding: Coding, names: Vocabulary) -> Counted:
        """What these pairs have here, in the numbers of the asking side."""
        own = self._coding
        entities, listeners = (
            places_in(of_names.listed, kept)
            for of_names, kept in ((names.entity, self.names[2]), (names.listener, self.names[3]))
        )
        entity, listener, pair = entities[asked.entity], listeners[asked.listener], asked.pair
        if min(entities.min(initial=0), listeners.min(initial=0)) < 0:
            known = np.flatnonzero((entity >= 0) & (listener >= 0))
            entity, listener, pair = entity[known], listener[known], pair[known]
        entity *= own.people
        entity += listener
        entity *= own.places
        wanted, order = _in_order(entity)
        first = np.searchsorted(self.keys, wanted)
        inside = int(np.searchsorted(first, len(self.keys)))
        there = np.flatnonzero(self.keys[first[:inside]] < wanted[:inside] + own.places)
        first, pair, wanted = first[there], pair[order][there], wanted[there]
        rows, asking = _runs(self.keys, first, wanted + own.places)
        country, tier = np.divmod(self.keys[rows] - wanted[asking], own.tiers)
        countries, tiers = names.country.codes(self.names[0]), names.tier.codes(self.names[1])
        keys, order = _in_order(pair[asking] * coding.places + countries[country] * coding.tiers + tiers[tier])
        return self._counted(keys, rows[order])

    def sums(self, listener_cap: int) -> tuple[Sums, Vocabulary]:
        """What all streams add up to, and the names of the numbers in that."""
        country, tier = map(with_all, self.names[:2])
        names = Vocabulary.beginning(country, tier, *self.names[2:])
        coding = Coding.of(names)
        keys = self._keys_in((country, tier, *self.names[2:]), coding)
        return Counting(coding, listener_cap).sums(self._counted(keys, slice(None))), names

    def as_batch(self) -> pa.RecordBatch:
        """As a memo."""
        columns: dict[str, Any] = dict(zip(_NAMES, self.names, strict=True))
        return one_row(columns | {"keys": self.keys, "streams": self.streams, "organic": self.organic})

    @classmethod
    def from_batch(cls, memo: pa.RecordBatch) -> Self:
        """What `as_batch` made, without a copy."""
        keys, streams, organic = (listed(memo, name).to_numpy() for name in ("keys", "streams", "organic"))
        return cls(tuple(listed(memo, name) for name in _NAMES), keys, streams, organic)

    @property
    def _coding(self) -> Coding:
        return _coding(self.names)

    def _counted(self, keys: Integers, rows: Integers | slice) -> Counted:
        every = Streams(keys, self.streams[rows].astype(np.int64))
        if not len(self.organic):
            return every, None
        left = self.organic[rows].astype(np.int64)
        return every, Streams(keys[left > 0], left[left > 0])

    def _keys_in(self, names: Sequence[pa.Array], coding: Coding) -> Integers:
        """All keys, in the numbers of names that hold these."""
        pairs = list(zip(self.names, names, strict=True))
        if all(len(own) == len(others) for own, others in pairs):
            return self.keys
        places = [places_in(own, others) for own, others in pairs]
        entity, listener, country, tier = self._coding.parts(self.keys)
        return coding.key(places[2][entity], places[3][listener], places[0][country], places[1][tier])


@dataclass(frozen=True)
class _Used:
    """Names that are used, sorted, and the new number of each old one."""

    names: pa.Array
    number: Integers

    @classmethod
    def of(cls, codes: Integers, names: pa.Array) -> Self:
        used = np.flatnonzero(np.bincount(codes, minlength=len(names)))
        found = names.take(pa.array(used))
        order = pc.sort_indices(found).to_numpy(zero_copy_only=False)
        number = np.zeros(len(names), np.int64)
        number[used[order]] = np.arange(len(order))
        return cls(found.take(pa.array(order)), number)


def _coding(names: Sequence[pa.Array]) -> Coding:
    return Coding.sized(*map(len, names))


def _organic(counted: Counted) -> Integers:
    """Of each key, its streams that are not flagged; nothing where none is flagged."""
    every, organic = counted
    if organic is None:
        return np.zeros(0, np.int64)
    left = np.zeros(len(every.keys), np.int64)
    left[np.searchsorted(every.keys, organic.keys)] = organic.count
    return left


def _small(counts: Integers) -> NDArray[Any]:
    """The same in as few bytes as hold them."""
    return counts.astype(np.min_scalar_type(int(counts.max(initial=0))))


def _in_order(keys: Integers) -> tuple[Integers, Integers | slice]:
    """Different keys ascending, and the order that makes them so: names are mostly numbered in their order."""
    if np.all(keys[1:] > keys[:-1]):
        return keys, slice(None)
    order = np.argsort(keys)
    return keys[order], order


def _merged(keys: Sequence[Integers], counts: Sequence[Sequence[NDArray[Any]]]) -> tuple[Integers, list[Integers]]:
    """The different keys of all parts, and the sums of what they count there.

    A key and its counts are one number where it holds them: NumPy's stable sort merges what ascends already.

    Args:
        keys: Of each part, ascending.
        counts: By what is counted, of each part.
    """
    widths = [max(int(of.max(initial=0)) for of in parts).bit_length() for parts in counts]
    largest = max(int(of[-1]) if len(of) else 0 for of in keys)
    columns = [np.concatenate(parts).astype(np.int64) for parts in counts]
    whole = np.concatenate(keys)
    if largest.bit_length() + sum(widths) <= _BITS:
        for column, width in zip(columns, widths, strict=True):
            whole <<= width
            whole |= column
        whole.sort(kind="stable")
        for column, width in zip(reversed(columns), reversed(widths), strict=True):
            np.bitwise_and(whole, (1 << width) - 1, out=column)
            whole >>= width
    else:
        order = np.argsort(whole, kind="stable")
        whole, columns = whole[order], [column[order] for column in columns]
    first = np.flatnonzero(opens(whole))
    return whole[first], [np.add.reduceat(column, first) if len(first) else column for column in columns]


def _runs(keys: Integers, first: Integers, below: Integers) -> tuple[Integers, Integers]:
    """The rows from each first one on whose keys are below a limit, and which of the first ones they belong to."""
    count = np.ones(len(first), np.int64)
    following = keys[np.minimum(first + 1, len(keys) - 1)]
    several = np.flatnonzero((following < below) & (following > keys[first]))
    count[several] = np.searchsorted(keys, below[several]) - first[several]
    if not len(several):
        return first, np.arange(len(first))
    asking = np.repeat(np.arange(len(first)), count)
    return np.arange(len(asking)) - (np.cumsum(count) - count)[asking] + first[asking], asking

"""What all counted streams up to a day say for the charts of all time, in a form that later days are added to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Self, cast

import numpy as np
import pyarrow as pa

from earshot.analytics.chart_names import Key, Vocabulary
from earshot.analytics.chart_streams import Coding, Counted, Groups, Streams
from earshot.analytics.chart_tally import Sums
from earshot.analytics.flagged import EXCLUDED, INCLUDED
from earshot.analytics.many_names import Codes
from earshot.analytics.plays import Integers, places_of
from earshot.core.arrow_columns import opens

FORMAT: Final = 1
"""Changes with the columns of a memo, and with what they mean."""

_LISTENER_BITS: Final = 31
_LISTENER: Final = (1 << _LISTENER_BITS) - 1
_TIER_BITS: Final = 15
_SUMS: Final = ("keys", "streams", "listeners")
_SUSPECTS: Final = (INCLUDED, EXCLUDED)
_NAMES: Final = ("country", "tier", "entity", "listener")


@dataclass(frozen=True)
class ChartMemo:
    """Streams of one kind of entity by listener and place, and what they add up to.

    A further day concerns some pairs of an entity and a listener only: what these had so far is looked up,
    what all others had is in the sums.

    Attributes:
        pairs: Entity and listener of each row, ascending.
        places: Country and tier of each row, ascending within a pair.
        streams: Of each row.
        organic: Those of them that are not flagged; empty where none is flagged.
        sums: Of all, and of those that are not flagged.
    """

    pairs: Integers
    places: Codes
    streams: Codes
    organic: Codes
    sums: Sums

    @classmethod
    def of(cls, counted: Counted, sums: Sums, coding: Coding) -> Self:
        """That of streams, and what they add up to."""
        every, organic = counted
        entity, listener, country, tier = coding.parts(every.keys)
        left = np.zeros(0 if organic is None else len(every.keys), np.int32)
        if organic is not None:
            left[np.searchsorted(every.keys, organic.keys)] = organic.count
        return cls(
            entity << _LISTENER_BITS | listener,
            (country << _TIER_BITS | tier).astype(np.int32),
            every.count.astype(np.int32),
            left,
            sums,
        )

    def earlier(self, later: Streams, coding: Coding) -> Counted:
        """What the pairs of entity and listener that have later streams had in this memo."""
        pair = later.keys // coding.places
        entity, listener = np.divmod(pair[opens(pair)], coding.people)
        wanted = entity << _LISTENER_BITS | listener
        first, is_known = places_of(wanted, self.pairs)
        first = first[is_known]
        count = np.searchsorted(self.pairs, wanted[is_known], side="right") - first
        before = np.cumsum(count) - count
        return self._rows(np.repeat(first - before, count) + np.arange(count.sum()), coding)

    def whole(self, coding: Coding) -> Counted:
        """All streams."""
        return self._rows(slice(None), coding)

    def as_batch(self, names: Vocabulary) -> pa.RecordBatch:
        """One row of lists, so that one file holds columns of different lengths; with the names that it needs."""
        entities = _Used.of(self.pairs >> _LISTENER_BITS, names.entity.listed)
        listeners = _Used.of(self.pairs & _LISTENER, names.listener.listed)
        pairs = entities.number[self.pairs >> _LISTENER_BITS] << _LISTENER_BITS
        listed = (names.country.listed, names.tier.listed, entities.names, listeners.names)
        columns: dict[str, Any] = dict(zip(_NAMES, listed, strict=True))
        columns["pairs"] = pairs | listeners.number[self.pairs & _LISTENER]
        columns |= {name: getattr(self, name) for name in ("places", "streams", "organic")}
        for suspects, groups in zip(_SUSPECTS, self.sums, strict=True):
            if groups is not None:
                key = Key.of(groups.keys)
                keys = Key(key.excluded, key.country, key.tier, entities.number[key.entity]).packed
                columns |= {f"{suspects}_{name}": getattr(groups, name) for name in _SUMS} | {f"{suspects}_keys": keys}
        return pa.RecordBatch.from_pydict({name: _as_list(pa.array(values)) for name, values in columns.items()})

    @classmethod
    def from_batch(cls, batch: pa.RecordBatch) -> tuple[Self, Vocabulary]:
        """What `as_batch` made, without a copy, and numbers of names that begin with its own."""

        def found(name: str) -> Any:
            return batch.column(name).flatten().to_numpy()

        def sums(suspects: str) -> Groups | None:
            is_there = f"{suspects}_keys" in batch.schema.names
            return Groups(*(found(f"{suspects}_{name}") for name in _SUMS)) if is_there else None

        included, excluded = map(sums, _SUSPECTS)
        pairs, places, streams, organic = map(found, ("pairs", "places", "streams", "organic"))
        names = Vocabulary.beginning(*(batch.column(name).flatten() for name in _NAMES))
        return cls(pairs, places, streams, organic, (cast(Groups, included), excluded)), names

    def _rows(self, rows: Integers | slice, coding: Coding) -> Counted:
        pairs, places = self.pairs[rows], self.places[rows]
        keys = coding.key(
            pairs >> _LISTENER_BITS,
            pairs & _LISTENER,
            places >> _TIER_BITS,
            places & (1 << _TIER_BITS) - 1,
        )
        every = Streams(keys, self.streams[rows].astype(np.int64))
        if not len(self.organic):
            return every, None
        left = self.organic[rows].astype(np.int64)
        return every, Streams(keys[left > 0], left[left > 0])


@dataclass(frozen=True)
class _Used:
    """Names that are used, in the order of their numbers, and their new numbers without gaps."""

    names: pa.Array
    number: Integers

    @classmethod
    def of(cls, codes: Integers, names: pa.Array) -> Self:
        used = np.bincount(codes, minlength=len(names)) > 0
        return cls(names.filter(pa.array(used)), np.cumsum(used) - 1)


def _as_list(values: pa.Array) -> pa.Array:
    return pa.LargeListArray.from_arrays(pa.array([0, len(values)], pa.int64()), values)

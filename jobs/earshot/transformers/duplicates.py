"""Plays that are told more than once: exactly (the same listen_id), or nearly, by another source or client.

Near: the same listener and track, started within a few seconds; what is near to something near belongs to the
same cluster. Where no client tells twice, a cluster is one play. A client never doubles its own plays: where one
tells twice, the first of one client is the first of the other, and so on. Which telling is kept depends neither on
the order of files nor on their batches: a better telling that comes later takes the place of the published one, and
a kept one remembers start and client of the others (`tellings`), so that what is near to them is still found.

Plays that have no other near them need not be compared: `Tellings.near` finds the others by 24 bytes of each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pandas.util import hash_array

from earshot.core import columns as c
from earshot.transformers.remembered import Merged, Remembered, as_column

_Codes = NDArray[np.int64]
_Starts = NDArray[np.int64]

_CLIENT: Final = (c.SOURCE, c.DEVICE_TOKEN, c.DEVICE, c.PLATFORM)
_LINE: Final = (c.SOURCE_FILE, c.SOURCE_LINE)
# In what two tellings of one client with the same start may still differ.
_SAID: Final = (
    *(c.TRACK_TITLE, c.ENDED_AT, c.DURATION_MS, c.COUNTRY, c.TIER, c.CONTEXT),
    *(c.REASON_END, c.SKIPPED, c.STARTUP_MS),
)
_MIX: Final = np.uint64(0x9E3779B97F4A7C15)
_NULL: Final = np.uint64(0)
_NULLS_FIRST: Final = [("", "ascending", "at_start")]


@dataclass(frozen=True)
class Tellings:
    """The rule by which tellings are found to be of one play.

    Attributes:
        near_seconds: How far apart two tellings of one play may start.
    """

    near_seconds: float

    key: ClassVar[tuple[str, ...]] = (c.LISTENER_ID, c.TRACK_ID, c.STARTED_AT)
    """The columns by which `keys` and `near` find plays."""

    compared: ClassVar[tuple[str, ...]] = tuple(
        dict.fromkeys((*key, c.LISTEN_DATE, c.PLAYED_MS, c.SOURCES, c.TELLINGS, *_CLIENT, c.BATCH_ID, *_LINE, *_SAID))
    )
    """The columns that `told_twice` needs of a play."""

    @property
    def _near(self) -> int:
        return int(self.near_seconds * 1_000_000)

    def keys(self, plays: pa.Table) -> NDArray[np.uint64]:
        """A key of listener and track for each play; two pairs may have the same.

        Args:
            plays: listener_id and track_id; fast where they are dictionary arrays.
        """
        return _hashed(plays[c.LISTENER_ID]) * _MIX + _hashed(plays[c.TRACK_ID])

    def near(self, keys: NDArray[np.uint64], starts: NDArray[np.int64], is_new: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The plays that may be told more than once, and one of whose tellings is new.

        Args:
            keys: Of `keys`.
            starts: Microseconds since 1970.
            is_new: Whether the play is not published yet.
        """
        order = np.lexsort((starts, keys))
        cluster = _clusters(keys[order], starts[order], self._near)
        several = np.bincount(cluster) > 1
        with_new = np.bincount(cluster, weights=is_new[order]) > 0
        mask = np.zeros(len(keys), dtype=np.bool_)
        mask[order] = (several & with_new)[cluster]
        return mask

    def told_twice(self, plays: pa.Table) -> pa.Table:
        """The new plays that are told elsewhere too, and the published ones that change by it.

        Args:
            plays: Columns `compared` and is_new; of each cluster of near plays all, in any order.

        Returns:
            batch_id, source_file, source_line, listen_date, is_new, kept (false: a duplicate), sources (all that
            tell of it).
        """
        starts = plays[c.STARTED_AT].cast(pa.timestamp("us", "UTC")).cast(pa.int64())
        plays = plays.append_column("starts", starts).filter(pc.is_valid(starts)).combine_chunks()
        order = np.lexsort((plays["starts"].to_numpy(), _codes(plays, c.LISTENER_ID, c.TRACK_ID)))
        plays = plays.take(pa.array(order))
        at, is_new = plays["starts"].to_numpy(), plays[c.IS_NEW].to_numpy(zero_copy_only=False).astype(np.bool_)
        pair, client = _codes(plays, c.LISTENER_ID, c.TRACK_ID), _clients(plays)
        same = self._same(pair, at, client, Remembered.by(plays[c.TELLINGS]))
        kept = _first_of(same, _by_rank(plays, at, is_new))
        told, with_new = np.bincount(same), np.bincount(same, weights=is_new)
        merged = Merged.of(plays, same, at, client)
        sources, others = merged.all_sources(), merged.all_others()
        changes = ~kept | merged.differs(sources, others)
        wanted = pa.array((told[same] > 1) & (with_new[same] > 0) & (is_new | changes))
        said = plays.select([c.BATCH_ID, *_LINE, c.LISTEN_DATE, c.IS_NEW]).append_column(c.KEPT, pa.array(kept))
        said = said.append_column(c.SOURCES, pa.array(sources, pa.list_(pa.string())))
        return said.append_column(c.TELLINGS, as_column(others)).filter(wanted)

    def _same(self, pair: _Codes, at: _Starts, client: _Codes, others: Remembered) -> _Codes:
        """A number for each play that is told: sorted by pair and start."""
        all_pairs, all_at = np.concatenate((pair, pair[others.of])), np.concatenate((at, others.starts))
        all_clients = np.concatenate((client, others.clients))
        order = np.lexsort((all_at, all_pairs))
        cluster = np.empty(len(order), np.int64)
        cluster[order] = _clusters(all_pairs[order], all_at[order], self._near)
        by_client = _joined(cluster, all_clients)
        tells_twice = _distinct(_joined(all_at), by_client)[by_client] > 1
        one = np.bincount(cluster, weights=tells_twice)[cluster[: len(pair)]] == 0
        at_hand = _clusters(pair, at, self._near)
        # A play that two clients tell of with the same start has found its twin already.
        moment = _joined(pair, at)
        twin = np.where(_distinct(client, moment)[moment] > 1, moment, -1)
        turn = _turns(_joined(at_hand, client, twin), at)
        whole = cluster[: len(pair)]
        return _joined(one, np.where(one, whole, at_hand), np.where(one, 0, twin), np.where(one, 0, turn))


def _clusters(keys: NDArray[Any], starts: _Starts, near: int) -> _Codes:
    """A number for each cluster: plays of a key, sorted by start, of which each is near the one before."""
    apart = (keys[1:] != keys[:-1]) | (starts[1:] - starts[:-1] > near)
    return np.concatenate((np.zeros(min(len(keys), 1), np.int64), np.cumsum(apart)))


def _turns(group: _Codes, at: NDArray[np.int64]) -> _Codes:
    """The how manieth start of its group a play has."""
    order = np.lexsort((at, group))
    sorted_group, sorted_at = group[order], at[order]
    begins = np.concatenate(([True], sorted_group[1:] != sorted_group[:-1]))[: len(group)]
    later = np.concatenate(([False], sorted_at[1:] != sorted_at[:-1]))[: len(group)] & ~begins
    steps = np.cumsum(later)
    turns = np.empty(len(group), np.int64)
    turns[order] = steps - np.maximum.accumulate(np.where(begins, steps, 0))
    return turns


def _by_rank(plays: pa.Table, at: NDArray[np.int64], is_new: NDArray[np.bool_]) -> tuple[NDArray[Any], ...]:
    """What orders tellings, the most important last: the richer first, then the earlier, then by what they say."""
    played = pc.fill_null(plays[c.PLAYED_MS], -1).to_numpy()
    names = [c.SOURCE, *_CLIENT[1:], *_SAID]
    said = [_codes(plays, name) for name in reversed(names)]
    line = [_codes(plays, name) for name in reversed(_LINE)]
    return (*line, is_new, *said, at, -played)


def _distinct(codes: _Codes, group: _Codes) -> _Codes:
    """How many codes each group has."""
    order = np.lexsort((codes, group))
    fresh = np.concatenate(([True], (np.diff(group[order]) != 0) | (np.diff(codes[order]) != 0)))[: len(group)]
    return np.bincount(group[order], weights=fresh).astype(np.int64)


def _first_of(group: _Codes, rank: tuple[NDArray[Any], ...]) -> NDArray[np.bool_]:
    order = np.lexsort((*rank, group))
    first = np.zeros(len(group), np.bool_)
    first[order[np.unique(group[order], return_index=True)[1]]] = True
    return first


def _clients(plays: pa.Table) -> _Codes:
    """A hash of what tells a client from others; the same in every batch."""
    mixed = np.zeros(plays.num_rows, np.uint64)
    for name in _CLIENT:
        mixed = mixed * _MIX + _hashed(plays[name])
    return mixed.view(np.int64)


def _codes(plays: pa.Table, *names: str) -> _Codes:
    """A number for each combination of values, in the order of the values; null is a value, the smallest."""
    ranks = (pc.rank(plays[name].combine_chunks(), _NULLS_FIRST, tiebreaker="dense") for name in names)
    return _joined(*(rank.to_numpy().astype(np.int64) for rank in ranks))


def _joined(*codes: NDArray[np.int64]) -> _Codes:
    """One number for each combination of numbers, from 0 on, in their order."""
    joined = np.zeros(len(codes[0]), np.int64)
    for further in codes:
        values, places = np.unique(further, return_inverse=True)
        joined = np.unique(joined * (len(values) + 1) + places, return_inverse=True)[1].astype(np.int64)
    return joined


def _hashed(texts: pa.ChunkedArray) -> NDArray[np.uint64]:
    """A 64-bit hash of each text; each distinct one is hashed once."""
    coded = texts if pa.types.is_dictionary(texts.type) else pc.dictionary_encode(texts)
    parts = [np.empty(0, np.uint64)]
    for chunk in coded.chunks:
        hashes = np.append(hash_array(chunk.dictionary.to_numpy(zero_copy_only=False)), _NULL)
        places = pc.fill_null(chunk.indices.cast(pa.int64()), len(hashes) - 1)
        parts.append(hashes[places.to_numpy(zero_copy_only=False)])
    return np.concatenate(parts)

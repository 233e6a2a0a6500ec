"""What is told more than once of a batch and of the published plays around it, in memory that is bounded."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from earshot.core import columns as c
from earshot.importers.play_files import SILVER_SCHEMA, Plays

_AT_ONCE: Final = 20_000_000
_COMPARED_AT_ONCE: Final = 500_000
_READERS: Final = 2

_Rows = NDArray[np.int64]


class Rule(Protocol):
    """Says which tellings are of one play (see `transformers.duplicates.Tellings`)."""

    @property
    def key(self) -> tuple[str, ...]:
        """The columns by which plays near each other are found: listener, track, start."""

    @property
    def compared(self) -> tuple[str, ...]:
        """The columns by which they are compared."""

    def keys(self, plays: pa.Table) -> NDArray[np.uint64]:
        """A key of listener and track for each play."""

    def near(self, keys: NDArray[np.uint64], starts: _Rows, is_new: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The plays that may be told more than once; starts in microseconds."""

    def told_twice(self, plays: pa.Table) -> pa.Table:
        """What is told more than once: the place of each, is_new, kept, sources."""


def told_twice(plays: Sequence[Plays], rule: Rule) -> pa.Table:
    """The new plays that are told elsewhere too, and the published ones that change by it.

    Reads three columns of all plays, and holds 24 bytes of each and of no more than 20 million of them at once;
    then what is compared of those that have another one near them, half a million at once.

    Returns:
        What `rule.told_twice` returns.
    """
    rounds = max(1, sum(some.rows for some in plays) // _AT_ONCE)
    found = [
        rule.told_twice(_compared(plays, places, rule))
        for number in range(rounds)
        for places in _near(plays, rule, number, rounds)
    ]
    return pa.concat_tables(found)


def _near(plays: Sequence[Plays], rule: Rule, number: int, rounds: int) -> list[list[_Rows]]:
    """Places (of each of `plays`) that may be told more than once, in parts; of keys whose turn it is."""
    with ThreadPoolExecutor(_READERS) as pool:
        read = list(pool.map(lambda some: _read(some, rule, number, rounds), plays))
    keys = np.concatenate([np.empty(0, np.uint64), *(keys for keys, _, _ in read)])
    starts = np.concatenate([np.empty(0, np.int64), *(starts for _, starts, _ in read)])
    sizes = [len(places) for _, _, places in read]
    mask = rule.near(keys, starts, np.repeat([some.is_new for some in plays], sizes).astype(np.bool_))
    parts = np.uint64(1 + np.count_nonzero(mask) // _COMPARED_AT_ONCE)
    part = np.split(np.where(mask, keys // np.uint64(rounds) % parts, parts), np.cumsum(sizes, dtype=np.int64))[:-1]
    return [[places[of == n] for of, (_, _, places) in zip(part, read, strict=True)] for n in range(int(parts))]


def _read(some: Plays, rule: Rule, number: int, rounds: int) -> tuple[Any, Any, _Rows]:
    """Keys, starts and places (from 0 on) of the plays that count, and of what else told of them, whose turn it is."""
    lines, counts = some.counts(rule.key)
    places = np.flatnonzero(counts)
    keys, starts = rule.keys(lines)[places], lines[c.STARTED_AT].cast(pa.int64()).to_numpy()[places]
    if c.TELLINGS in lines.column_names:
        told = lines[c.TELLINGS].take(pa.array(places)).combine_chunks()
        of, others = pc.list_parent_indices(told).to_numpy(), pc.struct_field(pc.list_flatten(told), c.STARTED_AT)
        keys, places = np.concatenate((keys, keys[of])), np.concatenate((places, places[of]))
        starts = np.concatenate((starts, others.cast(pa.int64()).to_numpy()))
    turn = keys % np.uint64(rounds) == number
    return keys[turn], starts[turn], places[turn]


def _compared(plays: Sequence[Plays], places: Sequence[_Rows], rule: Rule) -> pa.Table:
    nothing = pa.schema([*map(SILVER_SCHEMA.field, rule.compared), (c.IS_NEW, pa.int32())]).empty_table()

    def read(some: Plays, wanted: _Rows) -> pa.Table:
        if not len(wanted):
            return nothing
        told = some.read(rule.compared).take(pa.array(np.unique(wanted)))
        return told.append_column(c.IS_NEW, pa.array(np.full(told.num_rows, some.is_new, np.int32)))

    with ThreadPoolExecutor(_READERS) as pool:
        return pa.concat_tables([nothing, *pool.map(read, plays, places)])

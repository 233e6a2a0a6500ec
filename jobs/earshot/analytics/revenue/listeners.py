"""What the plays of some listeners count in each model: one Arrow task, which needs no other listener."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from earshot.analytics.plays import Flags, Integers, mixed, numbered
from earshot.analytics.revenue.models import MODELS, Streams
from earshot.analytics.revenue.packing import packed
from earshot.analytics.revenue.rounding import Weights, totals
from earshot.core import columns as c
from earshot.core.revenue_settings import ArtistCentricSettings

EVERY: Final = "every"
ORGANIC: Final = "organic"
KINDS: Final = (EVERY, ORGANIC)
"""All streams, and those that are not flagged."""

WORK: Final = "work"
"""The track, where it has splits; null where all of it is the artist's."""

MARKS: Final = "marks"
FLAGGED, CHOSEN, EARNS_EVERY, EARNS_ORGANIC = 1, 2, 4, 8
"""Bits of `marks`: the play is flagged, was chosen, its track earns (of all streams; of those not flagged)."""

KEYS: Final = (c.MONTH, c.COUNTRY, c.TIER, c.ARTIST_ID, WORK)
FIGURES: Final = tuple(f"{figure}_{kind}" for kind in KINDS for figure in ("streams", "listeners"))
WEIGHTS: Final = tuple(f"{model}_{kind}" for kind in KINDS for model in MODELS)
GROUP: Final = "listener_group"
"""A key more, where what listeners count is to be told apart by groups of them."""


def counts_schema(keys: Sequence[str] = KEYS) -> pa.Schema:
    """What `counts_of_listeners` makes, a row a month, country, tier, artist and work (and group).

    - streams_KIND: counted streams
    - listeners_KIND: listeners of the artist in the month, each in one row of the artist only
    - MODEL_KIND: what these streams count in the model (see `models`, `packing`)
    """
    types = {c.MONTH: pa.date32(), GROUP: pa.int64()}
    return pa.schema(
        [
            *((name, types.get(name, pa.string())) for name in keys),
            *((name, pa.int64()) for name in FIGURES),
            *((name, pa.binary()) for name in WEIGHTS),
        ]
    )


PLAYS: Final = "plays"
"""Of a cell: how many streams it stands for."""

_ENOUGH_ROWS: Final = 500_000


def counts_of_listeners(
    plays: Iterator[pa.RecordBatch], rules: ArtistCentricSettings, keys: Sequence[str] = KEYS
) -> Iterator[pa.RecordBatch]:
    """The counts of plays of listeners who have no plays elsewhere.

    Memory follows the different pairs of listener and artist, not the plays: of a robot that plays one track a
    million times there is one.

    Args:
        plays: Batches of the keys, listener_id and `marks`, a row a counted stream.
        rules: What a stream counts in the artist-centric model.
        keys: `KEYS`, or these and `GROUP`.

    Yields:
        Rows of `counts_schema`.
    """
    cells = _cells(plays, [*keys, c.LISTENER_ID, MARKS])
    if cells is not None and cells.num_rows:
        yield from counts_of_cells(cells, rules, keys).to_batches()


def _cells(plays: Iterator[pa.RecordBatch], names: list[str]) -> pa.Table | None:
    """A row for each different row of the plays, with how many there are."""
    cells: pa.Table | None = None
    waiting: list[pa.Table] = []
    rows = 0
    for batch in plays:
        waiting.append(pa.table([*batch.columns, np.ones(batch.num_rows, np.int64)], [*batch.schema.names, PLAYS]))
        rows += batch.num_rows
        if rows >= max(_ENOUGH_ROWS, 0 if cells is None else cells.num_rows):
            cells, waiting, rows = _grouped([*([] if cells is None else [cells]), *waiting], names), [], 0
    return _grouped([*([] if cells is None else [cells]), *waiting], names) if waiting else cells


def _grouped(parts: list[pa.Table], names: list[str]) -> pa.Table:
    whole = pa.concat_tables([part.select([*names, PLAYS]) for part in parts])
    sums = whole.group_by(names, use_threads=False).aggregate([(PLAYS, "sum")])
    return sums.rename_columns([*names, PLAYS])


def counts_of_cells(cells: pa.Table, rules: ArtistCentricSettings, keys: Sequence[str] = KEYS) -> pa.Table:
    """The counts of different rows of plays; see `counts_of_listeners`.

    Args:
        cells: The keys, listener_id, `marks` and `plays`, no two rows alike but for `plays`; texts may be dictionaries.
        rules: What a stream counts in the artist-centric model.
        keys: `KEYS`, or these and `GROUP`.
    """
    plays: Integers = cells[PLAYS].to_numpy()
    marks: Integers = cells[MARKS].to_numpy().astype(np.int64)
    listener, country, tier, artist = (
        numbered(cells[name]) for name in (c.LISTENER_ID, c.COUNTRY, c.TIER, c.ARTIST_ID)
    )
    work = numbered(pc.fill_null(cells[WORK], ""))
    work_code = np.where(pc.is_valid(cells[WORK]).to_numpy(zero_copy_only=False), work.codes + 1, 0)
    months, month = np.unique(cells[c.MONTH].cast(pa.int32()).to_numpy(), return_inverse=True)
    who = month * len(listener) + listener.codes
    place = country.codes * len(tier) + tier.codes
    groups, group = np.zeros(1, np.int64), np.zeros_like(month)
    if GROUP in keys:
        groups, group = np.unique(cells[GROUP].to_numpy(), return_inverse=True)
    key = mixed(
        (month, group, place, artist.codes, work_code),
        (len(months), len(groups), len(country) * len(tier), len(artist), len(work) + 1),
        len(plays),
    )
    _, first, row = np.unique(key, return_index=True, return_inverse=True)
    columns: dict[str, pa.Array] = {name: cells[name].take(pa.array(first)).combine_chunks() for name in keys}
    flagged = (marks & FLAGGED) > 0
    in_pool, pools = _compact(who * (len(country) * len(tier)) + place)
    pair, pairs = _compact(who * len(artist) + artist.codes)
    for kind, earns in ((EVERY, EARNS_EVERY), (ORGANIC, EARNS_ORGANIC)):
        if kind == ORGANIC and not flagged.any() and np.array_equal(marks & EARNS_ORGANIC > 0, marks & EARNS_EVERY > 0):
            columns |= {name.replace(EVERY, ORGANIC): values for name, values in columns.items() if EVERY in name}
            continue
        kept = np.where(flagged, 0, plays) if kind == ORGANIC else plays
        streams = Streams(
            streams=kept,
            earning=np.where(marks & earns, kept, 0),
            chosen=np.where(marks & CHOSEN, kept, 0),
            of_listener=totals(in_pool, kept, size=pools)[in_pool],
            of_listener_month=totals(who, kept, size=len(months) * len(listener))[who],
        )
        columns[f"streams_{kind}"] = pa.array(totals(row, kept, size=len(first)))
        columns[f"listeners_{kind}"] = pa.array(_listeners(pair, row, kept > 0, pairs=pairs, rows=len(first)))
        for model, counting in MODELS.items():
            numerator, denominator = counting(streams, rules)
            columns[f"{model}_{kind}"] = packed(Weights(row, numerator, denominator), parts=len(first))
    schema = counts_schema(keys)
    return pa.table([columns[field.name].cast(field.type) for field in schema], schema=schema)


def _compact(keys: Integers) -> tuple[Integers, int]:
    """The keys as numbers from 0 on, and how many there are."""
    found, code = np.unique(keys, return_inverse=True)
    return code, len(found)


def _listeners(pair: Integers, row: Integers, heard: Flags, *, pairs: int, rows: int) -> Integers:
    """Listeners of each row; where a listener has several rows of an artist, one of them counts."""
    row_of_pair = np.full(pairs, -1, np.int64)
    row_of_pair[pair[heard]] = row[heard]
    return np.bincount(row_of_pair[row_of_pair >= 0], minlength=rows).astype(np.int64)

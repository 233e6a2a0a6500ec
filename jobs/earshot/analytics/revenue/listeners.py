"""What the plays of some listeners count in each model: one Arrow task, which needs no other listener."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from earshot.analytics.plays import Integers, mixed, numbered, renumbered
from earshot.analytics.revenue.cells import KINDS, Cells, counts_of, kept, listeners_of_rows, spread
from earshot.analytics.revenue.models import MODELS
from earshot.analytics.revenue.packing import packed
from earshot.core import columns as c
from earshot.core.revenue_settings import ArtistCentricSettings

WORK: Final = "work"
"""The track, where it has splits; null where all of it is the artist's."""

MARKS: Final = "marks"
"""Bits of `cells`, by play."""

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
    listener, country, tier, artist = (
        numbered(cells[name]) for name in (c.LISTENER_ID, c.COUNTRY, c.TIER, c.ARTIST_ID)
    )
    work = numbered(pc.fill_null(cells[WORK], ""))
    work_code = np.where(pc.is_valid(cells[WORK]).to_numpy(zero_copy_only=False), work.codes + 1, 0)
    months, month = np.unique(cells[c.MONTH].cast(pa.int32()).to_numpy(), return_inverse=True)
    places, pools = country.codes * len(tier) + tier.codes, len(country) * len(tier)
    who = month * len(listener) + listener.codes
    groups, group = np.zeros(1, np.int64), np.zeros_like(month)
    if GROUP in keys:
        groups, group = np.unique(cells[GROUP].to_numpy(), return_inverse=True)
    rows, row = renumbered(
        mixed(
            (month, group, places, artist.codes, work_code),
            (len(months), len(groups), pools, len(artist), len(work) + 1),
            cells.num_rows,
        )
    )
    of_row = np.empty(len(rows), np.int64)
    of_row[row] = np.arange(cells.num_rows)
    order = np.lexsort((row, (who * pools + places) * len(artist) + artist.codes))
    plays: Integers = cells[PLAYS].to_numpy()
    marks: Integers = cells[MARKS].to_numpy().astype(np.int64)
    who, plays, marks = who[order], plays[order], marks[order]
    of_month = {kind: spread(kept(plays, marks, kind), of=who) for kind in KINDS}
    ordered = Cells(who, places[order], artist.codes[order], row[order], marks, plays, of_month)
    columns: dict[str, pa.Array] = {name: cells[name].take(pa.array(of_row)).combine_chunks() for name in keys}
    for kind, counts in counts_of(ordered, rules, rows=len(rows)).items():
        columns[f"streams_{kind}"] = pa.array(counts.streams)
        columns[f"listeners_{kind}"] = pa.array(listeners_of_rows(ordered, kind, rows=len(rows)))
        columns |= {f"{model}_{kind}": packed(of, parts=len(rows)) for model, of in counts.weights.items()}
    schema = counts_schema(keys)
    return pa.table([columns[field.name].cast(field.type) for field in schema], schema=schema)

"""ListenBrainz's Spark dump: Parquet with listened_at, user_id, recording_name, artist_name, ...

https://github.com/metabrainz/listenbrainz-server, listenbrainz/listenstore/dump_listenstore.py
(SPARK_LISTENS_SCHEMA). `listened_at` is when the listen began, in UTC; how long it lasted is not told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from earshot.core import columns as c
from earshot.importers.events import play_of
from earshot.importers.extras import map_of_texts
from earshot.importers.faults import damaged, unreadable
from earshot.importers.listenbrainz import SOURCE
from earshot.importers.listenbrainz_rules import FIRST
from earshot.importers.parquet_rows import parquet_batches
from earshot.importers.rows import Row
from earshot.importers.shape import (
    LISTENER,
    PARSE_FAULTS,
    PARSED,
    READABLE_LINE,
    TAKEN_BY_LISTENBRAINZ,
    TIME,
    TIME_PRESENT,
    TRACK_PRESENT,
    WITHIN_LIMITS,
    Part,
    Plays,
    Sample,
    Source,
    plays_of,
)

_NEEDED = frozenset({"listened_at", "user_id", "recording_name", "artist_name"})
_EXTRA = ("recording_msid", "release_mbid")
_SKEW = timedelta(hours=1)
_REFUSALS = (
    (TIME_PRESENT, "listened_at is missing"),
    (TRACK_PRESENT, "recording_name or artist_name is empty"),
    (TAKEN_BY_LISTENBRAINZ, "Value for key listened_at is too low: it should not be before 2002-10-01 00:00:00 UTC."),
    (TAKEN_BY_LISTENBRAINZ, "Value for key listened_at is too high."),
    (WITHIN_LIMITS, "a text is longer than {most:,} characters"),
)


class ListenBrainzDump:
    """Parquet of ListenBrainz's Spark dump."""

    name = "listenbrainz_parquet"
    source = SOURCE
    splits_at_lines = False

    def confidence(self, sample: Sample) -> float:
        """By the columns."""
        return len(_NEEDED & set(sample.columns)) / len(_NEEDED)

    def read(self, source: Source, part: Part) -> Iterator[Plays]:
        """The rows, numbered from 1."""
        row = part.first_line
        try:
            for first, batch in parquet_batches(source):
                yield _plays(batch, first, source)
                row = first + len(batch)
        except FileNotFoundError:
            raise
        except (OSError, EOFError, pa.ArrowException) as error:
            yield plays_of([{c.SOURCE_LINE: row, **damaged(error)}])

    def again(self, item: Mapping[str, Any] | str, source: Source) -> Row:
        """See `shape.Importer`; rows are kept under the names of silver."""
        if isinstance(item, str):
            return unreadable(item, READABLE_LINE, "it cannot be read by itself")
        return play_of(item, source.limits, needs_played_ms=False)


def _plays(batch: pa.RecordBatch, first_row: int, source: Source) -> Plays:
    def text(name: str) -> pa.Array:
        if name not in batch.schema.names:
            return pa.nulls(len(batch), pa.string())
        column = batch.column(name)
        return column if pa.types.is_string(column.type) else column.cast(pa.string())

    listened_at = batch.column("listened_at")
    at = listened_at.cast(pa.timestamp("us", listened_at.type.tz), safe=False)
    started_at = at.cast(TIME) if at.type.tz else pc.assume_timezone(at, "UTC")
    title, artist, album = text("recording_name"), text("artist_name"), text("release_name")
    faults, causes = _faults(started_at, title, artist, album, source)
    return {
        LISTENER: text("user_id"),
        c.TRACK_TITLE: title,
        c.ARTIST_NAME: artist,
        c.ALBUM_TITLE: album,
        c.RECORDING_MBID: text("recording_mbid"),
        c.STARTED_AT: started_at,
        c.EXTRA: map_of_texts({name: text(name) for name in _EXTRA}, len(batch)),
        PARSE_FAULTS: faults,
        c.CAUSE: causes,
        c.SOURCE_LINE: pa.array(range(first_row, first_row + len(batch)), pa.int64()),
    }


def _faults(
    started_at: pa.Array, title: pa.Array, artist: pa.Array, album: pa.Array, source: Source
) -> tuple[pa.Array, pa.Array]:
    """What the server would refuse of each row, and why; most rows have nothing."""
    filled = [pc.fill_null(pc.match_substring_regex(column, r"\S"), False) for column in (title, artist)]
    latest = pa.scalar(source.arrived_at + _SKEW, TIME) if source.arrived_at else None
    most = source.limits.max_text_chars
    too_long = [pc.fill_null(pc.greater(pc.utf8_length(column), most), False) for column in (title, artist, album)]
    masks = (
        pc.is_null(started_at),
        pc.invert(pc.and_(*filled)),
        pc.fill_null(pc.less(started_at, pa.scalar(FIRST, TIME)), False),
        pc.fill_null(pc.greater_equal(started_at, latest), False) if latest else None,
        reduce(pc.or_, too_long),
    )
    faults: list[list[str] | None] = [None] * len(started_at)
    causes: list[str | None] = [None] * len(started_at)
    for mask, (fault, cause) in zip(masks, _REFUSALS, strict=True):
        for row in pc.indices_nonzero(mask).to_pylist() if mask is not None else ():
            faults[row] = sorted({*(faults[row] or ()), fault})
            causes[row] = causes[row] or cause.format(most=most)
    return pa.array(faults, PARSED[PARSE_FAULTS]), pa.array(causes, pa.string())

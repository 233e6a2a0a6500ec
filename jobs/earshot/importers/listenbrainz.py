"""ListenBrainz's Spark dump: Parquet with listened_at, user_id, recording_name, artist_name, ...

`listened_at` is when the listen began; how long it lasted is not told (its server takes completed listens only).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from earshot.core import columns as c
from earshot.importers.extras import map_of_texts
from earshot.importers.shape import LISTENER, PARSE_FAULTS, PARSED, TIME, TIME_PRESENT, Part, Plays, Sample, Source
from earshot.importers.streams import open_content

_NEEDED = frozenset({"listened_at", "user_id", "recording_name", "artist_name"})
_EXTRA = ("recording_msid", "release_mbid")
_ROWS = 20_000
_IN_MEMORY = 64 * 1024 * 1024


class ListenBrainzDump:
    """Parquet of ListenBrainz's Spark dump."""

    name = "listenbrainz"
    splits_at_lines = False

    def confidence(self, sample: Sample) -> float:
        """By the columns."""
        return len(_NEEDED & set(sample.columns)) / len(_NEEDED)

    def read(self, source: Source, part: Part) -> Iterator[Plays]:
        """The rows, numbered from 1."""
        row = part.first_line
        with open_content(source.path, source.member) as stream, tempfile.SpooledTemporaryFile(_IN_MEMORY) as seekable:
            shutil.copyfileobj(stream, seekable)
            seekable.seek(0)
            for batch in pq.ParquetFile(pa.PythonFile(seekable, "r")).iter_batches(_ROWS):
                yield _plays(batch, row)
                row += len(batch)


def _plays(batch: pa.RecordBatch, first_row: int) -> Plays:
    def text(name: str) -> pa.Array:
        if name not in batch.schema.names:
            return pa.nulls(len(batch), pa.string())
        column = batch.column(name)
        return column if pa.types.is_string(column.type) else column.cast(pa.string())

    listened_at = batch.column("listened_at")
    faults = [None if told else [TIME_PRESENT] for told in listened_at.is_valid().to_pylist()]
    at = listened_at.cast(pa.timestamp("us", listened_at.type.tz), safe=False)
    return {
        LISTENER: text("user_id"),
        c.TRACK_TITLE: text("recording_name"),
        c.ARTIST_NAME: text("artist_name"),
        c.ALBUM_TITLE: text("release_name"),
        c.RECORDING_MBID: text("recording_mbid"),
        c.STARTED_AT: at.cast(TIME) if at.type.tz else pc.assume_timezone(at, "UTC"),
        c.EXTRA: map_of_texts({name: text(name) for name in _EXTRA}, len(batch)),
        PARSE_FAULTS: pa.array(faults, PARSED[PARSE_FAULTS]),
        c.SOURCE_LINE: pa.array(range(first_row, first_row + len(batch)), pa.int64()),
    }

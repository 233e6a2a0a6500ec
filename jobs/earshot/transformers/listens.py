"""Plays as parsed become canonical listens: identities of track, artist and listen, both times.

It is done in Arrow batches, beside the parser and before a row is seen by Spark: a play costs microseconds there
(see docs/decisions). A frame passes through the same function.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema

from earshot.core import columns as c
from earshot.core.tables import spec_of

PARSE_FAULTS: Final = "parse_faults"

_ID_DIGITS: Final = 32
_LONGEST_MS: Final = 31_622_400_000
_SEPARATOR: Final = "\x1f"
_BLANKS: Final = re.compile(r"\s+", re.ASCII)
_TIME: Final = pa.timestamp("us", "UTC")
_PASSED_ON: Final = (
    c.DURATION_MS,
    c.PLAYED_MS,
    c.SKIPPED,
    c.SHUFFLE,
    c.OFFLINE,
    c.STARTUP_MS,
    c.REBUFFER_COUNT,
    c.REBUFFER_MS,
    c.BITRATE_KBPS,
    c.BITRATE_SWITCHES,
    c.START_FAILED,
)
_TRIMMED: Final = (
    c.TRACK_TITLE,
    c.ARTIST_NAME,
    c.ALBUM_TITLE,
    c.TIME_ZONE,
    c.PLATFORM,
    c.APP_VERSION,
    c.REASON_START,
    c.REASON_END,
    c.CDN,
)
_UPPER: Final = (c.COUNTRY, c.ISRC)
_LOWER: Final = (c.DEVICE, c.TIER, c.CONTEXT, c.RECORDING_MBID)
_PROVENANCE: Final = (
    c.LISTENER_ID,
    c.DEVICE_TOKEN,
    c.NETWORK_TOKEN,
    c.SOURCE,
    c.SOURCE_FILE,
    c.SOURCE_LINE,
    c.ARRIVED_AT,
    c.EXTRA,
    c.FILTERED_REASON,
    c.RAW,
    c.CAUSE,
    PARSE_FAULTS,
)
_COMPUTED: Final = (
    c.TRACK_ID,
    c.ARTIST_ID,
    c.STARTED_AT,
    c.ENDED_AT,
    c.DERIVED_TIME,
    c.LISTEN_ID,
    c.LISTEN_DATE,
    c.SOURCES,
)
_TYPES: Final = {f.name: f.type for f in to_arrow_schema(spec_of("bronze.listens").schema, timezone="UTC")} | {
    PARSE_FAULTS: pa.list_(pa.string())
}

CANONICAL: Final = pa.schema(
    [(name, _TYPES[name]) for name in (*_PROVENANCE, *_PASSED_ON, *_TRIMMED, *_UPPER, *_LOWER, *_COMPUTED)]
)
"""The columns of silver.listens that do not depend on the batch, and those of bronze but its rules."""


def canonical_listens(plays: DataFrame) -> DataFrame:
    """Canonical listens of a frame; see `canonical`.

    Args:
        plays: A row a line, as importers yield them (`importers.dressing.DRESSED`).

    Returns:
        The columns of `CANONICAL`.
    """

    def made(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield from canonical(batch).to_batches()

    return plays.mapInArrow(made, from_arrow_schema(CANONICAL)).select(*CANONICAL.names)


def canonical(plays: pa.RecordBatch | pa.Table) -> pa.Table:
    """Canonical listens: identities of track, artist and listen, both times, and which of them was computed.

    Args:
        plays: A row a line, as importers yield them (`importers.dressing.DRESSED`).

    Returns:
        The columns of `CANONICAL`; `raw` is filled where the parser left it, and else rebuilt by `with_raw`.
    """
    given = {name: _whole(plays.column(name)) for name in plays.schema.names}
    texts = {name: _text(given[name]) for name in (*_TRIMMED, *_UPPER, *_LOWER, c.TRACK_ID, c.ARTIST_ID)}
    texts |= {name: _cased(texts[name], pc.ascii_upper, str.upper) for name in _UPPER}
    texts |= {name: _cased(texts[name], pc.ascii_lower, str.lower) for name in _LOWER}
    started, ended = (given[name].cast(_TIME) for name in (c.STARTED_AT, c.ENDED_AT))
    played = given[c.PLAYED_MS]
    span = pc.if_else(pc.and_(pc.greater_equal(played, 0), pc.less_equal(played, _LONGEST_MS)), played, None)
    length = pc.multiply(span.cast(pa.int64()), 1000).cast(pa.duration("us"))
    started_at = pc.coalesce(started, pc.subtract(ended, length))
    ended_at = pc.coalesce(ended, pc.add(started, length))
    tracks = pc.coalesce(texts[c.TRACK_ID], texts[c.ISRC], texts[c.RECORDING_MBID])
    columns = {
        **{name: given[name] for name in (*_PROVENANCE, *_PASSED_ON)},
        **texts,
        c.TRACK_ID: _hashed(tracks, texts[c.TRACK_TITLE], given[c.ARTIST_NAME], given[c.TRACK_TITLE]),
        c.ARTIST_ID: _hashed(texts[c.ARTIST_ID], texts[c.ARTIST_NAME], given[c.ARTIST_NAME]),
        c.STARTED_AT: started_at,
        c.ENDED_AT: ended_at,
        c.DERIVED_TIME: pc.case_when(
            pc.make_struct(_appeared(started, started_at), _appeared(ended, ended_at)), c.STARTED_AT, c.ENDED_AT, "none"
        ),
        c.LISTEN_DATE: started_at.cast(pa.date32()),
        c.SOURCES: pa.ListArray.from_arrays(
            pa.array(range(plays.num_rows + 1), pa.int32()), given[c.SOURCE].cast(pa.string())
        ),
    }
    columns[c.LISTEN_ID] = listen_ids(given[c.LISTENER_ID], columns[c.TRACK_ID], started_at)
    return pa.table([_typed(columns[field.name], field.type) for field in CANONICAL], schema=CANONICAL)


def listen_ids(listeners: pa.Array, tracks: pa.Array, started_at: pa.Array) -> pa.Array:
    """32 hex digits of SHA-256 over listener, track and start (microseconds); null where one of them is."""
    starts = started_at.cast(pa.int64()).cast(pa.string())
    texts = pc.binary_join_element_wise(listeners, tracks, starts, _SEPARATOR)
    return pa.array([text and _digest(text, _ID_DIGITS) for text in texts.to_pylist()], pa.string())


def with_raw(judged: pa.Table) -> pa.Table:
    """`raw` only of lines that failed a rule: what the parser kept, else the play as JSON under its columns' names."""
    is_kept = pc.and_(
        pc.greater(pc.list_value_length(judged[c.FAILED_RULES]), 0), pc.is_null(judged[c.FILTERED_REASON])
    )
    raw: list[str | None] = [None] * judged.num_rows
    places = pc.indices_nonzero(is_kept).to_pylist()
    told = judged.select([c.RAW, *_TOLD]).take(pa.array(places, pa.int64()))
    for name in (c.STARTED_AT, c.ENDED_AT):
        told = told.set_column(told.schema.get_field_index(name), name, pc.strftime(told[name], "%Y-%m-%dT%H:%M:%SZ"))
    for place, row in zip(places, told.to_pylist(), strict=True):
        raw[place] = row[c.RAW] if row[c.RAW] is not None else _as_json(row)
    return judged.set_column(judged.schema.get_field_index(c.RAW), c.RAW, pa.array(raw, pa.string()))


_TOLD: Final = (
    *(c.LISTENER_ID, c.TRACK_ID, c.STARTED_AT, c.ENDED_AT, *_TRIMMED, c.COUNTRY, c.DEVICE, c.TIER, c.CONTEXT),
    *(*_PASSED_ON, c.ARTIST_ID, c.ISRC, c.RECORDING_MBID, c.DEVICE_TOKEN, c.NETWORK_TOKEN, c.DERIVED_TIME),
    *(c.EXTRA, c.SOURCE),
)


def _as_json(row: dict[str, Any]) -> str:
    told = {name: row[name] for name in _TOLD if row[name] is not None}
    if c.EXTRA in told:
        told[c.EXTRA] = dict(told[c.EXTRA])
    return json.dumps(told, ensure_ascii=False)


def _text(column: pa.Array) -> pa.Array:
    """A text without blanks around it; null where nothing is left."""
    trimmed = pc.utf8_trim(column.cast(pa.string()), characters=" ")
    return pc.if_else(pc.equal(trimmed, ""), None, trimmed)


def _cased(column: pa.Array, of_ascii: Callable[[pa.Array], pa.Array], of_text: Callable[[str], str]) -> pa.Array:
    """Upper or lower case as Unicode has it, which may change a text's length."""
    if pc.all(pc.string_is_ascii(column)).as_py() is not False:
        return of_ascii(column)
    encoded = column.dictionary_encode()
    return pa.array(map(of_text, encoded.dictionary.to_pylist()), pa.string()).take(encoded.indices)


def _hashed(known: pa.Array, needed: pa.Array, *parts: pa.Array) -> pa.Array:
    """What is known; else, where what is needed is there, `h:` and 30 hex digits of SHA-256 over the parts.

    The parts are taken in lower case with single blanks, so that spelling of blanks and case makes no other identity.
    """
    wanted = pc.and_(pc.is_null(known), pc.is_valid(needed))
    if not pc.any(wanted).as_py():
        return known
    texts = pc.binary_join_element_wise(*(pc.fill_null(part, "") for part in parts), _SEPARATOR)
    chosen = pc.if_else(wanted, texts, None).dictionary_encode()
    made = ["h:" + _digest(_normal(text), _ID_DIGITS - 2) for text in chosen.dictionary.to_pylist()]
    return pc.coalesce(known, pa.array(made, pa.string()).take(chosen.indices))


def _normal(text: str) -> str:
    return _SEPARATOR.join(_BLANKS.sub(" ", part).strip(" ").lower() for part in text.split(_SEPARATOR))


def _digest(text: str, digits: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:digits]


def _appeared(before: pa.Array, after: pa.Array) -> pa.Array:
    return pc.and_(pc.is_null(before), pc.is_valid(after))


def _typed(column: pa.Array, kind: pa.DataType) -> pa.Array:
    return column if column.type == kind else column.cast(kind, safe=False)


def _whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column

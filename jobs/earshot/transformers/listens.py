"""Plays as parsed become canonical listens; plays that are told twice become one."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from earshot.core import columns as c

PARSE_FAULTS = "parse_faults"
CONTENT_HASH = "content_hash"
FATE = "fate"
LISTEN_DATES = "listen_dates"

_ID_DIGITS = 32
_LONGEST_MS = 31_622_400_000
_SEPARATOR = "\x1f"
_SMALL = frozenset({c.REBUFFER_COUNT, c.BITRATE_KBPS})
_PASSED_ON = (
    c.DURATION_MS,
    c.PLAYED_MS,
    c.SKIPPED,
    c.SHUFFLE,
    c.OFFLINE,
    c.STARTUP_MS,
    c.REBUFFER_COUNT,
    c.REBUFFER_MS,
    c.BITRATE_KBPS,
    c.START_FAILED,
)
_TRIMMED = (
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
_UPPER = (c.COUNTRY,)
_LOWER = (c.DEVICE, c.TIER, c.CONTEXT)
_PROVENANCE = (
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


def canonical_listens(plays: DataFrame) -> DataFrame:
    """Canonical listens: identities of track, artist and listen, both times, and which of them was computed.

    Args:
        plays: A row a line, as importers yield them (`importers.dressing.DRESSED`).

    Returns:
        The columns of silver.listens that do not depend on the batch, and those of bronze but its rules;
        `raw` is filled where the parser left it, and else rebuilt by `with_raw`.
    """
    texts = {
        **{name: _text(name) for name in _TRIMMED},
        **{name: F.upper(_text(name)) for name in _UPPER},
        **{name: F.lower(_text(name)) for name in _LOWER},
    }
    isrc, mbid = F.upper(_text(c.ISRC)), F.lower(_text(c.RECORDING_MBID))
    span = F.when(F.col(c.PLAYED_MS).between(0, _LONGEST_MS), F.col(c.PLAYED_MS) * 1000)
    started_at = F.coalesce(F.col(c.STARTED_AT), F.timestamp_micros(F.unix_micros(c.ENDED_AT) - span))
    ended_at = F.coalesce(F.col(c.ENDED_AT), F.timestamp_micros(F.unix_micros(c.STARTED_AT) + span))
    derived = F.when(F.col(c.STARTED_AT).isNull() & started_at.isNotNull(), c.STARTED_AT).when(
        F.col(c.ENDED_AT).isNull() & ended_at.isNotNull(), c.ENDED_AT
    )
    track_id = F.coalesce(
        _text(c.TRACK_ID), isrc, mbid, _hashed(F.col(c.ARTIST_NAME), F.col(c.TRACK_TITLE), needs=c.TRACK_TITLE)
    )
    artist_id = F.coalesce(_text(c.ARTIST_ID), _hashed(F.col(c.ARTIST_NAME), needs=c.ARTIST_NAME))
    canonical = plays.select(
        *_PROVENANCE,
        *(F.col(name).cast("int") if name in _SMALL else F.col(name) for name in _PASSED_ON),
        *(column.alias(name) for name, column in texts.items()),
        isrc.alias(c.ISRC),
        mbid.alias(c.RECORDING_MBID),
        track_id.alias(c.TRACK_ID),
        artist_id.alias(c.ARTIST_ID),
        started_at.alias(c.STARTED_AT),
        ended_at.alias(c.ENDED_AT),
        F.coalesce(derived, F.lit("none")).alias(c.DERIVED_TIME),
    )
    return canonical.select(
        *canonical.columns,
        listen_id(F.col(c.LISTENER_ID), F.col(c.TRACK_ID), F.col(c.STARTED_AT)).alias(c.LISTEN_ID),
        F.to_date(c.STARTED_AT).alias(c.LISTEN_DATE),
        F.array(c.SOURCE).alias(c.SOURCES),
    )


def listen_id(listener_id: Column, track_id: Column, started_at: Column) -> Column:
    """32 hex digits of SHA-256 over listener, track and start (microseconds); null where one of them is."""
    known = listener_id.isNotNull() & track_id.isNotNull() & started_at.isNotNull()
    text = F.concat_ws(_SEPARATOR, listener_id, track_id, F.unix_micros(started_at).cast("string"))
    return F.when(known, F.substring(F.sha2(text, 256), 1, _ID_DIGITS))


def with_raw(judged: DataFrame) -> DataFrame:
    """`raw` only of lines that failed a rule: what the parser kept, else the play as JSON under its columns' names."""
    fields = (c.LISTENER_ID, c.TRACK_ID, c.STARTED_AT, c.ENDED_AT, *_TRIMMED, *_UPPER, *_LOWER, *_PASSED_ON)
    more = (c.ARTIST_ID, c.ISRC, c.RECORDING_MBID, c.DEVICE_TOKEN, c.NETWORK_TOKEN, c.DERIVED_TIME)
    rebuilt = F.to_json(
        F.struct(*fields, *more, c.EXTRA, c.SOURCE), {"timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX"}
    )
    kept = F.when((F.size(c.FAILED_RULES) > 0) & F.col(c.FILTERED_REASON).isNull(), F.coalesce(c.RAW, rebuilt))
    return judged.select(*(kept.alias(c.RAW) if name == c.RAW else F.col(name) for name in judged.columns))


def _text(name: str) -> Column:
    """A text without blanks around it; null where nothing is left."""
    return F.nullif(F.trim(F.col(name)), F.lit(""))


def _hashed(*parts: Column, needs: str) -> Column:
    """`h:` and 30 hex digits of SHA-256 over the texts in lower case with single blanks."""
    normal = (F.lower(F.trim(F.regexp_replace(F.coalesce(part, F.lit("")), r"\s+", " "))) for part in parts)
    digits = F.substring(F.sha2(F.concat_ws(_SEPARATOR, *normal), 256), 1, _ID_DIGITS - 2)
    return F.when(_text(needs).isNotNull(), F.concat(F.lit("h:"), digits))

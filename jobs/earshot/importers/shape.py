"""What every importer yields: a batch of plays in one shape, identities still raw.

Such a batch lives in the memory of one executor only; `dressing` replaces the identities before Spark sees it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Final, Protocol

import pyarrow as pa

from earshot.core import columns as c

LISTENER = "listener"
DEVICE_ID = "device_id"
IP = "ip"
PARSE_FAULTS = "parse_faults"

READABLE_LINE = "readable_line"
TYPED_FIELDS = "typed_fields"
WITHIN_LIMITS = "within_limits"
TIME_PRESENT = "time_present"
TIME_READABLE = "time_readable"
PLAYED_MS_PRESENT = "played_ms_present"
TRACK_PRESENT = "track_present"
TAKEN_BY_LISTENBRAINZ = "taken_by_listenbrainz"

TIME = pa.timestamp("us", "UTC")
STRINGS = pa.map_(pa.string(), pa.string())

TEXTS = (
    c.TRACK_ID,
    c.TRACK_TITLE,
    c.ARTIST_ID,
    c.ARTIST_NAME,
    c.ALBUM_TITLE,
    c.ISRC,
    c.RECORDING_MBID,
    c.COUNTRY,
    c.TIME_ZONE,
    c.DEVICE,
    c.PLATFORM,
    c.APP_VERSION,
    c.TIER,
    c.CONTEXT,
    c.REASON_START,
    c.REASON_END,
    c.CDN,
)
IDENTITIES = (LISTENER, DEVICE_ID, IP)
NUMBERS = (
    *(c.PLAYED_MS, c.DURATION_MS, c.STARTUP_MS, c.REBUFFER_COUNT, c.REBUFFER_MS, c.BITRATE_KBPS),
    c.BITRATE_SWITCHES,
)
SMALL_NUMBERS = frozenset({c.REBUFFER_COUNT, c.BITRATE_KBPS, c.BITRATE_SWITCHES})
FLAGS = (c.SKIPPED, c.SHUFFLE, c.OFFLINE, c.START_FAILED)
TIMES = (c.STARTED_AT, c.ENDED_AT)

# Columns of a play as parsed; `raw` is masked JSON, and `unreadable` the text of a line that is no event.
UNREADABLE = "unreadable"
PARSED: dict[str, pa.DataType] = {
    **dict.fromkeys(IDENTITIES, pa.string()),
    **dict.fromkeys(TEXTS, pa.string()),
    **dict.fromkeys(NUMBERS, pa.int64()),
    **dict.fromkeys(FLAGS, pa.bool_()),
    **dict.fromkeys(TIMES, TIME),
    c.EXTRA: STRINGS,
    c.SOURCE_LINE: pa.int64(),
    PARSE_FAULTS: pa.list_(pa.string()),
    c.CAUSE: pa.string(),
    c.FILTERED_REASON: pa.string(),
    c.RAW: pa.string(),
    UNREADABLE: pa.string(),
}

Plays = Mapping[str, pa.Array]
_LINES_LOOKED_AT: Final = 50


@dataclass(frozen=True)
class Limits:
    """Bounds of one line; what is larger fails `within_limits`."""

    max_line_bytes: int
    max_text_chars: int
    max_nesting: int
    max_extra_keys: int
    max_file_bytes: int = 64 * 1024**3
    max_expansion: int = 200


@dataclass(frozen=True)
class Part:
    """A piece of a landing file that one task reads.

    Attributes:
        file: Index of the file in the batch.
        start: First byte, or first row group of a Parquet file.
        end: The byte (row group) after the last; None = to the end.
        first_line: Number of the first line (row) of the piece.
        size: Bytes to read, for balance.
    """

    file: int
    start: int = 0
    end: int | None = None
    first_line: int = 1
    size: int = 0


@dataclass(frozen=True)
class Source:
    """What a parser needs to know of the file that it reads.

    Attributes:
        path: Of the file; of the zip, for a member.
        member: Name in the zip.
        limits: What a line may be.
        station_time_zone: Of clocks of radio stations that name none.
        export_listener: Whose play it is, where a person's own export does not say it.
        export_time_zone: Of clocks in such exports and players that name none.
        arrived_at: When the file arrived.
        size: Bytes of the file when it was listed; what was added since is not read. None = all.
        listed_at_ns: Its time of modification then.
        profiles: Files of the same batch that tell where listeners live: path and member.
    """

    path: str
    member: str | None
    limits: Limits
    station_time_zone: str = "UTC"
    export_listener: str = "me"
    export_time_zone: str = "UTC"
    arrived_at: datetime | None = None
    size: int | None = None
    listed_at_ns: int | None = None
    profiles: tuple[tuple[str, str | None], ...] = ()


class Importer(Protocol):
    """A log format.

    Attributes:
        name: As the ledger has it.
        source: As the plays have it; formats that tell of plays of one service share it.
        splits_at_lines: Whether a large file may be read in parts that begin at the beginning of a line.
    """

    @property
    def name(self) -> str:
        """Of the format."""

    @property
    def source(self) -> str:
        """Of the plays."""

    @property
    def splits_at_lines(self) -> bool:
        """Whether parts may be read."""

    def confidence(self, sample: Sample) -> float:
        """How sure it is that a file is of this format, 0 to 1; from 0.5 on it is taken."""

    def read(self, source: Source, part: Part) -> Iterator[Plays]:
        """Batches of plays; columns of `PARSED` that are missing are null."""

    def again(self, item: Mapping[str, Any] | str, source: Source) -> dict[str, Any]:
        """The play in what the quarantine keeps: the masked item that `read` left, or an unreadable text."""


@dataclass(frozen=True)
class Sample:
    """The beginning of a file's content, decompressed.

    Attributes:
        head: At most 64 KiB, as UTF-8.
        columns: The columns, where it is Parquet.
    """

    head: bytes
    columns: Sequence[str] = field(default=())

    @cached_property
    def text(self) -> str:
        """The head as text, without byte order mark; what is no UTF-8 is replaced."""
        return self.head.decode("utf-8", "replace").removeprefix("\ufeff")

    @cached_property
    def lines(self) -> list[str]:
        """The first lines that are not blank; one that the head may have cut is left out, if there are others."""
        lines = [line for line in self.text.split("\n")[: _LINES_LOOKED_AT + 1] if line.strip()]
        return lines[:-1] if len(lines) > 1 and not self.text.endswith("\n") else lines

    @cached_property
    def objects(self) -> list[dict[str, Any]]:
        """Those of the first lines that are JSON objects."""
        return [found for line in self.lines if (found := _object(line)) is not None]


def _object(line: str) -> dict[str, Any] | None:
    if not line.lstrip().startswith("{"):
        return None
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def plays_of(rows: Sequence[Mapping[str, Any]]) -> Plays:
    """Columns of rows that have keys of `PARSED`."""
    return {name: _column([row.get(name) for row in rows], kind) for name, kind in PARSED.items()}


def _column(values: list[Any], kind: pa.DataType) -> pa.Array:
    """The values as a column; what is no Unicode (stray bytes, half of a pair) is kept as an escape."""
    try:
        return pa.array(values, kind)
    except UnicodeEncodeError:
        return pa.array([_encodable(value) for value in values], kind)


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {_encodable(key): _encodable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_encodable(item) for item in value]
    return value

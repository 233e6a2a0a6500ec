"""Radio play logs: CSV with song, artist, callsign and time (epoch seconds) or date_time.

The station stands where other logs have a listener. Nothing is told of how long a song was played.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from earshot.core import columns as c
from earshot.importers.shape import (
    LISTENER,
    PARSE_FAULTS,
    READABLE_LINE,
    TIME_PRESENT,
    TIME_READABLE,
    UNREADABLE,
    Part,
    Plays,
    Sample,
    Source,
    plays_of,
)
from earshot.importers.streams import open_content

_NAMES = {
    "song": c.TRACK_TITLE,
    "title": c.TRACK_TITLE,
    "track": c.TRACK_TITLE,
    "artist": c.ARTIST_NAME,
    "callsign": LISTENER,
    "station": LISTENER,
    "time": "epoch",
    "date_time": "clock",
}
_NEEDED = frozenset({c.TRACK_TITLE, c.ARTIST_NAME, LISTENER})
_ROWS = 10_000


class RadioLog:
    """What stations played, as CSV with a header."""

    name = "radio"
    splits_at_lines = False

    def confidence(self, sample: Sample) -> float:
        """By the header."""
        header = next(csv.reader(sample.text.splitlines()[:1]), [])
        named = {_NAMES.get(name.strip().lower()) for name in header}
        timed = 0.25 if {"epoch", "clock"} & named else 0.0
        return timed + 0.25 * len(_NEEDED & named) if LISTENER in named else 0.0

    def read(self, source: Source, part: Part) -> Iterator[Plays]:
        """The records, each under the number of its first physical line."""
        zone = ZoneInfo(source.station_time_zone)
        rows: list[dict[str, Any]] = []
        with open_content(source.path, source.member) as stream:
            text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
            reader = csv.reader(text)
            header = [_NAMES.get(name.strip().lower(), name) for name in next(reader, [])]
            line = reader.line_num + 1
            for record in reader:
                if record:
                    rows.append({c.SOURCE_LINE: line, **_play(header, record, zone)})
                line = reader.line_num + 1
                if len(rows) >= _ROWS:
                    yield plays_of(rows)
                    rows = []
        if rows:
            yield plays_of(rows)


def _play(header: list[str], record: list[str], zone: ZoneInfo) -> dict[str, Any]:
    text = ",".join(record)
    if len(record) != len(header) or not _is_unicode(text):
        return {PARSE_FAULTS: [READABLE_LINE], UNREADABLE: text}
    fields = dict(zip(header, record, strict=True))
    epoch, clock = fields.pop("epoch", ""), fields.pop("clock", "")
    play: dict[str, Any] = {name: fields.pop(name, None) or None for name in _NEEDED}
    play[c.EXTRA] = sorted((key, value) for key, value in fields.items() if value) or None
    if epoch or clock:
        play[c.STARTED_AT] = _time(epoch, clock, zone)
        if play[c.STARTED_AT] is None:
            play |= {PARSE_FAULTS: [TIME_READABLE], UNREADABLE: text}
    else:
        play[PARSE_FAULTS] = [TIME_PRESENT]
    return play


def _time(epoch: str, clock: str, zone: ZoneInfo) -> datetime | None:
    try:
        if epoch:
            return datetime.fromtimestamp(float(epoch), UTC)
        local = datetime.fromisoformat(clock)
    except (ValueError, OverflowError, OSError):
        return None
    return (local if local.tzinfo else local.replace(tzinfo=zone)).astimezone(UTC)


def _is_unicode(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text)

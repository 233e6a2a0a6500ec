"""`.scrobbler.log`, which portable players write (Rockbox and others).

http://www.audioscrobbler.net/wiki/Portable_Player_Logging (versions 1.0 and 1.1): header lines `#AUDIOSCROBBLER/1.1`,
`#TZ/UTC` or `#TZ/UNKNOWN`, `#CLIENT/...`; then, tab-separated: artist, album, title, number on the album, length in
seconds, rating (L listened to at least half, S skipped before), the time when it began in epoch seconds, MusicBrainz
id. With `#TZ/UNKNOWN` the clock showed local time: it is read in `ingest.export_time_zone`. Skipped tracks are no
listens, and how long they were heard is not told: they are filtered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from earshot.core import columns as c
from earshot.importers.drafts import Draft, epoch_seconds
from earshot.importers.faults import unreadable
from earshot.importers.objects import UnreadableError
from earshot.importers.rows import Row, RowImporter, physical_lines, text_of_line
from earshot.importers.shape import READABLE_LINE, WITHIN_LIMITS, Part, Sample, Source

SKIPPED = "skipped"

_MARK = "#AUDIOSCROBBLER/"
_FIELDS = ("artist", "album", "title", "number", "length", "rating", "timestamp", "mbid")
_FEWEST = 7
_LISTENED, _SKIPPED = "L", "S"
_SECOND_MS = 1000
_UNKNOWN_LENGTH = "0"
_ZONE = "time zone"


class ScrobblerLog(RowImporter):
    """What a portable player played."""

    name = "scrobbler_log"

    def confidence(self, sample: Sample) -> float:
        """By the first line."""
        return 1.0 if sample.text.lstrip().startswith(_MARK) else 0.0

    def rows(self, source: Source, part: Part) -> Iterator[Row]:
        """The lines that are no header; the header before them says what the clock showed."""
        zone = source.export_time_zone
        for number, line in physical_lines(source, part):
            if line.startswith(b"#"):
                zone = _zone_of(line.decode("utf-8", "replace"), source, zone)
            elif line.strip():
                yield {c.SOURCE_LINE: number, **self._row(line, zone, source)}

    def again(self, item: Mapping[str, Any] | str, source: Source) -> Row:
        """See `shape.Importer`."""
        if isinstance(item, str):
            return self._row(item.encode("utf-8", "surrogateescape"), source.export_time_zone, source)
        return self._play(item, source)

    def _row(self, line: bytes, zone: str, source: Source) -> Row:
        try:
            return self._play(_item(line, source.limits.max_line_bytes) | {_ZONE: zone}, source)
        except UnreadableError as error:
            return unreadable(line[: source.limits.max_line_bytes], error.fault, error.why)

    def _play(self, item: Mapping[str, str], source: Source) -> Row:
        if item["rating"] == _SKIPPED:
            return {c.FILTERED_REASON: SKIPPED}
        zone = ZoneInfo(item[_ZONE])
        draft = Draft(item, source)
        draft.listener(source.export_listener)
        draft.texts({c.ARTIST_NAME: "artist", c.ALBUM_TITLE: "album", c.TRACK_TITLE: "title", c.RECORDING_MBID: "mbid"})
        if item["length"] != _UNKNOWN_LENGTH:
            draft.milliseconds(c.DURATION_MS, "length", _SECOND_MS)
        draft.moment(c.STARTED_AT, "timestamp", lambda text: _moment(text, zone), "time in epoch seconds")
        draft.keep({"number": item["number"]})
        return draft.done()


def _zone_of(header: str, source: Source, before: str) -> str:
    if not header.startswith("#TZ/"):
        return before
    return "UTC" if header[4:].strip().upper() == "UTC" else source.export_time_zone


def _item(line: bytes, most: int) -> dict[str, str]:
    if len(line) > most:
        raise UnreadableError(f"the line is longer than {most:,} bytes", WITHIN_LIMITS)
    fields = text_of_line(line).split("\t")
    if not _FEWEST <= len(fields) <= len(_FIELDS):
        raise UnreadableError(f"it has {len(fields)} fields, not {_FEWEST} or {len(_FIELDS)}", READABLE_LINE)
    item = dict(zip(_FIELDS, [*fields, ""], strict=False))
    if item["rating"] not in {_LISTENED, _SKIPPED}:
        raise UnreadableError("its rating is neither L nor S", READABLE_LINE)
    return item


def _moment(text: str, zone: ZoneInfo) -> datetime | None:
    """The clock's epoch seconds; in another zone than UTC they are those of a clock that showed local time."""
    shown = epoch_seconds(text)
    if shown is None or zone.key == "UTC":
        return shown
    try:
        return shown.replace(tzinfo=zone).astimezone(UTC)
    except OverflowError:
        return None

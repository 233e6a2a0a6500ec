"""Last.fm exports as CSV, with and without a header. They tell of completed listens, when they began.

Shapes, as their makers document them:

* `uts,utc_time,artist,artist_mbid,album,album_mbid,track,track_mbid` (https://lastfm.ghan.nl/export/);
  `uts` is in epoch seconds and is trusted, `utc_time` ("31 Dec 2025, 21:38") where it is missing;
* `Artist;Album;AlbumId;Track;Date#NAME` (https://lastfmstats.com), epoch milliseconds, the user in the header;
* `artist,album,track,date` without header (https://github.com/benfoxall/lastfm-to-csv), "22 Mar 2021 16:55" UTC;
* `date,time,artist,title` without header (https://github.com/emkor/lastfm-backup-cli), UTC.

Where a file does not say whose it is, it is `ingest.export_listener`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from earshot.core import columns as c
from earshot.importers.delimited import HeaderedImporter, delimiter_of, header_of, records
from earshot.importers.drafts import Draft, clock, epoch_milliseconds, epoch_seconds
from earshot.importers.faults import unreadable
from earshot.importers.objects import UnreadableError
from earshot.importers.rows import Row, physical_lines
from earshot.importers.shape import Limits, Part, Sample, Source

_UTS, _WHEN, _USER = "uts", "when", "user"
_NAMES = {
    "track": c.TRACK_TITLE,
    "title": c.TRACK_TITLE,
    "song": c.TRACK_TITLE,
    "name": c.TRACK_TITLE,
    "track name": c.TRACK_TITLE,
    "artist": c.ARTIST_NAME,
    "artist name": c.ARTIST_NAME,
    "album": c.ALBUM_TITLE,
    "album name": c.ALBUM_TITLE,
    "track_mbid": c.RECORDING_MBID,
    "track mbid": c.RECORDING_MBID,
    "uts": _UTS,
    "date": _WHEN,
    "utc_time": _WHEN,
    "timestamp": _WHEN,
    "scrobbled at": _WHEN,
    "user": _USER,
    "username": _USER,
}
_TEXTS = (c.TRACK_TITLE, c.ARTIST_NAME, c.ALBUM_TITLE, c.RECORDING_MBID)
_OF_OTHERS = frozenset({"listener", "station", "callsign", "played_ms", "ms_played"})
_FORMATS = ("%d %b %Y, %H:%M", "%d %b %Y %H:%M", "%d %b %Y, %H:%M:%S", "%d %b %Y %H:%M:%S")
_UTC = ZoneInfo("UTC")
_MS_DIGITS = 12
_BARE = 4
_HEAD_LIMITS = Limits(65_536, 2_000, 8, 64)
_HEADERLESS = (("artist", "album", "track", "date"), ("date", "time", "artist", "track"))


class LastfmExport(HeaderedImporter):
    """A person's scrobbles as CSV."""

    name = "lastfm"

    def confidence(self, sample: Sample) -> float:
        """By the header, or by four fields with a time where an export without header has it."""
        named = {role for name in header_of(sample) if (role := _role(name))}
        timed, plain = bool(named & {_UTS, _WHEN}), {name.lower() for name in header_of(sample)}
        if {c.TRACK_TITLE, c.ARTIST_NAME} <= named and timed and not plain & _OF_OTHERS:
            return 1.0 if _UTS in named or any("#" in name for name in plain) else 0.8
        return 0.9 * _bare_share(sample)

    def rows(self, source: Source, part: Part) -> Iterator[Row]:
        """The records; the first line decides whether there is a header."""
        first = next((line for _, line in physical_lines(source, part) if line.strip()), b"")
        text = first.decode("utf-8", "replace")
        if {_role(name) for name in header_of(Sample(first))} >= {c.TRACK_TITLE, c.ARTIST_NAME}:
            yield from super().rows(source, part)
            return
        for number, fields, line in records(physical_lines(source, part), delimiter_of(text), source.limits, _BARE):
            if isinstance(fields, UnreadableError):
                yield {c.SOURCE_LINE: number, **unreadable(line, fields.fault, fields.why)}
            else:
                yield {c.SOURCE_LINE: number, **self.play(_named(fields), source)}

    def play(self, item: Mapping[str, str], source: Source) -> Row:
        """One scrobble."""
        names = {role: name for name in reversed(list(item)) if (role := _role(name))}
        whose = next((name.partition("#")[2] for name in item if name.lower().startswith("date#")), "")
        draft = Draft(item, source, hidden=[names[_USER]] if _USER in names else ())
        draft.texts({column: names[column] for column in _TEXTS if column in names})
        draft.listener(item.get(names.get(_USER, ""), "") or whose or source.export_listener)
        if item.get(names.get(_UTS, "")):
            draft.moment(c.STARTED_AT, names[_UTS], epoch_seconds, "time in epoch seconds")
        else:
            name = names.get(_WHEN, names.get(_UTS, "date"))
            day = item.get(name, "") if "time" in item else ""
            joined = f"{day} {item['time']}" if day else ""
            draft.moment(c.STARTED_AT, name, lambda text: _moment(joined or text), "date and time")
        used = {*names.values(), "time"}
        draft.keep(
            {name: value for name, value in item.items() if name not in used and not name.lower().startswith("date#")}
        )
        return draft.done()


def _role(name: str) -> str | None:
    lowered = name.strip().lower()
    return _WHEN if lowered.startswith("date#") else _NAMES.get(lowered)


def _moment(text: str) -> datetime | None:
    if text.strip().isdigit():
        return (epoch_milliseconds if len(text.strip()) >= _MS_DIGITS else epoch_seconds)(text)
    return clock(text, _UTC, *_FORMATS)


def _named(fields: list[str]) -> dict[str, str]:
    """A record without header under the names that it has elsewhere."""
    artist_first, date_first = (dict(zip(names, fields, strict=True)) for names in _HEADERLESS)
    return date_first if _is_date_first(fields) else artist_first


def _is_date_first(fields: list[str]) -> bool:
    return _moment(f"{fields[0]} {fields[1]}") is not None and _moment(fields[3]) is None


def _bare_share(sample: Sample) -> float:
    """Of the first lines, how many are records without header."""
    if not sample.lines or sample.lines[0].lstrip().startswith(("{", "[")):
        return 0.0
    numbered = ((n, line.encode()) for n, line in enumerate(sample.lines, 1))
    from_head = list(records(numbered, delimiter_of(sample.lines[0]), _HEAD_LIMITS, _BARE))
    good = [f for _, f, _ in from_head if isinstance(f, list) and (_is_date_first(f) or _moment(f[3]) is not None)]
    return len(good) / len(from_head) if from_head else 0.0

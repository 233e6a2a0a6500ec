"""Spotify's extended streaming history: JSON arrays `endsong_*` and `Streaming_History_Audio_*`.

`ts` is when the play *stopped*. Podcasts and audiobooks are filtered. Address and user agent stay in the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from earshot.core import columns as c
from earshot.importers.extras import is_private
from earshot.importers.shape import (
    LISTENER,
    PARSE_FAULTS,
    PLAYED_MS_PRESENT,
    READABLE_LINE,
    TIME_PRESENT,
    TIME_READABLE,
    TYPED_FIELDS,
    UNREADABLE,
    Part,
    Plays,
    Sample,
    Source,
    plays_of,
)
from earshot.importers.streams import open_content

_ROWS = 10_000
_UNKNOWN_COUNTRY = "ZZ"
_TEXTS = {
    "spotify_track_uri": c.TRACK_ID,
    "master_metadata_track_name": c.TRACK_TITLE,
    "master_metadata_album_artist_name": c.ARTIST_NAME,
    "master_metadata_album_album_name": c.ALBUM_TITLE,
    "conn_country": c.COUNTRY,
    "platform": c.PLATFORM,
    "reason_start": c.REASON_START,
    "reason_end": c.REASON_END,
}
_FLAGS = ("skipped", "shuffle", "offline")
_DEVICES = (
    ("android", "android"),
    ("ios", "ios"),
    ("iphone", "ios"),
    ("web", "web"),
    ("windows", "desktop"),
    ("os x", "desktop"),
    ("osx", "desktop"),
    ("linux", "desktop"),
    ("cast", "speaker"),
)


class SpotifyHistory:
    """A person's own export."""

    name = "spotify"
    splits_at_lines = False

    def confidence(self, sample: Sample) -> float:
        """By the keys of the first objects."""
        text = sample.text.lstrip()
        keys = ('"ts"', '"ms_played"', '"master_metadata_track_name"')
        return sum(key in text for key in keys) / len(keys) if text.startswith("[") else 0.0

    def read(self, source: Source, part: Part) -> Iterator[Plays]:
        """The objects, each under its ordinal; a file that is no JSON is one unreadable line."""
        with open_content(source.path, source.member) as stream:
            content = stream.read().decode("utf-8-sig", "surrogateescape")
        try:
            items = json.loads(content)
            json.dumps(items, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            yield plays_of([{c.SOURCE_LINE: 1, PARSE_FAULTS: [READABLE_LINE], UNREADABLE: content[:HEAD]}])
            return
        for start in range(0, len(items), _ROWS):
            chunk = items[start : start + _ROWS]
            yield plays_of(
                [play_of_export(item, start + n + 1, source.export_listener) for n, item in enumerate(chunk)]
            )


HEAD = 65_536


def play_of_export(item: Any, ordinal: int, owner: str) -> dict[str, Any]:
    """The play in one object of an export; keys of `shape.PARSED`."""
    play: dict[str, Any] = {c.SOURCE_LINE: ordinal}
    if not isinstance(item, Mapping):
        return play | {PARSE_FAULTS: [READABLE_LINE], UNREADABLE: json.dumps(item)}
    if not item.get("master_metadata_track_name") and not item.get("spotify_track_uri"):
        kind = "audiobook" if item.get("audiobook_title") else "podcast" if item.get("episode_name") else "no track"
        return play | {c.FILTERED_REASON: kind}
    faults: list[str] = []
    play[LISTENER] = str(item.get("username") or owner)
    for key, column in _TEXTS.items():
        play[column] = _typed(item.get(key), str, faults)
    for flag in _FLAGS:
        play[flag] = _typed(item.get(flag), bool, faults)
    if play[c.COUNTRY] == _UNKNOWN_COUNTRY:
        play[c.COUNTRY] = None
    play[c.DEVICE] = _device(play[c.PLATFORM])
    play[c.PLAYED_MS] = _typed(item.get("ms_played"), int, faults)
    if item.get("ms_played") is None:
        faults.append(PLAYED_MS_PRESENT)
    _set_times(play, item.get("ts"), faults)
    if faults:
        masked = {key: value for key, value in item.items() if not is_private(key) and key != "username"}
        play |= {PARSE_FAULTS: sorted(set(faults)), c.RAW: json.dumps(masked, ensure_ascii=False, sort_keys=True)}
    return play


def _set_times(play: dict[str, Any], stop: object, faults: list[str]) -> None:
    if stop is None:
        faults.append(TIME_PRESENT)
        return
    try:
        ended_at = datetime.fromisoformat(str(stop)).astimezone(UTC)
        play[c.ENDED_AT] = ended_at
        play[c.STARTED_AT] = None if play[c.PLAYED_MS] is None else ended_at - timedelta(milliseconds=play[c.PLAYED_MS])
    except (ValueError, OverflowError):
        faults.append(TIME_READABLE)


def _typed(value: Any, kind: type, faults: list[str]) -> Any:
    if value is None or (isinstance(value, kind) and not (kind is int and isinstance(value, bool))):
        return value or None if kind is str else value
    faults.append(TYPED_FIELDS)
    return None


def _device(platform: str | None) -> str | None:
    lowered = (platform or "").lower()
    return next((device for sign, device in _DEVICES if sign in lowered), None)

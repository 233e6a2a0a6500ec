"""Spotify's extended streaming history: JSON arrays, `endsong_*` once and `Streaming_History_Audio_*` now.

https://support.spotify.com/article/understanding-your-data/ ("Extended streaming history"): `ts` is when the stream
*ended*, in UTC (once written `2018-10-10 12:34:56 UTC`); `ms_played` how long it was heard; `conn_country` ZZ where
it is not known. Podcasts and audiobooks are filtered. The address, the user agent, the user's name and, in old files,
the place stay in the parser.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from earshot.core import columns as c
from earshot.importers.arrays import JsonArrayImporter
from earshot.importers.drafts import Draft, clock
from earshot.importers.rows import Row
from earshot.importers.shape import PLAYED_MS_PRESENT, TYPED_FIELDS, Sample, Source

PODCAST, AUDIOBOOK, NO_TRACK = "podcast", "audiobook", "no track"

_SIGNS = ('"ts"', '"ms_played"', '"master_metadata_track_name"')
_NEAR = 0.4
_UNKNOWN_COUNTRY = "ZZ"
_PRIVATE = frozenset({"username", "city", "region", "metro_code", "longitude", "latitude"})
_TEXTS = {
    c.TRACK_ID: "spotify_track_uri",
    c.TRACK_TITLE: "master_metadata_track_name",
    c.ARTIST_NAME: "master_metadata_album_artist_name",
    c.ALBUM_TITLE: "master_metadata_album_album_name",
    c.COUNTRY: "conn_country",
    c.PLATFORM: "platform",
    c.REASON_START: "reason_start",
    c.REASON_END: "reason_end",
}
_FLAGS = (c.SKIPPED, c.SHUFFLE, c.OFFLINE)
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
_UTC = ZoneInfo("UTC")


class SpotifyHistory(JsonArrayImporter):
    """A person's own export."""

    name = "spotify"

    def confidence(self, sample: Sample) -> float:
        """By the keys of the first objects; objects without an array are near it only."""
        text = sample.text.lstrip()
        share = sum(sign in text for sign in _SIGNS) / len(_SIGNS)
        return share * {"[": 1.0, "{": _NEAR}.get(text[:1], 0.0)

    def play(self, item: Mapping[str, Any], source: Source) -> Row:
        """The play in one object; its start follows from its end and its length."""
        if not item.get("master_metadata_track_name") and not item.get("spotify_track_uri"):
            return {c.FILTERED_REASON: _kind(item)}
        draft = Draft(item, source, hidden=_PRIVATE)
        draft.listener(item.get("username") or source.export_listener)
        draft.texts(_TEXTS)
        for flag in _FLAGS:
            value = item.get(flag)
            if value is None or isinstance(value, bool):
                draft.play[flag] = value
            else:
                draft.faults.field(TYPED_FIELDS, flag, value, "is not true or false")
        draft.milliseconds(c.PLAYED_MS, "ms_played")
        if item.get("ms_played") is None:
            draft.faults.note(PLAYED_MS_PRESENT, "ms_played is missing")
        draft.moment(c.ENDED_AT, "ts", _moment, "time with zone")
        play = draft.done()
        if play.get(c.COUNTRY) == _UNKNOWN_COUNTRY:
            del play[c.COUNTRY]
        return play | {c.DEVICE: _device(play.get(c.PLATFORM))}


def _kind(item: Mapping[str, Any]) -> str:
    if item.get("audiobook_title") or item.get("audiobook_uri"):
        return AUDIOBOOK
    return PODCAST if item.get("episode_name") or item.get("spotify_episode_uri") else NO_TRACK


def _moment(value: object) -> datetime | None:
    return clock(value.strip().removesuffix(" UTC"), _UTC) if isinstance(value, str) else None


def _device(platform: str | None) -> str | None:
    lowered = (platform or "").lower()
    return next((device for sign, device in _DEVICES if sign in lowered), None)

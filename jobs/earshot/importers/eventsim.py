"""Logs of eventsim, known as Sparkify's: one JSON object a page request.

https://github.com/Interana/eventsim and the data of Udacity's data-engineering course: `ts` (epoch milliseconds) is
when the page was asked for, which for `NextSong` is when the song began; `length` (in newer versions `duration`) is
the song's, in seconds. How long it was heard is not told. Other pages are filtered. Names, gender, places below the
country, registration and the user agent stay in the parser; of the agent only the kind of device is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from earshot.core import columns as c
from earshot.importers.drafts import Draft, epoch_milliseconds
from earshot.importers.rows import JsonLinesImporter, Row
from earshot.importers.shape import Sample, Source
from earshot.importers.user_agents import device_of

_SIGNS = ("userId", "sessionId", "ts", "level", "itemInSession", "auth", "userAgent")
_PLAY_PAGE = "NextSong"
_TIERS = {"free": "free", "paid": "premium"}
_LENGTHS = ("length", "duration")
_PRIVATE = frozenset("userId firstName lastName gender location city zip state lon lat registration userAgent".split())
_KEPT = ("sessionId", "itemInSession")
_SECOND_MS = 1000


class EventsimLog(JsonLinesImporter):
    """Page requests of a made-up music service."""

    name = "eventsim"

    def confidence(self, sample: Sample) -> float:
        """By the keys of the first objects."""
        objects = sample.objects
        return max((sum(key in item for key in _SIGNS) / len(_SIGNS) for item in objects), default=0.0)

    def play(self, item: Mapping[str, Any], source: Source) -> Row:
        """The play that a request began; other requests are filtered."""
        page = item.get("page", _PLAY_PAGE)
        if page != _PLAY_PAGE:
            return {c.FILTERED_REASON: f"page {str(page)[:40]}"}
        draft = Draft(item, source, hidden=_PRIVATE)
        draft.listener(item.get("userId"))
        draft.texts({c.ARTIST_NAME: "artist", c.TRACK_TITLE: "song"})
        draft.moment(c.STARTED_AT, "ts", epoch_milliseconds, "time in epoch milliseconds")
        draft.milliseconds(c.DURATION_MS, next((key for key in _LENGTHS if key in item), "length"), _SECOND_MS)
        draft.keep({key: item.get(key) for key in _KEPT})
        told = {c.TIER: _tier(item.get("level")), c.COUNTRY: _country(item), c.DEVICE: device_of(item.get("userAgent"))}
        return told | draft.done()


def _tier(level: object) -> str | None:
    return _TIERS.get(level, level) if isinstance(level, str) else None


def _country(item: Mapping[str, Any]) -> str | None:
    """The simulator knows one country: its places are those of the US census."""
    return "US" if item.get("location") or item.get("state") else None

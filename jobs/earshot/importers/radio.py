"""Radio play logs: CSV with song, artist, callsign (or station) and time (epoch seconds or a clock's) or date_time.

The shape is that of FiveThirtyEight's classic-rock logs
(https://github.com/fivethirtyeight/data/tree/master/classic-rock): as scraped (`SONG RAW`, `Song Clean`, ...), of which
the cleaned names are taken, and as R has them (`song`, `artist`). The station stands where other logs have a listener.
Nothing is told of how long a song was played.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from earshot.core import columns as c
from earshot.importers.delimited import HeaderedImporter, header_of
from earshot.importers.drafts import Draft, clock, epoch_seconds
from earshot.importers.rows import Row
from earshot.importers.shape import LISTENER, Sample, Source

_EPOCH, _CLOCK = "epoch", "clock"
_NAMES = {
    "song": c.TRACK_TITLE,
    "song clean": c.TRACK_TITLE,
    "title": c.TRACK_TITLE,
    "track": c.TRACK_TITLE,
    "artist": c.ARTIST_NAME,
    "artist clean": c.ARTIST_NAME,
    "callsign": LISTENER,
    "station": LISTENER,
    "time": _EPOCH,
    "timestamp": _EPOCH,
    "date_time": _CLOCK,
    "datetime": _CLOCK,
    "played_at": _CLOCK,
}
_NEEDED = frozenset({c.TRACK_TITLE, c.ARTIST_NAME, LISTENER})
_WITHOUT_TIME, _NEAR = 0.75, 0.2


class RadioLog(HeaderedImporter):
    """What stations played."""

    name = "radio"

    def confidence(self, sample: Sample) -> float:
        """By the header; stations with a time are also those of weather and of trains."""
        named = {_NAMES.get(name.lower()) for name in header_of(sample)}
        if not named >= _NEEDED:
            return _NEAR * len(_NEEDED & named) if LISTENER in named else 0.0
        return 1.0 if {_EPOCH, _CLOCK} & named else _WITHOUT_TIME

    def play(self, item: Mapping[str, str], source: Source) -> Row:
        """One play of a station."""
        names = {_NAMES[name.lower()]: name for name in reversed(list(item)) if name.lower() in _NAMES}
        draft = Draft(item, source, hidden=[name for role, name in names.items() if role == LISTENER])
        draft.texts({column: names[column] for column in (c.TRACK_TITLE, c.ARTIST_NAME) if column in names})
        draft.listener(item.get(names.get(LISTENER, "")))
        zone = ZoneInfo(source.station_time_zone)
        if item.get(names.get(_EPOCH, "")):
            draft.moment(c.STARTED_AT, names[_EPOCH], lambda text: _moment(text, zone), "time")
        else:
            name = names.get(_CLOCK, names.get(_EPOCH, "date_time"))
            draft.moment(c.STARTED_AT, name, lambda text: clock(text, zone), "date and time")
        draft.keep({name: value for name, value in item.items() if name not in names.values()})
        return draft.done()


def _moment(text: str, zone: ZoneInfo) -> datetime | None:
    return epoch_seconds(text) or clock(text, zone)

"""Radio play logs: CSV with song, artist, callsign (or station) and time (epoch seconds) or date_time.

The shape is that of FiveThirtyEight's classic-rock logs
(https://github.com/fivethirtyeight/data/tree/master/classic-rock). The station stands where other logs have a
listener. Nothing is told of how long a song was played.
"""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from earshot.core import columns as c
from earshot.importers.delimited import HeaderedImporter, header_of
from earshot.importers.drafts import Draft, clock, epoch_seconds
from earshot.importers.rows import Row
from earshot.importers.shape import LISTENER, Sample, Source

_EPOCH, _CLOCK = "epoch", "clock"
_NAMES = {
    "song": c.TRACK_TITLE,
    "title": c.TRACK_TITLE,
    "track": c.TRACK_TITLE,
    "artist": c.ARTIST_NAME,
    "callsign": LISTENER,
    "station": LISTENER,
    "time": _EPOCH,
    "date_time": _CLOCK,
}
_NEEDED = frozenset({c.TRACK_TITLE, c.ARTIST_NAME, LISTENER})


class RadioLog(HeaderedImporter):
    """What stations played."""

    name = "radio"

    def confidence(self, sample: Sample) -> float:
        """By the header."""
        named = {_NAMES.get(name.lower()) for name in header_of(sample)}
        timed = 0.25 if {_EPOCH, _CLOCK} & named else 0.0
        return timed + 0.25 * len(_NEEDED & named) if LISTENER in named else 0.0

    def play(self, item: Mapping[str, str], source: Source) -> Row:
        """One play of a station."""
        names = {_NAMES[name.lower()]: name for name in reversed(list(item)) if name.lower() in _NAMES}
        draft = Draft(item, source, hidden=[name for role, name in names.items() if role == LISTENER])
        draft.texts({column: names[column] for column in (c.TRACK_TITLE, c.ARTIST_NAME) if column in names})
        draft.listener(item.get(names.get(LISTENER, "")))
        if item.get(names.get(_EPOCH, "")):
            draft.moment(c.STARTED_AT, names[_EPOCH], epoch_seconds, "time in epoch seconds")
        else:
            zone = ZoneInfo(source.station_time_zone)
            name = names.get(_CLOCK, names.get(_EPOCH, "date_time"))
            draft.moment(c.STARTED_AT, name, lambda text: clock(text, zone), "date and time")
        draft.keep({name: value for name, value in item.items() if name not in names.values()})
        return draft.done()

"""One listener's year as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any


@dataclass(frozen=True)
class Favourite:
    """One line of a top list: counted streams, and minutes heard."""

    name: str
    streams: int
    minutes: float


@dataclass(frozen=True)
class Streak:
    """Consecutive days with a play, by the listener's clock."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many."""
        return (self.last - self.first).days + 1


@dataclass(frozen=True)
class DayOfTrack:
    """The track that was played most often on one day."""

    day: date
    name: str
    plays: int


@dataclass(frozen=True)
class YearInReview:
    """What one listener heard in one year of their own clock, up to the end of a day.

    Attributes:
        listener: Pseudonym.
        first: First day with a play.
        last: Last day with a play.
        zones: Time zones by plays, most first; the clocks of the page.
        assumed: Plays whose own zone is not known, counted on the first of `zones`.
        minutes: Time heard; of plays whose source does not tell, the length of the track where that is known.
        counted: Plays that count as streams.
        active_days: Days with a play.
        discovered_tracks: Tracks that were never played before the year.
        discovered_artists: The same of artists.
        best_discovery: The discovered artist with most streams.
        streams_of_discoveries: Counted streams of discovered tracks.
        genres: Streams by genre; a track of several counts for each with an equal part.
        eras: Streams by decade of release.
        clock: Plays by weekday (1 is Monday) and hour of the clock.
        calendar: Minutes by day.
        most_repeated: The day on which one track was played most often.
        busiest: The day with most minutes, and these.
        longest_session: The session with most minutes: the day it began on by UTC, and these.
        recommended: What is offered next.
    """

    listener: str
    year: int
    until: date
    first: date
    last: date
    zones: tuple[str, ...]
    assumed: int
    plays: int
    counted: int
    skipped: int
    minutes: float
    active_days: int
    tracks: int
    artists: int
    top_tracks: tuple[Favourite, ...]
    top_artists: tuple[Favourite, ...]
    discovered_tracks: int
    discovered_artists: int
    streams_of_discoveries: int
    best_discovery: Favourite | None
    genres: tuple[tuple[str, float], ...]
    eras: tuple[tuple[str, int], ...]
    clock: Mapping[tuple[int, int], int]
    calendar: Mapping[date, float]
    longest_streak: Streak
    most_repeated: DayOfTrack
    busiest: tuple[date, float]
    longest_session: tuple[date, float] | None = None
    recommended: tuple[str, ...] = field(default=())

    @property
    def hours(self) -> dict[int, int]:
        """Plays by hour of the clock, all 24."""
        return {hour: sum(n for (_, h), n in self.clock.items() if h == hour) for hour in range(24)}

    @property
    def months(self) -> dict[int, float]:
        """Minutes by month, all 12."""
        return {month: sum(m for day, m in self.calendar.items() if day.month == month) for month in range(1, 13)}

    def as_dict(self) -> dict[str, Any]:
        """Plain data for `--json`."""
        told = {name: _plain(value) for name, value in vars(self).items() if name not in {"clock", "calendar"}}
        told["longest_streak"]["days"] = self.longest_streak.days
        return {
            **told,
            "clock": [{"weekday": d, "hour": h, "plays": n} for (d, h), n in sorted(self.clock.items())],
            "calendar": {day.isoformat(): minutes for day, minutes in sorted(self.calendar.items())},
            "months": {str(month): minutes for month, minutes in self.months.items()},
        }


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple | list):
        return [_plain(inner) for inner in value]
    if isinstance(value, Favourite | Streak | DayOfTrack):
        return {name: _plain(inner) for name, inner in vars(value).items()}
    return value

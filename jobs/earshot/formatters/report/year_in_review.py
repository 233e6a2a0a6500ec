"""One listener's year, told from their own plays: what `earshot report --listener` shows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from earshot.core.errors import InputError
from earshot.core.local_time import zone_of
from earshot.core.small_tables import SmallTables
from earshot.core.stream_rule import StreamRule
from earshot.formatters.report.year_figures import DayOfTrack, Favourite, Streak, YearInReview

TOP: Final = 10
_COLUMNS: Final = (
    "listen_id",
    "listener_id",
    "started_at",
    "listen_date",
    "time_zone",
    "track_id",
    "track_title",
    "artist_id",
    "artist_name",
    "played_ms",
    "duration_ms",
    "skipped",
)
_MS_PER_MINUTE: Final = 60_000


@dataclass(frozen=True)
class _Play:
    day: date
    weekday: int
    hour: int
    track: str
    title: str
    artist: str
    minutes: float
    counts: bool
    skipped: bool


def year_in_review(
    tables: SmallTables, listener: str, until: date, *, year: int, stream_rule: StreamRule, home_zone: str
) -> YearInReview:
    """Read one listener's plays up to the end of a day and tell of one year.

    A day, a year and an hour are those of the clock where the play was: its time_zone, else the zone of most of the
    listener's plays, else `home_zone`.

    Args:
        tables: The lake.
        listener: Pseudonym.
        until: The logical date D.
        year: Of the listener's clock.
        stream_rule: When a play is a counted stream.
        home_zone: IANA name.

    Raises:
        InputError: There is no play of this listener in the year.
    """
    where = [("listener_id", "=", listener), ("listen_date", "<=", until)]
    rows = sorted(
        tables.arrow("silver.listens", where, _COLUMNS).to_pylist(),
        key=lambda row: (row["started_at"], row["listen_id"]),
    )
    zones = Counter(row["time_zone"] for row in rows if row["time_zone"] and zone_of(row["time_zone"]))
    home = zones.most_common(1)[0][0] if zones else home_zone
    every = [_play(row, zone_of(row["time_zone"] or "") or ZoneInfo(home), stream_rule) for row in rows]
    inside = [(row, play) for row, play in zip(rows, every, strict=True) if play.day.year == year]
    if not inside:
        raise InputError(
            f"There is no play of this listener in {year}.",
            where="silver.listens",
            remedy=f"Use --year {', '.join(map(str, years))}." if (years := _years(every)) else "Check the identity.",
        )
    plays = [play for _, play in inside]
    before = [play for play in every if play.day.year < year]
    new_tracks = {play.track for play in plays} - {play.track for play in before}
    new_artists = {play.artist for play in plays} - {play.artist for play in before}
    found = [play for play in plays if play.artist in new_artists]
    genres, eras = _tastes(tables, [play for play in plays if play.counts])
    minutes = _summed((play.day, play.minutes) for play in plays)
    return YearInReview(
        listener=listener,
        year=year,
        until=until,
        first=plays[0].day,
        last=plays[-1].day,
        zones=tuple(zone for zone, _ in zones.most_common()) or (home,),
        assumed=sum(not (row["time_zone"] and zone_of(row["time_zone"])) for row, _ in inside),
        plays=len(plays),
        counted=sum(play.counts for play in plays),
        skipped=sum(play.skipped for play in plays),
        minutes=sum(play.minutes for play in plays),
        active_days=len(minutes),
        tracks=len({play.track for play in plays}),
        artists=len({play.artist for play in plays}),
        top_tracks=_favourites((f"{play.title} — {play.artist}", play) for play in plays),
        top_artists=_favourites((play.artist, play) for play in plays),
        discovered_tracks=len(new_tracks),
        discovered_artists=len(new_artists),
        streams_of_discoveries=sum(play.counts for play in plays if play.track in new_tracks),
        best_discovery=next(iter(_favourites((play.artist, play) for play in found)), None) if before else None,
        genres=genres,
        eras=eras,
        clock=dict(Counter((play.weekday, play.hour) for play in plays)),
        calendar=minutes,
        longest_streak=longest_streak(minutes),
        most_repeated=_most_repeated(plays),
        busiest=max(minutes.items(), key=lambda item: (item[1], item[0])),
        longest_session=_longest_session(tables, listener, year, until),
        recommended=_recommended(tables, listener),
    )


def longest_streak(days: Iterable[date]) -> Streak:
    """The longest run of consecutive days; of several the latest.

    Args:
        days: At least one.
    """
    ordered = sorted(set(days))
    best = run = Streak(ordered[0], ordered[0])
    for day in ordered[1:]:
        run = Streak(run.first if day - run.last == timedelta(days=1) else day, day)
        best = run if run.days >= best.days else best
    return best


def _play(row: Mapping[str, Any], zone: ZoneInfo, stream_rule: StreamRule) -> _Play:
    local: datetime = row["started_at"].astimezone(zone)
    heard = row["played_ms"] if row["played_ms"] is not None else row["duration_ms"] or 0
    return _Play(
        day=local.date(),
        weekday=local.isoweekday(),
        hour=local.hour,
        track=str(row["track_id"]),
        title=str(row["track_title"] or row["track_id"]),
        artist=str(row["artist_name"] or row["artist_id"] or "unknown artist"),
        minutes=heard / _MS_PER_MINUTE,
        counts=stream_rule.counts(row["played_ms"], row["duration_ms"]),
        skipped=bool(row["skipped"]),
    )


def _years(plays: Iterable[_Play]) -> list[int]:
    return sorted({play.day.year for play in plays})


def _favourites(named: Iterable[tuple[str, _Play]]) -> tuple[Favourite, ...]:
    """By streams, then minutes, then name."""
    streams: Counter[str] = Counter()
    minutes: dict[str, float] = defaultdict(float)
    for name, play in named:
        streams[name] += play.counts
        minutes[name] += play.minutes
    ranked = sorted(streams, key=lambda name: (-streams[name], -minutes[name], name))
    return tuple(Favourite(name, streams[name], minutes[name]) for name in ranked[:TOP] if streams[name])


def _tastes(
    tables: SmallTables, counted: Sequence[_Play]
) -> tuple[tuple[tuple[str, float], ...], tuple[tuple[str, int], ...]]:
    """Genres by streams, most first; decades in order. Of tracks of which the catalogue tells."""
    streams = Counter(play.track for play in counted)
    rows = tables.arrow("silver.tracks", [("track_id", "in", sorted(streams))], ["track_id", "released_on", "genres"])
    genres: dict[str, float] = {}
    eras: Counter[str] = Counter()
    for row in rows.sort_by("track_id").to_pylist() if streams else []:
        for genre in row["genres"] or ():
            genres[genre] = genres.get(genre, 0.0) + streams[row["track_id"]] / len(row["genres"])
        if row["released_on"]:
            eras[f"{row['released_on'].year // 10 * 10}s"] += streams[row["track_id"]]
    best = sorted(genres.items(), key=lambda item: (-item[1], item[0]))[:TOP]
    return tuple(best), tuple(sorted(eras.items()))


def _most_repeated(plays: Iterable[_Play]) -> DayOfTrack:
    counts = Counter((play.day, f"{play.title} — {play.artist}") for play in plays)
    (day, name), most = max(counts.items(), key=lambda item: (item[1], item[0]))
    return DayOfTrack(day, name, most)


def _longest_session(tables: SmallTables, listener: str, year: int, until: date) -> tuple[date, float] | None:
    last = min(date(year, 12, 31), until)
    where = [("listener_id", "=", listener), ("session_date", ">=", date(year, 1, 1)), ("session_date", "<=", last)]
    rows = tables.arrow("silver.sessions", where, ["session_date", "played_ms"]).to_pylist()
    longest = max(((row["played_ms"] or 0, row["session_date"]) for row in rows), default=None)
    return (longest[1], longest[0] / _MS_PER_MINUTE) if longest else None


def _recommended(tables: SmallTables, listener: str) -> tuple[str, ...]:
    offered = tables.arrow("gold.recommendations", [("listener_id", "=", listener)], ["rank", "track_id"]).to_pylist()
    best = [row["track_id"] for row in sorted(offered, key=lambda row: row["rank"])[:TOP]]
    if not best:
        return ()
    rows = tables.arrow("silver.tracks", [("track_id", "in", best)], ["track_id", "track_title", "artist_name"])
    names = {row["track_id"]: f"{row['track_title']} — {row['artist_name']}" for row in rows.to_pylist()}
    return tuple(names.get(track, track) for track in best)


def _summed(pairs: Iterable[tuple[date, float]]) -> dict[date, float]:
    sums: dict[date, float] = {}
    for key, value in pairs:
        sums[key] = sums.get(key, 0.0) + value
    return sums

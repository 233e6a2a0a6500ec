"""One listener's own figures, from their plays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from earshot.core.errors import InputError
from earshot.core.small_tables import SmallTables
from earshot.core.stream_rule import StreamRule
from earshot.formatters.report.figures import HISTORY_DAYS, TOP, ChartEntry, HourPoint, ReportFigures

_COLUMNS = (
    "started_at",
    "listen_date",
    "track_id",
    "track_title",
    "artist_name",
    "played_ms",
    "duration_ms",
    "skipped",
)


def collect_listener(tables: SmallTables, listener_id: str, day: date, *, stream_rule: StreamRule) -> ReportFigures:
    """What one listener played up to the end of a day.

    Args:
        tables: The lake.
        listener_id: Pseudonym.
        day: The logical date D.
        stream_rule: When a play is a counted stream.

    Raises:
        InputError: There is no play of this listener.
    """
    where = [("listener_id", "=", listener_id), ("listen_date", "<=", day)]
    plays = tables.arrow("silver.listens", where, [*_COLUMNS, "listener_id"]).to_pylist()
    if not plays:
        raise InputError("There is no play of this listener.", where="silver.listens", remedy="Check the identity.")
    counted = [play for play in plays if stream_rule.counts(play["played_ms"], play["duration_ms"])]
    recommended = sorted(
        tables.rows("gold.recommendations", [("listener_id", "=", listener_id)]), key=lambda row: row["rank"]
    )
    names = {row["track_id"]: f"{row['track_title']} — {row['artist_name']}" for row in tables.rows("silver.tracks")}
    return ReportFigures(
        day=day,
        listeners=1,
        totals={
            "listens": len(plays),
            "counted_listens": len(counted),
            "skips": sum(bool(p["skipped"]) for p in plays),
        },
        hours=_hours(plays, day),
        tracks=_ranked(f"{play['track_title']} — {play['artist_name']}" for play in counted),
        artists=_ranked(str(play["artist_name"]) for play in counted),
        week=min(play["listen_date"] for play in plays),
        rhythm=dict(Counter((play["started_at"].weekday(), play["started_at"].hour) for play in plays)),
        sample_history=tuple(entry.name for entry in _ranked(names.get(p["track_id"], p["track_id"]) for p in counted)),
        recommended=tuple(names.get(row["track_id"], row["track_id"]) for row in recommended[:TOP]),
        algorithm=recommended[0]["algorithm"] if recommended else "",
    )


def _hours(plays: list[dict[str, Any]], day: date) -> tuple[HourPoint, ...]:
    seen = Counter(play["started_at"].replace(minute=0, second=0, microsecond=0) for play in plays)
    end = datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC)
    hours = (end - timedelta(hours=n) for n in range(HISTORY_DAYS * 24, 0, -1))
    return tuple(HourPoint(at, seen[at]) for at in hours)


def _ranked(names: Iterable[str]) -> tuple[ChartEntry, ...]:
    best = Counter(names).most_common(TOP)
    return tuple(ChartEntry(rank, name, streams, 1, rank) for rank, (name, streams) in enumerate(best, start=1))

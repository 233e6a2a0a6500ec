"""What the report shows of the audience, read from gold.audience, gold.listener_segments and gold.behaviour."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from earshot.core.small_tables import SmallTables

_AGES: Final = (1, 7, 30)
_SHOWN: Final = 8
_FALSE_DISCOVERIES: Final = 0.05
_WEEKDAYS: Final = {"Mon": 0, "Tue": 1, "Wed": 2, "Thu": 3, "Fri": 4, "Sat": 5, "Sun": 6}


@dataclass(frozen=True)
class Mover:
    """A track or artist whose week is no chance: streams, and these by what was expected."""

    name: str
    streams: int
    ratio: float


@dataclass(frozen=True)
class AudienceFigures:
    """What gold.audience and gold.listener_segments say, of all countries.

    Attributes:
        came: New and returning listeners by day.
        retention: Of all cohorts that have reached their day, by age: fraction that was back, and listeners asked.
        segments: Listeners, and mean churn risk (None where nobody has one), by segment.
        risk: Mean churn risk of all who have one; None without a model.
        eras: Share of streams by decade, of the newest week.
        genres: The same by genre.
        week: That week's Monday.
        movers: Tracks and artists that moved in it, rising first.
        tested: How many were tested.
    """

    came: tuple[tuple[date, int, int], ...] = ()
    retention: Mapping[int, tuple[float, int]] = field(default_factory=dict)
    segments: tuple[tuple[str, int, float | None], ...] = ()
    risk: float | None = None
    eras: tuple[tuple[str, float], ...] = ()
    genres: tuple[tuple[str, float], ...] = ()
    week: date | None = None
    movers: tuple[Mover, ...] = ()
    tested: int = 0


def collect_audience(tables: SmallTables, since: date, day: date, names: Mapping[str, str]) -> AudienceFigures:
    """Read the figures of two weeks, and of the newest week with charts.

    Args:
        tables: The lake.
        since: First day that is shown.
        day: Last day.
        names: Of tracks and artists by id.
    """
    where = [("country", "=", "ALL"), ("period_start", "<=", day)]
    rows = tables.rows("gold.audience", where)
    by_day: dict[str, dict[date, tuple[float, int]]] = defaultdict(dict)
    for row in rows:
        if row["period"] == "day":
            by_day[row["metric"]][row["period_start"]] = (row["value"], row["volume"])
    new, back = by_day["new_listeners"], by_day["returning_listeners"]
    weekly = [row for row in rows if row["period"] == "week"]
    week = max((row["period_start"] for row in weekly), default=None)
    newest = [row for row in weekly if row["period_start"] == week]
    trends = [row for row in newest if row["metric"] in {"track_trend", "artist_trend"}]
    segments, risk = _segments(tables)
    return AudienceFigures(
        came=tuple((at, int(new[at][0]), int(back[at][0])) for at in sorted(new) if since <= at <= day),
        retention={age: told for age in _AGES if (told := _pooled(by_day[f"retention_day_{age}"]))},
        segments=segments,
        risk=risk,
        eras=tuple(sorted((row["slice"], row["value"]) for row in newest if row["metric"] == "era_share")),
        genres=_largest(newest, "genre_share"),
        week=week,
        movers=_movers(trends, names),
        tested=len(trends),
    )


def local_rhythm(tables: SmallTables, since: date, day: date) -> dict[tuple[int, int], int]:
    """Plays by weekday (0 is Monday) and hour of the listeners' own clocks; empty where no zone is known."""
    where = [
        ("day", ">=", since),
        ("day", "<=", day),
        ("country", "=", "ALL"),
        ("tier", "=", "ALL"),
        ("metric", "=", "local_listens"),
    ]
    plays: Counter[tuple[int, int]] = Counter()
    for row in tables.rows("gold.behaviour", where):
        weekday, hour = row["slice"].split()
        plays[_WEEKDAYS[weekday], int(hour)] += int(row["value"])
    return dict(plays)


def _pooled(cohorts: Mapping[date, tuple[float, int]]) -> tuple[float, int] | None:
    asked = sum(volume for _, volume in cohorts.values())
    return (sum(value * volume for value, volume in cohorts.values()) / asked, asked) if asked else None


def _segments(tables: SmallTables) -> tuple[tuple[tuple[str, int, float | None], ...], float | None]:
    rows = tables.arrow("gold.listener_segments", columns=["segment", "churn_risk"])
    found = rows.group_by("segment").aggregate([("segment", "count"), ("churn_risk", "sum"), ("churn_risk", "count")])
    every = found.to_pylist()
    told = [
        (
            r["segment"],
            r["segment_count"],
            r["churn_risk_sum"] / r["churn_risk_count"] if r["churn_risk_count"] else None,
        )
        for r in every
    ]
    with_risk = sum(r["churn_risk_count"] for r in every)
    mean = sum(r["churn_risk_sum"] or 0.0 for r in every) / with_risk if with_risk else None
    return tuple(sorted(told, key=lambda line: (-line[1], line[0]))), mean


def _largest(rows: list[dict[str, Any]], metric: str) -> tuple[tuple[str, float], ...]:
    of_metric = [(row["slice"], row["value"]) for row in rows if row["metric"] == metric]
    return tuple(sorted(of_metric, key=lambda pair: (-pair[1], pair[0]))[:_SHOWN])


def _movers(trends: list[dict[str, Any]], names: Mapping[str, str]) -> tuple[Mover, ...]:
    moved = [row for row in trends if row["q_value"] <= _FALSE_DISCOVERIES]
    rising = sorted((row for row in moved if row["value"] >= 1), key=lambda row: (-row["volume"], row["slice"]))
    falling = sorted((row for row in moved if row["value"] < 1), key=lambda row: (row["value"], row["slice"]))
    return tuple(
        Mover(names.get(row["slice"], row["slice"]), row["volume"], row["value"])
        for row in [*rising[:_SHOWN], *falling[:_SHOWN]]
    )

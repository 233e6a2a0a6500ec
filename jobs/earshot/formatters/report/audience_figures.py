"""What the report shows of the audience, read from gold.audience, gold.listener_segments and gold.behaviour."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from earshot.core.small_tables import SmallTables

_SHOWN: Final = 8


@dataclass(frozen=True)
class AudienceFigures:
    """What gold.audience and gold.listener_segments say, of all countries.

    Attributes:
        came: New and returning listeners by day.
        segments: Listeners, and mean churn risk (None where nobody has one), by segment.
        risk: Mean churn risk of all who have one; None without a model.
        eras: Share of streams by decade, of the newest week.
        genres: The same by genre.
        week: That week's Monday.
    """

    came: tuple[tuple[date, int, int], ...] = ()
    segments: tuple[tuple[str, int, float | None], ...] = ()
    risk: float | None = None
    eras: tuple[tuple[str, float], ...] = ()
    genres: tuple[tuple[str, float], ...] = ()
    week: date | None = None


def collect_audience(tables: SmallTables, since: date, day: date) -> AudienceFigures:
    """Read the figures of two weeks, and of the newest week with charts.

    Args:
        tables: The lake.
        since: First day that is shown.
        day: Last day.
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
    segments, risk = _segments(tables)
    return AudienceFigures(
        came=tuple((at, int(new[at][0]), int(back[at][0])) for at in sorted(new) if since <= at <= day),
        segments=segments,
        risk=risk,
        eras=tuple(sorted((row["slice"], row["value"]) for row in newest if row["metric"] == "era_share")),
        genres=_largest(newest, "genre_share"),
        week=week,
    )


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

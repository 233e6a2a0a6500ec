"""What the report shows, read from the gold tables into plain values."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pyarrow.compute as pc

from earshot.core.small_tables import SmallTables
from earshot.formatters.report import quality_figures as quality
from earshot.formatters.report.audience_figures import AudienceFigures, collect_audience
from earshot.formatters.report.gallery import Gallery, collect_gallery
from earshot.formatters.report.hours import HourPoint
from earshot.formatters.report.playback_figures import PlaybackFigures, collect_playback
from earshot.formatters.report.quality_figures import FailedRules, JudgedTable, KpiReading, Verdict

HISTORY_DAYS = 14
TOP = 10


@dataclass(frozen=True)
class ReportFigures:
    """Everything on the page. An empty part is one that the listening logs could not feed."""

    day: date
    listeners: int = 0
    totals: dict[str, int] = field(default_factory=dict)
    hours: tuple[HourPoint, ...] = ()
    alerts: tuple[dict[str, Any], ...] = ()
    kpis: tuple[KpiReading, ...] = ()
    ledger: tuple[dict[str, Any], ...] = ()
    rules: FailedRules = field(default_factory=FailedRules)
    judged: tuple[JudgedTable, ...] = ()
    data_docs: Mapping[str, str] = field(default_factory=dict)
    rhythm: dict[tuple[int, int], int] = field(default_factory=dict)
    audience: AudienceFigures = field(default_factory=AudienceFigures)
    behaviour: dict[str, tuple[tuple[date, float], ...]] = field(default_factory=dict)
    playback: PlaybackFigures = field(default_factory=PlaybackFigures)
    optimisation: tuple[dict[str, Any], ...] = ()
    suspects: tuple[dict[str, Any], ...] = ()
    sample_history: tuple[str, ...] = ()
    recommended: tuple[str, ...] = ()
    algorithm: str = ""
    models: tuple[dict[str, Any], ...] = ()
    gallery: Gallery = field(default_factory=Gallery)


def collect(
    tables: SmallTables,
    day: date,
    models: Sequence[dict[str, Any]] = (),
    verdict_of: Callable[[str], Verdict | None] = lambda _: None,
    data_docs: Mapping[str, str] | None = None,
    paid_model: str = "pro_rata",
) -> ReportFigures:
    """Read the figures as of the end of a day.

    Args:
        tables: The lake.
        day: The logical date D.
        models: Runs to compare, each with `name`, `kind`, `champion` and its metrics.
        verdict_of: Gives the verdict on a batch.
        data_docs: Pages of Data Docs by batch, beside the report; "" is their index.
        paid_model: The model by which is really paid.
    """
    since = day - timedelta(days=HISTORY_DAYS - 1)
    activity = tables.rows("gold.activity", [("activity_date", ">=", since), ("activity_date", "<=", day)])
    names = _names(tables)
    history, recommended, algorithm = _sample_listener(tables, names)
    rhythm = _rhythm(activity)
    batches = quality.ledger(tables)
    return ReportFigures(
        day=day,
        listeners=_listeners(tables),
        totals={key: sum(row[key] or 0 for row in activity) for key in ("listens", "counted_listens", "skips")},
        hours=_hours(tables, activity, since, day),
        alerts=tuple(_alerts(tables)),
        kpis=quality.kpis(tables),
        ledger=batches,
        rules=quality.failed_rules(batches, verdict_of),
        judged=quality.judged_tables(data_docs or {}, verdict_of),
        data_docs=dict(data_docs or {}),
        rhythm=rhythm,
        audience=collect_audience(tables, since, day),
        behaviour=_behaviour(tables, since, day),
        playback=collect_playback(tables, since, day),
        optimisation=tuple(tables.rows("gold.optimisation")),
        suspects=tuple(_suspects(tables)),
        sample_history=history,
        recommended=recommended,
        algorithm=algorithm,
        models=tuple(models),
        gallery=collect_gallery(tables, names, rhythm, since, day, top=TOP, paid_model=paid_model),
    )


def _listeners(tables: SmallTables) -> int:
    return int(
        pc.count_distinct(tables.arrow("silver.sessions", columns=["listener_id"]).column("listener_id")).as_py()
    )


def _hours(tables: SmallTables, activity: list[dict[str, Any]], since: date, day: date) -> tuple[HourPoint, ...]:
    observed: Counter[datetime] = Counter()
    for row in activity:
        observed[row["hour_start"]] += row["listens"]
    if not observed:
        return ()
    where = [
        ("window_date", ">=", since),
        ("window_date", "<=", day),
        ("metric", "=", "listens"),
        ("grain", "=", "hour"),
    ]
    scored = {row["window_start"]: row for row in tables.rows("gold.anomalies", where) if not row["dimensions"]}
    first, last = min(observed), datetime.combine(day, time(23), UTC)
    hours = (first + timedelta(hours=n) for n in range(int((last - first) / timedelta(hours=1)) + 1))
    return tuple(_hour(at, observed[at], scored.get(at)) for at in hours)


def _hour(at: datetime, observed: int, scored: dict[str, Any] | None) -> HourPoint:
    if scored is None:
        return HourPoint(at, observed)
    return HourPoint(at, observed, scored["expected"], scored["lower"], scored["upper"], scored["severity"])


def _alerts(tables: SmallTables) -> list[dict[str, Any]]:
    order = {"firing": 0, "pending": 1, "resolved": 2}
    newest_first = sorted(tables.rows("gold.alerts"), key=lambda alert: alert["starts_at"], reverse=True)
    return sorted(newest_first, key=lambda alert: order.get(alert["state"], 3))


def _names(tables: SmallTables) -> dict[str, str]:
    """Names of tracks and artists by id, from the catalogue and, where it is silent, from the plays."""
    names: dict[str, str] = {}
    columns = ["track_id", "track_title", "artist_id", "artist_name"]
    for table in ("silver.listens", "silver.tracks"):
        rows = tables.arrow(table, columns=columns)
        for row in rows.group_by(columns).aggregate([]).to_pylist():
            if row["track_title"]:
                names[row["track_id"]] = f"{row['track_title']} — {row['artist_name'] or 'unknown artist'}"
            if row["artist_name"] and row["artist_id"]:
                names[row["artist_id"]] = row["artist_name"]
    return names


def _rhythm(activity: list[dict[str, Any]]) -> dict[tuple[int, int], int]:
    plays: Counter[tuple[int, int]] = Counter()
    for row in activity:
        plays[row["hour_start"].weekday(), row["hour_start"].hour] += row["listens"]
    return dict(plays)


def _behaviour(tables: SmallTables, since: date, day: date) -> dict[str, tuple[tuple[date, float], ...]]:
    where = [("day", ">=", since), ("day", "<=", day), ("country", "=", "ALL"), ("tier", "=", "ALL")]
    series: dict[str, list[tuple[date, float]]] = defaultdict(list)
    for row in tables.rows("gold.behaviour", where):
        if row["value"] is not None and row["slice"] is None:
            series[row["metric"]].append((row["day"], row["value"]))
    return {metric: tuple(sorted(points)) for metric, points in series.items()}


def _suspects(tables: SmallTables) -> list[dict[str, Any]]:
    flagged = [row for row in tables.rows("gold.suspect_listens") if row["verdict"] in {"suspect", "confirmed"}]
    by_listener: dict[str, dict[str, Any]] = {}
    for row in flagged:
        seen = by_listener.setdefault(
            row["listener_id"], {"days": set(), "streams": 0, "score": 0.0, "signals": Counter()}
        )
        seen["days"].add(row["listen_date"])
        seen["streams"] += row["streams"]
        seen["score"] = max(seen["score"], row["score"])
        seen["signals"].update(signal["name"] for signal in row["signals"] or ())
    ranked = sorted(by_listener.items(), key=lambda item: -item[1]["streams"])
    return [
        {
            "listener": listener,
            "days": len(seen["days"]),
            "streams": seen["streams"],
            "score": seen["score"],
            "signals": [name for name, _ in seen["signals"].most_common(3)],
        }
        for listener, seen in ranked
    ]


def _sample_listener(tables: SmallTables, names: dict[str, str]) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """The most played tracks and the recommendations of the first listener with both."""
    rows = tables.rows("gold.recommendations", [("rank", "<=", TOP)])
    if not rows:
        return (), (), ""
    sample = min(row["listener_id"] for row in rows)
    mine = sorted((row for row in rows if row["listener_id"] == sample), key=lambda row: row["rank"])
    of_sample = tables.arrow("silver.listens", [("listener_id", "=", sample)], ["track_id"])
    played = of_sample.column("track_id").to_pylist()
    favourites = [names.get(str(track), str(track)) for track, _ in Counter(played).most_common(TOP)]
    return tuple(favourites), tuple(names.get(r["track_id"], r["track_id"]) for r in mine), mine[0]["algorithm"]

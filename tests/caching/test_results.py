from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from earshot.caching.results import gold_results
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables

DAY = date(2026, 3, 29)
ANNA, BERT = "v1:" + "a" * 32, "v1:" + "b" * 32


def _chart(rank: int, entity_id: str, period_start: date = DAY, suspects: str = "excluded") -> dict[str, Any]:
    return {
        "period": "day",
        "period_start": period_start,
        "country": "DE",
        "tier": "ALL",
        "entity": "track",
        "entity_id": entity_id,
        "suspects": suspects,
        "rank": rank,
        "streams": 10 - rank,
        "listeners": 1,
    }


def test_recommendations_are_grouped_by_listener_best_first(settings: Settings) -> None:
    lake = SmallTables(settings.lake_root)
    ranks = [(BERT, 2), (ANNA, 1), (BERT, 1), (BERT, 3)]
    lake.append(
        "gold.recommendations",
        [{"listener_id": who, "rank": rank, "track_id": f"trk:{rank}", "score": 1.0 / rank} for who, rank in ranks],
    )
    values = dict(gold_results(lake, DAY, chart_entries=10))
    assert [row["rank"] for row in values["recommendations", BERT]] == [1, 2, 3]  # type: ignore[attr-defined]
    assert [row["track_id"] for row in values["recommendations", ANNA]] == ["trk:1"]  # type: ignore[attr-defined]


def test_charts_are_of_the_latest_day_without_suspects_and_cut(settings: Settings) -> None:
    lake = SmallTables(settings.lake_root)
    lake.append(
        "gold.charts",
        [
            *(_chart(rank, f"trk:{rank}") for rank in (3, 1, 2)),
            _chart(1, "trk:9", suspects="included"),
            _chart(1, "trk:8", date(2026, 3, 28)),
            _chart(1, "trk:7", date(2026, 3, 30)),
        ],
    )
    values = dict(gold_results(lake, DAY, chart_entries=2))
    chart: Any = values["charts", "day", "DE", "ALL", "track"]
    assert chart["period_start"] == DAY
    assert [entry["entity_id"] for entry in chart["entries"]] == ["trk:1", "trk:2"]


def test_activity_is_summed_by_hour_and_kpis_are_the_latest(settings: Settings) -> None:
    lake = SmallTables(settings.lake_root)
    hour = datetime(2026, 3, 29, 20, tzinfo=UTC)
    lake.append(
        "gold.activity",
        [{"hour_start": hour, "activity_date": DAY, "country": country, "listens": 5} for country in ("DE", "US")],
    )
    lake.append(
        "gold.quality_kpis",
        [
            {"batch_id": f"b{n}", "measured_at": datetime(2026, 3, n, tzinfo=UTC), "suite": "s", "kpi": "k", "value": n}
            for n in (2, 3, 1)
        ],
    )
    values = dict(gold_results(lake, DAY, chart_entries=2))
    activity: Any = values["activity",]
    assert [(row["hour_start"], row["listens"]) for row in activity] == [(hour, 10)]
    kpis: Any = values["quality",]
    assert [row["value"] for row in kpis] == [3.0]


def test_an_empty_lake_publishes_empty_values(settings: Settings) -> None:
    values = dict(gold_results(SmallTables(settings.lake_root), DAY, chart_entries=2))
    assert values["alerts",] == []
    assert values["about",] == {"as_of": DAY}

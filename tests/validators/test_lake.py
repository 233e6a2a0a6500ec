from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from earshot.core.schemas import TABLES
from earshot.core.settings import Settings
from earshot.validators.lake import judge_lake

Row = dict[str, Any]
Read = Callable[[str], DataFrame]

DAY = date(2026, 3, 29)
CHART = {
    "period": "day",
    "period_start": DAY,
    "country": "ALL",
    "tier": "ALL",
    "entity": "track",
    "entity_id": "trk:17",
    "suspects": "included",
    "rank": 1,
    "streams": 2,
    "listeners": 2,
}
HOUR = {
    "hour_start": datetime(2026, 3, 29, 19, tzinfo=UTC),
    "country": "DE",
    "tier": "premium",
    "listens": 2,
    "counted_listens": 2,
    "listeners": 1,
    "played_ms": 368_000,
    "skips": 0,
    "rebuffer_ratio": 0.5,
}
SESSION = {
    "listener_id": "v1:aa",
    "started_at": datetime(2026, 3, 29, 19, tzinfo=UTC),
    "ended_at": datetime(2026, 3, 29, 19, 6, tzinfo=UTC),
    "listens": 2,
    "counted_listens": 2,
    "played_ms": 368_000,
}
QUALITY = {"plays": 2, "start_failures": 0, "quality_score": 97.5}
PAYOUT = {
    "month": date(2026, 3, 1),
    "country": "DE",
    "tier": "premium",
    "currency": "EUR",
    "model": "pro_rata",
    "payee_type": "artist",
    "streams": 1,
    "suspects": "included",
    "status": "provisional",
    "amount": Decimal("3.330000"),
    "pool": Decimal("9.990000"),
}


@pytest.fixture
def read(spark: SparkSession, good_play: Row) -> Callable[[dict[str, list[Row]]], Read]:
    """A lake of a few rows; `read({...})` puts others in their place."""
    first = {**good_play, "listen_id": "a", "listen_date": DAY}
    later = {**first, "listen_id": "b", "started_at": first["ended_at"]}
    later["ended_at"] = later["started_at"] + timedelta(minutes=3)
    lake = {
        "gold.charts": [CHART],
        "gold.audio_quality": [QUALITY],
        "silver.sessions": [SESSION],
        "gold.activity": [HOUR],
        "gold.revenue": [PAYOUT, PAYOUT, PAYOUT | {"streams": 0}],
        "silver.listens": [first, later],
    }

    def of(changes: dict[str, list[Row]]) -> Read:
        def table(name: str) -> DataFrame:
            schema = TABLES[name].schema
            rows = (lake | changes)[name]
            return spark.createDataFrame([tuple(row.get(field) for field in schema.names) for row in rows], schema)

        return table

    return of


def test_sound_marts_meet_every_expectation(read: Callable[..., Read], settings: Settings) -> None:
    verdicts = judge_lake(read({}), settings)
    assert {verdict.batch_id for verdict in verdicts} == {
        "gold.charts",
        "gold.activity",
        "gold.revenue",
        "gold.revenue_pools",
        "gold.audio_quality",
        "gold.reconciled_charts",
        "gold.reconciled_activity",
        "gold.reconciled_revenue",
        "silver.listens",
        "silver.sessions",
        "silver.session_totals",
    }
    assert [verdict.explain() for verdict in verdicts if verdict.failures] == []
    scanned = {scan.rule: scan for verdict in verdicts for scan in verdict.scans}
    assert set(scanned) == {
        "no_impossible_overlap",
        "listen_is_published_once",
        "monotone_session",
        "charts_rank_is_taken_once",
    }
    assert all(scan.jobs > 0 and scan.seconds > 0 for scan in scanned.values())


def test_a_mart_that_lies_is_named(read: Callable[..., Read], settings: Settings, good_play: Row) -> None:
    play = {**good_play, "listen_id": "a", "listen_date": DAY}
    beside = {**play, "started_at": play["started_at"] + timedelta(seconds=60)}
    station = {**play, "listen_id": "c", "source": "radio", "listener_id": "v1:bb"}
    soon = SESSION | {"started_at": SESSION["ended_at"] + timedelta(minutes=30), "ended_at": None, "played_ms": 1}
    changes = {
        "gold.charts": [CHART | {"rank": 0}, CHART, CHART | {"listeners": 3}],
        "gold.activity": [HOUR | {"counted_listens": 3}],
        "gold.revenue": [PAYOUT, PAYOUT, PAYOUT | {"amount": Decimal("3.34"), "streams": 0}],
        "silver.listens": [play, beside, station, {**station, "listen_id": "d", "skipped": True}],
        "silver.sessions": [SESSION, soon],
    }
    failed = {failure.rule for verdict in judge_lake(read(changes), settings) for failure in verdict.failures}
    assert failed == {
        "charts_rank_is_taken_once",
        "charts_add_up",
        "activity_adds_up",
        "activity_counted_adds_up",
        "activity_time_adds_up",
        "activity_skips_add_up",
        "revenue_streams_add_up",
        "revenue_streams_cover_silver",
        "listen_is_published_once",
        "monotone_session",
        "sessions_hold_all_time_heard",
        "charts_rank_from_one",
        "charts_listeners_at_most_streams",
        "activity_counted_at_most_listens",
        "revenue_adds_up",
        "no_impossible_overlap",
    }


def test_tables_without_rows_are_not_judged(read: Callable[..., Read], settings: Settings) -> None:
    judged = ("gold.charts", "gold.activity", "gold.revenue", "gold.audio_quality", "silver.sessions")
    empty: dict[str, list[Row]] = {name: [] for name in (*judged, "silver.listens")}
    assert judge_lake(read(empty), settings) == []


def test_a_mart_that_lacks_a_day_does_not_add_up(read: Callable[..., Read], settings: Settings) -> None:
    yesterday = HOUR | {"hour_start": HOUR["hour_start"] - timedelta(days=1)}
    verdicts = judge_lake(read({"gold.activity": [yesterday], "gold.charts": []}), settings)
    failed = {f.rule: f.unexpected_count for verdict in verdicts for f in verdict.failures}
    assert failed == {"activity_adds_up": 2, "activity_counted_adds_up": 2, "activity_time_adds_up": 2}


@pytest.mark.parametrize(("cap", "failed"), [(0, {"charts_add_up"}), (1, set())])
def test_charts_with_a_cap_may_add_up_to_less(
    read: Callable[..., Read], settings: Settings, cap: int, failed: set[str]
) -> None:
    marts = settings.marts.model_copy(update={"chart_listener_cap": cap})
    verdicts = judge_lake(
        read({"gold.charts": [CHART | {"streams": 1, "listeners": 1}]}), settings.model_copy(update={"marts": marts})
    )
    assert {failure.rule for verdict in verdicts for failure in verdict.failures} == failed

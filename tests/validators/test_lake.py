from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from earshot.core.schemas import TABLES
from earshot.core.settings import Settings
from earshot.validators.lake import judge_lake

Row = dict[str, Any]
Read = Callable[[str], DataFrame]

CHART = {
    "period": "day",
    "period_start": date(2026, 3, 29),
    "country": "ALL",
    "tier": "ALL",
    "entity": "track",
    "entity_id": "trk:17",
    "suspects": "included",
    "rank": 1,
    "streams": 12,
    "listeners": 12,
}
HOUR = {"country": "DE", "listens": 9, "counted_listens": 9, "listeners": 3, "rebuffer_ratio": 0.5}
PAYOUT = {
    "month": date(2026, 3, 1),
    "country": "DE",
    "tier": "premium",
    "currency": "EUR",
    "model": "pro_rata",
    "suspects": "included",
    "status": "provisional",
    "amount": Decimal("3.330000"),
    "pool": Decimal("9.990000"),
}


@pytest.fixture
def read(spark: SparkSession, good_play: Row) -> Callable[[dict[str, list[Row]]], Read]:
    """A lake of a few rows; `read({...})` puts others in their place."""
    later = {**good_play, "started_at": good_play["ended_at"], "ended_at": good_play["ended_at"] + timedelta(minutes=3)}
    lake = {
        "gold.charts": [CHART],
        "gold.activity": [HOUR],
        "gold.revenue": [PAYOUT, PAYOUT, PAYOUT],
        "silver.listens": [good_play, later],
        "bronze.listens": [{**good_play, "source_line": 1}],
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
        "bronze.listens",
        "gold.charts",
        "gold.activity",
        "gold.revenue",
        "gold.revenue_pools",
        "silver.play_overlaps",
    }
    assert [verdict.explain() for verdict in verdicts if verdict.failures] == []


def test_a_mart_that_lies_is_named(read: Callable[..., Read], settings: Settings, good_play: Row) -> None:
    beside = {**good_play, "started_at": good_play["started_at"] + timedelta(seconds=60)}
    station = {**good_play, "source": "radio", "listener_id": "v1:bb"}
    changes = {
        "gold.charts": [CHART | {"rank": 0}, CHART | {"listeners": 13}],
        "gold.activity": [HOUR | {"counted_listens": 10}],
        "gold.revenue": [PAYOUT, PAYOUT, PAYOUT | {"amount": Decimal("3.34")}],
        "silver.listens": [good_play, beside, station, station],
        "bronze.listens": [{**good_play, "source_line": 0}],
    }
    failed = {failure.rule for verdict in judge_lake(read(changes), settings) for failure in verdict.failures}
    assert failed == {
        "line_has_a_number",
        "charts_rank_from_one",
        "charts_listeners_at_most_streams",
        "activity_counted_at_most_listens",
        "revenue_adds_up",
        "plays_do_not_overlap",
    }


def test_tables_without_rows_are_not_judged(read: Callable[..., Read], settings: Settings) -> None:
    empty: dict[str, list[Row]] = {
        name: [] for name in ("gold.charts", "gold.activity", "gold.revenue", "bronze.listens")
    }
    assert [verdict.batch_id for verdict in judge_lake(read(empty), settings)] == ["silver.play_overlaps"]

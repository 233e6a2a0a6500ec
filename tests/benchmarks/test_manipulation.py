"""Naming suspect streams, against one plain count of the same plays, and one with distinct tracks, in the same run.

BENCH_PLAYS sets how many plays there are (10,000,000), over ten days with suspects on each.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from earshot.core.config import load_settings
from earshot.core.day_files import DayFiles
from earshot.core.small_tables import SmallTables
from earshot.core.tables import Tables, days_condition
from earshot.detectors.judging import judged
from quick_silver import QuickSilver
from stopwatch import ROUNDS, Stopwatch

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3_000)]

PLAYS = int(os.environ.get("BENCH_PLAYS", "10_000_000"))
DAYS = 10
FIRST = date(2026, 3, 17)
PLAYS_OF_A_LISTENER = 20
LOOPS = 50
GOAL = 2.0


def loops(day: date) -> list[dict[str, object]]:
    """Fifty accounts that play one track for 31 s, 200 times."""
    begin = datetime(day.year, day.month, day.day, 3, tzinfo=UTC)
    return [
        {
            "listen_id": f"loop{who}-{day}-{n}",
            "listener_id": f"v1:loop{who}",
            "track_id": "trk:1",
            "started_at": begin + timedelta(seconds=40 * n),
            "listen_date": day,
            "played_ms": 31_300,
            "country": "DE",
            "network_token": f"net{who}",
            "device_token": f"dev{who}",
        }
        for who in range(LOOPS)
        for n in range(200)
    ]


def test_naming_suspects_costs_at_most_two_group_bys(
    spark: SparkSession, tmp_path: Path, stopwatch: Stopwatch, show: Callable[[str], None]
) -> None:
    settings = load_settings(overrides={"home": str(tmp_path / "home")})
    days = [FIRST + timedelta(days=n) for n in range(DAYS)]
    silver = QuickSilver(settings.lake_root, listeners=max(PLAYS // DAYS // PLAYS_OF_A_LISTENER, 100), tracks=10_000)
    for day in days:
        silver.append({day: PLAYS // DAYS})
        SmallTables(settings.lake_root).append("silver.listens", loops(day))
    tables = Tables(spark, settings.lake_root)
    files = DayFiles.now(settings.lake_root, "silver.listens").of(days)
    plays = tables.read("silver.listens").where(days_condition("listen_date", days))

    def group() -> None:
        counts = plays.groupBy("listener_id", "listen_date").agg(F.count("*"), F.count_distinct("track_id"))
        counts.write.format("noop").mode("overwrite").save()

    def count() -> None:
        counts = plays.groupBy("listener_id", "listen_date").agg(F.count("*"), F.sum("played_ms"))
        counts.write.format("noop").mode("overwrite").save()

    group()
    count()
    rows = judged(spark, files, [], None, settings.manipulation)
    for _ in range(ROUNDS):
        with stopwatch.measure("group-by"):
            group()
        with stopwatch.measure("count"):
            count()
        with stopwatch.measure("suspects"):
            rows = judged(spark, files, [], None, settings.manipulation)
    ratio, with_tracks = (stopwatch.ratio("suspects", floor) for floor in ("count", "group-by"))
    took = {name: stopwatch.median(name) for name in ("suspects", "count", "group-by")}
    show(f"{PLAYS:,} plays on {DAYS} days, {len(rows)} suspect rows: {took['suspects']:.2f} s")
    show(f"  = {ratio:.2f}x plays by listener and day ({took['count']:.2f} s; goal {GOAL})")
    show(f"  = {with_tracks:.2f}x plays and distinct tracks by listener and day ({took['group-by']:.2f} s)")
    used = (stopwatch.processor_ratio("suspects", floor) for floor in ("count", "group-by"))
    show("  in processor time {:.2f}x and {:.2f}x".format(*used))
    assert {row["listener_id"] for row in rows} == {f"v1:loop{who}" for who in range(LOOPS)}
    assert ratio <= GOAL

"""The cube of a day, its scores and root causes: against one scan-and-group of the day, and after longer history.

BENCH_PLAYS sets the day (3,000,000); each of the twelve days before it has a tenth of its plays.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from earshot.analytics.activity_cube import CubeRules, activity_cube
from earshot.analytics.play_days import FiledPlays
from earshot.automation.loading import load_job
from earshot.core.config import load_settings
from earshot.core.day_files import DayFiles
from earshot.core.job import Job
from earshot.core.partitions import replace_partitions
from earshot.core.settings import Settings
from earshot.core.tables import Tables
from quick_silver import QuickSilver
from stopwatch import ROUNDS, Stopwatch

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3_000)]

PLAYS = int(os.environ.get("BENCH_PLAYS", "3_000_000"))
HISTORY = 12
MONTH, YEAR = 36, 360
PLAYS_AN_HOUR = 2_000
GOAL = 3.0
GOAL_OF_HISTORY = 1.2
FIRST = date(2026, 3, 17)
CUBE, LISTENS = "gold.activity_cube", "silver.listens"

Show = Callable[[str], None]


class Lake:
    """A lake of plays, its cube, and scores.

    Args:
        spark: The session.
        home: Where it lies.
        plays: Of the largest day.
    """

    def __init__(self, spark: SparkSession, home: Path, plays: int) -> None:
        self.settings: Settings = load_settings(overrides={"home": str(home)})
        self.tables = Tables(spark, self.settings.lake_root)
        self.silver = QuickSilver(self.settings.lake_root, listeners=max(plays // 20, 100), tracks=10_000)

    def add(self, days: Iterable[date], plays: int) -> None:
        self.silver.append(dict.fromkeys(days, plays))

    def build(self, days: Collection[date], newest: date) -> None:
        marts = self.settings.marts
        rules = CubeRules(
            marts.cube_minimum_volume,
            marts.cube_hourly_minimum_volume,
            marts.stream_rule,
            marts.cube_deep_minimum_volume,
        )
        plays = FiledPlays(self.tables.spark, DayFiles.now(self.tables.root, LISTENS).of(days))
        rows = activity_cube(plays, DayFiles.now(self.tables.root, CUBE), days=days, newest=newest, rules=rules)
        replace_partitions(self.tables, CUBE, rows, frozenset((day,) for day in days), metadata={})

    def score(self, day: date) -> None:
        at = datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC)
        load_job("score_anomalies")(
            Job("score_anomalies", f"b-{day}", day, self.settings, self.tables.spark, self.tables, clock=lambda: at)
        )

    def scan_and_group(self, day: date) -> None:
        plays = self.tables.read(LISTENS).where(F.col("listen_date") == day)
        counts = plays.groupBy("country", "tier", "artist_id").agg(F.count("*"), F.count_distinct("listener_id"))
        counts.write.format("noop").mode("overwrite").save()


def before(day: date, days: int) -> list[date]:
    return [day - timedelta(days=n) for n in range(days, 0, -1)]


def test_cube_scores_and_causes_of_a_day_cost_at_most_three_scans_of_it(
    spark: SparkSession, tmp_path: Path, stopwatch: Stopwatch, show: Show
) -> None:
    lake = Lake(spark, tmp_path / "home", PLAYS)
    lake.add(before(FIRST, HISTORY), PLAYS // 10)
    lake.build(before(FIRST, HISTORY), FIRST - timedelta(days=1))
    lake.score(FIRST - timedelta(days=1))
    for turn in range(ROUNDS):
        day = FIRST + timedelta(days=turn)
        lake.add([day], PLAYS)
        lake.scan_and_group(day)  # the files are in memory now, for all that follow
        with stopwatch.measure("floor"):
            lake.scan_and_group(day)
        with stopwatch.measure("both"):
            with stopwatch.measure("cube"):
                lake.build([day], day)
            with stopwatch.measure("scores and causes"):
                lake.score(day)
    series = lake.tables.read(CUBE).where(F.col("window_date") == FIRST).where("grain = 'hour' AND metric = 'listens'")
    count = series.select(F.to_json("dimensions")).distinct().count()
    show(f"a day of {PLAYS:,} plays, {count:,} series by hour: medians of {ROUNDS} days")
    for name in ("floor", "cube", "scores and causes", "both"):
        ratio, used = stopwatch.ratio(name, "floor"), stopwatch.processor_ratio(name, "floor")
        show(f"  {name:<18} {stopwatch.median(name):6.2f} s = {ratio:.2f}x one scan-and-group; processor {used:.2f}x")
    assert stopwatch.ratio("both", "floor") <= GOAL


def test_one_more_hour_costs_the_same_after_ten_times_the_history(
    spark: SparkSession, tmp_path: Path, stopwatch: Stopwatch, show: Show
) -> None:
    day = FIRST + timedelta(days=ROUNDS)
    lakes = {}
    for name, days in (("short", MONTH), ("long", YEAR)):
        lakes[name] = lake = Lake(spark, tmp_path / name, PLAYS_AN_HOUR * 24)
        lake.add(before(day, days), PLAYS_AN_HOUR)
        lake.add([day], PLAYS_AN_HOUR * 12)
        lake.build([*before(day, days), day], day)
        lake.score(day)
    for turn in range(ROUNDS + 1):
        for name, lake in lakes.items():
            lake.silver = QuickSilver(lake.settings.lake_root, listeners=2_000, tracks=10_000, batch=f" {turn}")
            lake.add([day], PLAYS_AN_HOUR)
            with stopwatch.measure(name if turn else f"warming up {name}"):
                lake.build([day], day)
                lake.score(day)
    ratio, used = stopwatch.ratio("long", "short"), stopwatch.processor_ratio("long", "short")
    short, long = (stopwatch.median(name) for name in ("short", "long"))
    show(f"one more hour of {PLAYS_AN_HOUR:,} plays, cube and scores: {short:.2f} s after {MONTH} days,")
    show(f"  {long:.2f} s after {YEAR} = {ratio:.2f}x (goal {GOAL_OF_HISTORY}); processor {used:.2f}x")
    assert ratio <= GOAL_OF_HISTORY

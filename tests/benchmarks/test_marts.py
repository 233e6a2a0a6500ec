"""The marts of one more day: against one plain scan-and-group of it, after longer history, and beside DuckDB.

BENCH_PLAYS sets the day (3,000,000). The month before it holds as many plays in all; with
BENCH_HISTORY they are so many a day. BENCH_LONG is a day of the short and of the long history (1,000);
the day that is added to both is the large one, and one of thirty such days.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

import mart_peers
from earshot.analytics import build
from earshot.automation.loading import load_job
from earshot.core.config import load_settings
from earshot.core.job import Job
from earshot.core.settings import Settings
from earshot.core.tables import Tables
from quick_silver import QuickSilver
from stopwatch import ROUNDS, Stopwatch

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3_000)]

PLAYS = int(os.environ.get("BENCH_PLAYS", "3_000_000"))
MONTH = 30
PLAYS_A_DAY_BEFORE = int(os.environ.get("BENCH_HISTORY", PLAYS // MONTH))
TRACKS = 10_000
PLAYS_OF_A_LISTENER = 20
GOAL = 3.0

PLAYS_OF_LONG_HISTORY = int(os.environ.get("BENCH_LONG", "1_000"))
LONGER = 100

MOST_OF_THE_PEER = 1_000_000
"""A larger day is not counted by DuckDB too: its distinct listeners spilled 47 GB for 3,000,000 plays."""
GOAL_OF_HISTORY = 1.2

FIRST = date(2026, 3, 17)
"""A Tuesday: its week and its month have begun, and three more days of both follow."""

Show = Callable[[str], None]


class Lake:
    """A lake to which days are added.

    Args:
        spark: The session.
        home: Where it lies.
        plays: Of each added day.
    """

    def __init__(self, spark: SparkSession, home: Path, plays: int) -> None:
        self.settings: Settings = load_settings(overrides={"home": str(home)})
        self.tables = Tables(spark, self.settings.lake_root)
        self.plays = plays
        listeners = max(plays // PLAYS_OF_A_LISTENER, 100)
        self.silver = QuickSilver(self.settings.lake_root, listeners=listeners, tracks=TRACKS)

    def with_history(self, days: int, plays_a_day: int) -> Lake:
        self.silver.append({FIRST - timedelta(days=n): plays_a_day for n in range(days, 0, -1)})
        self.build(FIRST)
        return self

    def add(self, day: date) -> None:
        self.silver.append({day: self.plays})

    def build(self, day: date) -> None:
        at = datetime.combine(day, datetime.min.time(), UTC)
        job = Job("build_marts", f"b-{day}", day, self.settings, self.tables.spark, self.tables, clock=lambda: at)
        load_job("build_marts")(job)

    def scan_and_group(self, day: date) -> None:
        plays = self.tables.read(build.LISTENS).where(F.col("listen_date") == day)
        counts = plays.groupBy("country", "tier", "artist_id").agg(F.count("*"), F.count_distinct("listener_id"))
        counts.write.format("noop").mode("overwrite").save()


@contextmanager
def seconds_of_each_mart(stopwatch: Stopwatch, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Time each mart by itself (three run at a time), and keep its plan."""
    written = build.replace_partitions

    def timed(tables: Tables, name: str, *rest: Any, **named: Any) -> None:
        with stopwatch.measure(name):
            written(tables, name, *rest, **named)

    with monkeypatch.context() as patched:
        patched.setattr(build, "replace_partitions", timed)
        yield


def test_all_marts_of_a_day_cost_a_few_scans_of_it(
    spark: SparkSession, tmp_path: Path, stopwatch: Stopwatch, show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Lake(spark, tmp_path / "home", PLAYS).with_history(MONTH, PLAYS_A_DAY_BEFORE)
    with seconds_of_each_mart(stopwatch, monkeypatch):
        for turn in range(ROUNDS):
            day = FIRST + timedelta(days=turn)
            lake.add(day)
            lake.scan_and_group(day)  # the files are in memory now, for all that follow
            with stopwatch.measure("floor"):
                lake.scan_and_group(day)
            with stopwatch.measure("marts"):
                lake.build(day)
            if PLAYS <= MOST_OF_THE_PEER and turn == 0:
                with stopwatch.measure("duckdb"):
                    mart_peers.marts_of_day(lake.settings.lake_root, day, tmp_path / "duckdb")
    before = MONTH * PLAYS_A_DAY_BEFORE
    show(f"a day of {PLAYS:,} plays on a month of {before:,}, {TRACKS:,} tracks: medians of {ROUNDS} days")
    each = ", ".join(f"{ratio:.2f}x" for ratio in stopwatch.ratios("marts", "floor"))
    show(f"  all marts: goal {GOAL}x; each day, whose month has as many plays more: {each}")
    for name in ("floor", "marts", *build.SOURCES):
        ratio = stopwatch.ratio(name, "floor")
        show(f"  {name:<20} {stopwatch.median(name):7.2f} s = {ratio:5.2f}x one scan-and-group")
    if PLAYS <= MOST_OF_THE_PEER:
        show(f"  DuckDB takes {stopwatch.median('duckdb') / stopwatch.median('marts'):.2f}x of Earshot's time")
    assert stopwatch.ratio("marts", "floor") <= GOAL


@pytest.mark.parametrize("more", [PLAYS, PLAYS_OF_LONG_HISTORY * MONTH], ids=["a large day", "a small day"])
def test_one_more_day_costs_the_same_after_a_hundred_times_the_history(
    spark: SparkSession, tmp_path: Path, stopwatch: Stopwatch, show: Show, more: int
) -> None:
    plays = PLAYS_OF_LONG_HISTORY
    lakes = {
        "a month": Lake(spark, tmp_path / "month", more).with_history(MONTH, plays),
        "a hundred months": Lake(spark, tmp_path / "hundred", more).with_history(MONTH * LONGER, plays),
    }
    for turn in range(ROUNDS + 1):
        for name, lake in lakes.items():
            day = FIRST + timedelta(days=turn)
            lake.add(day)
            with stopwatch.measure(name if turn else "warming up"):
                lake.build(day)
    growth = stopwatch.ratio("a hundred months", "a month")
    show("  each day: " + ", ".join(f"{ratio:.2f}x" for ratio in stopwatch.ratios("a hundred months", "a month")))
    for name, lake in lakes.items():
        rows = sum(DeltaTable(lake.tables.path(build.LISTENS)).get_add_actions(flatten=True)["num_records"].to_pylist())
        show(f"  {more:,} plays more on {name} of history ({rows:,} plays now): {stopwatch.median(name):.2f} s")
    show(f"  {growth:.2f}x (goal {GOAL_OF_HISTORY})")
    assert growth <= GOAL_OF_HISTORY

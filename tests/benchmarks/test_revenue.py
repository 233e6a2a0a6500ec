"""A month close: three models to the minor unit, against one plain scan-and-group of the same plays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from earshot.analytics.revenue.mart import revenue
from earshot.core.config import load_settings
from earshot.core.schemas import TABLES
from earshot.core.stream_rule import SPOTIFY
from stopwatch import ROUNDS, Stopwatch

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3_000)]

SIZES = (1_000_000, 3_000_000, 10_000_000)
PLAYS_OF_A_LISTENER = 400
GOAL = 4.0
GOAL_OF_GROWTH = 1.2
"""Seconds a play at the largest size by those at the one before it."""


def month_of_plays(spark: SparkSession, path: Path, plays: int) -> DataFrame:
    """Plays of March: listeners of eight countries and four tiers, 5,000 artists with a long tail."""
    listeners = plays // PLAYS_OF_A_LISTENER
    listener = F.pmod(F.xxhash64("id"), F.lit(listeners))
    artist = (5_000 * F.pow(F.rand(7), 2.5)).cast("int")

    def one_of(number: Column, *names: str) -> Column:
        return F.element_at(F.array(*map(F.lit, names)), (F.floor(number) % len(names) + 1).cast("int"))

    spark.range(plays).select(
        F.concat(F.lit("v1:"), F.sha2(listener.cast("string"), 256)).alias("listener_id"),
        F.concat(F.lit("trk:"), (artist * 7 + F.col("id") % 7).cast("string")).alias("track_id"),
        F.concat(F.lit("art:"), artist.cast("string")).alias("artist_id"),
        F.date_add(F.lit("2026-03-01"), (F.col("id") % 31).cast("int")).alias("listen_date"),
        F.lit(180_000).cast("bigint").alias("played_ms"),
        one_of(listener, "DE", "US", "BR", "JP", "GB", "FR", "SE", "IN").alias("country"),
        one_of(listener / 8, "premium", "free", "family", "student").alias("tier"),
        one_of(F.col("id"), "playlist", "album", "radio", "search").alias("context"),
    ).write.parquet(str(path))
    return spark.read.parquet(str(path))


def test_a_month_close_is_near_linear_and_a_small_multiple_of_one_scan(
    spark: SparkSession, tmp_path: Path, stopwatch: Stopwatch, show: Callable[[str], None]
) -> None:
    terms = load_settings().revenue
    suspects = spark.createDataFrame([], TABLES["gold.suspect_listens"].schema)
    months = {size: month_of_plays(spark, tmp_path / str(size), size) for size in SIZES}

    def close(plays: DataFrame) -> None:
        rows = revenue(plays, suspects, None, terms=terms, stream_rule=SPOTIFY)
        rows.write.format("noop").mode("overwrite").save()

    def group(plays: DataFrame) -> None:
        counts = plays.groupBy("country", "tier", "artist_id").agg(F.count("*"), F.count_distinct("listener_id"))
        counts.write.format("noop").mode("overwrite").save()

    close(months[SIZES[0]])
    group(months[SIZES[0]])
    for _ in range(ROUNDS):
        for size, plays in months.items():
            with stopwatch.measure(f"group {size}"):
                group(plays)
            with stopwatch.measure(f"close {size}"):
                close(plays)
    for size in SIZES:
        seconds, ratio = stopwatch.median(f"close {size}"), stopwatch.ratio(f"close {size}", f"group {size}")
        show(f"{size:>11,} plays: {seconds:6.1f} s = {ratio:.2f}x one scan-and-group (goal {GOAL})")
    before, last = SIZES[-2:]
    growth = stopwatch.ratio(f"close {last}", f"close {before}") * before / last
    show(f"a play costs {growth:.2f}x at {last:,} of what it costs at {before:,} (goal {GOAL_OF_GROWTH})")
    assert stopwatch.ratio(f"close {last}", f"group {last}") <= GOAL
    assert growth <= GOAL_OF_GROWTH

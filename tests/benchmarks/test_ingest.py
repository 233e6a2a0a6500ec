"""Landing to silver against `read.json(schema) -> write delta` and DuckDB -> delta-rs, in the same run."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
from deltalake import write_deltalake
from pyspark.sql import SparkSession
from pyspark.sql import types as T

from earshot.automation.runner import run_jobs
from earshot.core.config import load_settings
from earshot.core.small_tables import SmallTables
from earshot.importers.shape import FLAGS, IDENTITIES, NUMBERS, TEXTS, TIMES
from earshot.importers.simulated import generate
from stopwatch import ROUNDS, Stopwatch

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3_000)]

SIZES = {1_000_000: ROUNDS, 3_000_000: ROUNDS, 10_000_000: 1}
"""Rounds of each number of plays."""
DAYS = 7
START = date(2026, 3, 2)
TO_SILVER = ["ingest_listens", "publish_listens"]
GOAL = 1.5
GOAL_OF_A_SECOND_RUN = 0.1

TYPES = {
    **dict.fromkeys((*IDENTITIES, *TEXTS, *TIMES), T.StringType()),
    **dict.fromkeys(NUMBERS, T.LongType()),
    **dict.fromkeys(FLAGS, T.BooleanType()),
}
EVENT = T.StructType([T.StructField(name, kind) for name, kind in TYPES.items()])


def make_landing(home: Path, plays: int) -> int:
    listeners = max(5_000, plays // 500)
    made = generate(
        home, days=DAYS, listeners=listeners, tracks=20_000, plays=plays, start=START, seed=9, scenario="default"
    )
    return made.lines


def plain_copy(spark: SparkSession, landing: Path, target: Path) -> None:
    files = [str(path) for path in landing.rglob("*.jsonl*")]
    spark.read.schema(EVENT).json(files).write.format("delta").save(str(target))


def to_silver(home: Path) -> None:
    settings = load_settings(overrides={"home": str(home)})
    results = run_jobs(TO_SILVER, START + timedelta(days=DAYS), settings, as_json=True)
    assert [result.exit_code for result in results] == [0, 0]


def duckdb_copy(landing: Path, target: Path) -> None:
    columns = {
        f.name: {"string": "VARCHAR", "bigint": "BIGINT"}.get(f.dataType.simpleString(), "BOOLEAN") for f in EVENT
    }
    rows = duckdb.connect().read_json(
        f"{landing}/**/*.jsonl*", columns=columns, format="newline_delimited", ignore_errors=True
    )
    write_deltalake(str(target), rows.to_arrow_reader(100_000))


@pytest.mark.parametrize("plays", SIZES)
def test_landing_to_silver_costs_little_more_than_a_plain_copy_into_delta(
    spark: SparkSession, tmp_path: Path, stopwatch: Stopwatch, show: Callable[[str], None], plays: int
) -> None:
    lines = make_landing(tmp_path / "source", plays)
    make_landing(tmp_path / "warm", 20_000)
    plain_copy(spark, tmp_path / "warm" / "landing", tmp_path / "warm-plain")
    to_silver(tmp_path / "warm")
    for turn in range(SIZES[plays]):
        home = tmp_path / f"home-{turn}"
        shutil.copytree(tmp_path / "source" / "landing", home / "landing")
        with stopwatch.measure("plain"):
            plain_copy(spark, home / "landing", tmp_path / "plain")
        with stopwatch.measure("duckdb"):
            duckdb_copy(home / "landing", tmp_path / "duckdb")
        with stopwatch.measure("earshot"):
            to_silver(home)
        with stopwatch.measure("again"):
            to_silver(home)
        rows = SmallTables(str(home / "lake")).rows("ops.ledger")
        assert sum(row["read"] for row in rows) == lines
        for folder in (home, tmp_path / "plain", tmp_path / "duckdb"):
            shutil.rmtree(folder)
    ratio, again = stopwatch.ratio("earshot", "plain"), stopwatch.ratio("again", "earshot")
    show(f"{lines:,} lines, read.json(schema) -> delta: {stopwatch.median('plain'):.1f} s")
    show(f"{lines:,} lines, DuckDB -> delta-rs:        {stopwatch.median('duckdb'):.1f} s")
    figures = f"{stopwatch.median('earshot'):.1f} s = {ratio:.2f}x (goal {GOAL}), of DuckDB's"
    show(f"{lines:,} lines, landing -> silver:          {figures} {stopwatch.ratio('earshot', 'duckdb'):.2f}x")
    once_more = f"{stopwatch.median('again'):.1f} s = {again:.3f}x (goal {GOAL_OF_A_SECOND_RUN})"
    show(f"the same once more:                          {once_more}")
    assert ratio <= GOAL
    assert again <= GOAL_OF_A_SECOND_RUN

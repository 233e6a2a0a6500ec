"""Ten thousand files of one line to silver against plain `read.json(schema) -> write delta` of them in one run."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from benchmarks.test_ingest import EVENT
from earshot.automation.runner import run_jobs
from earshot.core.config import load_settings
from earshot.core.small_tables import SmallTables
from stopwatch import Stopwatch

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(900)]

FILES = 10_000
GOAL = 1.0


def make_landing(landing: Path, files: int) -> None:
    for n in range(files):
        path = landing / f"{n % 100:02d}" / f"{n}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        moment = f"2026-03-10T{n // 3600:02d}:{n // 60 % 60:02d}:{n % 60:02d}Z"
        play = {"listener": f"l{n % 500}", "started_at": moment, "played_ms": 9_000, "track_id": f"t{n}"}
        path.write_text(json.dumps(play) + "\n", encoding="utf-8")


def to_silver(home: Path) -> None:
    settings = load_settings(overrides={"home": str(home)})
    results = run_jobs(["ingest_listens", "publish_listens"], date(2026, 3, 29), settings, as_json=True)
    assert [result.exit_code for result in results] == [0, 0]


def test_ten_thousand_tiny_files_take_seconds(
    spark: SparkSession, tmp_path: Path, stopwatch: Stopwatch, show: Callable[[str], None]
) -> None:
    make_landing(tmp_path / "warm" / "landing", 100)
    to_silver(tmp_path / "warm")
    home = tmp_path / "home"
    make_landing(home / "landing", FILES)
    with stopwatch.measure("plain"):
        files = [str(path) for path in (home / "landing").rglob("*.jsonl")]
        spark.read.schema(EVENT).json(files).write.format("delta").save(str(tmp_path / "plain"))
    with stopwatch.measure("earshot"):
        to_silver(home)
    rows = SmallTables(str(home / "lake")).rows("ops.ledger")
    assert (len(rows), sum(row["accepted"] for row in rows)) == (FILES, FILES)
    ratio = stopwatch.ratio("earshot", "plain")
    show(f"{FILES:,} tiny files, read.json(schema) -> delta: {stopwatch.median('plain'):.1f} s")
    show(f"{FILES:,} tiny files, landing -> silver: {stopwatch.median('earshot'):.1f} s = {ratio:.2f}x (goal {GOAL})")
    assert ratio <= GOAL

"""Ingest and publication that die at any write, and are run again, leave what an undisturbed run leaves."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from earshot.automation.loading import load_job
from earshot.core.commits import DeltaLog
from earshot.core.config import load_settings
from earshot.core.job import Job
from earshot.core.small_tables import SmallTables
from earshot.core.tables import Tables

STEPS = ("ingest_listens", "publish_listens")
# Everything that lasts goes through one of these.
WRITES: list[tuple[Any, str]] = [
    *((DeltaLog, name) for name in ("add", "append", "amend", "drop_rows")),
    *((SmallTables, name) for name in ("append", "overwrite")),
    (os, "replace"),
]
OF_THE_CLOCK = {
    "silver.listens": {"ingested_at", "arrived_at"},
    "silver.quarantine": {"quarantined_at"},
    "gold.quality_kpis": {"measured_at"},
    "ops.ledger": {"started_at", "committed_at"},
    "bronze.listens": set[str](),
}
TIMED_KPIS = {"freshness_s", "event_freshness_s", "error_rate", "event_lag_s"}
Bring = Callable[..., tuple[Path, int]]
DAY = date(2026, 3, 29)


class Killed(BaseException):
    """The process is gone."""


@contextmanager
def killed_at(write: int) -> Iterator[Counter[str]]:
    """Let the process die in the given write: an odd one before it, an even one after it."""
    count: Counter[str] = Counter()

    def dying(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            count["writes"] += 1
            if count["writes"] * 2 - 1 == write:
                raise Killed
            result = original(*arguments, **named)
            if count["writes"] * 2 == write:
                raise Killed
            return result

        return call

    with pytest.MonkeyPatch.context() as patched:
        for owner, name in WRITES:
            patched.setattr(owner, name, dying(getattr(owner, name)))
        yield count


def play(n: int, **changes: Any) -> dict[str, Any]:
    at = f"2026-03-29T{8 + n // 60:02}:{n % 60:02}:00.000Z"
    return {
        "listener": f"listener-{n % 5}",
        "started_at": at,
        "played_ms": 40_000 + n,
        "track_id": f"trk:{n}",
    } | changes


PLAYS = [play(n) for n in range(90)]
FILES = {
    "a.jsonl": [json.dumps(one) for one in PLAYS[:60]],
    "b.jsonl": [
        *(json.dumps(one) for one in PLAYS[60:]),
        *(json.dumps(one) for one in PLAYS[3:9]),
        *(json.dumps(one | {"device": "web", "played_ms": 90_000}) for one in PLAYS[20:24]),
        '{"listener": "anna", "played_ms"',
    ],
    "c.jsonl": [json.dumps(one) for one in PLAYS[:60]],
}


def said(home: Path) -> dict[str, list[str]]:
    """What the tables say, without the times of processing."""
    small = SmallTables(str(home / "lake"))
    told: dict[str, list[str]] = {}
    for name, timed in OF_THE_CLOCK.items():
        rows = [row for row in small.rows(name) if row.get("kpi") not in TIMED_KPIS]
        kept = [{key: value for key, value in row.items() if key not in timed} for row in rows]
        for row in kept:
            if str(row.get("raw")).startswith("enc1:"):
                row["raw"] = "encrypted"
        told[name] = sorted(json.dumps(row, default=str, sort_keys=True) for row in kept)
    return told


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the keys, so that every home gives the same pseudonyms."""
    return tmp_path_factory.mktemp("keys")


@pytest.fixture
def bring(spark: SparkSession, tmp_path: Path, keys: Path) -> Bring:
    """Bring a second batch through the gate, dying in one of its writes if that is named; says where, and how many."""

    def steps(home: Path) -> None:
        settings = load_settings(overrides={"home": str(home)})
        for step in STEPS:
            tables = Tables(spark, settings.lake_root)
            load_job(step)(Job(step, f"test-{step}", DAY, settings, spark, tables))

    def land(home: Path, file: str) -> None:
        (home / "landing" / file).write_text("\n".join(FILES[file]) + "\n", encoding="utf-8")

    first = tmp_path / "first"
    (first / "landing").mkdir(parents=True)
    (first / "keys").symlink_to(keys)
    land(first, "a.jsonl")
    steps(first)

    def second(name: str, dies_in: int = 0) -> tuple[Path, int]:
        home = shutil.copytree(first, tmp_path / name, symlinks=True)
        land(home, "b.jsonl")
        land(home, "c.jsonl")
        with killed_at(dies_in) as count:
            try:
                steps(home)
            except Killed:
                assert dies_in, "nothing was to die"
        if dies_in:
            steps(home)
        return home, count["writes"]

    return second


def test_a_run_that_died_in_any_write_and_was_repeated_changes_nothing(bring: Bring) -> None:
    undisturbed, writes = bring("undisturbed")
    expected = said(undisturbed)
    assert len(expected["silver.listens"]) == len(PLAYS)
    assert expected["bronze.listens"] == []
    moments = random.Random(11).sample(range(1, 2 * writes + 1), 4)  # noqa: S311 (seeded, not secret)
    for moment in moments:
        home, _ = bring(f"killed-{moment}", moment)
        assert said(home) == expected, f"killed in write {moment / 2} of {writes}"

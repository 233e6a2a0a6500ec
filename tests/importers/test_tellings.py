"""Plays told more than once are found in parts that fit into memory, wherever the plays lie."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from earshot.core.commits import DeltaLog
from earshot.importers import tellings
from earshot.importers.play_files import SILVER_SCHEMA, PlaysAtHand, published_files
from earshot.importers.tellings import told_twice
from earshot.transformers.duplicates import Tellings

RULE = Tellings(5)
DAY = date(2026, 3, 29)


def plays_by_chance(seed: int, count: int, batch: str) -> pa.Table:
    chance = random.Random(seed)  # noqa: S311 (seeded, not secret)
    rows: list[dict[str, Any]] = [
        {
            "listener_id": chance.choice(["anna", "bert", "cleo"]),
            "track_id": chance.choice(["trk:1", "trk:2", None]),
            "started_at": datetime(2026, 3, 29, tzinfo=UTC) + timedelta(seconds=chance.randrange(1_500)),
            "listen_date": DAY,
            "played_ms": chance.choice([None, 30_000, 60_000]),
            "device": chance.choice(["ios", "web", "car"]),
            "source": "canonical",
            "sources": ["canonical"],
            "batch_id": batch,
            "source_file": f"{batch}.jsonl",
            "source_line": line,
        }
        for line in range(1, count + 1)
    ]
    return pa.Table.from_pylist(rows, schema=SILVER_SCHEMA)


def said(told: pa.Table) -> list[str]:
    return sorted(map(repr, told.to_pylist()))


def published(root: Path, plays: pa.Table) -> Sequence[Any]:
    log = DeltaLog(str(root), "silver.listens")
    log.create()
    log.add(log.stage("x").write(plays), app_id="test", metadata={})
    return published_files(str(root), [DAY])


@pytest.fixture
def new() -> pa.Table:
    return plays_by_chance(1, 400, "new")


def test_published_plays_are_compared_where_they_lie(tmp_path: Path, new: pa.Table) -> None:
    old = plays_by_chance(2, 300, "old")
    is_new = pa.array([1] * len(new) + [0] * len(old), pa.int32())
    at_hand = pa.concat_tables([new, old]).select(RULE.compared).append_column("is_new", is_new)
    found = told_twice([PlaysAtHand(new), *published(tmp_path, old)], RULE)
    assert said(found) == said(RULE.told_twice(at_hand))
    assert {row["is_new"] for row in found.to_pylist()} == {0, 1}


def test_plays_of_other_days_are_not_looked_at(tmp_path: Path) -> None:
    published(tmp_path, plays_by_chance(2, 10, "old"))
    assert published_files(str(tmp_path), [date(2026, 3, 30)]) == []


def test_plays_of_the_batch_itself_do_not_count_as_published(tmp_path: Path, new: pa.Table) -> None:
    published(tmp_path, new)
    files = published_files(str(tmp_path), [DAY], without="new")
    assert said(told_twice([PlaysAtHand(new), *files], RULE)) == said(told_twice([PlaysAtHand(new)], RULE))


def test_what_is_found_does_not_depend_on_how_much_fits_into_memory(
    tmp_path: Path, new: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    plays = [PlaysAtHand(new), *published(tmp_path, plays_by_chance(3, 200, "old"))]
    at_once = said(told_twice(plays, RULE))
    monkeypatch.setattr(tellings, "_AT_ONCE", 120)
    monkeypatch.setattr(tellings, "_COMPARED_AT_ONCE", 20)
    assert said(told_twice(plays, RULE)) == at_once
    assert at_once

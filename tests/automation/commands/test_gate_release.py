"""A batch that the gate refuses, from landing to release, through the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from earshot.automation.actor import actor
from earshot.automation.cli import main
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables

LINES = 300
WITHOUT_TRACK = 120


def event(n: int) -> dict[str, Any]:
    play = {
        "listener": f"listener-{n % 7}",
        "started_at": f"2026-03-29T{n // 60:02}:{n % 60:02}:00.000Z",
        "played_ms": 40_000,
        "duration_ms": 201_000,
        "country": "DE",
        "isrc": "QZH600000067",
    }
    return play if n < WITHOUT_TRACK else play | {"track_id": f"trk:{n % 11}"}


@pytest.fixture
def landed(settings: Settings) -> Path:
    folder = settings.landing / "2026-03-29"
    folder.mkdir(parents=True)
    text = "".join(json.dumps(event(n)) + "\n" for n in range(LINES))
    (folder / "plays.jsonl").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def small_tables(settings: Settings) -> SmallTables:
    return SmallTables(settings.lake_root)


def test_a_refused_batch_is_explained_and_admitted(
    spark: SparkSession,
    settings: Settings,
    landed: Path,
    small_tables: SmallTables,
    capsys: pytest.CaptureFixture[str],
) -> None:
    home = ["--home", str(settings.home)]
    steps = ["run", "ingest_listens", "publish_listens", "--date", "2026-03-29", *home]

    assert main(steps) == 3
    capsys.readouterr()
    (row,) = small_tables.rows("ops.ledger")
    batch = row["batch_id"]
    assert row["status"] == "refused"
    assert "quarantined_share" in row["reason"]
    assert small_tables.rows("silver.listens") == small_tables.rows("silver.quarantine") == []

    assert main(["gate", "show", batch, "--json", *home]) == 0
    told = json.loads(capsys.readouterr().out)
    failures = {failure["rule"]: failure for failure in told["verdict"]["failures"]}
    assert failures["track_present"]["unexpected_count"] == WITHOUT_TRACK
    assert failures["track_present"]["examples"][0].startswith("2026-03-29/plays.jsonl:1: ")
    assert "listener-0" not in json.dumps(told), "examples are masked"

    assert main(steps) == 0, "a refused batch is not retried by itself"
    capsys.readouterr()
    assert main(["gate", "release", batch, "--reason", "the station sends no titles", *home]) == 0
    capsys.readouterr()

    (row,) = small_tables.rows("ops.ledger")
    assert (row["status"], row["read"]) == ("committed", LINES)
    assert (row["accepted"], row["quarantined"]) == (LINES - WITHOUT_TRACK, WITHOUT_TRACK)
    assert len(small_tables.rows("silver.listens")) == LINES - WITHOUT_TRACK
    assert {tuple(line["failed_rules"]) for line in small_tables.rows("silver.quarantine")} == {("track_present",)}
    released = [entry for entry in small_tables.rows("ops.audit") if entry["action"] == "gate.release"]
    assert [json.loads(entry["detail"])["reason"] for entry in released] == ["the station sends no titles"]
    assert main(["gate", "show", *home]) == 0
    assert "No batch is refused." in capsys.readouterr().out
    assert main(["gate", "show", batch, *home]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert f"Admitted by {actor()} at" in told
    assert "the station sends no titles" in told

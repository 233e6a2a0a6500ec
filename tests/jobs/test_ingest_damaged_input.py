"""Bad input of every kind, in one batch, through the real jobs: the batch ends, each cause stands in a table."""

from __future__ import annotations

import gzip
import json
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from earshot.automation.runner import run_jobs
from earshot.core.config import load_settings
from earshot.core.small_tables import SmallTables

DAY = date(2026, 3, 29)
EVENT = {"listener": "anna", "started_at": "2026-03-10T08:30:00Z", "played_ms": 9, "track_id": "t"}
SECRET = "198.51.100.7"
FORMULA = '=cmd|" /C calc"!A0'


def line(n: int = 0, **changes: Any) -> str:
    return json.dumps({**EVENT, "started_at": f"2026-03-10T{n // 60 % 24:02d}:{n % 60:02d}:00Z", **changes})


BROKEN = {
    "cut": line()[:40],
    "nan": line()[:-1] + ', "x": NaN}',
    "infinite": line().replace('"played_ms": 9', '"played_ms": 1e999'),
    "deep": line()[:-1] + ', "x": ' + "[" * 400 + "]" * 400 + "}",
    "twice": line()[:-1] + ', "played_ms": 10}',
    "surrogate": line(track_id="?").replace("?", "\\ud800"),
    "null": line(track_id="?").replace("?", "\\u0000"),
    "raw null": line(track_id="?").replace("?", "\0"),
    "list": "[1, 2]",
    "two": line() + line(),
    "typed": line(played_ms=FORMULA, ip=SECRET),
    "time": line(started_at="noon"),
    "long": line(note="x" * 3_000),
}


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> SmallTables:
    home = tmp_path_factory.mktemp("damaged") / "home"
    landing = home / "landing"
    landing.mkdir(parents=True)
    (landing / "broken.jsonl").write_text("\n".join([line(999), *BROKEN.values()]), encoding="utf-8")
    (landing / "truncated.gz").write_bytes(gzip.compress("\n".join(map(line, range(900))).encode())[:-40])
    (landing / "letter.txt").write_text("Dear Sir")
    (landing / "formulas.csv").write_text(f"uts,artist,track\n1700000000,{FORMULA.replace(chr(34), '')},T\nsoon,A,T\n")
    with zipfile.ZipFile(landing / "evil.zip", "w") as archive:
        archive.writestr("../../etc/passwd", line(1_000))
    for n in range(100):
        path = landing / "tiny" / f"{n}.jsonl"
        path.parent.mkdir(exist_ok=True)
        path.write_text(line(n, listener=f"l{n}"))
    results = run_jobs(
        ["ingest_listens", "publish_listens"], DAY, load_settings(overrides={"home": str(home)}), as_json=True
    )
    assert [result.exit_code for result in results] == [0, 0]
    return SmallTables(str(home / "lake"))


def ledger(lake: SmallTables) -> dict[str, dict[str, Any]]:
    return {row["source_file"]: row for row in lake.rows("ops.ledger")}


def test_every_file_and_every_line_is_accounted_for(lake: SmallTables) -> None:
    rows = ledger(lake)
    assert all(r["read"] == r["accepted"] + r["duplicate"] + r["quarantined"] + r["filtered"] for r in rows.values())
    assert (rows["broken.jsonl"]["read"], rows["broken.jsonl"]["accepted"]) == (14, 1)
    assert sum(row["accepted"] for name, row in rows.items() if name.startswith("tiny/")) == 100
    assert rows["truncated.gz"]["accepted"] > 0
    assert rows["letter.txt"]["status"] == rows["evil.zip!../../etc/passwd"]["status"] == "set_aside"
    assert "unknown format" in rows["letter.txt"]["reason"]


def test_each_broken_line_ends_with_its_rule_and_its_cause(lake: SmallTables) -> None:
    rows = {row["source_line"]: row for row in lake.rows("silver.quarantine") if row["source_file"] == "broken.jsonl"}
    causes = {name: rows[n]["cause"] for n, name in enumerate(BROKEN, 2)}
    expected = {
        "cut": "no JSON: Unterminated string",
        "nan": "no JSON: NaN is no number",
        "infinite": "played_ms: inf is no whole number in range",
        "deep": "it is nested too deep to be read",
        "twice": 'the key "played_ms" stands there twice',
        "surrogate": "it holds half of a surrogate pair",
        "null": 'track_id: "\\u0000" holds the character U+0000',
        "raw null": "no JSON: Invalid control character",
        "list": "it is a list, not an object",
        "two": "no JSON: Extra data",
        "typed": 'played_ms: "=cmd|',
        "time": 'started_at: "noon" is no ISO 8601 time',
        "long": 'note: "xxxxx',
    }
    assert {name: cause for name, cause in causes.items() if not cause.startswith(expected[name])} == {}
    assert all(row["failed_rules"] for row in rows.values())


def test_nothing_private_stands_in_a_cause_or_a_payload(lake: SmallTables) -> None:
    text = json.dumps(lake.rows("silver.quarantine"), default=str)
    assert SECRET not in text
    assert "anna" not in text


def test_the_source_of_a_time_is_kept(lake: SmallTables) -> None:
    rows = lake.rows("silver.listens")
    assert {row["derived_time"] for row in rows if row["source"] == "canonical"} == {"ended_at"}
    assert {row["derived_time"] for row in rows if row["source"] == "lastfm"} == {"none"}
    assert {row["started_at"] for row in rows if row["source"] == "lastfm"} == {
        datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    }


def test_the_files_are_in_the_archive_and_the_evil_member_is_nowhere(lake: SmallTables) -> None:
    home = Path(lake.root).parent
    assert not list((home / "landing").rglob("*.*"))
    assert not list(home.rglob("passwd"))

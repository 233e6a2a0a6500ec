"""Request logs with CMCD through the real jobs: every line accounted for, plays in silver, their figures in gold."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from urllib.parse import quote

import pytest
from pyspark.sql import SparkSession

from earshot.automation.runner import run_jobs
from earshot.core.config import load_settings
from earshot.core.small_tables import SmallTables

DAY = date(2026, 3, 29)
AT = datetime(2026, 3, 29, 9, tzinfo=UTC)
JOBS = ["ingest_listens", "publish_listens", "detect_manipulation", "build_marts"]


def combined(seconds: float, payload: str, *, status: int = 200) -> str:
    clock = (AT + timedelta(seconds=seconds)).strftime("%d/%b/%Y:%H:%M:%S +0000")
    target = f"/a/1.m4s?sig=secret&CMCD={quote(payload, safe='')}"
    return f'203.0.113.9 - anna [{clock}] "GET {target} HTTP/1.1" {status} 512 "-" "player (iPhone)"'


def session(sid: str, start: int, *, stalls: bool) -> list[str]:
    ids = f'cid="trk:{sid}",sid="{sid}"'
    second = f"bl=1000,br=128,{'bs,' if stalls else ''}{ids},d=6000,ot=a"
    return [
        combined(start, f'br=256,{ids},d=6000,nor="2",ot=a,su'),
        combined(start + 1, f'bl=5000,br=256,{ids},d=6000,nor="3",ot=a'),
        combined(start + 9, second),
    ]


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> SmallTables:
    home = tmp_path_factory.mktemp("cmcd") / "home"
    landing = home / "landing"
    landing.mkdir(parents=True)
    lines = [line for n in range(30) for line in session(f"s{n}", 60 * n, stalls=n % 3 == 0)]
    lines += [combined(9, 'br=fast,cid="t",sid="x"'), "no line of a log", combined(9, 'cid="t"')]
    lines += [combined(9, 'cid="trk:f",ot=a,sid="f",su', status=503), '203.0.113.9 - - [x] "GET / HTTP/1.1" 200 5']
    (landing / "edge.log").write_text("\n".join(lines), encoding="utf-8")
    (landing / "copy.log").write_text("\n".join(lines), encoding="utf-8")
    request = {
        "timestamp": AT.isoformat(),
        "cmcd": {"sid": "j", "cid": "trk:j", "su": True, "ot": "a"},
        "country": "DE",
    }
    (landing / "player.jsonl").write_text(json.dumps(request), encoding="utf-8")
    results = run_jobs(JOBS, DAY, load_settings(overrides={"home": str(home)}), as_json=True)
    assert [result.exit_code for result in results] == [0] * len(JOBS)
    return SmallTables(str(home / "lake"))


def test_every_line_is_accounted_for(lake: SmallTables) -> None:
    rows = {row["source_file"]: row for row in lake.rows("ops.ledger")}
    assert {row["format"] for row in rows.values()} == {"cmcd"}
    parts = ("accepted", "duplicate", "quarantined", "filtered")
    assert all(row["read"] == sum(row[part] for part in parts) for row in rows.values())
    told = {name: tuple(row[part] for part in parts) for name, row in rows.items()}
    assert told["copy.log"] == (31, 0, 3, 61)  # the first by name of two files of the same bytes
    assert told["edge.log"] == (0, 95, 0, 0)
    assert told["player.jsonl"] == (1, 0, 0, 0)


def test_bad_requests_are_set_aside_with_their_reason(lake: SmallTables) -> None:
    causes = {row["cause"] for row in lake.rows("silver.quarantine")}
    assert 'br: "fast" is no whole number from 0 on' in causes
    assert any(cause.startswith("it is no line of an access log") for cause in causes)
    assert "sid is missing: a request that names no session belongs to no play" in causes
    assert not any("secret" in row["raw"] or "203.0.113" in row["raw"] for row in lake.rows("silver.quarantine"))


def test_plays_have_start_stalls_and_switches(lake: SmallTables) -> None:
    plays = {row["track_id"]: row for row in lake.rows("silver.listens")}
    stalled, smooth, failed = plays["trk:s0"], plays["trk:s1"], plays["trk:f"]
    names = ("startup_ms", "rebuffer_count", "rebuffer_ms", "bitrate_kbps", "bitrate_switches", "start_failed")
    assert tuple(stalled[name] for name in names) == (1_000, 1, 3_000, 213, 1, False)
    assert tuple(smooth[name] for name in names) == (1_000, 0, 0, 213, 1, False)
    assert (failed["start_failed"], failed["played_ms"], failed["device"]) == (True, 0, "ios")
    assert len({row["listener_id"] for row in plays.values()}) == 2  # anna, and a session without a name


def test_their_figures_are_in_gold(lake: SmallTables) -> None:
    rows = [row for row in lake.rows("gold.audio_quality") if row["device"] == "ios"]
    assert sum(row["plays"] for row in rows) == 31
    assert sum(row["start_failures"] for row in rows) == 1
    assert sum(row["rebuffer_count"] or 0 for row in rows) == 10
    assert sum(row["bitrate_switches"] or 0 for row in rows) == 30
    assert {row["startup_ms_p95"] for row in rows} == {1_000.0}

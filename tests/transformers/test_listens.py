from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from earshot.importers.dressing import DRESSED
from earshot.transformers.listens import CANONICAL, canonical, canonical_listens, with_raw

START = datetime(2026, 3, 1, 23, 59, 58, 123456, tzinfo=UTC)
PLAY: dict[str, Any] = {
    "listener_id": "v1:aa",
    "track_id": "trk:17",
    "track_title": "Undertow",
    "artist_name": "The Tides",
    "started_at": START,
    "played_ms": 184_000,
    "source": "canonical",
    "source_file": "a.jsonl",
    "source_line": 1,
    "arrived_at": START + timedelta(hours=1),
    "parse_faults": [],
}


def plays(*changes: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist([PLAY | change for change in changes], schema=DRESSED)


def made(**change: Any) -> dict[str, Any]:
    (row,) = canonical(plays(change)).to_pylist()
    found: dict[str, Any] = row
    return found


def digest(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def test_the_time_that_is_missing_is_computed_and_named() -> None:
    assert made()["ended_at"] == START + timedelta(seconds=184)
    assert made()["derived_time"] == "ended_at"
    stopped = made(started_at=None, ended_at=START)
    assert stopped["started_at"] == START - timedelta(seconds=184)
    assert stopped["derived_time"] == "started_at"
    assert made(ended_at=START)["derived_time"] == "none"


@pytest.mark.parametrize("played_ms", [None, -1, 31_622_400_001])
def test_a_time_is_not_computed_from_a_length_that_is_none(played_ms: int | None) -> None:
    row = made(played_ms=played_ms)
    assert (row["ended_at"], row["derived_time"]) == (None, "none")
    assert made(played_ms=played_ms, started_at=None, ended_at=START)["listen_id"] is None


def test_a_listen_is_known_by_listener_track_and_start() -> None:
    row = made()
    micros = str((START - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1))
    assert row["listen_id"] == digest("v1:aa", "trk:17", micros)[:32]
    assert row["listen_date"] == date(2026, 3, 1)
    assert row["sources"] == ["canonical"]
    assert made(listener_id=None)["listen_id"] is None


def test_days_before_1970_are_days() -> None:
    assert made(started_at=datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC))["listen_date"] == date(1969, 12, 31)


def test_a_track_is_known_by_the_first_identity_that_it_has() -> None:
    nameless = {"track_id": " ", "isrc": " qzj910017198 ", "recording_mbid": "ABC"}
    assert made(**nameless)["track_id"] == "QZJ910017198"
    assert made(**nameless | {"isrc": None})["track_id"] == "abc"
    hashed = made(track_id=None, artist_name=" The \t TIDES ", track_title="Undertow")
    assert hashed["track_id"] == "h:" + digest("the tides", "undertow")[:30]
    assert hashed["artist_id"] == "h:" + digest("the tides")[:30]
    assert made(track_id=None, track_title="  ")["track_id"] is None
    assert made(artist_name=None)["artist_id"] is None


def test_codes_have_one_case_and_texts_no_blanks_around_them() -> None:
    row = made(country=" de ", device="iOS", tier="PREMIUM", context=" Radio", album_title=" A ", cdn="", platform="ß")
    assert [row[name] for name in ("country", "device", "tier", "context")] == ["DE", "ios", "premium", "radio"]
    assert [row[name] for name in ("album_title", "cdn", "platform")] == ["A", None, "ß"]
    assert made(country="ß")["country"] == "SS"
    assert made(device="ΣΊΣΥΦΟΣ")["device"] == "σίσυφος"


def test_a_frame_gives_the_same_listens(spark: SparkSession) -> None:
    table = plays({}, {"track_id": None, "extra": [("k", "v")]}, {"started_at": None, "parse_faults": ["time_present"]})
    assert canonical_listens(spark.createDataFrame(table)).toArrow().to_pylist() == canonical(table).to_pylist()


def judged(*changes: dict[str, Any], failed: list[str]) -> pa.Table:
    listens = canonical(plays(*changes))
    rules = pa.array([failed] * listens.num_rows, pa.list_(pa.string()))
    return listens.append_column("failed_rules", rules)


def test_raw_is_kept_of_lines_that_failed_a_rule_and_of_no_others() -> None:
    aside = with_raw(judged({"extra": [("mood", "ä")]}, {"raw": "{}"}, {"filtered_reason": "podcast"}, failed=["x"]))
    rebuilt, kept, filtered = aside["raw"].to_pylist()
    assert json.loads(rebuilt) == {
        "listener_id": "v1:aa",
        "track_id": "trk:17",
        "track_title": "Undertow",
        "artist_name": "The Tides",
        "artist_id": "h:" + digest("the tides")[:30],
        "started_at": "2026-03-01T23:59:58.123456Z",
        "ended_at": "2026-03-02T00:03:02.123456Z",
        "derived_time": "ended_at",
        "played_ms": 184_000,
        "extra": {"mood": "ä"},
        "source": "canonical",
    }
    assert (kept, filtered) == ("{}", None)
    assert with_raw(judged({"raw": "{}"}, failed=[]))["raw"].to_pylist() == [None]


def test_no_lines_are_no_listens() -> None:
    assert canonical(DRESSED.empty_table()).schema == CANONICAL

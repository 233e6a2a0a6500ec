"""The server's checks, one by one, and that its answer is the cause."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from earshot.importers.listenbrainz import listen_of
from logfiles import ARRIVED, read_as_detected, source_of

MBID = "98255a8c-017a-4bc7-8dd6-1fa36124572b"
ACCEPTED_FIRST, ACCEPTED_LAST = 1_033_430_400, int(ARRIVED.timestamp()) + 3_599


def listen(info: dict[str, Any] | None = None, /, **metadata: Any) -> dict[str, Any]:
    told: dict[str, Any] = {"track_name": "T", "artist_name": "A", "additional_info": info or {}} | metadata
    return {"listened_at": 1_700_000_000, "track_metadata": {k: v for k, v in told.items() if v is not ...}}


def judged(item: dict[str, Any], *, submitted: bool = True) -> tuple[set[str], str]:
    row = listen_of(item, source_of(Path("x")), submitted=submitted)
    return set(row.get("parse_faults") or ()), row.get("cause") or ""


@pytest.mark.parametrize(
    "item",
    [
        listen(),
        listen(release_name="R"),
        listen({"tags": ["x" * 64] * 50}),
        listen({"duration": "300.7"}),
        listen({"duration_ms": 2_073_600_000}),
        listen({"recording_mbid": "", "release_mbid": None, "artist_mbids": [MBID, "", None]}),
        listen({"track_mbid": MBID.upper().replace("-", "")}),
        {**listen(), "listened_at": ACCEPTED_FIRST},
        {**listen(), "listened_at": str(ACCEPTED_LAST)},
        {**listen(), "listened_at": 1_700_000_000.9},
    ],
)
def test_what_the_server_takes_has_no_fault(item: dict[str, Any]) -> None:
    assert judged(item) == (set(), "")


@pytest.mark.parametrize(
    ("item", "answer", "rule"),
    [
        ({"track_metadata": listen()["track_metadata"]}, "must contain the key listened_at", "time_present"),
        ({**listen(), "listened_at": "noon"}, "must contain an int value for listened_at", "time_readable"),
        ({**listen(), "listened_at": [1]}, "must contain an int value for listened_at", "time_readable"),
        ({**listen(), "listened_at": 1e300}, "listened_at is too high", "time_readable"),
        ({**listen(), "listened_at": -(10**300)}, "listened_at is too low", "time_readable"),
        ({**listen(), "listened_at": 1_620_000_000_000}, "listened_at is too high", "time_readable"),
        ({**listen(), "listened_at": float("inf")}, "must contain an int value for listened_at", "time_readable"),
        ({**listen(), "listened_at": ACCEPTED_FIRST - 1}, "listened_at is too low", None),
        ({**listen(), "listened_at": ACCEPTED_LAST + 1}, "listened_at is too high", None),
        ({**listen(), "more": 1}, "may only contain listened_at and track_metadata", None),
        ({"listened_at": 1_700_000_000}, "must contain the key track_metadata", "track_present"),
        ({"listened_at": 1_700_000_000, "track_metadata": None}, "track_metadata with null value", "track_present"),
        ({"listened_at": 1_700_000_000, "track_metadata": [1]}, "track_metadata with null value", "typed_fields"),
        (listen(track_name=...), "does not contain required field track_metadata.track_name", "track_present"),
        (listen(artist_name=["A", "B"]), "track_metadata.artist_name must be a single string", "typed_fields"),
        (listen(artist_name=" "), "field track_metadata.artist_name is empty", "track_present"),
        (listen(release_name={"x": 1}), "track_metadata.release_name must be a single string", "typed_fields"),
        (listen({"tags": ["x"] * 51}), "may not contain more than 50 items", "within_limits"),
        (listen({"tags": ["x" * 65]}), "longer than 64 characters", "within_limits"),
        (listen({"tags": [["x"]]}), "tags must be a list of strings", "typed_fields"),
        (listen({"duration": 1, "duration_ms": 1}), "should not contain both duration and duration_ms", None),
        (listen({"duration_ms": 0}), "duration_ms is invalid, should be a positive integer", "typed_fields"),
        (listen({"duration": "x"}), "duration is invalid, should be a positive integer", "typed_fields"),
        (listen({"duration": 2_073_601}), "max permitted value is 2073600", None),
        (listen({"recording_mbid": "nope"}), "recording_mbid MBID format invalid", None),
        (listen({"artist_mbids": [MBID, "x"]}), "artist_mbids MBID format invalid", None),
        (listen({"note": "a\0b"}), "unicode null", "typed_fields"),
        (listen({"note": "x" * 10_240}), "may not exceed 10240 bytes", "within_limits"),
    ],
)
def test_what_the_server_refuses_is_refused_in_its_words(item: dict[str, Any], answer: str, rule: str | None) -> None:
    faults, cause = judged(item)
    assert "taken_by_listenbrainz" in faults
    assert rule is None or rule in faults
    assert answer in cause


def test_what_the_server_wrote_itself_may_have_more_keys_and_be_larger() -> None:
    item = {**listen({"note": "x" * 1_900}), "user_name": "rob", "recording_msid": "m", "inserted_at": 1}
    item["track_metadata"]["mbid_mapping"] = {"artists": [{"artist_mbid": MBID}] * 200}
    assert judged(item, submitted=False) == (set(), "")


def test_nobody_s_name_stands_in_what_is_kept_of_a_refused_listen() -> None:
    row = listen_of({**listen({"tags": 5}), "user_name": "rob", "user_id": 7}, source_of(Path("x")), submitted=False)
    assert json.loads(row["raw"]).keys() == {"listened_at", "track_metadata"}
    assert row["listener"] == "rob"


def test_rows_of_the_spark_dump_are_judged_alike(tmp_path: Path) -> None:
    rows = {
        "listened_at": pa.array(
            [1_700_000_000, ACCEPTED_FIRST - 1, ACCEPTED_LAST + 1, None, 1_700_000_000], pa.timestamp("s")
        ),
        "user_id": pa.array([1] * 5),
        "recording_name": ["T", "T", "T", "T", " "],
        "artist_name": ["A"] * 5,
    }
    pq.write_table(pa.table(rows), tmp_path / "dump")
    found = read_as_detected(tmp_path / "dump")
    assert [row["parse_faults"] for row in found] == [
        None,
        ["taken_by_listenbrainz"],
        ["taken_by_listenbrainz"],
        ["time_present"],
        ["track_present"],
    ]
    assert [bool(row["cause"]) for row in found] == [False, True, True, True, True]

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from earshot.importers import canonical
from earshot.importers.canonical import Canonical
from earshot.importers.events import event_of
from earshot.importers.landing import _hash_and_cut
from earshot.importers.shape import PARSED, Limits, Part, Sample, Source, plays_of

LIMITS = Limits(max_line_bytes=4_000, max_text_chars=200, max_nesting=4, max_extra_keys=5)


def event(n: int = 0, **changes: Any) -> dict[str, Any]:
    play = {
        "listener": f"anna-{n}",
        "started_at": f"2026-03-29T01:{n % 60:02d}:58.000Z",
        "played_ms": 184_000 + n,
        "track_id": "trk:17",
        "track_title": "Ünder tow",
        "skipped": bool(n % 2),
        "rebuffer_count": n % 3,
    }
    return {key: value for key, value in (play | changes).items() if value is not None}


def read(path: Path, parts: tuple[Part, ...] = (Part(0),)) -> list[dict[str, Any]]:
    source = Source(str(path), None, LIMITS)
    rows: list[dict[str, Any]] = []
    for part in parts:
        for plays in Canonical().read(source, part):
            whole = {name: plays.get(name, pa.nulls(len(plays["source_line"]), kind)) for name, kind in PARSED.items()}
            rows += pa.table(whole).to_pylist()
    return sorted(rows, key=lambda row: row["source_line"])


def read_text(tmp_path: Path, text: str | bytes) -> list[dict[str, Any]]:
    path = tmp_path / "plays.jsonl"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read(path)


def faults_of(tmp_path: Path, line: str | bytes) -> list[str] | None:
    (row,) = read_text(tmp_path, line if isinstance(line, bytes) else line.encode())
    faults: list[str] | None = row["parse_faults"]
    return faults


def test_a_good_line_becomes_a_play_with_typed_columns(tmp_path: Path) -> None:
    (row,) = read_text(tmp_path, json.dumps(event(1, device_id="d", ip="203.0.113.9")))
    assert row["listener"] == "anna-1"
    assert row["started_at"].isoformat() == "2026-03-29T01:01:58+00:00"
    assert (row["played_ms"], row["skipped"], row["rebuffer_count"]) == (184_001, True, 1)
    assert (row["device_id"], row["ip"], row["source_line"], row["parse_faults"]) == ("d", "203.0.113.9", 1, None)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('{"listener":"anna","played_ms"', "readable_line"),
        ("[1, 2]", "readable_line"),
        ('"text"', "readable_line"),
        (json.dumps(event())[:-1] + ',"x":NaN}', "readable_line"),
        (json.dumps(event()) + json.dumps(event()), "readable_line"),
        (json.dumps(event(track_title="x")).replace('"x"', '"\\ud800"'), "readable_line"),
        (json.dumps(event(track_title="x")).encode().replace(b'"x"', b'"\xff"'), "readable_line"),
        (json.dumps(event(played_ms="abc")), "typed_fields"),
        (json.dumps(event(played_ms=1.5)), "typed_fields"),
        (json.dumps(event()).replace("184000", "1e999"), "typed_fields"),
        (json.dumps(event(played_ms=True)), "typed_fields"),
        (json.dumps(event(rebuffer_count=2**31)), "typed_fields"),
        (json.dumps(event(track_title=5)), "typed_fields"),
        (json.dumps(event(track_id=None)), "track_present"),
        (json.dumps(event(track_id=" ", track_title=None, artist_name="The Tides")), "track_present"),
        (json.dumps(event(track_id=None, track_title=None, isrc="QZH600000067")), "track_present"),
        (json.dumps(event(skipped="yes")), "typed_fields"),
        (json.dumps(event(started_at={"at": 1})), "typed_fields"),
        (json.dumps(event(started_at="yesterday")), "time_readable"),
        (json.dumps(event(started_at="2026-03-29T01:00:00")), "time_readable"),
        (json.dumps(event(started_at="2026-13-29T01:00:00Z")), "time_readable"),
        (json.dumps(event(started_at=None)), "time_present"),
        (json.dumps(event(played_ms=None)), "played_ms_present"),
        (json.dumps(event(track_id=None)), "track_present"),
        (json.dumps(event(track_id=" ", artist_name="The Tides", track_title="")), "track_present"),
        (json.dumps(event(track_id=None, track_title=None, isrc="GBAYE0601498")), "track_present"),
        (json.dumps(event(track_title="x" * 201)), "within_limits"),
        (json.dumps(event(note="x" * 4_000)), "within_limits"),
        (json.dumps(event(note=[[[[[1]]]]])), "within_limits"),
        (json.dumps(event(**{f"key{n}": n for n in range(6)})), "within_limits"),
        ('{"a":' + "[" * 1_500 + "]" * 1_500 + "}", "within_limits"),
    ],
)
def test_a_bad_line_names_its_fault(tmp_path: Path, line: str | bytes, fault: str) -> None:
    assert faults_of(tmp_path, line) == [fault]


def test_title_and_artist_name_a_track_without_an_id(tmp_path: Path) -> None:
    assert faults_of(tmp_path, json.dumps(event(track_id=None, artist_name="The Tides"))) is None


def test_epoch_milliseconds_and_offsets_are_times(tmp_path: Path) -> None:
    lines = [event(started_at=1_774_749_598_000), event(started_at="2026-03-29T03:59:58+02:00")]
    rows = read_text(tmp_path, "\n".join(map(json.dumps, lines)))
    assert [row["started_at"].isoformat() for row in rows] == ["2026-03-29T01:59:58+00:00"] * 2


def test_a_file_of_epoch_times_takes_the_fast_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canonical, "event_of", lambda *_: pytest.fail("the slow way was taken"))
    lines = [json.dumps(event(n, started_at=1_774_749_598_000 + n)) for n in range(300)]
    rows = read_text(tmp_path, "\n".join(lines) + "\n")
    assert rows[7]["started_at"].timestamp() * 1000 == 1_774_749_598_007


def test_line_numbers_are_physical_with_blank_lines_crlf_and_byte_order_mark(tmp_path: Path) -> None:
    line = json.dumps(event(), ensure_ascii=False)
    rows = read_text(tmp_path, f"\ufeff{line}\r\n\r\n  \n{line}  \r\n{{cut\n{line}")
    assert [(row["source_line"], row["parse_faults"]) for row in rows] == [
        (1, None),
        (4, None),
        (5, ["readable_line"]),
        (6, None),
    ]


def test_a_line_cut_in_two_is_two_bad_lines_and_never_one_good_one(tmp_path: Path) -> None:
    whole = json.dumps(event())
    rows = read_text(tmp_path, f"{whole}\n{whole[:60]}\n{whole[60:]}\n{whole}\n")
    assert [bool(row["parse_faults"]) for row in rows] == [False, True, True, False]


def test_unknown_keys_are_kept_as_texts_and_private_ones_dropped(tmp_path: Path) -> None:
    odd = {"zone": "2026-03-29T01:00:00Z", "mood": 3, "loud": True, "user_agent": "Mozilla", "event_id": "e"}
    lines = [json.dumps(event(n, **odd)) for n in range(40)] + [json.dumps(event(41, nested={"b": [1], "a": 2.5}))]
    rows = read_text(tmp_path, "\n".join(lines))
    assert dict(rows[0]["extra"]) == {"zone": "2026-03-29T01:00:00Z", "mood": "3", "loud": "true"}
    assert dict(rows[40]["extra"]) == {"nested": '{"a": 2.5, "b": [1]}'}


def test_raw_of_a_faulty_event_has_no_listener_address_or_agent(tmp_path: Path) -> None:
    line = event(played_ms="abc", ip="203.0.113.9", device_id="phone", user_agent="Mozilla", IP_Address="203.0.113.8")
    (row,) = read_text(tmp_path, json.dumps(line))
    kept = json.loads(row["raw"])
    assert kept["played_ms"] == "abc"
    assert not {"listener", "ip", "device_id", "user_agent", "IP_Address"} & set(kept)


@pytest.mark.parametrize(
    "key", ["user", "userId", "user_name", "Listener-ID", "account", "email", "deviceId", "full_name"]
)
def test_an_identity_under_another_key_is_kept_nowhere(tmp_path: Path, key: str) -> None:
    lines = [event(listener=None, **{key: "anna@example.org"}), event(**{key: "anna@example.org"})]
    lines.append(event(played_ms="x", context={"page": 1, key: ["anna@example.org"]}))
    lines.append(event(note={"page": 1, key: "anna@example.org"}))
    rows = read_text(tmp_path, "\n".join(map(json.dumps, lines)))
    assert len(rows) == 4
    assert "anna@" not in json.dumps(rows, default=str)


def test_the_fast_and_the_exact_way_give_the_same_plays(tmp_path: Path) -> None:
    chance = random.Random(5)  # noqa: S311 (seeded, not secret)
    spoil = [
        lambda text: text[: len(text) // 2],
        lambda text: text.replace('"played_ms": 184', '"played_ms": "184'),
        lambda text: text.replace("true", '"true"').replace("false", "0"),
        lambda text: text.replace("2026-03", "2026-3"),
        lambda text: text.replace("trk:17", "trk:[17]"),
        lambda text: text.replace("trk:17", "trk:{17"),
        lambda text: text[:-1] + ', "more": {"a": 1}}',
        lambda text: text[:-1] + ', "more": 1.0}',
        lambda text: text[:-1] + ', "listener": "b"}',
        lambda text: text.replace("58.000Z", "58.123456789Z"),
        lambda text: text.replace("58.000Z", "58.000+05:30"),
        lambda text: "",
    ]
    texts = [json.dumps(event(n, **({"kind": "x"} if n % 5 else {})), ensure_ascii=False) for n in range(3_000)]
    for n in chance.sample(range(3_000), 300):
        texts[n] = chance.choice(spoil)(texts[n])
    found = read_text(tmp_path, "\n".join(texts))
    exact = [{"source_line": n + 1, **event_of(text.encode(), LIMITS)} for n, text in enumerate(texts) if text.strip()]
    assert found == pa.table(plays_of(exact)).to_pylist()


def test_parts_of_a_large_file_give_every_line_once_under_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("earshot.importers.landing.PART_BYTES", 20_000)
    monkeypatch.setattr("earshot.importers.landing._CHUNK", 7_000)
    path = tmp_path / "plays.jsonl"
    path.write_text("\n".join(json.dumps(event(n)) for n in range(1_000)), encoding="utf-8")
    _, parts = _hash_and_cut(path)
    rows = read(path, parts)
    assert len(parts) > 5
    assert [(row["source_line"], row["played_ms"]) for row in rows] == [(n + 1, 184_000 + n) for n in range(1_000)]


def test_a_truncated_gzip_keeps_its_readable_lines_and_says_where_it_broke(tmp_path: Path) -> None:
    path = tmp_path / "plays.jsonl.gz"
    whole = gzip.compress(
        "\n".join(json.dumps(event(n, track_title=str(chr(65 + n % 26)) * 30)) for n in range(20_000)).encode()
    )
    path.write_bytes(whole[: len(whole) // 2])
    rows = read(path)
    assert rows[-1]["parse_faults"] == ["readable_line"]
    assert "damaged" in rows[-1]["unreadable"]


def test_confidence_is_high_for_events_and_low_for_other_objects() -> None:
    lines = "\n".join(json.dumps(event(n)) for n in range(3))
    assert Canonical().confidence(Sample(("{cut\n" + lines).encode())) >= 0.75
    assert Canonical().confidence(Sample(b'{"a": 1}\n{"b": 2}')) < 0.5
    assert Canonical().confidence(Sample(b"hello\nworld")) == 0


def test_a_line_that_spoils_a_block_spoils_only_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone: list[bytes] = []
    monkeypatch.setattr(canonical, "event_of", lambda text, limits: alone.append(text) or event_of(text, limits))
    lines = [json.dumps(event(n, track_title="Sæters"), ensure_ascii=False).encode() for n in range(500)]
    lines[7] = b'{"listener": "\xff\xfe"}'
    lines[9] = lines[9].replace(b"2026-03-29T", b"2026-13-45T")
    path = tmp_path / "plays.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\n")
    assert len(read(path)) == 500
    assert len(alone) == 2

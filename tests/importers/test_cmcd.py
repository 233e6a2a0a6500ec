"""CMCD (CTA-5004): where requests carry it, and what plays follow from them."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from earshot.importers import cmcd
from earshot.importers.cmcd import OF_A_PLAY, Cmcd
from earshot.importers.cmcd_requests import NO_CMCD
from logfiles import detected, read, read_as_detected, source_of, written

AT = datetime(2026, 3, 10, 8, 30, tzinfo=UTC)
SID = "6e2fb550-c457-11e9-bb97-0800200c9a66"


def at(seconds: float) -> str:
    return (AT + timedelta(seconds=seconds)).isoformat()


def asked(seconds: float, payload: str, **more: Any) -> dict[str, Any]:
    return {"timestamp": at(seconds), "cmcd": f'cid="trk:1",sid="s1",{payload}', "status": 200, **more}


def plays(tmp_path: Path, *requests: dict[str, Any]) -> list[dict[str, Any]]:
    path = written(tmp_path, "".join(json.dumps(request) + "\n" for request in requests))
    rows = read_as_detected(path)
    assert sorted(row["source_line"] for row in rows) == list(range(1, len(requests) + 1))
    assert {row["filtered_reason"] for row in rows} <= {None, OF_A_PLAY}
    return [row for row in rows if row["filtered_reason"] is None]


SMOOTH = (
    asked(0, "ot=m,su", user="anna", country="DE", cdn="north"),
    asked(0.2, 'br=128,d=10000,ot=a,su,nor="b"'),
    asked(0.9, 'bl=9700,br=128,d=10000,mtp=2000,ot=a,nor="c"'),
    asked(10.9, 'bl=9700,br=256,d=10000,mtp=4000,ot=a,tb=320,sf=h,com.example-plan="gold"'),
)


def test_the_requests_of_a_session_for_a_track_are_one_play(tmp_path: Path) -> None:
    (play,) = plays(tmp_path, *SMOOTH)
    assert (play["source_line"], play["listener"], play["track_id"]) == (1, "anna", "trk:1")
    assert (play["started_at"], play["country"], play["cdn"]) == (AT, "DE", "north")
    assert (play["startup_ms"], play["start_failed"]) == (900, False)
    assert (play["rebuffer_count"], play["rebuffer_ms"]) == (0, 0)
    assert play["played_ms"] == 10_000 + 9_700 + 10_000
    assert (play["bitrate_kbps"], play["bitrate_switches"]) == (171, 1)
    assert dict(play["extra"]) == {"cmcd_mtp": "3000", "cmcd_sf": "h", "cmcd_tb": "320", "com.example-plan": "gold"}
    assert play["parse_faults"] is None


def test_the_order_of_the_lines_makes_no_other_play(tmp_path: Path) -> None:
    (play,) = plays(tmp_path, *SMOOTH)
    for shuffled in (SMOOTH[::-1], SMOOTH[2:] + SMOOTH[:2]):
        (again,) = plays(tmp_path, *shuffled)
        assert again | {"source_line": 0} == play | {"source_line": 0}
        assert again["source_line"] == shuffled.index(SMOOTH[0]) + 1


def test_a_stall_lasts_from_the_empty_buffer_to_the_first_request_that_is_not_urgent(tmp_path: Path) -> None:
    (play,) = plays(
        tmp_path,
        asked(0, "d=4000,ot=a,su"),
        asked(1, "bl=3000,d=4000,ot=a"),
        asked(7, "bl=0,bs,d=4000,ot=a,su"),  # empty since second 4
        asked(8, "bl=500,bs,d=4000,ot=a,su"),
        asked(9, "bl=4000,d=4000,ot=a"),
        asked(15, "bs,d=4000,ot=a"),  # empty since second 13, and on again
    )
    assert (play["startup_ms"], play["rebuffer_count"], play["rebuffer_ms"]) == (1_000, 2, 5_000 + 2_000)
    assert play["bitrate_kbps"] is play["bitrate_switches"] is None


@pytest.mark.parametrize(
    ("requests", "expected"),
    [
        pytest.param(
            [asked(0, "ot=m,su"), asked(1, "d=4000,ot=a,su", status=503), asked(2, "d=4000,ot=a,su", status=404)],
            (True, 0, None),
            id="nothing came",
        ),
        pytest.param([asked(0, "ot=m,su", status=404)], (True, 0, None), id="no playlist"),
        pytest.param([asked(0, "ot=m,su"), asked(1, 'd=4000,nor="b",ot=a,su')], (False, 0, None), id="gave up"),
        pytest.param([asked(0, "d=201000,ot=a,su")], (False, 201_000, None), id="a whole track in one object"),
        pytest.param([asked(0, "bl=8000,d=4000,ot=a")], (False, 4_000, None), id="fetched ahead"),
    ],
)
def test_starts_that_fail_or_are_given_up_are_told_apart(
    tmp_path: Path, requests: list[dict[str, Any]], expected: tuple[bool, int, int | None]
) -> None:
    (play,) = plays(tmp_path, *requests)
    assert (play["start_failed"], play["played_ms"], play["startup_ms"]) == expected


def test_without_durations_the_clock_tells_how_long_was_heard(tmp_path: Path) -> None:
    (play,) = plays(tmp_path, asked(0, "ot=a,su"), asked(1, "ot=a"), asked(21, "bl=5000,ot=a"))
    assert play["played_ms"] == 25_000


def test_a_track_played_again_after_half_an_hour_is_another_play(tmp_path: Path) -> None:
    first, second = plays(tmp_path, asked(0, "su"), asked(1_800, "bs"), asked(3_601, "su"))
    assert (first["source_line"], second["source_line"]) == (1, 3)


def test_two_tracks_of_one_session_and_one_track_of_two_sessions_are_plays_apart(tmp_path: Path) -> None:
    other = {"timestamp": at(2), "cmcd": 'cid="trk:2",sid="s1",ot=a'}
    third = {"timestamp": at(3), "cmcd": 'cid="trk:1",sid="s2",ot=a'}
    found = plays(tmp_path, asked(0, "ot=a,su"), other, third)
    assert [(play["track_id"], play["listener"]) for play in found] == [
        ("trk:1", "sid:s1"),
        ("trk:2", "sid:s1"),
        ("trk:1", "sid:s2"),
    ]


def combined(seconds: float, payload: str | None, status: int = 200, agent: str = "player/1 (iPhone)") -> str:
    query = "" if payload is None else f"&CMCD={quote(payload, safe='')}"
    clock = (AT + timedelta(seconds=seconds)).strftime("%d/%b/%Y:%H:%M:%S +0000")
    return f'203.0.113.9 - anna [{clock}] "GET /a/1.m4s?sig=secret{query} HTTP/1.1" {status} 512 "-" "{agent}"'


def test_access_logs_carry_it_in_the_query(tmp_path: Path) -> None:
    lines = [combined(0, f'cid="t",sid="{SID}",su'), combined(0, None), combined(2, f'bl=900,cid="t",sid="{SID}"')]
    path = written(tmp_path, "\n".join(lines))
    assert detected(path) == "cmcd"
    play, other, part = read_as_detected(path)
    assert (play["listener"], play["ip"], play["device"]) == ("anna", "203.0.113.9", "ios")
    assert (play["startup_ms"], other["filtered_reason"], part["filtered_reason"]) == (2_000, NO_CMCD, OF_A_PLAY)


def test_extended_logs_name_their_fields(tmp_path: Path) -> None:
    head = "#Version: 1.0\n#Fields: date time c-ip cs-uri-stem sc-status cs(User-Agent) cs-uri-query\n"
    payload = quote(quote('cid="t",sid="s",su', safe=""), safe="")
    line = f"2026-03-10\t08:30:00\t203.0.113.9\t/a.m4s\t200\tMozilla/5.0%20(Android)\tx=1&CMCD={payload}\n"
    path = written(tmp_path, head + line + "2026-03-10\t08:30:01\tfew\n")
    assert detected(path) == "cmcd"
    play, bad = read_as_detected(path)
    assert (play["source_line"], play["started_at"], play["device"]) == (3, AT, "android")
    assert (bad["parse_faults"], bad["cause"]) == (["readable_line"], "it has 3 fields, not 7")


@pytest.mark.parametrize(
    "request_",
    [
        {"headers": {"CMCD-Session": 'cid="t",sid="s"', "cmcd-request": "su", "Cookie": "c"}, "time": at(0)},
        {"http_cmcd_session": 'cid="t",sid="s"', "http_cmcd_request": "su", "ts": AT.timestamp()},
        {"cmcd": {"cid": "t", "sid": "s", "su": True}, "@timestamp": at(0)},
        {"cid": "t", "sid": "s", "su": True, "br": 128, "ts": int(AT.timestamp() * 1000)},
        {"url": "https://x/a?CMCD=" + quote('cid="t",sid="s",su', safe="") + "#f", "timestamp": at(0)},
    ],
    ids=["headers", "headers as nginx names them", "object", "the line itself", "url"],
)
def test_json_lines_carry_it_in_many_places(tmp_path: Path, request_: dict[str, Any]) -> None:
    path = written(tmp_path, json.dumps(request_) + "\n")
    assert detected(path) == "cmcd"
    (play,) = read_as_detected(path)
    assert (play["track_id"], play["listener"], play["started_at"]) == ("t", "sid:s", AT)


def test_a_bad_request_is_set_aside_with_its_reason_and_without_what_names_somebody(tmp_path: Path) -> None:
    base = {"timestamp": at(0), "ip": "203.0.113.9", "user": "anna", "url": "/a?sig=secret"}
    rows = read(
        Cmcd(),
        source_of(
            written(
                tmp_path,
                "\n".join(
                    json.dumps(base | {"cmcd": payload})
                    for payload in ('br=fast,sid="s",cid="t",com.example-email="a@b.c"', 'cid="t"', 'sid="s"', "br")
                )
                + "\n"
                + json.dumps({**base, "cmcd": 'cid="t",sid="s"', "timestamp": "noon"})
                + "\n"
                + json.dumps({"cmcd": 'cid="t",sid="s"'}),
            )
        ),
    )
    assert [row["parse_faults"] for row in rows] == [
        ["typed_fields"],
        ["readable_line"],
        ["track_present"],
        ["typed_fields"],
        ["time_readable"],
        ["time_present"],
    ]
    assert rows[0]["cause"] == 'br: "fast" is no whole number from 0 on'
    assert rows[1]["cause"] == "sid is missing: a request that names no session belongs to no play"
    whole = " ".join(row["raw"] for row in rows)
    assert not [word for word in ("anna", "203.0.113.9", "secret", "a@b.c") if word in whole]
    assert json.loads(rows[0]["raw"])["cmcd"] == 'br=fast,sid="s",cid="t",'
    again = Cmcd().again(json.loads(rows[0]["raw"]), source_of(tmp_path / "log"))
    assert again["parse_faults"] == ["readable_line"]


def test_a_payload_that_does_not_agree_with_itself_is_set_aside(tmp_path: Path) -> None:
    line = {"timestamp": at(0), "cmcd": 'cid="t",sid="s",br=1', "headers": {"CMCD-Object": "br=2"}}
    (row,) = read(Cmcd(), source_of(written(tmp_path, json.dumps(line))))
    assert (row["parse_faults"], row["cause"]) == (["readable_line"], "CMCD: br came twice, and does not agree")


def test_a_damaged_file_gives_what_came_before_and_what_is_bad(tmp_path: Path) -> None:
    text = "".join(json.dumps(asked(n, "ot=a")) + "\n" for n in range(2_000)).encode()
    whole = gzip.compress(text, mtime=0)
    rows = read(Cmcd(), source_of(written(tmp_path, whole[: len(whole) // 2], "log.gz")))
    faulty = [row for row in rows if row["parse_faults"]]
    assert len({row["source_line"] for row in rows}) == len(rows)
    last = max(row["source_line"] for row in rows)
    assert 1 <= len(faulty) <= 2  # the line that was cut, and what follows it
    assert {row["source_line"] for row in faulty} <= {last - 1, last}
    assert 100 < len(rows) < 2_000


def test_plays_that_are_over_do_not_wait_for_the_end_of_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cmcd, "_SWEEP_LINES", 10)
    lines = [{"timestamp": at(n * 600), "cmcd": f'cid="t{n}",sid="s",su'} for n in range(50)]
    source = source_of(written(tmp_path, "".join(json.dumps(line) + "\n" for line in lines)))
    found = [row["source_line"] for row in Cmcd().rows(source, cmcd.Part(0))]
    assert sorted(found) == list(range(1, 51))


def test_listening_logs_and_other_json_are_no_requests(tmp_path: Path) -> None:
    event = {"listener": "a", "started_at": at(0), "played_ms": 9, "track_id": "t", "note": "x?CMCD=bs"}
    assert detected(written(tmp_path, json.dumps(event))) == "canonical"
    assert Cmcd().confidence(cmcd.Sample(json.dumps({"sid": "s", "a": 1}).encode())) == 0

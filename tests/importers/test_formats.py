"""Every format in the shape that its source documents, detected by content and read whole."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from earshot.importers.lastfm_1k import Lastfm1K
from earshot.importers.spotify import SpotifyHistory
from logfiles import detected, read, read_as_detected, source_of, written

AT = datetime(2026, 3, 10, 8, 30, tzinfo=UTC)
EPOCH = int(AT.timestamp())


def event(**changes: Any) -> dict[str, Any]:
    play = {"listener": "anna", "started_at": "2026-03-10T08:30:00Z", "played_ms": 9, "track_id": "t", "skipped": True}
    return play | changes


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_canonical_events_come_as_delimited_text(tmp_path: Path, delimiter: str) -> None:
    rows = [list(event(mood="a,b;c")), [str(value) for value in event(mood='"a,b;c|\td"').values()]]
    path = written(tmp_path, "\r\n".join(delimiter.join(row) for row in rows) + "\r\n")
    assert detected(path) == "canonical_csv"
    (row,) = read_as_detected(path)
    assert (row["listener"], row["started_at"], row["played_ms"], row["skipped"]) == ("anna", AT, 9, True)
    assert dict(row["extra"]) == {"mood": "a,b;c|\td"}
    assert (row["source_line"], row["parse_faults"]) == (2, None)


def test_a_canonical_csv_names_what_is_wrong_with_a_field(tmp_path: Path) -> None:
    header = "listener,started_at,played_ms,track_id,skipped\n"
    lines = ["anna,noon,9,t,", "anna,1773131400000,long,t,", "anna,2026-03-10T08:30:00Z,,t,maybe", "a,b"]
    rows = read_as_detected(written(tmp_path, header + "\n".join(lines)))
    assert [(row["source_line"], row["parse_faults"], row["cause"]) for row in rows] == [
        (2, ["time_readable"], 'started_at: "noon" is no ISO 8601 time with zone and no epoch milliseconds'),
        (3, ["typed_fields"], 'played_ms: "long" is no whole number in range'),
        (4, ["played_ms_present", "typed_fields"], 'played_ms is missing; skipped: "maybe" is not true or false'),
        (5, ["readable_line"], "it has 2 fields, not 5"),
    ]


def test_canonical_events_come_as_parquet_with_their_own_types(tmp_path: Path) -> None:
    rows = [event(started_at=AT, extra=[("mood", "calm")]), event(started_at=AT, played_ms=None, extra=None)]
    kind = pa.map_(pa.string(), pa.string())
    table = pa.Table.from_pylist(
        rows, schema=pa.Table.from_pylist([event(started_at=AT)]).schema.append(pa.field("extra", kind))
    )
    pq.write_table(table, tmp_path / "plays")
    assert detected(tmp_path / "plays") == "canonical_parquet"
    good, bad = read_as_detected(tmp_path / "plays")
    assert (good["started_at"], good["played_ms"], dict(good["extra"])) == (AT, 9, {"mood": "calm"})
    assert bad["parse_faults"] == ["played_ms_present"]


@pytest.mark.parametrize("kind", [pa.int32(), pa.int64(), pa.float32(), pa.float64(), pa.decimal128(38, 0)], ids=str)
def test_a_number_may_become_wider(tmp_path: Path, kind: pa.DataType) -> None:
    columns = {"listener": ["anna"], "started_at": [AT], "track_id": ["1"]}
    columns["played_ms"] = pa.array([184_000], pa.int64()).cast(kind)
    pq.write_table(pa.table(columns), tmp_path / "plays")
    (row,) = read_as_detected(tmp_path / "plays")
    assert (row["played_ms"], row["parse_faults"]) == (184_000, None)


def test_a_number_that_became_a_text_is_named(tmp_path: Path) -> None:
    columns = {"listener": ["anna"], "started_at": [AT], "track_id": ["1"], "played_ms": ["184000"]}
    pq.write_table(pa.table(columns), tmp_path / "plays")
    (row,) = read_as_detected(tmp_path / "plays")
    assert (row["parse_faults"], row["cause"]) == (
        ["typed_fields"],
        'played_ms: "184000" is no whole number in range',
    )


def test_a_parquet_time_without_zone_is_no_time_of_an_event(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist([event(started_at=AT.replace(tzinfo=None))]), tmp_path / "plays")
    assert read_as_detected(tmp_path / "plays")[0]["parse_faults"] == ["time_readable"]


def listen(**changes: Any) -> dict[str, Any]:
    info = {"recording_mbid": "98255a8c-017a-4bc7-8dd6-1fa36124572b", "tags": ["you"], "duration_ms": 222_000}
    metadata = {"artist_name": "Rick Astley", "track_name": "Never", "release_name": "W", "additional_info": info}
    return {"listened_at": EPOCH, "track_metadata": metadata} | changes


def heard(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["listener"], row["artist_name"], row["track_title"], row["started_at"], row["played_ms"]


def test_listenbrainz_dump_lines_name_their_user(tmp_path: Path) -> None:
    old = {"user_id": 5, "user_name": "rob", "timestamp": EPOCH, "recording_msid": "m"}
    lines = [{**old, "track_metadata": listen()["track_metadata"]}, listen(user_name="rob", inserted_at=1.5)]
    path = written(tmp_path, "\n".join(map(json.dumps, lines)))
    assert detected(path) == "listenbrainz"
    for row in read_as_detected(path):
        assert heard(row) == ("rob", "Rick Astley", "Never", AT, None)
        assert (row["duration_ms"], row["parse_faults"]) == (222_000, None)


def test_a_listenbrainz_user_export_is_the_owners(tmp_path: Path) -> None:
    mapping = {"recording_mbid": "f1b1cf71-bd35-4e99-8624-24a6e15f133a"}
    metadata = {"artist_name": "A", "track_name": "B", "recording_msid": "m", "mbid_mapping": mapping}
    path = written(tmp_path, json.dumps({"listened_at": EPOCH, "inserted_at": 1.5, "track_metadata": metadata}))
    (row,) = read_as_detected(path)
    assert heard(row) == ("owner", "A", "B", AT, None)
    assert row["recording_mbid"] == mapping["recording_mbid"]


def test_listenbrainz_payloads_of_both_directions_are_read(tmp_path: Path) -> None:
    sent = {"listen_type": "import", "payload": [listen(), listen()]}
    answered = {"payload": {"count": 1, "user_id": "rob", "listens": [listen(user_name="rob", recording_msid="m")]}}
    now = {"listen_type": "playing_now", "payload": [{"track_metadata": listen()["track_metadata"]}]}
    path = written(tmp_path, "\n".join(json.dumps(document, indent=1) for document in (sent, answered, now)))
    assert detected(path) == "listenbrainz_payload"
    rows = read_as_detected(path)
    assert [(row["source_line"], row["listener"], row["filtered_reason"]) for row in rows] == [
        (1, "owner", None),
        (2, "owner", None),
        (3, "rob", None),
        (4, None, "playing now"),
    ]


GHAN = "uts,utc_time,artist,artist_mbid,album,album_mbid,track,track_mbid\n"


@pytest.mark.parametrize(
    ("text", "line", "listener"),
    [
        (GHAN + f'"{EPOCH}","10 Mar 2026, 08:30","Bloc Party","","","","So, Here",""\n', 2, "owner"),
        (GHAN + ',"10 Mar 2026, 08:30","Bloc Party","","","","So, Here",""\n', 2, "owner"),
        (f'\ufeffArtist;Album;AlbumId;Track;Date#anna\n"Bloc Party";"";"";"So, Here";"{EPOCH * 1000}"\n', 2, "anna"),
        ('artist,album,track,date\nBloc Party,,"So, Here",10 Mar 2026 08:30\n', 2, "owner"),
        ('Bloc Party,,"So, Here",10 Mar 2026 08:30\n' * 3, 1, "owner"),
        ('2026-03-10,08:30:00,Bloc Party,"So, Here"\n' * 3, 1, "owner"),
    ],
    ids=["ghan", "ghan-without-uts", "lastfmstats", "headered", "benfoxall", "lastfm-backup"],
)
def test_lastfm_exports_are_read_with_and_without_header(tmp_path: Path, text: str, line: int, listener: str) -> None:
    path = written(tmp_path, text)
    assert detected(path) == "lastfm"
    row = read_as_detected(path)[0]
    assert heard(row) == (listener, "Bloc Party", "So, Here", AT, None)
    assert (row["source_line"], row["parse_faults"]) == (line, None)


def test_a_scrobble_without_a_time_says_so(tmp_path: Path) -> None:
    text = GHAN + f"{EPOCH},,A,,,,T,\n,,A,,,,T,\nsoon,,A,,,,T,\n"
    rows = read_as_detected(written(tmp_path, text))
    assert [row["parse_faults"] for row in rows] == [None, ["time_present"], ["time_readable"]]
    assert rows[2]["cause"] == 'uts: "soon" is no time in epoch seconds'


ONE_K = "user_000639\t2026-03-10T08:30:00Z\tMBID\tThe Dogs D'Amour\t\tFall in \"Love Again?"


def test_the_1k_plays_get_their_country_from_the_profiles_of_the_batch(tmp_path: Path) -> None:
    plays = written(tmp_path, f"{ONE_K}\r\n{ONE_K.replace('639', '640')}\n", "plays.tsv")
    profiles = "#id\tgender\tage\tcountry\tregistered\nuser_000639\tm\t\tRussian Federation\tApr 27, 2005\n"
    people = written(tmp_path, profiles, "people.tsv")
    assert (detected(plays), detected(people)) == ("lastfm_1k", "lastfm_1k_profiles")
    rows = read(Lastfm1K(), source_of(plays, profiles=((str(people), None),)))
    assert heard(rows[0]) == ("user_000639", "The Dogs D'Amour", 'Fall in "Love Again?', AT, None)
    assert [row["country"] for row in rows] == ["RU", None]
    (profile,) = read_as_detected(people)
    assert (profile["source_line"], profile["filtered_reason"]) == (2, "profile of a listener")
    assert detected(written(tmp_path, "user_000639\tm\t\tJapan\tApr 27, 2005\n" * 3, "bare")) == "lastfm_1k_profiles"


def request(**changes: Any) -> dict[str, Any]:
    return {
        "artist": "Pavement",
        "auth": "Logged In",
        "firstName": "Sylvie",
        "gender": "F",
        "itemInSession": 0,
        "lastName": "Cruz",
        "length": 99.16036,
        "level": "paid",
        "location": "Klamath Falls, OR",
        "method": "PUT",
        "page": "NextSong",
        "registration": 1.541078e12,
        "sessionId": 345,
        "song": "Mercy",
        "status": 200,
        "ts": EPOCH * 1000,
        "userAgent": '"Mozilla/5.0 (iPhone; CPU iPhone OS 7_1_2 like Mac OS X)"',
        "userId": "10",
    } | changes


def test_a_page_request_of_eventsim_is_a_play_when_a_song_began(tmp_path: Path) -> None:
    lines = [request(), request(page="Home", song=None), request(ts="x"), request(userId="")]
    path = written(tmp_path, "\n".join(map(json.dumps, lines)))
    assert detected(path) == "eventsim"
    play, home, bad, nobody = read_as_detected(path)
    assert heard(play) == ("10", "Pavement", "Mercy", AT, None)
    assert (play["duration_ms"], play["tier"], play["country"], play["device"]) == (99_160, "premium", "US", "ios")
    assert home["filtered_reason"] == "page Home"
    assert bad["parse_faults"] == ["time_readable"]
    assert nobody["listener"] is None
    assert not any(secret in str((play, bad)) for secret in ("Sylvie", "Cruz", "Klamath", "Mozilla"))


def test_the_listen_events_of_newer_simulators_are_plays_without_a_page(tmp_path: Path) -> None:
    item = request(duration=216.45, city="Houston", state="TX")
    del item["page"], item["length"], item["location"]
    (row,) = read_as_detected(written(tmp_path, json.dumps(item)))
    assert (row["duration_ms"], row["country"]) == (216_450, "US")


LISTENED = "Metallica\tMetallica\tEnter Sandman\t1\t365\tL\t{at}\t62c2e20a-559e-422f-a44c-9afa7882f0c4\n"
SCROBBLES = LISTENED + "U2\t\tPride\t\t0\tS\t{at}\n"


@pytest.mark.parametrize(
    ("header", "zone", "at"), [("UTC", "Asia/Tokyo", EPOCH), ("UNKNOWN", "Asia/Tokyo", EPOCH + 9 * 3600)]
)
def test_a_players_log_is_read_in_the_zone_of_its_clock(tmp_path: Path, header: str, zone: str, at: int) -> None:
    text = f"#AUDIOSCROBBLER/1.1\n#TZ/{header}\n#CLIENT/Rockbox\n" + SCROBBLES.format(at=at)
    path = written(tmp_path, text)
    assert detected(path) == "scrobbler_log"
    listened, skipped = read_as_detected(path, export_time_zone=zone)
    assert heard(listened) == ("owner", "Metallica", "Enter Sandman", AT, None)
    assert (listened["source_line"], listened["duration_ms"]) == (4, 365_000)
    assert (skipped["source_line"], skipped["filtered_reason"]) == (5, "skipped")


def test_a_players_line_that_is_none_says_why(tmp_path: Path) -> None:
    rows = read_as_detected(written(tmp_path, "#AUDIOSCROBBLER/1.0\nA\tB\nA\t\tT\t\t1\tX\t1\nA\t\tT\t\t1\tL\tnow\n"))
    assert [row["cause"] for row in rows] == [
        "it has 2 fields, not 7 or 8",
        "its rating is neither L nor S",
        'timestamp: "now" is no time in epoch seconds',
    ]


def test_both_generations_of_spotify_exports_lie_in_one_zip(tmp_path: Path) -> None:
    item = {"ts": "2026-03-10T08:33:00Z", "ms_played": 180_000, "master_metadata_track_name": "U", "conn_country": "SE"}
    with zipfile.ZipFile(tmp_path / "my_spotify_data.zip", "w") as archive:
        archive.writestr("MyData/endsong_0.json", json.dumps([{**item, "username": "anna", "ip_addr_decrypted": "1"}]))
        archive.writestr("MyData/Streaming_History_Audio_2026.json", json.dumps([item], indent=2))
    for member, listener in (("endsong_0", "anna"), ("Streaming_History_Audio_2026", "owner")):
        assert detected(tmp_path / "my_spotify_data.zip", f"MyData/{member}.json") == "spotify"
        (row,) = read(SpotifyHistory(), source_of(tmp_path / "my_spotify_data.zip", f"MyData/{member}.json"))
        assert (row["listener"], row["ended_at"] - timedelta(minutes=3)) == (listener, AT)


def test_a_cut_spotify_export_keeps_the_plays_before_the_cut(tmp_path: Path) -> None:
    item = {
        "ts": "2026-03-10T08:33:00+00:00",
        "ms_played": 1,
        "master_metadata_track_name": "U",
        "spotify_track_uri": "x",
    }
    rows = read_as_detected(written(tmp_path, json.dumps([item] * 5)[:-30]))
    assert [row["parse_faults"] for row in rows] == [None] * 4 + [["readable_line"]]
    assert rows[4]["source_line"] == 5


def test_the_account_history_of_spotify_is_read_by_the_mapping_that_comes_along(tmp_path: Path) -> None:
    item = {"endTime": "2026-03-10 08:33", "artistName": "Air", "trackName": "La femme", "msPlayed": 180_000}
    path = written(tmp_path, json.dumps([item]))
    assert detected(path) == "spotify_account_history"
    (row,) = read_as_detected(path)
    assert (row["ended_at"], row["played_ms"], row["track_title"]) == (AT + timedelta(minutes=3), 180_000, "La femme")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"%PDF-1.7 x", "unknown format (a PDF)"),
        (b"x" * 257 + b"ustar", "unknown format (a tar archive; unpack it)"),
        (b"PK\x03\x04 x", "unknown format (a zip within an archive; unpack it)"),
        (bytes(range(1, 200)), "unknown format (binary data)"),
        (b"\0" * 100, "it holds nothing but zeros"),
        (b'[{"a": 1}]', "unknown format; `earshot map FILE` starts a mapping"),
        (b"listener,track_id\nx,y\n", "unknown format; nearest: canonical_csv"),
        (b'{"ts": 1, "userId": "x"}\n', "unknown format; nearest: eventsim (29%)"),
        (b'[{"listener": "x", "played_ms": 1}]', "unknown format; nearest: canonical (30%)"),
        (b'{"ts": "", "ms_played": 1, "master_metadata_track_name": "x"}\n', "unknown format; nearest: spotify (40%)"),
        (b"station,time,degrees\nHamburg,1402943314,17\n", "unknown format; nearest: radio (20%)"),
    ],
)
def test_a_file_that_is_none_of_them_is_told_what_it_is_or_is_nearest_to(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    assert detected(written(tmp_path, content)).startswith(reason)

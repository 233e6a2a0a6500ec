from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from earshot.importers.listenbrainz_parquet import ListenBrainzDump
from earshot.importers.radio import RadioLog
from earshot.importers.shape import PARSED, Importer, Limits, Part, Sample, Source
from earshot.importers.spotify import SpotifyHistory

LIMITS = Limits(1_000_000, 2_000, 8, 64)
UNTOLD = ("played_ms", "duration_ms", "ended_at")


def read(importer: Importer, path: Path, **more: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for plays in importer.read(Source(str(path), None, LIMITS, **more), Part(0)):
        whole = {name: plays.get(name, pa.nulls(len(plays["source_line"]), kind)) for name, kind in PARSED.items()}
        rows += pa.table(whole).to_pylist()
    return rows


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "log"
    path.write_text(text, encoding="utf-8", newline="")
    return path


def test_a_radio_log_tells_of_a_station_and_not_of_how_long_it_played(tmp_path: Path) -> None:
    text = "song,artist,callsign,time,date_time,unique_id\r\nCaught Up,.38 Special,KGB,1402943314,2014-06-16,KGB1\r\n"
    (row,) = read(RadioLog(), written(tmp_path, text))
    assert (row["listener"], row["track_title"], row["artist_name"]) == ("KGB", "Caught Up", ".38 Special")
    assert row["started_at"] == datetime(2014, 6, 16, 18, 28, 34, tzinfo=UTC)
    assert [row[name] for name in UNTOLD] == [None, None, None]
    assert dict(row["extra"]) == {"unique_id": "KGB1"}


def test_a_quoted_line_break_keeps_the_physical_numbers_of_a_radio_log(tmp_path: Path) -> None:
    text = 'song,artist,callsign,time\n"Two\nlines",B,KGB,1402943314\n\nC,D,KGB,1402943399\nE,F,KGB\n'
    rows = read(RadioLog(), written(tmp_path, text))
    assert [row["source_line"] for row in rows] == [2, 5, 6]
    assert rows[2]["parse_faults"] == ["readable_line"]


def test_a_station_clock_without_zone_is_read_in_the_configured_one(tmp_path: Path) -> None:
    text = "title,artist,station,date_time\nA,B,KGB,2014-06-16 11:28:34\nA,B,KGB,noon\nA,B,KGB,\n"
    rows = read(RadioLog(), written(tmp_path, text), station_time_zone="America/Los_Angeles")
    assert rows[0]["started_at"] == datetime(2014, 6, 16, 18, 28, 34, tzinfo=UTC)
    assert [row["parse_faults"] for row in rows[1:]] == [["time_readable"], ["time_present"]]


def test_a_radio_log_as_it_was_scraped_gives_its_cleaned_names(tmp_path: Path) -> None:
    header = "SONG RAW,Song Clean,ARTIST RAW,ARTIST CLEAN,CALLSIGN,TIME,UNIQUE_ID,COMBINED,First?"
    path = written(
        tmp_path, f"{header}\nCAUGHT UP,Caught Up,38 special,.38 Special,KGB,1402943314,K1,Caught Up by x,1\n"
    )
    assert RadioLog().confidence(Sample(path.read_bytes())) == 1
    (row,) = read(RadioLog(), path)
    assert (row["listener"], row["track_title"], row["artist_name"]) == ("KGB", "Caught Up", ".38 Special")
    assert (row["parse_faults"], dict(row["extra"])["SONG RAW"]) == (None, "CAUGHT UP")


def test_the_time_of_a_radio_log_is_a_clocks_or_in_epoch_seconds(tmp_path: Path) -> None:
    text = "station,song,artist,time\nKGB,A,B,1402943314\nKGB,A,B,2014-06-16 18:28:34\nKGB,A,B,later\n"
    rows = read(RadioLog(), written(tmp_path, text))
    assert [row["started_at"] for row in rows[:2]] == [datetime(2014, 6, 16, 18, 28, 34, tzinfo=UTC)] * 2
    assert rows[2]["cause"] == 'time: "later" is no time'
    for name in ("datetime", "played_at", "timestamp"):
        (row,) = read(RadioLog(), written(tmp_path, f"station,song,artist,{name}\nKGB,A,B,2014-06-16T18:28:34Z\n"))
        assert row["started_at"] == datetime(2014, 6, 16, 18, 28, 34, tzinfo=UTC)


def test_a_listenbrainz_dump_tells_when_a_listen_began(tmp_path: Path) -> None:
    rows = {
        "listened_at": pa.array([datetime(2021, 3, 4, 19, 17, 40)], pa.timestamp("ns")),
        "user_id": pa.array([2]),
        "recording_name": ["Halo"],
        "artist_name": ["Beyoncé"],
        "recording_mbid": ["899a043d-67bc-420c-85ea-6fee705baeb3"],
        "recording_msid": ["m"],
    }
    pq.write_table(pa.table(rows), tmp_path / "dump")
    (row,) = read(ListenBrainzDump(), tmp_path / "dump")
    assert (row["listener"], row["track_title"], row["source_line"]) == ("2", "Halo", 1)
    assert row["started_at"] == datetime(2021, 3, 4, 19, 17, 40, tzinfo=UTC)
    assert [row[name] for name in UNTOLD] == [None, None, None]
    assert ListenBrainzDump().confidence(Sample(b"PAR1", tuple(rows))) == 1
    assert ListenBrainzDump().confidence(Sample(b"PAR1", ("a", "b"))) == 0


def test_the_open_radio_log_is_read_whole(shared_data: Path) -> None:
    rows = read(RadioLog(), shared_data / "classic_rock" / "plays.csv")
    assert len(rows) == 37_673
    assert rows[-1]["source_line"] == 37_674


def item(**changes: Any) -> dict[str, Any]:
    play = {
        "ts": "2024-05-01T10:03:00Z",
        "ms_played": 180_000,
        "master_metadata_track_name": "Undertow",
        "master_metadata_album_artist_name": "The Tides",
        "spotify_track_uri": "spotify:track:1",
        "platform": "iOS 17.2 (iPhone14,5)",
        "conn_country": "ZZ",
        "ip_addr": "203.0.113.9",
        "user_agent_decrypted": "Mozilla",
        "skipped": None,
        "shuffle": True,
    }
    return play | changes


def export(tmp_path: Path, *items: Any) -> list[dict[str, Any]]:
    return read(SpotifyHistory(), written(tmp_path, json.dumps(list(items))), export_listener="owner")


def test_the_time_of_an_export_is_the_stop_of_the_play(tmp_path: Path) -> None:
    (row,) = export(tmp_path, item())
    assert row["started_at"] is None
    assert row["ended_at"] == datetime(2024, 5, 1, 10, 3, tzinfo=UTC)
    assert (row["listener"], row["device"], row["country"], row["track_id"]) == (
        "owner",
        "ios",
        None,
        "spotify:track:1",
    )


@pytest.mark.parametrize("ts", ["2018-10-10 12:34:56 UTC", "2018-10-10 12:34:56", "2018-10-10T12:34:56Z"])
def test_the_times_of_older_exports_are_in_utc_too(tmp_path: Path, ts: str) -> None:
    (row,) = export(tmp_path, item(ts=ts))
    assert row["ended_at"] == datetime(2018, 10, 10, 12, 34, 56, tzinfo=UTC)


def test_podcasts_and_audiobooks_are_filtered_and_counted(tmp_path: Path) -> None:
    silent = {"master_metadata_track_name": None, "spotify_track_uri": None}
    rows = export(tmp_path, item(**silent, episode_name="E"), item(**silent, audiobook_title="B"), item())
    assert [(row["source_line"], row["filtered_reason"]) for row in rows] == [
        (1, "podcast"),
        (2, "audiobook"),
        (3, None),
    ]


def test_address_and_agent_of_an_export_never_leave_the_parser(tmp_path: Path) -> None:
    rows = export(tmp_path, item(), item(ms_played="long"), item(ts="noon"))
    text = json.dumps(rows, default=str)
    assert [row["parse_faults"] for row in rows] == [None, ["typed_fields"], ["time_readable"]]
    assert "203.0.113.9" not in text
    assert "Mozilla" not in text

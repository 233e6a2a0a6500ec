"""One landing folder with every format in every wrapping, most with a bad line: what the ledger says of each file."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
import zlib
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from earshot.automation.loading import load_job
from earshot.core.job import Job
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables

AT: Final = datetime(2026, 3, 10, 8, 30, tzinfo=UTC)
EPOCH: Final = int(AT.timestamp())


def _lines(*rows: Any) -> bytes:
    return "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows).encode()


def _parquet(rows: list[dict[str, Any]]) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), out)
    return out.getvalue()


def _zip(members: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def _event(n: int, **changes: Any) -> dict[str, Any]:
    start = f"2026-03-10T{n:02}:30:00Z"
    return {"listener": "anna", "started_at": start, "played_ms": 60_000, "track_id": f"t{n}"} | changes


def _stop(n: int, **changes: Any) -> dict[str, Any]:
    return {
        "ts": f"2026-03-11T{n:02}:30:00Z",
        "ms_played": 60_000,
        "master_metadata_track_name": f"S{n}",
        "master_metadata_album_artist_name": "The Tides",
        "ip_addr": "203.0.113.9",
    } | changes


def _listen(n: int, **changes: Any) -> dict[str, Any]:
    metadata = {"artist_name": "Rick Astley", "track_name": f"Never {n}", "additional_info": {}}
    return {"listened_at": EPOCH + 1_000 * n, "user_name": "rob", "track_metadata": metadata} | changes


def _owners(listen: dict[str, Any]) -> dict[str, Any]:
    """The listen as its owner has it: it names nobody."""
    return {key: value for key, value in listen.items() if key != "user_name"}


def _payload(*listens: dict[str, Any]) -> bytes:
    return json.dumps({"listen_type": "import", "payload": [_owners(listen) for listen in listens]}).encode()


def _request(n: int, **changes: Any) -> dict[str, Any]:
    return {
        "artist": "Pavement",
        "auth": "Logged In",
        "itemInSession": n,
        "length": 99.2,
        "level": "paid",
        "location": "Klamath Falls, OR",
        "page": "NextSong",
        "sessionId": 345,
        "song": f"Mercy {n}",
        "ts": (EPOCH + 1_000 * n) * 1_000,
        "userId": "10",
    } | changes


_CSV = "listener,started_at,played_ms,track_id\r\nbert,2026-03-10T08:30:00Z,60000,c1\r\nbert,noon,60000,c2\r\n"
_SEMICOLONS = (
    "listener;started_at;played_ms;track_id\nåsa;2026-03-10T08:30:00Z;60000;c3\nåsa;2026-03-10T08:40:00Z;x;c4\n"
)
_GHAN = "uts,utc_time,artist,artist_mbid,album,album_mbid,track,track_mbid\n"
_ONE_K = "user_000639\t2009-03-10T08:{:02}:00Z\t\tThe Dogs\t\tLove {}\n"
_PROFILES = "#id\tgender\tage\tcountry\tregistered\nuser_000639\tm\t\tJapan\tApr 27, 2005\n"
_PLAYER = (
    "#AUDIOSCROBBLER/1.1\n#TZ/UTC\n#CLIENT/Rockbox\nU2\t\tPride\t\t230\tL\t{at}\t\nU2\t\tOne\t\t0\tS\t{at}\t\nA\tB\n"
)
_RADIO = "song,artist,callsign,time\nCaught Up,.38 Special,KGB,1402943314\nC,D,KGB,soon\n"
_MAPPING = """kind = "csv"
needs = ["Who", "When", "What"]
[columns]
listener = "Who"
track_id = "What"
started_at = { column = "When", format = "%d.%m.%Y %H:%M", zone = "Europe/Berlin" }
"""

FILES: Final[Mapping[str, bytes]] = {
    "plays.jsonl": _lines(_event(1), _event(2, played_ms=None), _event(1), "{broken"),
    "gz inside.txt": gzip.compress(b"\xef\xbb\xbf" + _lines(_event(3), _event(4))),
    "zst inside": zstandard.compress(_lines(_event(5)).replace(b"\n", b"\r\n")),
    "plays.csv": _CSV.encode(),
    "utf16.csv": _SEMICOLONS.encode("utf-16"),
    "plays.parquet": _parquet([_event(6, started_at=AT), _event(7, started_at=AT, played_ms=None)]),
    "my_spotify_data.zip": _zip(
        {
            "MyData/endsong_0.json": json.dumps([_stop(1, username="anna"), _stop(2, ts="noon")]).encode(),
            "MyData\\Streaming_History_Audio_2026.json": json.dumps(
                [_stop(3), _stop(4, master_metadata_track_name=None, episode_name="E")], indent=2
            ).encode(),
            "../../outside.jsonl": _lines(_event(8)),
        }
    ),
    "listenbrainz.listens": _lines(_listen(1), _listen(2, listened_at=1_000)),
    "listenbrainz_export.jsonl": _lines(_owners(_listen(3, inserted_at=1.5))),
    "payload.json": _payload(_listen(4), _listen(5, listened_at=None)),
    "dump.parquet": _parquet(
        [
            {"listened_at": AT, "user_id": 2, "recording_name": name, "artist_name": "Beyoncé", "recording_msid": "m"}
            for name in ("Halo", "x" * 1_000_000)
        ]
    ),
    "lastfm.csv": (_GHAN + f"{EPOCH},,A,,,,T,\nsoon,,A,,,,T,\n").encode(),
    "lastfm_bare.csv": b'Bloc Party,,"So, Here",10 Mar 2026 08:30\nBloc Party,,"So",10 Mar 2026 08:40\n',
    "1k/plays.tsv": (_ONE_K.format(30, 1) + _ONE_K.format(35, 2) + "user_000639\tx\t\tD\t\tT\n").encode(),
    "1k/people.tsv": _PROFILES.encode(),
    "sparkify.json": _lines(_request(1), _request(2, page="Home", song=None), _request(3, ts="x")),
    ".nothing.jsonl": _lines(_event(9)),
    "player.scrobbler.log": _PLAYER.format(at=EPOCH).encode(),
    "radio.csv": _RADIO.encode(),
    "own.csv": b"Who,When,What\ncora,10.03.2026 09:30,m1\ncora,soon,m2\n",
    "letter.pdf": b"%PDF-1.7 x",
    "half.csv": b"listener,track_id\nx,y\n",
    "cut.jsonl.gz": gzip.compress(_lines(*(_event(n % 24, listener=f"{n**9:x}") for n in range(400))))[:-200],
}


@pytest.fixture
def ledger(
    settings: Settings, make_job: Callable[..., Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, tuple[Any, ...]]:
    """What the ledger says of each file: format, status, read, accepted, duplicate, quarantined, filtered."""
    mapping = tmp_path / "conf" / "mappings" / "own.toml"
    mapping.parent.mkdir(parents=True)
    mapping.write_text(_MAPPING)
    (tmp_path / "conf" / "base.toml").touch()
    monkeypatch.setenv("EARSHOT_CONF", str(tmp_path / "conf"))
    for name, content in FILES.items():
        path = settings.landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for name in ("ingest_listens", "publish_listens"):
        load_job(name)(make_job(name, date(2026, 3, 29)))
    rows = SmallTables(settings.lake_root).rows("ops.ledger")
    counts = ("read", "accepted", "duplicate", "quarantined", "filtered")
    return {row["source_file"]: (row["format"], row["status"], *(row[name] for name in counts)) for row in rows}


def test_every_file_is_known_by_its_content_and_every_line_of_it_is_accounted_for(
    ledger: dict[str, tuple[Any, ...]],
) -> None:
    whole = zlib.decompressobj(wbits=31).decompress(FILES["cut.jsonl.gz"]).count(b"\n")
    told = {name: (row[0], row[2:]) for name, row in ledger.items() if row[1] == "committed"}
    assert told == {
        "plays.jsonl": ("canonical", (4, 1, 1, 2, 0)),
        "gz inside.txt": ("canonical", (2, 2, 0, 0, 0)),
        "zst inside": ("canonical", (1, 1, 0, 0, 0)),
        "cut.jsonl.gz": ("canonical", (whole + 2, whole, 0, 2, 0)),
        "plays.csv": ("canonical_csv", (2, 1, 0, 1, 0)),
        "utf16.csv": ("canonical_csv", (2, 1, 0, 1, 0)),
        "plays.parquet": ("canonical_parquet", (2, 1, 0, 1, 0)),
        "my_spotify_data.zip!MyData/endsong_0.json": ("spotify", (2, 1, 0, 1, 0)),
        "my_spotify_data.zip!MyData/Streaming_History_Audio_2026.json": ("spotify", (2, 1, 0, 0, 1)),
        "listenbrainz.listens": ("listenbrainz", (2, 1, 0, 1, 0)),
        "listenbrainz_export.jsonl": ("listenbrainz", (1, 1, 0, 0, 0)),
        "payload.json": ("listenbrainz_payload", (2, 1, 0, 1, 0)),
        "dump.parquet": ("listenbrainz_parquet", (2, 1, 0, 1, 0)),
        "lastfm.csv": ("lastfm", (2, 1, 0, 1, 0)),
        "lastfm_bare.csv": ("lastfm", (2, 2, 0, 0, 0)),
        "1k/plays.tsv": ("lastfm_1k", (3, 2, 0, 1, 0)),
        "1k/people.tsv": ("lastfm_1k_profiles", (1, 0, 0, 0, 1)),
        "sparkify.json": ("eventsim", (3, 1, 0, 1, 1)),
        "player.scrobbler.log": ("scrobbler_log", (3, 1, 0, 1, 1)),
        "radio.csv": ("radio", (2, 1, 0, 1, 0)),
        "own.csv": ("own", (2, 1, 0, 1, 0)),
    }


def test_what_no_format_knows_is_set_aside_whole_and_says_why(settings: Settings, ledger: dict[str, Any]) -> None:
    set_aside = {name for name, row in ledger.items() if row[1] == "set_aside"}
    reasons = {row["source_file"]: row["reason"] for row in SmallTables(settings.lake_root).rows("ops.ledger")}
    assert {name: reasons[name] for name in set_aside} == {
        "letter.pdf": "unknown format (a PDF)",
        "half.csv": "unknown format; nearest: canonical_csv (20%); `earshot map FILE` starts a mapping",
        "my_spotify_data.zip!../../outside.jsonl": "its name leads out of the zip (path traversal): it is not read",
    }

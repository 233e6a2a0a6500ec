"""Logs whose texts are the strings that break programs: each text field of each text format."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

Record = Callable[[dict[str, str]], str]
FIELDS = {"listener": "anna", "track_title": "T", "artist_name": "A", "album_title": "L"}
FORMULA = '=cmd|" /C calc"!A0'
_BEGIN = datetime(2025, 3, 1, tzinfo=UTC)
_LIST = Path(__file__).resolve().parents[2] / "shared" / "data" / "blns" / "blns.json"
_MORE = (
    FORMULA, "+1+1", "@SUM(A1)", "-2", "\t=1", "a\nb", "a\r\nb", "\x1b[31mred\x1b[0m", "\x9b31m", "\x85", "\u2028",
    "\u202edefil", "\x00", "\x7f", "[/red]", "x" * 1_999,
)  # fmt: skip


def naughty_strings() -> list[str]:
    """The big list, where it is on this machine (../shared/data/blns), and more of the kind."""
    listed = json.loads(_LIST.read_text(encoding="utf-8")) if _LIST.is_file() else []
    return [*dict.fromkeys([*listed, *_MORE])]


def _json(make: Callable[[dict[str, str]], dict[str, Any]]) -> Record:
    return lambda texts: json.dumps(make(texts), ensure_ascii=False)


def _csv(*order: str) -> Record:
    def line(texts: dict[str, str]) -> str:
        out = io.StringIO()
        csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="").writerow([texts.get(name, name) for name in order])
        return out.getvalue()

    return line


def _canonical(texts: dict[str, str]) -> dict[str, Any]:
    return {name: text for name, text in texts.items() if name != "uts"} | {"played_ms": 9, "track_id": "t"}


def _listenbrainz(texts: dict[str, str]) -> dict[str, Any]:
    release = {"release_name": texts["album_title"]}
    track = {"track_name": texts["track_title"], "artist_name": texts["artist_name"], **release}
    return {"listened_at": int(texts["uts"]), "user_name": texts["listener"], "track_metadata": track}


def _spotify(texts: dict[str, str]) -> dict[str, Any]:
    return {
        "ts": texts["started_at"],
        "ms_played": 9_000,
        "username": texts["listener"],
        "spotify_track_uri": "spotify:track:u",
        "master_metadata_track_name": texts["track_title"],
        "master_metadata_album_artist_name": texts["artist_name"],
        "master_metadata_album_album_name": texts["album_title"],
    }


_CANONICAL_CSV = ("listener", "started_at", "9", "t", "track_title", "artist_name", "album_title")
_LASTFM = ("uts", "", "artist_name", "", "album_title", "", "track_title", "")

# format -> what stands before, between and after the records, a record, its fields
FORMATS: dict[str, tuple[str, str, str, Record, tuple[str, ...]]] = {
    "canonical": ("", "\n", "", _json(_canonical), tuple(FIELDS)),
    "canonical_csv": (
        "listener,started_at,played_ms,track_id,track_title,artist_name,album_title\n", "\n", "",
        _csv(*_CANONICAL_CSV), tuple(FIELDS),
    ),
    "listenbrainz": ("", "\n", "", _json(_listenbrainz), tuple(FIELDS)),
    "spotify": ("[", ",\n", "]", _json(_spotify), tuple(FIELDS)),
    "lastfm": (
        "uts,utc_time,artist,artist_mbid,album,album_mbid,track,track_mbid\n", "\n", "", _csv(*_LASTFM),
        ("track_title", "artist_name", "album_title"),
    ),
}  # fmt: skip


def naughty_file(path: Path, name: str, strings: Sequence[str], fields: Sequence[str]) -> int:
    """Write a good record before each one with a string in a field; says how many records there are.

    A record is a play a minute after the one before it, so that none is told twice.
    """
    before, between, after, record, _ = FORMATS[name]
    changes: list[dict[str, str]] = [change for field in fields for text in strings for change in ({}, {field: text})]
    begin = _BEGIN + timedelta(days=20 * list(FORMATS).index(name))
    records = []
    for n, change in enumerate(changes):
        at = begin + timedelta(minutes=n)
        times = {"started_at": at.isoformat().replace("+00:00", "Z"), "uts": str(int(at.timestamp()))}
        records.append(record({**FIELDS, **times, **change}))
    path.write_bytes((before + between.join(records) + after).encode("utf-8", "surrogatepass"))
    return len(records)

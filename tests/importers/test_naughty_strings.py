"""The strings that break programs, in every text field of every format: each is read as it is, or named with its rule.

Line ends within a quoted field of a CSV file are read as line feeds.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from logfiles import read_as_detected

Record = Callable[[dict[str, str]], str]
FIELDS = {"listener": "anna", "track_title": "T", "artist_name": "A", "album_title": "L"}
MORE = [
    '=cmd|" /C calc"!A0',
    "+1+1",
    "@SUM(A1)",
    "\t=1",
    "a\nb",
    "a\r\nb",
    "\x1b[31mred\x1b[0m",
    "\u202edefil",
    "\x00",
    "x" * 1_999,
]


def _json(make: Callable[[dict[str, str]], dict[str, Any]]) -> Record:
    return lambda texts: json.dumps(make(texts), ensure_ascii=False)


def _csv(*order: str) -> Record:
    def line(texts: dict[str, str]) -> str:
        out = io.StringIO()
        csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="").writerow([texts.get(name, name) for name in order])
        return out.getvalue()

    return line


def _canonical(texts: dict[str, str]) -> dict[str, Any]:
    return {**texts, "started_at": "2026-03-10T08:30:00Z", "played_ms": 9, "track_id": "t"}


def _listenbrainz(texts: dict[str, str]) -> dict[str, Any]:
    release = {"release_name": texts["album_title"]}
    track = {"track_name": texts["track_title"], "artist_name": texts["artist_name"], **release}
    return {"listened_at": 1_700_000_000, "user_name": texts["listener"], "track_metadata": track}


def _spotify(texts: dict[str, str]) -> dict[str, Any]:
    return {
        "ts": "2024-05-01T10:03:00Z",
        "ms_played": 9_000,
        "username": texts["listener"],
        "spotify_track_uri": "spotify:track:u",
        "master_metadata_track_name": texts["track_title"],
        "master_metadata_album_artist_name": texts["artist_name"],
        "master_metadata_album_album_name": texts["album_title"],
    }


_LASTFM = ("1700000000", "", "artist_name", "", "album_title", "", "track_title", "")
# format -> what stands before, between and after the records, a record, its fields, whether a break ends a record
FORMATS: dict[str, tuple[str, str, str, Record, tuple[str, ...]]] = {
    "canonical": ("", "\n", "", _json(_canonical), tuple(FIELDS)),
    "canonical_csv": (
        "listener,started_at,played_ms,track_id,track_title,artist_name,album_title\n", "\n", "",
        _csv("listener", "2026-03-10T08:30:00Z", "9", "t", "track_title", "artist_name", "album_title"), tuple(FIELDS),
    ),
    "listenbrainz": ("", "\n", "", _json(_listenbrainz), tuple(FIELDS)),
    "spotify": ("[", ",\n", "]", _json(_spotify), tuple(FIELDS)),
    "lastfm": (
        "uts,utc_time,artist,artist_mbid,album,album_mbid,track,track_mbid\n", "\n", "", _csv(*_LASTFM),
        ("track_title", "artist_name", "album_title"),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def naughty(shared_data: Path) -> list[str]:
    listed = json.loads((shared_data / "blns" / "blns.json").read_text(encoding="utf-8"))
    return [*dict.fromkeys([*listed, *MORE])]


@pytest.mark.parametrize(
    ("name", "field"), [(name, field) for name, made in FORMATS.items() for field in made[4]]
)  # fmt: skip
def test_each_is_read_as_it_is_or_named_and_no_other_record_changes(
    naughty: list[str], tmp_path: Path, name: str, field: str
) -> None:
    before, between, after, record, _ = FORMATS[name]
    good, line_end_kept = record(FIELDS), not (name == "lastfm" or name.endswith("csv"))
    body = between.join(line for text in naughty for line in (good, record({**FIELDS, field: text})))
    (tmp_path / "log").write_bytes((before + body + after).encode("utf-8", "surrogatepass"))
    rows = read_as_detected(tmp_path / "log")
    assert len(rows) == 2 * len(naughty)
    assert len({str({**row, "source_line": 0}) for row in rows[::2]}) == 1
    assert rows[0]["parse_faults"] is None
    for text, row in zip(naughty, rows[1::2], strict=True):
        if row["parse_faults"]:
            assert row["cause"]
            assert row["cause"].isprintable()
        else:
            written = text if line_end_kept else text.replace("\r\n", "\n")
            if not text and field == "listener":
                written = {"listenbrainz": "owner", "spotify": "owner"}.get(name, "")
            assert (row[field] or "").strip() == written.strip()
    named = sum(bool(row["parse_faults"]) for row in rows)
    assert named <= 40, "most of them are texts like others"

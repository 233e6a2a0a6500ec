"""Lines and fields without end: they spoil only themselves, and memory stays bounded (a process of its own shows)."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from earshot.importers.formats import IMPORTERS
from earshot.importers.shape import Part
from logfiles import read_as_detected, source_of

ROOT = Path(__file__).resolve().parents[2]
CANONICAL = '{"listener":"a","started_at":"2026-03-10T08:30:00Z","played_ms":9,"track_id":"t","track_title":"T"}'
LISTENBRAINZ = '{"listened_at":1700000000,"user_name":"r","track_metadata":{"track_name":"T","artist_name":"A"}}'
SPOTIFY = '{"ts":"2024-05-01T10:03:00Z","ms_played":9000,"spotify_track_uri":"u","master_metadata_track_name":"T"}'
LASTFM = '"1700000000","","A","","","","T",""'
LASTFM_HEADER = "uts,utc_time,artist,artist_mbid,album,album_mbid,track,track_mbid\n"
# format -> what stands before, between and after the records, and a record
FORMATS = {
    "canonical": ("", "\n", "\n", CANONICAL),
    "listenbrainz": ("", "\n", "\n", LISTENBRAINZ),
    "spotify": ("[", ",", "]", SPOTIFY),
    "lastfm": (LASTFM_HEADER, "\n", "\n", LASTFM),
}
HUNDRED_MEGABYTES, GIBIBYTE = 100_000_000, 1 << 30
READ = """
import json, resource, sys
sys.path.insert(0, "tests")
from pathlib import Path
from logfiles import read_as_detected
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
rows = read_as_detected(Path(sys.argv[1]))
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(json.dumps([[row["parse_faults"] for row in rows], rows[1]["cause"], grown]))
"""


def _with_a_field_of(path: Path, name: str, size: int) -> Path:
    """Three records, the middle one with a title of so many bytes; a hole in the file where it is of a gibibyte."""
    before, between, after, record = FORMATS[name]
    head, tail = record.rsplit("T", 1) if name != "listenbrainz" else record.split("T", 1)
    with path.open("wb") as file:
        file.write((before + record + between + head).encode())
        if size < GIBIBYTE:
            file.write(b"x" * size)
        else:
            file.truncate(file.tell() + size)
            file.seek(0, 2)
        file.write((tail + between + record + after).encode())
    return path


@pytest.mark.parametrize("name", FORMATS)
def test_a_field_of_a_hundred_megabytes_spoils_only_its_record(tmp_path: Path, name: str) -> None:
    rows = read_as_detected(_with_a_field_of(tmp_path / "log", name, HUNDRED_MEGABYTES))
    assert [row["parse_faults"] for row in rows] == [None, ["within_limits"], None]
    assert "longer than 1,048,576" in rows[1]["cause"]
    assert len(rows[1]["unreadable"]) <= 1_048_576


def test_a_gibibyte_on_one_line_is_read_in_bounded_memory(tmp_path: Path) -> None:
    path = _with_a_field_of(tmp_path / "log", "canonical", GIBIBYTE)
    command = [sys.executable, "-c", READ, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    faults, cause, grown = json.loads(done.stdout)
    assert faults == [None, ["within_limits"], None]
    assert cause == "the line is longer than 1,048,576 bytes"
    assert grown < 150_000, "kilobytes"


def test_a_parquet_file_that_says_one_long_text_in_every_row_is_a_bomb(tmp_path: Path) -> None:
    rows = 3_000
    title = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array(["x" * 1_000_000]))
    columns = {
        "listener": ["a"] * rows, "started_at": [datetime(2026, 3, 29, tzinfo=UTC)] * rows, "played_ms": [9] * rows,
        "track_id": ["t"] * rows, "track_title": title,
    }  # fmt: skip
    pq.write_table(pa.table(columns), tmp_path / "log")
    assert (tmp_path / "log").stat().st_size < 100_000
    found = read_as_detected(tmp_path / "log")
    assert 0 < len(found) < 100
    assert {tuple(row["parse_faults"]) for row in found[:-1]} == {("within_limits",)}
    assert "expands to more than" in found[-1]["cause"]


def test_texts_that_differ_are_read_from_parquet_as_they_are(tmp_path: Path) -> None:
    titles = [f"{n} naïve \u202e" if n % 7 else None for n in range(25_000)]
    columns = {
        "listener": ["a"] * 25_000, "started_at": [datetime(2026, 3, 29, tzinfo=UTC)] * 25_000,
        "played_ms": list(range(25_000)), "track_id": ["t"] * 25_000, "track_title": titles,
    }  # fmt: skip
    pq.write_table(
        pa.table(columns).cast(pa.table(columns).schema.set(4, pa.field("track_title", pa.large_string()))),
        tmp_path / "log",
    )
    assert [row["track_title"] for row in read_as_detected(tmp_path / "log")] == titles


def test_rows_with_long_texts_come_in_small_batches(tmp_path: Path) -> None:
    line = '"soon","","' + "x" * 900_000 + '","","","","T",""\n'
    (tmp_path / "log").write_text(LASTFM_HEADER + line * 60)
    lastfm = next(one for one in IMPORTERS if one.name == "lastfm")
    batches = list(lastfm.read(source_of(tmp_path / "log"), Part(0)))
    assert sum(len(plays["source_line"]) for plays in batches) == 60
    assert max(len(plays["source_line"]) for plays in batches) < 60

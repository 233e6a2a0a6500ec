"""The catalogue from CSV: what a person may put there, and what is wrong with it."""

from __future__ import annotations

import gzip
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from earshot.core.errors import InputError
from earshot.core.small_tables import SmallTables
from earshot.importers.catalogue import CatalogueTable, catalogue_files, read_catalogue
from earshot.importers.catalogue_import import import_files

NOW = datetime(2026, 3, 29, tzinfo=UTC)
HEADER = (
    "track_id,track_title,artist_id,artist_name,album_title,isrc,recording_mbid,duration_ms,released_on,genres,source"
)


@pytest.fixture
def folder(tmp_path) -> Path:
    made = tmp_path / "catalogue"
    made.mkdir()
    return made


@pytest.fixture
def table(tmp_path) -> CatalogueTable:
    return CatalogueTable(str(tmp_path / "lake"))


def read(path: Path, table: CatalogueTable):
    return read_catalogue(path, table.schema, updated_at=NOW, max_text_chars=100)


def written(folder: Path, *lines: str, name: str = "tracks.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes("\n".join(lines).encode(encoding) + b"\n")
    return path


def test_every_column_is_read_with_its_type(folder, table) -> None:
    line = 'trk:1,"Undertow, Part ""2""",art:1,The Tides,Low,DEABC2600001,,201000,2026-03-01,pop;dream pop,simulated'
    (row,) = read(written(folder, HEADER, line), table).rows.to_pylist()
    assert row == {
        "track_id": "trk:1",
        "track_title": 'Undertow, Part "2"',
        "artist_id": "art:1",
        "artist_name": "The Tides",
        "album_title": "Low",
        "isrc": "DEABC2600001",
        "recording_mbid": None,
        "duration_ms": 201_000,
        "released_on": date(2026, 3, 1),
        "genres": ["pop", "dream pop"],
        "source": "simulated",
        "updated_at": NOW,
    }


def test_a_file_may_have_few_columns_in_any_order_and_another_delimiter(folder, table) -> None:
    path = written(folder, "\ufeffDuration_ms; track_id ;label", "1000.0;a;x", "2000;b;y")
    found = read(path, table)
    assert [(row["track_id"], row["duration_ms"], row["source"]) for row in found.rows.to_pylist()] == [
        ("a", 1000, "csv"),
        ("b", 2000, "csv"),
    ]
    assert found.unknown == ("label",)


def test_a_compressed_file_and_a_title_over_two_lines_are_read(folder, table) -> None:
    path = folder / "tracks.csv.gz"
    path.write_bytes(gzip.compress(b'track_id,track_title\na,"one\ntwo"\n'))
    assert read(path, table).rows.column("track_title").to_pylist() == ["one\ntwo"]


def test_lines_that_hold_no_track_are_skipped_and_counted(folder, table) -> None:
    path = written(folder, "track_id,track_title", "a,x", ",no id", "b", "c,x,y", f"d,{'x' * 101}", "e,last")
    found = read(path, table)
    assert found.rows.column("track_id").to_pylist() == ["a", "e"]
    assert found.skipped == 4


@pytest.mark.parametrize(
    ("duration", "released"),
    [("abc", "soon"), ("-5", "2026-02-30"), ("0", "30.03.2026"), ("99999999999", "2026-13-01"), ("1e5", "26")],
)
def test_cells_that_are_no_duration_or_date_become_null_and_are_counted(folder, table, duration, released) -> None:
    found = read(written(folder, "track_id,duration_ms,released_on", f"a,{duration},{released}"), table)
    (row,) = found.rows.to_pylist()
    assert (row["duration_ms"], row["released_on"], found.emptied) == (None, None, 2)


def test_a_year_or_month_is_its_first_day(folder, table) -> None:
    path = written(folder, "track_id,released_on", "a,1999", "b,1999-07", "c,")
    assert read(path, table).rows.column("released_on").to_pylist() == [date(1999, 1, 1), date(1999, 7, 1), None]


def test_of_several_lines_of_a_track_the_last_counts(folder, table) -> None:
    path = written(folder, "track_id,track_title", "a,old", "b,x", "a,new")
    assert read(path, table).rows.select(["track_id", "track_title"]).to_pylist() == [
        {"track_id": "b", "track_title": "x"},
        {"track_id": "a", "track_title": "new"},
    ]


def test_a_column_that_is_nearly_right_is_named(folder, table) -> None:
    with pytest.raises(InputError, match="no column track_id") as caught:
        read(written(folder, "trackid,title", "a,b"), table)
    assert "trackid" in caught.value.remedy
    assert "line 1" in caught.value.where


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\x00\x01\x02\xff\xfe", "track_id\nübel\n".encode("latin-1")])
def test_a_file_that_is_no_csv_in_utf_8_is_refused_without_a_traceback(folder, table, content) -> None:
    path = folder / "broken.csv"
    path.write_bytes(content)
    with pytest.raises(InputError):
        read(path, table)


def test_a_gzip_file_that_is_cut_is_refused(folder, table) -> None:
    path = folder / "cut.csv.gz"
    path.write_bytes(gzip.compress(b"track_id\n" + b"a\n" * 10_000)[:40])
    with pytest.raises(InputError):
        read(path, table)


def test_files_that_are_still_being_written_are_left_alone(folder) -> None:
    for name in ("_a.csv", ".b.csv", "c.csv", "d.txt"):
        written(folder, "track_id", name=name)
    assert [file.path.name for file in catalogue_files(folder)] == ["c.csv"]


def rows(tmp_path: Path) -> dict[str, str]:
    return {row["track_id"]: row["track_title"] for row in SmallTables(str(tmp_path / "lake")).rows("silver.tracks")}


def versions(tmp_path: Path) -> int:
    return len(list((tmp_path / "lake/silver/tracks/_delta_log").glob("*.json")))


def test_a_file_is_merged_once_and_again_only_when_its_content_changes(tmp_path, folder, table) -> None:
    written(folder, "track_id,track_title", "a,one", "b,two")
    first = import_files(folder, table, now=NOW, max_text_chars=100)
    assert (first.files, first.tracks, first.written) == (1, 2, 2)
    commits = versions(tmp_path)
    second = import_files(folder, table, now=NOW, max_text_chars=100)
    assert (second.files, second.unchanged, versions(tmp_path)) == (0, 1, commits)
    written(folder, "track_id,track_title", "a,one", "b,TWO", "c,three")
    third = import_files(folder, table, now=NOW, max_text_chars=100)
    assert (third.files, third.written) == (1, 2)
    assert rows(tmp_path) == {"a": "one", "b": "TWO", "c": "three"}


def test_what_did_not_change_keeps_its_time(tmp_path, folder, table) -> None:
    written(folder, "track_id,genres", "a,x;y", "b,z")
    import_files(folder, table, now=NOW, max_text_chars=100)
    later = datetime(2026, 4, 1, tzinfo=UTC)
    written(folder, "track_id,genres", "a,x;y", "b,z;w")
    import_files(folder, table, now=later, max_text_chars=100)
    times = {row["track_id"]: row["updated_at"] for row in SmallTables(str(tmp_path / "lake")).rows("silver.tracks")}
    assert times == {"a": NOW, "b": later}


def test_a_file_that_cannot_be_read_keeps_no_other_from_being_read_and_is_tried_again(tmp_path, folder, table) -> None:
    written(folder, "id", "a", name="a.csv")
    written(folder, "track_id,track_title", "b,x", name="b.csv")
    done = import_files(folder, table, now=NOW, max_text_chars=100)
    assert list(done.set_aside) == ["a.csv"]
    assert rows(tmp_path) == {"b": "x"}
    written(folder, "track_id,track_title", "a,mended", name="a.csv")
    assert import_files(folder, table, now=NOW, max_text_chars=100).files == 1
    assert rows(tmp_path) == {"a": "mended", "b": "x"}


def test_later_commits_of_others_do_not_make_a_file_new(tmp_path, folder, table) -> None:
    written(folder, "track_id,track_title", "a,x")
    import_files(folder, table, now=NOW, max_text_chars=100)
    SmallTables(str(tmp_path / "lake")).append("silver.tracks", [{"track_id": "z", "track_title": "web"}])
    assert import_files(folder, table, now=NOW, max_text_chars=100).unchanged == 1


def test_no_folder_is_no_error(tmp_path, table) -> None:
    assert import_files(tmp_path / "none", table, now=NOW, max_text_chars=100).files == 0

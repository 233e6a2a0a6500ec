from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from earshot.security.landing_lines import names_listener, strike_lines, strike_numbers
from earshot.security.traces import files_with

LINES = [
    '{"listener":"anna","track_title":"Undertow"}',
    '{"listener":"bert","track_title":"anna"}',
    '{"listener":"ann\\u0061","played_ms":1}',
    '{"listener":"joanna","played_ms":2}',
    '{"listener":"anna","played_ms":',
    "",
]
KEPT = ["", LINES[1], "", LINES[3], "", ""]
TEXT = "\n".join(LINES).encode()


def _zipped(content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as container:
        container.writestr("2026/plays.jsonl", content)
        container.writestr("other.txt", "nothing of hers")
    return out.getvalue()


def _unzipped(content: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as container:
        assert container.read("other.txt") == b"nothing of hers"
        return container.read("2026/plays.jsonl")


def _unzstd(content: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompressobj().decompress(content)


@pytest.mark.parametrize(
    ("pack", "unpack"),
    [
        (bytes, bytes),
        (gzip.compress, gzip.decompress),
        (zstandard.compress, _unzstd),
        (_zipped, _unzipped),
        (lambda b: b.decode().encode("utf-16"), lambda b: b.decode("utf-16").encode()),
    ],
    ids=["plain", "gzip", "zstd", "zip", "utf-16"],
)
def test_lines_of_the_listener_go_and_all_others_keep_their_numbers(
    tmp_path: Path, pack: Callable[[bytes], bytes], unpack: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "plays"
    path.write_bytes(pack(TEXT))
    assert strike_lines(path, "anna") == 3
    assert unpack(path.read_bytes()).decode().split("\n") == KEPT
    assert strike_lines(path, "anna") == 0
    assert [p.name for p in tmp_path.iterdir()] == ["plays"]


def test_bytes_that_are_no_text_stay_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "plays"
    path.write_bytes(b'\xff\xfe\xfd broken \x80\n{"listener":"anna"}\nend \xf0')
    path.write_bytes(b'broken \x80\n{"listener":"anna"}\nend \xf0')
    assert strike_lines(path, "anna") == 1
    assert path.read_bytes() == b"broken \x80\n\nend \xf0"


def test_elements_of_a_json_array_become_null(tmp_path: Path) -> None:
    path = tmp_path / "history.json"
    path.write_text(json.dumps([{"username": "anna", "ms_played": 1}, {"username": "bert"}], indent=2))
    assert strike_lines(path, "anna") == 1
    assert json.loads(path.read_text()) == [None, {"username": "bert"}]


def test_rows_of_parquet_become_null_and_keep_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "plays.parquet"
    rows = {"user_id": [7, 8, 7], "track_title": ["7", "7", "x"], "seconds": [7, 7, 7]}
    pq.write_table(pa.table(rows), path)
    assert strike_lines(path, "7") == 2
    assert pq.read_table(path).to_pylist() == [
        dict.fromkeys(rows),
        {"user_id": 8, "track_title": "7", "seconds": 7},
        dict.fromkeys(rows),
    ]


def test_delimited_text_is_asked_in_the_column_of_the_listener() -> None:
    header = ["user", "artist", "song"]
    assert names_listener("anna,The Tides,Undertow", "anna", header)
    assert not names_listener("bert,The Tides,anna", "anna", header)
    assert names_listener('"anna"\tx', "anna")


@pytest.mark.parametrize("line", ['{"listener":"bert","rebuffer_count":7}', '{"listener":"77"}', "x,77,y"])
def test_a_number_is_not_taken_for_a_listener(line: str) -> None:
    assert not names_listener(line, "7")


def test_traces_are_found_inside_parquet_and_containers(tmp_path: Path) -> None:
    pseudonym = "v1:" + "a" * 32
    nested = pa.table(
        {"labels": [[("who", pseudonym)]]}, schema=pa.schema([("labels", pa.map_(pa.string(), pa.string()))])
    )
    pq.write_table(nested, tmp_path / "nested.parquet", compression="zstd")
    pq.write_table(pa.table({"x": [f"about {pseudonym}!"] * 1000}), tmp_path / "texts.parquet", compression="zstd")
    pq.write_table(pa.table({"x": ["nobody"]}), tmp_path / "clean.parquet")
    (tmp_path / "note.gz").write_bytes(gzip.compress(pseudonym.encode()))
    (tmp_path / "model.npz").write_bytes(_zipped(pseudonym.encode()))
    (tmp_path / "broken.gz").write_bytes(b"\x1f\x8bnothing")
    found = files_with(tmp_path, [pseudonym])
    assert [path.name for path in found] == ["model.npz", "nested.parquet", "note.gz", "texts.parquet"]


@pytest.mark.parametrize(
    ("pack", "unpack", "member"),
    [(bytes, bytes, ""), (gzip.compress, gzip.decompress, ""), (_zipped, _unzipped, "2026/plays.jsonl")],
    ids=["plain", "gzip", "zip"],
)
def test_lines_go_by_their_numbers_where_nobody_knows_the_identity_any_more(
    tmp_path: Path, pack: Callable[[bytes], bytes], unpack: Callable[[bytes], bytes], member: str
) -> None:
    path = tmp_path / "archived"
    path.write_bytes(pack(TEXT))
    assert strike_numbers(path, {member: {1, 3, 5}}) == 3
    assert unpack(path.read_bytes()).decode().split("\n") == KEPT


def test_rows_of_parquet_go_by_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "archived"
    pq.write_table(pa.table({"listener": ["anna", "bert", "anna"]}), path, row_group_size=2)
    assert strike_numbers(path, {"": {1, 3}}) == 2
    assert pq.read_table(path)["listener"].to_pylist() == [None, "bert", None]

"""Exports into a folder: what is written, what is guarded, and that nothing is half done."""

from __future__ import annotations

import csv
import hashlib
import json
import math
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.core.errors import ArgumentError
from earshot.core.text import guarded
from earshot.exporters import files
from earshot.exporters.delimited import write_csv
from earshot.exporters.files import export_files
from earshot.exporters.folder import Folder
from earshot.exporters.json_lines import write_json_lines
from earshot.exporters.manifest import Manifest
from exporters.export_worlds import AT, FORMULAS, HARMLESS, TEXTS, nasty, rows


def _csv(folder: Path) -> list[dict[str, str]]:
    with (folder / "gold_x.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_no_cell_of_a_csv_can_become_a_formula(tmp_path: Path) -> None:
    export_files(rows(), Folder(tmp_path / "out"), format="csv", at=AT)
    lines = _csv(tmp_path / "out")
    assert [line["title"] for line in lines] == [f"'{t}" for t in FORMULAS] + [t or "" for t in HARMLESS]
    assert (lines[0]["n"], lines[0]["amount"], lines[0]["met"]) == ("-1", "-1.100000", "true")
    assert (lines[0]["day"], lines[0]["at"]) == ("2026-03-29", "2026-03-29 01:59:59.999000Z")
    assert json.loads(lines[0]["dimensions"]) == {"country": "DE"}
    assert json.loads(lines[0]["signals"]) == [{"name": "x", "value": 1.5}]


def test_a_null_and_an_empty_text_differ_in_a_csv(tmp_path: Path) -> None:
    write_csv(pa.schema([("a", pa.string())]), [pa.record_batch({"a": pa.array(["", None])})], tmp_path / "x.csv")
    assert (tmp_path / "x.csv").read_text() == '"a"\n""\n\n'


@given(st.lists(st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]), max_size=12)), max_size=30))
@settings(max_examples=60, deadline=None)
def test_arrow_guards_as_python_does(texts: list[str | None]) -> None:
    import tempfile  # noqa: PLC0415 (a folder for each example)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.csv"
        batch = pa.record_batch({"n": pa.array(range(len(texts))), "a": pa.array(texts, pa.string())})
        assert write_csv(batch.schema, [batch], path) == len(texts)
        with path.open(newline="", encoding="utf-8") as file:
            read = [line[1] for line in csv.reader(file)][1:]
    assert read == [guarded(text or "") for text in texts]


def test_json_lines_keep_decimals_maps_times_and_every_text(tmp_path: Path) -> None:
    export_files(rows(), Folder(tmp_path / "out"), format="jsonl", at=AT)
    text = (tmp_path / "out" / "gold_x.jsonl").read_text(encoding="utf-8")
    lines = [json.loads(line, parse_constant=_refuse) for line in text.split("\n")[:-1]]
    assert [line["title"] for line in lines] == TEXTS
    assert [line["share"] for line in lines[:5]] == [0.1, None, None, None, 1e-7]
    assert lines[0] | {"title": "", "share": 0} == {
        "title": "", "amount": "-1.100000", "share": 0, "n": -1, "met": True, "day": "2026-03-29",
        "at": "2026-03-29T01:59:59.999000Z", "dimensions": {"country": "DE"}, "signals": [{"name": "x", "value": 1.5}],
    }  # fmt: skip


@given(
    st.lists(
        st.tuples(st.text(st.characters(exclude_categories=["Cs"])), st.floats(), st.integers(-(2**63), 2**63 - 1))
    )
)
@settings(max_examples=60, deadline=None)
def test_any_line_of_json_reads_back(values: list[tuple[str, float, int]]) -> None:
    import tempfile  # noqa: PLC0415 (a folder for each example)

    schema = pa.schema([("s", pa.string()), ("f", pa.float64()), ("n", pa.int64())])
    batch = pa.RecordBatch.from_pylist([dict(zip("sfn", value, strict=True)) for value in values], schema)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x"
        write_json_lines(schema, [batch], path)
        lines = [json.loads(line, parse_constant=_refuse) for line in path.read_bytes().split(b"\n")[:-1]]
    assert [(line["s"], line["f"], line["n"]) for line in lines] == [
        (s, f if math.isfinite(f) else None, n) for s, f, n in values
    ]


def _refuse(constant: str) -> Any:
    raise AssertionError(f"{constant} is no JSON")


def test_parquet_keeps_every_type(tmp_path: Path) -> None:
    export_files(rows(), Folder(tmp_path / "out"), format="parquet", at=AT)
    there = pq.read_table(tmp_path / "out" / "gold_x.parquet")
    assert there.schema.equals(nasty().schema)
    assert there.drop_columns("share").equals(nasty().drop_columns("share"))


@pytest.mark.parametrize("format_", ["parquet", "csv", "jsonl"])
def test_the_manifest_tells_rows_columns_version_and_checksum(tmp_path: Path, format_: str) -> None:
    written = export_files(rows(), Folder(tmp_path / "out"), format=format_, at=AT)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    (file,) = manifest["files"]
    content = (tmp_path / "out" / file["name"]).read_bytes()
    assert (manifest["rows"], manifest["source_version"], manifest["table"]) == (len(TEXTS), 7, "gold.x")
    assert manifest["created_at"] == "2026-03-29T12:00:00+00:00"
    assert [name for name, _ in manifest["columns"]] == nasty().column_names
    assert dict(manifest["columns"])["amount"] == "decimal128(28, 6)"
    assert (file["sha256"], file["bytes"]) == (hashlib.sha256(content).hexdigest(), len(content))
    assert Manifest.from_json(json.dumps(manifest), "here") == written


@pytest.mark.parametrize("format_", ["parquet", "csv", "jsonl"])
def test_a_table_without_rows_is_an_export_with_its_columns(tmp_path: Path, format_: str) -> None:
    empty = nasty().slice(0, 0)
    manifest = export_files(rows(empty, None), Folder(tmp_path / "out"), format=format_, at=AT)
    assert (manifest.rows, len(manifest.columns), manifest.source_version) == (0, 9, None)
    if format_ == "csv":
        assert (tmp_path / "out" / "gold_x.csv").read_text().count("\n") == 1


def test_a_slice_of_a_batch_is_written_without_its_neighbours(tmp_path: Path) -> None:
    batch = nasty().to_batches()[0].slice(3, 2)
    write_json_lines(batch.schema, [batch], tmp_path / "x")
    assert [json.loads(line)["title"] for line in (tmp_path / "x").read_text().splitlines()] == TEXTS[3:5]


def test_an_export_that_fails_leaves_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export_files(rows(), Folder(tmp_path / "out"), format="csv", at=AT)
    before = sorted((path.name, path.read_bytes()) for path in (tmp_path / "out").iterdir())

    def half(schema: pa.Schema, batches: Any, path: Path) -> int:
        path.write_text("half")
        raise OSError("disk full")

    monkeypatch.setitem(files.WRITERS, "csv", half)  # type: ignore[arg-type]
    with pytest.raises(OSError, match="disk full"):
        export_files(rows(), Folder(tmp_path / "out"), format="csv", at=AT)
    assert sorted((path.name, path.read_bytes()) for path in (tmp_path / "out").iterdir()) == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_export_takes_the_place_of_one_in_another_format(tmp_path: Path) -> None:
    for format_ in ("csv", "parquet"):
        export_files(rows(), Folder(tmp_path / "out"), format=format_, at=AT)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["gold_x.parquet", "manifest.json"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_with_something_else_in_it_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").touch()
    for place in (tmp_path, tmp_path / "thesis.doc"):
        with pytest.raises(ArgumentError):
            export_files(rows(), Folder(place), format="csv", at=AT)
    assert (tmp_path / "thesis.doc").exists()


def test_a_format_that_is_none_is_told_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="no format parquett") as caught:
        export_files(rows(), Folder(tmp_path / "out"), format="parquett", at=AT)
    assert "Use parquet" in caught.value.remedy
    assert not (tmp_path / "out").exists()

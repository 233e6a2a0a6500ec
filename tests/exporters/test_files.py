"""Exports into files: what is written, what is guarded, and that nothing is half done."""

from __future__ import annotations

import csv
import hashlib
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from earshot.core.errors import ArgumentError
from earshot.exporters import files
from earshot.exporters.files import export_files

AT = datetime(2026, 3, 29, 12, tzinfo=UTC)
NASTY = ['=HYPERLINK("http://x")', "+1", "-1", "@SUM(A1)", "\tx", "plain", 'quo"te,comma\nline', "", None]


@pytest.fixture
def rows() -> pa.Table:
    return pa.table(
        {
            "title": NASTY,
            "amount": pa.array([Decimal("-1.10")] * len(NASTY), pa.decimal128(28, 6)),
            "n": list(range(-1, len(NASTY) - 1)),
            "day": [date(2026, 3, 29)] * len(NASTY),
            "dimensions": pa.array([[("country", "DE")]] * len(NASTY), pa.map_(pa.string(), pa.string())),
        }
    )


def test_no_cell_of_a_csv_can_become_a_formula(rows: pa.Table, tmp_path: Path) -> None:
    export_files("gold.x", rows, tmp_path / "out", format="csv", at=AT)
    with (tmp_path / "out" / "gold_x.csv").open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert [line["title"] for line in lines[:5]] == [f"'{text}" for text in NASTY[:5]]
    assert lines[6]["title"] == NASTY[6]
    assert lines[0]["n"] == "-1"
    assert lines[0]["amount"] == "-1.100000"


def test_json_lines_keep_decimals_maps_and_dates(rows: pa.Table, tmp_path: Path) -> None:
    export_files("gold.x", rows, tmp_path / "out", format="jsonl", at=AT)
    first = json.loads((tmp_path / "out" / "gold_x.jsonl").read_text(encoding="utf-8").splitlines()[0])
    expected = {"amount": "-1.100000", "n": -1, "day": "2026-03-29", "dimensions": {"country": "DE"}}
    assert first == {"title": NASTY[0], **expected}


def test_parquet_keeps_every_type(rows: pa.Table, tmp_path: Path) -> None:
    export_files("gold.x", rows, tmp_path / "out", format="parquet", at=AT)
    assert pq.read_table(tmp_path / "out" / "gold_x.parquet").equals(rows)


@pytest.mark.parametrize("format_", ["parquet", "csv", "jsonl"])
def test_the_manifest_tells_rows_columns_and_checksum(rows: pa.Table, tmp_path: Path, format_: str) -> None:
    export_files("gold.x", rows, tmp_path / "out", format=format_, at=AT)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    (file,) = manifest["files"]
    content = (tmp_path / "out" / file["name"]).read_bytes()
    assert manifest["rows"] == len(NASTY)
    assert [name for name, _ in manifest["columns"]] == rows.column_names
    assert file["sha256"] == hashlib.sha256(content).hexdigest()


def test_an_export_that_fails_leaves_the_one_before(
    rows: pa.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_files("gold.x", rows, tmp_path / "out", format="csv", at=AT)
    before = sorted((path.name, path.read_bytes()) for path in (tmp_path / "out").iterdir())

    def half(rows: pa.Table, path: Path) -> None:
        path.write_text("half")
        raise OSError("disk full")

    monkeypatch.setitem(files.WRITERS, "csv", half)
    with pytest.raises(OSError, match="disk full"):
        export_files("gold.x", rows, tmp_path / "out", format="csv", at=AT)
    assert sorted((path.name, path.read_bytes()) for path in (tmp_path / "out").iterdir()) == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_with_something_else_in_it_is_not_replaced(rows: pa.Table, tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").touch()
    with pytest.raises(ArgumentError):
        export_files("gold.x", rows, tmp_path, format="csv", at=AT)
    assert (tmp_path / "thesis.doc").exists()

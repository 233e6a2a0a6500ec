from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dirty_tables import SPOILT_PLAYS, as_csv, as_table, plays, spoilt
from earshot.automation.cli import main
from earshot.core.small_tables import SmallTables
from earshot.validators.suites import load_suite


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EARSHOT_HOME", str(tmp_path / "home"))
    return tmp_path


def written(name: str, text: str | bytes) -> str:
    Path(name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return name


def said(capsys: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_file_gets_a_suite_and_a_table_that_says_what_was_found(capsys: Any) -> None:
    rows, wrong = spoilt(plays(), SPOILT_PLAYS, share=0.004)
    assert main(["suggest", written("My Plays.csv", as_csv(rows)), "--cells", "cells.csv"]) == 0
    out = capsys.readouterr().out
    assert "country is one of 4 values." in out
    assert "Rows with the same track have the same title." in out
    assert "The suite is in My Plays.suggested.json, the cells in cells.csv." in out
    suite = json.loads(Path("My Plays.suggested.json").read_text())
    assert {e["meta"]["earshot"]["action"] for e in suite["expectations"]} == {"warn"}
    with Path("cells.csv").open() as file:
        cells = list(csv.DictReader(file))
    assert list(cells[0]) == ["row", "line", "column", "value", "rule", "confidence"]
    found = {(int(cell["row"]) - 1, cell["column"]) for cell in cells}
    assert len(found & wrong) >= 0.9 * len(found | wrong)
    assert all(int(cell["line"]) == int(cell["row"]) + 1 for cell in cells)


def as_json_lines() -> bytes:
    rows = [
        {**row, "played_ms": int(row["played_ms"]), "where": {"country": row["country"]}} for row in plays(rows=300)
    ]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def as_parquet() -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(as_table(plays(rows=300)), sink)
    return bytes(sink.getvalue().to_pybytes())


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.csv", lambda: as_csv(plays(rows=300)).encode(), "csv"),
        ("a.tsv", lambda: as_csv(plays(rows=300)).replace(",", "\t").encode(), "csv"),
        ("utf16.csv", lambda: as_csv(plays(rows=300)).encode("utf-16"), "csv"),
        ("a.csv.gz", lambda: gzip.compress(as_csv(plays(rows=300)).encode()), "csv"),
        ("a.jsonl", as_json_lines, "jsonl"),
        ("a.json", lambda: b"[" + b",".join(as_json_lines().splitlines()) + b"]", "json"),
        ("a.parquet", as_parquet, "parquet"),
    ],
)
def test_every_format_gives_the_same_rows(name: str, content: Any, kind: str, capsys: Any) -> None:
    assert main(["suggest", written(name, content()), "--json"]) == 0
    told = said(capsys)
    assert (told["kind"], told["rows"], told["cells"]) == (kind, 300, 0)
    assert "country_set" in {e["rule"] for e in told["expectations"]}


def test_a_table_of_the_lake_gets_a_suite_that_loads(here: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"run_id": f"r-{n}", "job": ("ingest", "publish")[n % 2], "status": "done"} for n in range(60)]
    SmallTables(str(here / "home" / "lake")).append("ops.runs", rows)
    (here / "conf").mkdir()
    monkeypatch.setenv("EARSHOT_CONF", str(here / "conf"))
    (here / "conf" / "base.toml").touch()
    assert main(["suggest", "ops.runs", "--out", "expectations/mine.json"]) == 2
    (here / "expectations").mkdir()
    assert main(["suggest", "ops.runs", "--out", "expectations/mine.json"]) == 0
    assert {e.table for e in load_suite("mine").expectations} == {"ops.runs"}


def test_lines_that_are_no_rows_are_told_and_the_rest_is_profiled(capsys: Any) -> None:
    lines = as_csv(plays(rows=300)).encode().splitlines()
    lines[10] = b"one,two"
    lines[20] = b"\xff" + lines[20]
    assert main(["suggest", written("a.csv", b"\n".join(lines)), "--json"]) == 0
    told = said(capsys)
    assert told["rows"] == 298
    assert [(u["line"], u["why"]) for u in told["unread"]] == [
        (11, "it has 2 fields, not 9"),
        (21, "no UTF-8 at byte 1; save the file as UTF-8"),
    ]


def test_nothing_is_written_over_unless_it_is_said(capsys: Any) -> None:
    file = written("a.csv", as_csv(plays(rows=300)))
    assert main(["suggest", file]) == 0
    assert main(["suggest", file]) == 2
    assert "a.suggested.json is there already" in capsys.readouterr().err
    assert main(["suggest", file, "--force"]) == 0


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("gone.csv", None, "gone.csv is no file"),
        ("silver.nothing", None, "silver.nothing is no file"),
        ("empty.csv", b"", "holds no rows"),
        ("header.csv", b"a,b\n", "holds no rows"),
        ("bad.csv", b"a,b\n1\n2\n", "bad.csv:2"),
        ("picture.csv", b"\x89PNG\0\0\0", "binary data"),
        ("cut.csv.gz", gzip.compress(b"a,b\n" + b"1,2\n" * 9999, mtime=0)[:50], "cannot be read"),
        ("cut.parquet", b"PAR1", "cannot be read"),
    ],
)
def test_what_cannot_be_profiled_is_refused(name: str, content: bytes | None, told: str, capsys: Any) -> None:
    if content is not None:
        written(name, content)
    assert main(["suggest", name]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert "remedy" in error
    assert "Traceback" not in error
    assert not list(Path().glob("*.suggested.json"))


def test_a_table_without_rows_is_refused(here: Path, capsys: Any) -> None:
    (here / "home").mkdir()
    assert main(["suggest", "silver.listens"]) == 2
    assert "silver.listens has no rows" in capsys.readouterr().err


def test_no_value_reaches_the_screen_or_a_spreadsheet_as_it_is(capsys: Any) -> None:
    rows = [
        f"{n},\x1b[31m[red]2" if n == 5 else f"{n},=cmd|'/c calc'!A1" if n == 6 else f"{n},{n}:30" for n in range(99)
    ]
    assert main(["suggest", written("a.csv", "n,when\n" + "\n".join(rows)), "--cells", "c.csv"]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\\x1b[31m[red]2" in out
    assert "'=cmd" in Path("c.csv").read_text()

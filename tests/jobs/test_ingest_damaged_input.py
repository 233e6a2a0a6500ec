"""Bad input of every kind, in one batch, through the real jobs: the batch ends, each cause stands in a table."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zipfile
from collections.abc import Mapping
from contextlib import redirect_stderr
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from earshot.automation.cli import main
from earshot.automation.report import write_report
from earshot.automation.runner import run_jobs
from earshot.core.config import load_settings
from earshot.core.small_tables import SmallTables
from earshot.validators.data_docs.site import build_data_docs
from naughty import FORMATS, FORMULA, naughty_file, naughty_strings

DAY = date(2026, 3, 29)
EVENT = {"listener": "anna", "started_at": "2026-03-10T08:30:00Z", "played_ms": 9, "track_id": "t"}
SECRET = "198.51.100.7"


def line(n: int = 0, **changes: Any) -> str:
    return json.dumps({**EVENT, "started_at": f"2026-03-10T{n // 60 % 24:02d}:{n % 60:02d}:00Z", **changes})


BROKEN = {
    "cut": line()[:40],
    "nan": line()[:-1] + ', "x": NaN}',
    "infinite": line().replace('"played_ms": 9', '"played_ms": 1e999'),
    "deep": line()[:-1] + ', "x": ' + "[" * 400 + "]" * 400 + "}",
    "twice": line()[:-1] + ', "played_ms": 10}',
    "surrogate": line(track_id="?").replace("?", "\\ud800"),
    "null": line(track_id="?").replace("?", "\\u0000"),
    "raw null": line(track_id="?").replace("?", "\0"),
    "list": "[1, 2]",
    "two": line() + line(),
    "typed": line(played_ms=FORMULA, ip=SECRET),
    "time": line(started_at="noon"),
    "long": line(note="x" * 3_000),
}


ODD_NAMES = (
    "=cmd|' -C calc'!A0.jsonl", "a[/b].jsonl", "\x1b[31mred.jsonl", "line\nend.jsonl", "\x9b31m.jsonl", "CON.jsonl",
    "aux:stream.jsonl", "dot.", "-rf.jsonl", "<script>alert(1)<_script>.jsonl", "\u202elnosj.jsonl", "a" * 200,
)  # fmt: skip


@dataclass(frozen=True)
class Damaged:
    """A home after its jobs, what they wrote to standard error, and how many records each naughty file has."""

    home: Path
    told: str
    records: Mapping[str, int]


@pytest.fixture(scope="module")
def damaged(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Damaged:
    home = tmp_path_factory.mktemp("damaged") / "home"
    landing = home / "landing"
    landing.mkdir(parents=True)
    strings, records = naughty_strings(), {}
    for name, (*_, fields) in FORMATS.items():
        records[f"naughty-{name}"] = naughty_file(landing / f"naughty-{name}", name, strings, fields)
    for n, name in enumerate(ODD_NAMES):
        (landing / name).parent.mkdir(exist_ok=True)
        (landing / name).write_text("\n".join([line(2_000 + n), f"no event {FORMULA}"]), encoding="utf-8")
    with (landing / "long.jsonl").open("wb") as file:
        file.write(line(3_000).encode() + b"\n" + line(note="?").split("?")[0].encode())
        file.truncate(file.tell() + 100_000_000)
        file.seek(0, 2)
        file.write(b'"}\n' + line(3_001).encode())
    (landing / "broken.jsonl").write_text("\n".join([line(999), *BROKEN.values()]), encoding="utf-8")
    (landing / "truncated.gz").write_bytes(gzip.compress("\n".join(map(line, range(900))).encode())[:-40])
    (landing / "letter.txt").write_text("Dear Sir")
    (landing / "formulas.csv").write_text(f"uts,artist,track\n1700000000,{FORMULA.replace(chr(34), '')},T\nsoon,A,T\n")
    with zipfile.ZipFile(landing / "evil.zip", "w") as archive:
        archive.writestr("../../etc/passwd", line(1_000))
    for n in range(100):
        path = landing / "tiny" / f"{n}.jsonl"
        path.parent.mkdir(exist_ok=True)
        path.write_text(line(n, listener=f"l{n}"))
    told = io.StringIO()
    with redirect_stderr(told):
        results = run_jobs(
            ["ingest_listens", "publish_listens"], DAY, load_settings(overrides={"home": str(home)}), as_json=True
        )
    assert [result.exit_code for result in results] == [0, 0]
    return Damaged(home, told.getvalue(), records)


@pytest.fixture(scope="module")
def lake(damaged: Damaged) -> SmallTables:
    return SmallTables(str(damaged.home / "lake"))


def ledger(lake: SmallTables) -> dict[str, dict[str, Any]]:
    return {row["source_file"]: row for row in lake.rows("ops.ledger")}


def test_every_file_and_every_line_is_accounted_for(lake: SmallTables) -> None:
    rows = ledger(lake)
    assert all(r["read"] == r["accepted"] + r["duplicate"] + r["quarantined"] + r["filtered"] for r in rows.values())
    assert (rows["broken.jsonl"]["read"], rows["broken.jsonl"]["accepted"]) == (14, 1)
    assert sum(row["accepted"] for name, row in rows.items() if name.startswith("tiny/")) == 100
    assert rows["truncated.gz"]["accepted"] > 0
    assert rows["letter.txt"]["status"] == rows["evil.zip!../../etc/passwd"]["status"] == "set_aside"
    assert "unknown format" in rows["letter.txt"]["reason"]


def test_each_broken_line_ends_with_its_rule_and_its_cause(lake: SmallTables) -> None:
    rows = {row["source_line"]: row for row in lake.rows("silver.quarantine") if row["source_file"] == "broken.jsonl"}
    causes = {name: rows[n]["cause"] for n, name in enumerate(BROKEN, 2)}
    expected = {
        "cut": "no JSON: Unterminated string",
        "nan": "no JSON: NaN is no number",
        "infinite": "played_ms: inf is no whole number in range",
        "deep": "it is nested too deep to be read",
        "twice": 'the key "played_ms" stands there twice',
        "surrogate": "it holds half of a surrogate pair",
        "null": 'track_id: "\\u0000" holds the character U+0000',
        "raw null": "no JSON: Invalid control character",
        "list": "it is a list, not an object",
        "two": "no JSON: Extra data",
        "typed": 'played_ms: "=cmd|',
        "time": 'started_at: "noon" is no ISO 8601 time',
        "long": 'note: "xxxxx',
    }
    assert {name: cause for name, cause in causes.items() if not cause.startswith(expected[name])} == {}
    assert all(row["failed_rules"] for row in rows.values())


def test_nothing_private_stands_in_a_cause_or_a_payload(lake: SmallTables) -> None:
    rows = [row | ({"raw": None} if row["raw"].startswith("enc1:") else {}) for row in lake.rows("silver.quarantine")]
    text = json.dumps(rows, default=str)
    assert SECRET not in text
    assert "anna" not in text


def test_the_source_of_a_time_is_kept(lake: SmallTables) -> None:
    rows = lake.rows("silver.listens")
    assert {row["derived_time"] for row in rows if row["source"] == "canonical"} == {"ended_at"}
    assert {row["derived_time"] for row in rows if row["source"] == "lastfm"} == {"none"}
    assert {row["started_at"] for row in rows if row["source_file"] == "formulas.csv"} == {
        datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    }


def test_naughty_texts_are_published_as_they_are_and_the_ledger_balances(lake: SmallTables, damaged: Damaged) -> None:
    rows = ledger(lake)
    assert {name: rows[name]["read"] for name in damaged.records} == damaged.records
    for name in FORMATS:
        row, aside = rows[f"naughty-{name}"], _lines_of(lake, "silver.quarantine", f"naughty-{name}")
        assert len(aside) == row["quarantined"] < 60
        assert row["duplicate"] == 0
        assert all(line["cause"].isprintable() for line in aside if line["cause"])
        titles = {line["track_title"] for line in _lines_of(lake, "silver.listens", f"naughty-{name}")}
        strings = {text.replace("\r\n", "\n").strip() for text in naughty_strings()}
        assert len(strings - {(title or "").replace("\r\n", "\n").strip() for title in titles}) <= len(aside)


def _lines_of(lake: SmallTables, table: str, file: str) -> list[dict[str, Any]]:
    return [row for row in lake.rows(table) if row["source_file"] == file]


def test_a_field_of_a_hundred_megabytes_spoils_only_its_line(lake: SmallTables) -> None:
    row = ledger(lake)["long.jsonl"]
    assert (row["read"], row["accepted"], row["quarantined"]) == (3, 2, 1)


def test_odd_names_are_printable_everywhere_and_their_files_are_read(lake: SmallTables) -> None:
    rows = ledger(lake)
    assert all(name.isprintable() for name in rows)
    assert all((rows[name]["accepted"], rows[name]["quarantined"]) == (1, 1) for name in ODD_NAMES if name in rows)
    assert {"%1B[31mred.jsonl", "line%0Aend.jsonl", "%C2%9B31m.jsonl", "%E2%80%AElnosj.jsonl"} < set(rows)


def test_log_lines_are_objects_and_hold_nothing_that_a_terminal_obeys(damaged: Damaged) -> None:
    lines = damaged.told.splitlines()
    assert len(lines) > 3
    assert all(text.isprintable() for text in lines)
    events = [json.loads(text)["event"] for text in lines]
    assert "unexpected error" not in events
    assert "Traceback" not in damaged.told
    assert SECRET not in damaged.told


def test_the_quarantine_can_be_listed_shown_and_exported(
    damaged: Damaged, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def earshot(*words: str) -> str:
        assert main(["--home", str(damaged.home), *words]) == 0
        return capsys.readouterr().out

    listed = earshot("quarantine", "list", "--json")
    assert all(text.isprintable() for text in listed.splitlines())
    assert json.loads(listed)["lines"] == len(SmallTables(str(damaged.home / "lake")).rows("silver.quarantine"))
    for words in (("quarantine", "list"), ("quarantine", "show", "--limit", "9999"), ("gate", "show")):
        assert all(text.isprintable() for text in earshot(*words).splitlines()), words
    assert "a[/b].jsonl" in earshot("quarantine", "show", "a[/b].jsonl:2")

    earshot("quarantine", "export", str(tmp_path / "lines.csv"))
    csv.field_size_limit(2_000_000)
    with (tmp_path / "lines.csv").open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert "'" + ODD_NAMES[0] in cells
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))] == []


def test_data_docs_and_report_show_them_as_text(damaged: Damaged) -> None:
    settings = load_settings(overrides={"home": str(damaged.home)})
    assert build_data_docs(settings)
    pages = [write_report(settings, DAY), *(damaged.home / "reports" / "data_docs").rglob("*.html")]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert "<script" not in text
        assert not re.search(r"<img|onerror=(?!.*&)", text)
    assert "no event" not in pages[0].read_text(encoding="utf-8"), "what cannot be read stays encrypted"
    assert "<h3>readable_line" in pages[0].read_text(encoding="utf-8")


def test_the_files_are_in_the_archive_and_the_evil_member_is_nowhere(lake: SmallTables) -> None:
    home = Path(lake.root).parent
    assert not [path for path in (home / "landing").rglob("*") if path.is_file()]
    assert not list(home.rglob("passwd"))

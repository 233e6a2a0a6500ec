"""`earshot quarantine`: lines and names of unknown origin on a terminal, as JSON and in a spreadsheet."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from earshot.automation.cli import main
from earshot.core.small_tables import SmallTables
from naughty import FORMULA, naughty_strings

NAMES = ("a[/b].jsonl", "=cmd|' -C calc'!A0.jsonl", "%1B[31mred.jsonl")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    rows = [
        {
            "batch_id": "b1",
            "source_file": NAMES[n % len(NAMES)],
            "source_line": n + 1,
            "raw": text,
            "failed_rules": ["known_tier" if n % len(NAMES) else "known_context"],
            "quarantined_at": datetime(2026, 3, 29, tzinfo=UTC),
            "cause": text or None,
        }
        for n, text in enumerate(naughty_strings())
    ]
    SmallTables(str(tmp_path / "lake")).append("silver.quarantine", rows)
    return tmp_path


def earshot(home: Path, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["--home", str(home), "quarantine", *words]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("words", [("list",), ("list", "--json"), ("show", "--limit", "9999"), ("show", "--json")])
def test_nothing_that_a_terminal_obeys_is_printed(
    home: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    told = earshot(home, capsys, *words)
    assert [line for line in told.split("\n") if not line.isprintable()] == []


def test_a_name_that_looks_like_markup_is_a_name(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "a[/b].jsonl:1 " in earshot(home, capsys, "list") + " "
    assert json.loads(earshot(home, capsys, "list", "--json"))["files"].keys() == set(NAMES)
    assert "a[/b].jsonl:1 " in earshot(home, capsys, "show", NAMES[0])


def test_no_cell_of_the_export_is_a_formula_and_no_line_is_lost(
    home: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    earshot(home, capsys, "export", str(tmp_path / "lines.csv"))
    with (tmp_path / "lines.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(naughty_strings())
    assert f"'{FORMULA}" in {row["raw"] for row in rows}
    cells = [cell for row in rows for cell in row.values()]
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))] == []


@pytest.mark.parametrize("words", [("quarantine", "show"), ("quarantine", "export", "lines.csv"), ("replay",)])
def test_a_misspelt_rule_is_not_an_empty_quarantine(
    home: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert main(["--home", str(home), *words, "--rule", "known_tire"]) == 2
    told = capsys.readouterr().err
    assert "There is no rule known_tire" in told
    assert "remedy: Use known_tier" in told


def test_a_rule_that_no_line_failed_is_a_rule(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert earshot(home, capsys, "show", "--rule", "known_country").startswith("No line")


def test_a_rule_that_was_taken_out_of_the_suite_is_known_while_its_lines_wait(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = {"batch_id": "b2", "source_file": "x", "source_line": 1, "failed_rules": ["gone"]}
    row["quarantined_at"] = datetime(2026, 3, 1, tzinfo=UTC)
    SmallTables(str(home / "lake")).append("silver.quarantine", [row])
    assert "x:1" in earshot(home, capsys, "show", "--rule", "gone")
    assert earshot(home, capsys, "show", "--rule", "gone", "--since", "2026-03-28").startswith("No line")


def test_a_replay_needs_a_home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--home", str(tmp_path / "none"), "replay"]) == 2
    assert "There is no HOME" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()

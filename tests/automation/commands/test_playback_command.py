"""`earshot playback`: the hourly cells added up, for people and for machines."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from earshot.analytics.audio_quality import quality_of_day
from earshot.automation.cli import main
from earshot.core.small_tables import SmallTables
from factories import listens_arrow

FIRST = date(2026, 3, 28)  # a Saturday, so that the four days lie in two weeks
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def earshot(home: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    """Run a command in a home with four days of cells; returns exit code, stdout and stderr."""
    plays = listens_arrow(2_000, 4, days=4, first_day=FIRST, listeners=40, gaps=0.0)
    for day in sorted(set(plays["listen_date"].to_pylist())):
        of_day = plays.filter(pc.equal(plays["listen_date"], pa.scalar(day)))
        cells = quality_of_day(of_day, day=day, session_gap_minutes=30)
        SmallTables(str(home / "lake")).append("gold.audio_quality", cells)

    def call(*words: str) -> tuple[int, str, str]:
        code = main([*words, "--home", str(home)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def test_weeks_by_cdn_are_there_for_machines(earshot: Call) -> None:
    code, out, _ = earshot("playback", "--by", "week", "--per", "cdn", "--json")
    machine = json.loads(out)
    assert code == 0
    assert {row["cdn"] for row in machine["rows"]} == {"alpha", "beta", "gamma"}
    assert {row["period_start"][:10] for row in machine["rows"]} == {"2026-03-23", "2026-03-30"}
    assert sum(row["plays"] for row in machine["rows"]) == 2_000
    assert all(row["startup_ms_p50"] <= row["startup_ms_p95"] <= row["startup_ms_p99"] for row in machine["rows"])


def test_days_can_be_chosen_and_one_row_can_hold_all(earshot: Call) -> None:
    _, out, _ = earshot("playback", "--by", "all", "--from", str(FIRST), "--to", str(FIRST), "--json")
    (row,) = json.loads(out)["rows"]
    assert 0 < row["plays"] < 2_000
    _, out, _ = earshot("playback", "--from", str(FIRST + timedelta(days=1)))
    assert str(FIRST) not in out
    assert "startup p50" in out


def test_small_groups_can_be_left_out(earshot: Call) -> None:
    _, out, _ = earshot("playback", "--per", "country", "--fewest", "100000", "--json")
    assert json.loads(out)["rows"] == []


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--by", "wek"], "week"),
        (["--per", "contry"], "country"),
        (["--from", "soon"], "YYYY-MM-DD"),
        (["--from", "2031-01-01"], "no playback quality of these days"),
    ],
)
def test_what_makes_no_sense_is_exit_2_with_a_remedy(earshot: Call, words: list[str], named: str) -> None:
    code, _, err = earshot("playback", *words)
    assert code == 2
    assert named in err

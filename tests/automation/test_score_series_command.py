"""`earshot score-series`: a row for a row, and errors with file and line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from earshot.automation.cli import main

ROWS = [
    "2026-03-01T00:00:00Z,1.5",
    "2026-03-01 00:05:00,",
    "2026-03-01T00:10:00+00:00,NaN",
    "2026-03-01T00:15:00Z,1e300",
]


def series(folder: Path, *rows: str, header: str = "timestamp,value") -> str:
    file = folder / "series.csv"
    file.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return str(file)


def test_every_row_comes_back_with_a_score(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score-series", series(tmp_path, *ROWS)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "timestamp,value,score"
    assert [line.rsplit(",", 1)[0] for line in lines[1:]] == ROWS
    assert all(0 <= float(line.rsplit(",", 1)[1]) <= 1 for line in lines[1:])


def test_scores_go_to_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "scores.csv"
    words = ["score-series", series(tmp_path, *ROWS), "--offline", "--output", str(out), "--json"]
    assert main(words) == 0
    assert len(out.read_text(encoding="utf-8").splitlines()) == len(ROWS) + 1
    assert json.loads(capsys.readouterr().out)["rows"] == len(ROWS)


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        (["2026-03-01,1", "2026-03-02,many"], 3),
        (["yesterday,1"], 2),
        (["2026-03-01,1", "2026-03-02,2", "2026-03-03"], 4),
        (["1000,1", "2026-03-03,2"], 3),
        (["1e999,1"], 2),
    ],
)
def test_an_unreadable_row_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rows: list[str], line: int
) -> None:
    assert main(["score-series", series(tmp_path, *rows)]) == 2
    assert f"series.csv, line {line}" in capsys.readouterr().err


def test_a_wrong_header_and_a_missing_file_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score-series", series(tmp_path, header="time;value")]) == 2
    assert "line 1" in capsys.readouterr().err
    assert main(["score-series", str(tmp_path / "none.csv")]) == 2
    assert "none.csv" in capsys.readouterr().err


def test_an_empty_file_and_bytes_that_are_no_text_are_named_with_the_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty, latin = tmp_path / "empty.csv", tmp_path / "latin.csv"
    empty.write_bytes(b"")
    latin.write_bytes(b"timestamp,value\n1,2\n\xff,3\n")
    assert main(["score-series", str(empty)]) == 2
    assert "Write timestamp,value as the first line" in capsys.readouterr().err
    assert main(["score-series", str(latin)]) == 2
    assert "latin.csv, line 3" in capsys.readouterr().err


def test_odd_rows_are_scored_in_the_order_in_which_they_came(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = ["1.7e9,1e300", "3,", "2,nan", "2,-1e300", "2,inf", "-5,7"]
    assert main(["score-series", series(tmp_path, *odd)]) == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    assert [line.rsplit(",", 1)[0] for line in lines] == odd
    assert all(0 <= float(line.rsplit(",", 1)[1]) <= 1 for line in lines)


def test_an_unknown_detector_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score-series", series(tmp_path, *ROWS), "--detector", "esemble"]) == 2
    assert "ensemble" in capsys.readouterr().err

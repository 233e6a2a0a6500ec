"""`earshot evaluate anomalies` on public corpora: needs no HOME, and says what it cannot use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import labelled_series
from earshot.automation.cli import main


def test_a_corpus_is_judged_without_a_home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = labelled_series.write(tmp_path / "corpus")
    words = ["evaluate", "anomalies", "--nab", str(folder), "--detector", "ensemble", "--json"]
    assert main([*words, "--home", str(tmp_path / "none")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [row["mode"] for row in told["contest"]] == ["online", "offline"]
    assert told["series"] == 3
    assert not (tmp_path / "none").exists()


def test_the_table_names_every_series(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = labelled_series.write(tmp_path / "corpus")
    assert main(["evaluate", "anomalies", "--nab", str(folder), "--detector", "level"]) == 0
    printed = capsys.readouterr().out
    assert "made/2.csv" in printed
    assert "ARTime" in printed
    assert "None" not in printed


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["quality", "--nab", "."], "evaluate anomalies"),
        (["anomalies", "--nab", "nowhere"], "combined_windows.json"),
        (["anomalies", "--odds", "nowhere"], ".mat"),
    ],
)
def test_what_cannot_be_used_is_exit_code_2(
    words: list[str], wanted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", *words]) == 2
    assert wanted in capsys.readouterr().err


def test_an_unknown_detector_is_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = labelled_series.write(tmp_path / "corpus")
    assert main(["evaluate", "anomalies", "--nab", str(folder), "--detector", "levle"]) == 2
    assert "levle" in capsys.readouterr().err

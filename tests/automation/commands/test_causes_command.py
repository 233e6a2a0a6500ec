"""`earshot evaluate causes`: needs no HOME; bad words end with 2 and say what to use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from earshot.automation.cli import main


def test_simulated_incidents_are_told_by_depth_and_kind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["evaluate", "causes", "--trials", "1", "--seed", "5", "--json", "--home", str(tmp_path / "none")]
    assert main(words) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["subject"] == "causes"
    assert told["incidents"] == 3
    assert {row["method"] for row in told["by_depth"]} == {"Earshot", "Adtributor", "RiskLoc"}
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["causes", "--trials", "0"], "--trials is 0"),
        (["causes", "--cuboids", "nowhere"], "no cases with known causes"),
        (["anomalies", "--cuboids", "."], "evaluate causes"),
    ],
)
def test_what_cannot_be_used_ends_2(words: list[str], wanted: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", *words]) == 2
    assert wanted in " ".join(capsys.readouterr().err.split())

"""The command line as a user meets it: help, bad arguments, JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from earshot.automation.cli import main
from earshot.automation.dates import days_between, parse_day, parse_interval
from earshot.automation.pipeline import JOBS
from earshot.core.errors import ArgumentError

SOURCES = Path(__file__).resolve().parents[2] / "jobs"
_OPTION = re.compile(r"job\.arguments\.get\(\"(\w+)\"")

COMMANDS = (
    "demo generate run backfill evaluate score-series report alerts suspects quarantine replay gate "
    "whatif export publish erase verify metrics maintain doctor"
).split()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_contract_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    shown = capsys.readouterr().out
    assert "Usage: earshot" in shown
    assert "Raises:" not in shown, "what a docstring says to programmers"


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "ingest_listen"],
        ["run", "--date", "29.03.2026"],
        ["run", "--every", "soon"],
        ["backfill", "--from", "2026-03-02", "--to", "2026-03-01"],
        ["run", "--option", "notify"],
        ["run", "--option", "clos=2026-03"],
        ["run", "ingest_listens", "--option", "close=2026-03"],
        ["evaluate", "everything"],
        ["nonsense"],
        ["run", "--home"],
    ],
)
def test_bad_arguments_end_2_without_a_traceback(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert said.strip()
    assert "Traceback" not in said


def test_json_is_accepted_before_and_after_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--json", "run", "nothing"], ["run", "nothing", "--json"]):
        assert main(arguments) == 2
        machine = json.loads(capsys.readouterr().out)
        assert machine["exit_code"] == 2
        assert machine["jobs"] == []


def test_an_interrupted_command_prints_its_object_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("earshot.automation.commands.privacy.current", interrupt)
    assert main(["verify", "--json"]) == 130
    out, err = capsys.readouterr()
    assert (json.loads(out)["exit_code"], json.loads(out)["jobs"]) == (130, [])
    assert "Run the same command again" in err


def test_an_unknown_job_names_those_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    main(["run", "ingest"])
    assert "ingest_listens" in capsys.readouterr().err


def test_an_option_that_no_job_knows_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "build_marts", "--option", "clos=2026-03"]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "build_marts has no option 'clos'" in said
    assert "remedy: Use close;" in said


def test_every_option_that_a_job_asks_for_may_be_given() -> None:
    """A job reads its options by name; those of the pipeline's data are the names."""
    asked = {name for path in SOURCES.rglob("*.py") for name in _OPTION.findall(path.read_text(encoding="utf-8"))}
    assert asked == {name for spec in JOBS.values() for name in spec.options}


def test_days_are_taken_with_both_ends() -> None:
    assert len(days_between(parse_day("2024-02-28", ""), parse_day("2024-03-01", ""))) == 3


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("5m", 300), ("2h", 7200)])
def test_an_interval_is_a_number_and_a_unit(text: str, seconds: int) -> None:
    assert parse_interval(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "5", "m", "0m", "-5m", "5d"])
def test_no_interval_is_guessed(text: str) -> None:
    with pytest.raises(ArgumentError):
        parse_interval(text)

"""What a user meets who points a command at the wrong thing: exit 2 (or 1), what, where and remedy; never a trace."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from earshot.automation.cli import main
from earshot.automation.invocation import machine_line


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a-file"
    path.write_text("no folder")
    return path


@pytest.mark.parametrize(
    "arguments",
    [
        ["--home", "FILE", "alerts", "list"],
        ["--home", "FILE", "verify"],
        ["--home", "FILE", "run", "import_catalogue"],
        ["--home", "FILE", "generate"],
        ["--home", "FILE", "demo"],
        ["--home", "FILE/below", "run", "import_catalogue"],
        ["--home", "FILE/below", "demo"],
        ["generate", "FILE", "--days", "1", "--listeners", "10", "--tracks", "20"],
        ["--home", "TYPO", "alerts", "list"],
        ["--home", "TYPO", "verify"],
        ["--home", "--json", "run"],
        ["export", "gold.chart", "--to", "x"],
        ["generate", "--days", "100000"],
        ["generate", "--listeners", "100000000000"],
        ["generate", "--start", "9999-12-31"],
        ["run", "--every", ""],
        ["evaluate", "anomalie"],
        ["backfill"],
        ["alerts"],
        ["metrics", "--port", "99999"],
    ],
)
def test_what_cannot_be_used_ends_2_and_says_where_and_what_to_do(
    arguments: list[str], file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    typo = str(file.parent / "typo")
    given = [word.replace("FILE", str(file)).replace("TYPO", typo) for word in arguments]
    assert main([*given, "--json"]) == 2
    told = capsys.readouterr()
    machine = json.loads(told.out)
    assert (machine["run_id"], machine["status"], machine["exit_code"], machine["jobs"]) == (None, "failed", 2, [])
    assert "where: " in told.err
    assert "remedy: " in told.err
    assert "Traceback" not in told.err


def test_a_misspelt_command_is_told_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["quarantin", "list"]) == 2
    assert "Use quarantine" in capsys.readouterr().err
    assert main(["alerts", "lst"]) == 2
    assert "Use list" in capsys.readouterr().err


def test_a_lake_that_cannot_be_written_is_the_users_to_mend(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EARSHOT_LAKE", str(file / "lake"))
    assert main(["--home", str(tmp_path), "alerts", "silence", "country=BR", "--reason", "x"]) == 2
    assert "remedy: " in capsys.readouterr().err


def test_a_damaged_table_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "lake" / "gold" / "alerts" / "_delta_log"
    log.mkdir(parents=True)
    (log / "00000000000000000000.json").write_text("junk")
    for command in (["alerts", "list"], ["metrics"]):
        assert main(["--home", str(tmp_path), *command]) == 1
        told = capsys.readouterr().err
        assert "gold.alerts cannot be read" in told
        assert str(log.parent) in told
        assert len(told.splitlines()) < 6


def test_a_fault_of_ours_leaves_its_trace_in_a_log_line_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("earshot.alerting.feedback.verdicts", lambda _: 1 / 0)
    assert main(["--home", str(tmp_path), "alerts", "list", "--json"]) == 1
    told = capsys.readouterr()
    log, *said = told.err.splitlines()
    assert "1 / 0" in json.loads(log)["traceback"]
    assert said[0] == "ZeroDivisionError: division by zero"
    assert json.loads(told.out)["exit_code"] == 1


@pytest.mark.parametrize(
    "command",
    [["alerts", "list"], ["suspects", "list"], ["quarantine", "list"], ["gate", "show"], ["verify"], ["metrics"]],
)
def test_every_command_that_reads_answers_with_the_object_of_the_contract(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, "--json", "--home", str(tmp_path)]) == 0
    machine = json.loads(capsys.readouterr().out)
    assert {"run_id": None, "status": "done", "exit_code": 0, "jobs": []}.items() <= machine.items()


def test_numbers_that_json_does_not_have_are_null() -> None:
    assert json.loads(machine_line({"recall": float("nan"), "rows": [{"ratio": float("inf")}]})) == {
        **{"run_id": None, "status": "done", "exit_code": 0, "jobs": []},
        **{"recall": None, "rows": [{"ratio": None}]},
    }

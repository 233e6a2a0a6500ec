from __future__ import annotations

import json

import pytest
import typer

from earshot.automation.commands.generate import register
from earshot.automation.invocation import take_common_options
from earshot.core.errors import ArgumentError, SettingsError

SMALL = ["--days", "2", "--listeners", "20", "--tracks", "60", "--plays", "300", "--scenario", "clean"]


@pytest.fixture
def command(tmp_path, capsys):
    """Calls `earshot generate ...` in a home of its own; returns what it printed."""

    def call(*arguments: str) -> str:
        app = typer.Typer()
        register(app)
        rest = take_common_options(["--home", str(tmp_path / "home"), *arguments])
        app(rest, standalone_mode=False)
        return capsys.readouterr().out

    return call


def test_logs_go_to_home_unless_a_folder_is_named(command, tmp_path):
    command(*SMALL)
    command(str(tmp_path / "elsewhere"), *SMALL)
    for folder in ("home", "elsewhere"):
        assert {path.name for path in (tmp_path / folder).iterdir()} >= {"landing", "truth", "catalogue"}


def test_a_person_is_told_what_was_written_and_what_to_do_next(command):
    told = command(*SMALL)
    assert "300 lines of 300 organic plays" in told
    assert "earshot backfill --from 2026-03-16 --to 2026-03-17" in told


def test_a_machine_gets_one_object(command, tmp_path):
    told = json.loads(command("--json", "--start", "2026-01-31", *SMALL))
    assert told["exit_code"] == 0
    assert told["lines"] == told["plays"] == 300
    assert (told["first_day"], told["last_day"]) == ("2026-01-31", "2026-02-01")
    assert told["landing"] == str(tmp_path / "home" / "landing")


def test_numbers_and_scenarios_that_cannot_be_used_are_refused(command):
    with pytest.raises(ArgumentError, match="--days"):
        command("--days", "0")
    with pytest.raises(SettingsError, match="no scenario"):
        command("--scenario", "chaos")

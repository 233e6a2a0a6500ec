"""From settings to actions: what cannot be made is an error with its place, before anything is published."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from earshot.core.config import load_settings
from earshot.core.errors import SettingsError
from earshot.validators.checkpoints.configured import configured_actions
from own_actions import WritesFile

WEBHOOK = "https://hooks.slack.com/services/T0/B0/hunter2"


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], SettingsError]:
    """The error of actions in a file."""
    monkeypatch.setenv("EARSHOT_CONF", str(tmp_path))

    def make(toml: str) -> SettingsError:
        (tmp_path / "base.toml").write_text(toml)
        with pytest.raises(SettingsError) as caught:
            configured_actions(load_settings())
        return caught.value

    return make


def test_an_own_class_is_found_by_module_and_name() -> None:
    action = {"type": "own_actions:WritesFile", "path": "x", "name": "writer"}
    settings = load_settings(overrides={"quality": {"actions": [action]}})
    configured = configured_actions(settings)["writer"]
    assert type(configured.action) is WritesFile
    assert (configured.action.name, configured.action.path) == ("writer", "x")


def test_a_misspelt_argument_names_its_line_and_the_nearest_one(refused: Callable[[str], SettingsError]) -> None:
    error = refused(f'[[quality.actions]]\ntype = "slack"\nslack_webook = "{WEBHOOK}"\n')
    assert error.what == "quality.actions[0].slack_webook is no argument of slack."
    assert error.where.endswith("base.toml, line 3, key quality.actions[0].slack_webook")
    assert error.remedy == "Use slack_webhook, or remove it."
    assert "hunter2" not in str(error)


@pytest.mark.parametrize(
    ("toml", "what", "remedy"),
    [
        ('type = "slack"', "slack: Please provide either slack_webhook or slack_token and slack_channel.", "arguments"),
        ('type = "opsgenie"', "quality.actions[0].api_key is missing.", "api_key_env"),
        (
            f'type = "slack"\nslack_webhook = "{WEBHOOK}"\nnotify_on = "sundays"',
            "quality.actions[0].notify_on is not what slack takes: unexpected value; permitted: 'all', 'success'",
            "of that kind",
        ),
        (
            'type = "slack"\nslack_webhook_env = "NOBODY_SET_THIS"',
            "NOBODY_SET_THIS is not set, and slack_webhook_env names it.",
            "Set NOBODY_SET_THIS where the jobs run.",
        ),
        ('type = "slack"\nslack_webhook_env = 7', "slack_webhook_env is no name of a variable.", "Name an environment"),
        ('type = "slack"\ntimout_s = 3\nslack_webhook = "x"', "timout_s is no argument of slack.", "Use timeout_s"),
        ('type = "no.such.module:Action"', "no.such.module cannot be imported: ModuleNotFoundError", "PYTHONPATH"),
        ('type = "own_actions:WriteFile"', "own_actions has no subclass WriteFile", "Use own_actions:WritesFile."),
        ('type = "own_actions:NoAction"', "own_actions has no subclass NoAction of ValidationAction.", "Use own_"),
        ('type = "json:JSONDecoder"', "json has no subclass JSONDecoder of ValidationAction.", "Write a subclass"),
        ('type = "pagerduty"\napi_key = "k"\nrouting_key = "r"', "needs the package pypd", "pip install pypd"),
    ],
)
def test_what_cannot_be_made_says_what_to_do(
    refused: Callable[[str], SettingsError], toml: str, what: str, remedy: str
) -> None:
    error = refused(f"[[quality.actions]]\n{toml}\n")
    assert what in error.what
    assert "base.toml, line " in error.where
    assert remedy in error.remedy
    assert "hunter2" not in str(error)


@pytest.mark.parametrize("name", ["slack", "update_data_docs"])
def test_each_action_has_a_name_of_its_own(refused: Callable[[str], SettingsError], name: str) -> None:
    entry = f'[[quality.actions]]\ntype = "slack"\nslack_webhook = "{WEBHOOK}"\n'
    error = refused(f'{entry}\n{entry}name = "{name}"\n')
    assert error.what == f"A second action has the name {name}."
    assert error.where.endswith("line 8, key quality.actions[1].name")


def test_a_mistake_in_the_variable_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARSHOT_QUALITY__ACTIONS", '[{"type": "slack", "slack_webook": "x"}]')
    with pytest.raises(SettingsError, match="slack_webook is no argument") as caught:
        configured_actions(load_settings())
    assert caught.value.where == "environment variable EARSHOT_QUALITY__ACTIONS"

"""Actions of the gate in the settings: what stands there, what an error says, and what is never shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from great_expectations.checkpoint.actions import _VALIDATION_ACTION_REGISTRY

from earshot.core.action_settings import ACTION_TYPES
from earshot.core.config import effective, load_settings
from earshot.core.errors import SettingsError

WEBHOOK = "https://hooks.slack.com/services/T0/B0/hunter2"


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EARSHOT_CONF", str(tmp_path))
    return tmp_path / "base.toml"


def refused(actions: Any) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        load_settings(overrides={"quality": {"actions": actions}})
    return caught.value


def test_actions_stand_in_a_file_with_great_expectations_own_arguments(base: Path) -> None:
    base.write_text(
        '[[quality.actions]]\ntype = "slack"\nslack_webhook_env = "DATA_SLACK"\nnotify_on = "critical"\n\n'
        '[[quality.actions]]\ntype = "our.actions:Ticket"\nname = "ticket"\non = "refused"\nqueue = 7\n'
    )
    slack, ticket = load_settings().quality.actions
    assert (slack.called, slack.on, dict(slack.arguments)) == (
        "slack",
        "all",
        {"slack_webhook_env": "DATA_SLACK", "notify_on": "critical"},
    )
    assert (ticket.called, ticket.on, dict(ticket.arguments)) == ("ticket", "refused", {"queue": 7})


def test_an_unknown_type_names_its_line_and_the_nearest_one(base: Path) -> None:
    base.write_text('[quality]\nexamples = 3\n\n[[quality.actions]]\nname = "x"\ntype = "slak"\n')
    with pytest.raises(
        SettingsError, match=r"quality\.actions\[0\]\.type is 'slak'; known are slack, email,"
    ) as caught:
        load_settings()
    assert caught.value.exit_code == 2
    assert caught.value.where == f"{base}, line 6, key quality.actions[0].type"
    assert caught.value.remedy == "Use slack, or remove it."


@pytest.mark.parametrize(
    ("action", "what"),
    [
        ({"type": "update_data_docs"}, "Data Docs are brought up to date for every batch"),
        ({"type": "api", "url": WEBHOOK}, "fails on every result"),
        ({"type": "slack", "on": "sundays"}, "known are all, refused, admitted"),
        ({"type": "slack", "name": "a\nb"}, "pattern"),
        ({"type": "slack", "timeout_s": 0}, "greater than 0"),
        ({"slack_webhook": WEBHOOK}, "type is missing"),
    ],
)
def test_an_action_that_cannot_be_meant_is_refused(action: dict[str, Any], what: str) -> None:
    assert what in refused([action]).what


@pytest.mark.parametrize("actions", [{"type": "slack", "slack_webhook": WEBHOOK}, [WEBHOOK], WEBHOOK])
def test_what_is_no_list_of_actions_is_not_repeated(actions: Any) -> None:
    error = refused(actions)
    assert "a secret of another kind" in error.what
    assert "hooks.slack.com" not in str(error)


def test_the_whole_list_may_come_from_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARSHOT_QUALITY__ACTIONS", f'[{{"type": "slack", "slack_webhook": "{WEBHOOK}"}}]')
    (action,) = load_settings().quality.actions
    assert action.arguments["slack_webhook"] == WEBHOOK


def test_what_is_in_force_shows_names_of_variables_and_no_values() -> None:
    given = {"type": "slack", "slack_webhook": WEBHOOK, "slack_token_env": "TOKEN", "notify_on": "failure"}
    settings = load_settings(overrides={"quality": {"actions": [given]}})
    (shown,) = effective(settings)["quality"]["actions"]
    assert (shown["slack_webhook"], shown["slack_token_env"], shown["notify_on"]) == ("**********", "TOKEN", "failure")
    assert "hunter2" not in f"{settings!r} {settings.quality} {effective(settings)}"


def test_the_known_types_are_great_expectations_own_without_those_that_are_of_no_use_here() -> None:
    theirs = {
        kind
        for kind, action in _VALIDATION_ACTION_REGISTRY._registered_actions.items()
        if action.__module__ == "great_expectations.checkpoint.actions"
    }
    assert theirs - set(ACTION_TYPES) == {"update_data_docs", "api"}
    assert set(ACTION_TYPES) < theirs

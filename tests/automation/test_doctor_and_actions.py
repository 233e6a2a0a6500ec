"""What `earshot doctor` says of the gate's actions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from earshot.automation.doctor import Finding, examine
from earshot.core.config import load_settings
from earshot.core.settings import Settings
from earshot.validators.checkpoints.owed import OwedVerdicts
from made_verdicts import gate_verdict

NOW = datetime(2026, 3, 30, 6, tzinfo=UTC)
WRITES = {"type": "own_actions:WritesFile", "path": "told.jsonl"}


def configured(home: Path, actions: Sequence[dict[str, Any]]) -> Settings:
    return load_settings(overrides={"home": str(home), "quality": {"actions": list(actions)}})


def findings(settings: Settings) -> list[Finding]:
    return [finding for finding in examine(settings) if finding.check.startswith("gate action")]


def test_it_says_nothing_where_no_action_is_configured(home: Path) -> None:
    assert findings(configured(home, [])) == []


def test_it_names_an_action_that_cannot_be_made(home: Path) -> None:
    (finding,) = findings(configured(home, [{"type": "slack"}]))
    assert finding.ok is False
    assert "slack_webhook" in finding.detail


def test_it_says_what_waits_and_why(home: Path) -> None:
    settings = configured(home, [WRITES, {**WRITES, "name": "other"}])
    owed = OwedVerdicts(settings)
    owed.owe(gate_verdict(settings, "b1"), NOW)
    (record,) = owed.all()
    owed.keep(record.with_done("other", NOW).with_failed("WritesFile", NOW, "OSError: no room"))
    told = {finding.check: (finding.ok, finding.detail) for finding in findings(settings)}
    assert told == {
        "gate action WritesFile": (False, "1 verdicts wait: OSError: no room"),
        "gate action other": (True, "nothing waits"),
    }

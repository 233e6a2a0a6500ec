"""What follows a verdict, through the command line: a closed gate, a release, settings that cannot be used."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from earshot.automation.cli import main
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.validators.reports import pages_by_batch
from loopback import Answer, Server, http_server

LINES = 300
JOBS = ["run", "ingest_listens", "publish_listens", "--date", "2026-03-29", "--json"]


def land(settings: Settings, name: str, without_track: int) -> None:
    """A file of plays, so many of which name no track and are set aside."""
    plays = [
        {
            "listener": f"listener-{n % 7}",
            "started_at": f"2026-03-29T{n // 60:02}:{n % 60:02}:00.000Z",
            "played_ms": 40_000,
            "duration_ms": 201_000,
            "country": "DE",
        }
        | ({} if n < without_track else {"track_id": f"{name}:{n % 11}"})
        for n in range(LINES)
    ]
    folder = settings.landing / "2026-03-29"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.jsonl").write_text("".join(json.dumps(play) + "\n" for play in plays), encoding="utf-8")


@pytest.fixture
def server() -> Iterator[Server]:
    with http_server() as running:
        yield running


@pytest.fixture
def told(tmp_path: Path) -> Path:
    return tmp_path / "told.jsonl"


@pytest.fixture
def configured(server: Server, told: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack hears of refused batches, a class of the user's of all."""
    monkeypatch.setenv("DATA_SLACK", f"{server.url}/services/T0/SECRET")
    actions = [
        {"type": "slack", "name": "data team", "slack_webhook_env": "DATA_SLACK", "on": "refused"},
        {"type": "own_actions:WritesFile", "path": str(told)},
    ]
    monkeypatch.setenv("EARSHOT_QUALITY__ACTIONS", json.dumps(actions))
    monkeypatch.setenv("EARSHOT_ALERTS__ALLOW_NETWORKS", '["127.0.0.0/8"]')


def facts(out: str, job: str) -> dict[str, Any]:
    (found,) = [told for told in json.loads(out)["jobs"] if told["job"] == job]
    return dict(found.get("facts", {}))


@pytest.mark.usefixtures("spark", "configured")
def test_a_refused_batch_is_told_to_slack_once_although_the_run_ends_3(
    settings: Settings, server: Server, told: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ["--home", str(settings.home)]
    land(settings, "bad", 120)
    server.script = [Answer(503)]
    assert main([*JOBS, *home]) == 3
    refused = facts(capsys.readouterr().out, "publish_listens")
    assert (refused["actions"], "503" in refused["actions_failed"]) == (1, True)
    (row,) = SmallTables(settings.lake_root).rows("ops.ledger")
    assert row["status"] == "refused"
    assert row["batch_id"] in pages_by_batch(settings)

    assert main([*JOBS, *home]) == 0, "what Slack did not take is sent by the next run"
    assert facts(capsys.readouterr().out, "publish_listens")["actions"] == 1
    assert len(server.seen) == 2
    assert f"data team - gate refused batch {row['batch_id']} - Failure" in json.dumps(server.seen[1].json())

    land(settings, "good", 0)
    assert main([*JOBS, *home]) == 0
    assert main(["gate", "release", row["batch_id"], "--reason", "the station sends no titles", *home]) == 0
    assert main([*JOBS, *home]) == 0
    assert len(server.seen) == 2, "a batch that is admitted by hand keeps its verdict, and others were not asked for"
    outcomes = [json.loads(line)["checkpoint"].split()[1] for line in told.read_text().splitlines()]
    assert outcomes == ["refused", "admitted"]


@pytest.mark.usefixtures("spark")
@pytest.mark.parametrize(
    ("action", "what"),
    [
        ({"type": "slak"}, "is 'slak'; known are slack, email,"),
        ({"type": "slack", "slack_webook": "https://hooks/SECRET"}, "slack_webook is no argument of slack"),
    ],
)
def test_actions_that_cannot_be_used_end_2_before_anything_is_published(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    action: dict[str, Any],
    what: str,
) -> None:
    land(settings, "good", 0)
    home = ["--home", str(settings.home)]
    assert main(["run", "ingest_listens", "--date", "2026-03-29", *home]) == 0
    capsys.readouterr()
    monkeypatch.setenv("EARSHOT_QUALITY__ACTIONS", json.dumps([action]))
    assert main(["run", "publish_listens", "--date", "2026-03-29", *home]) == 2
    said = capsys.readouterr()
    assert what in said.out + said.err
    assert "EARSHOT_QUALITY__ACTIONS" in said.out + said.err
    assert "SECRET" not in said.out + said.err
    monkeypatch.delenv("EARSHOT_QUALITY__ACTIONS")
    assert SmallTables(settings.lake_root).rows("silver.listens") == []
    assert main(["run", "publish_listens", "--date", "2026-03-29", *home]) == 0
    assert len(SmallTables(settings.lake_root).rows("silver.listens")) == LINES

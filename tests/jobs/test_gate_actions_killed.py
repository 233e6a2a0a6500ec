"""A run that is killed between the verdict and an action: the next run acts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.validators.checkpoints.owed import OwedVerdicts
from loopback import http_server

ROOT = Path(__file__).resolve().parents[2]


def test_what_a_killed_run_owed_is_done_by_the_next_one_and_nothing_twice(settings: Settings, tmp_path: Path) -> None:
    folder = settings.landing / "2026-03-29"
    folder.mkdir(parents=True)
    play = {"listener": "anna", "started_at": "2026-03-29T10:00:00Z", "played_ms": 40_000}
    (folder / "no_track.jsonl").write_text((json.dumps(play) + "\n") * 200, encoding="utf-8")
    before, mark = tmp_path / "before.jsonl", tmp_path / "died"
    with http_server() as server:
        actions = [
            {"type": "own_actions:WritesFile", "path": str(before)},
            {"type": "own_actions:Dies", "mark": str(mark)},
            {"type": "slack", "slack_webhook": f"{server.url}/services/x", "on": "refused"},
        ]
        more = {
            "PYTHONPATH": os.pathsep.join([str(ROOT / "jobs"), str(ROOT / "tests")]),
            "EARSHOT_QUALITY__ACTIONS": json.dumps(actions),
            "EARSHOT_ALERTS__ALLOW_NETWORKS": '["127.0.0.0/8"]',
        }
        program = "from earshot.automation.cli import entry_point; entry_point()"
        run = [sys.executable, "-c", program, "run", "ingest_listens", "publish_listens"]
        told = [
            subprocess.run(
                [*run, "--date", "2026-03-29", "--home", str(settings.home)],
                capture_output=True,
                text=True,
                check=False,
                env={**os.environ, **more},
            )
            for _ in range(2)
        ]
        assert [done.returncode for done in told] == [-signal.SIGKILL, 0], told[-1].stderr[-2_000:]
        (row,) = SmallTables(settings.lake_root).rows("ops.ledger")
        assert row["status"] == "refused"
        (call,) = server.seen
        assert f"gate refused batch {row['batch_id']}" in json.dumps(call.json())
    assert len(before.read_text().splitlines()) == 1
    assert OwedVerdicts(settings).all() == []

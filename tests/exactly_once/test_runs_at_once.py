"""Runs that work on one home at the same time: no row is lost or doubled, and whoever waits says so."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from earshot.core.small_tables import SmallTables
from exactly_once.homes import OF_THE_CLOCK, Told, land, lines, play, told, unbalanced
from exactly_once.processes import STEPS, Run
from exactly_once.trials import Trials, ended, in_a_process

WRITERS = 8
_OF_THE_SPLIT = {*OF_THE_CLOCK["silver.listens"], "batch_id", "source_file", "source_line", "arrived_at"}
_COUNTS = ("read", "accepted", "duplicate", "quarantined", "filtered")


def together(home: Path, calls: Sequence[Sequence[str]], **more: str) -> list[Run]:
    logs = [home.with_name(f"{home.name}.{n}.log") for n in range(len(calls))]
    runs = [Run.start(home, log, jobs=jobs, more=more) for log, jobs in zip(logs, calls, strict=True)]
    for run in runs:
        ended(run)
    return runs


def test_two_runs_at_once_publish_every_row_once_and_one_of_them_waits(trials: Trials) -> None:
    home = trials.home("two-at-once")
    runs = together(home, [STEPS, STEPS])
    assert told(home).differences(trials.expected) == []
    assert unbalanced(home) == []
    waits = [line["held_by"] for run in runs for line in run.told() if line["event"] == "waits for its turn"]
    assert waits
    assert all("_listens of run" in held for held in waits)


@pytest.mark.kills
def test_an_ingest_beside_a_backfill_and_a_vacuum_loses_no_row(trials: Trials) -> None:
    home = trials.home("beside-a-vacuum")
    backfill = (*STEPS, "build_sessions", "build_marts")
    calls = [STEPS, backfill, ("maintain_tables",), backfill, ("maintain_tables",)]
    runs = together(home, calls, EARSHOT_MAINTENANCE__COMMITS_BETWEEN="1")
    assert max(_maintained(run) for run in runs) > 1
    found, expected = told(home).rows, trials.expected.rows
    assert found["silver.sessions"]
    assert Told(found | {"silver.sessions": expected["silver.sessions"]}).differences(trials.expected) == []
    assert unbalanced(home) == []


@pytest.mark.kills
def test_eight_writers_publish_what_one_would(trials: Trials, tmp_path: Path) -> None:
    """Each lands a file of its own, a third of which is in its neighbour's file, too, and runs both jobs."""
    content = {
        f"{n}.jsonl": lines(*(play(m) for m in range(300 + n * 20, 330 + n * 20)), '{"listener": ')
        for n in range(WRITERS)
    }
    alone, all_at_once = tmp_path / "alone", tmp_path / "all"
    land(alone, content)
    in_a_process(alone, STEPS)
    (all_at_once / "keys").mkdir(parents=True)
    for key in (alone / "keys").glob("*.key"):
        shutil.copy2(key, all_at_once / "keys")
    runs = []
    for n, (name, held) in enumerate(content.items()):
        land(all_at_once, {name: held})
        runs.append(Run.start(all_at_once, tmp_path / f"{n}.log"))
    for run in runs:
        ended(run)
    assert _silver(all_at_once) == _silver(alone)
    assert _totals(all_at_once) == _totals(alone)
    assert unbalanced(all_at_once) == []
    assert set(told(all_at_once).rows["ops.vault"].values()) == {1}


def _maintained(run: Run) -> int:
    return max(line.get("facts", {}).get("maintained", 0) for line in run.told())


def _silver(home: Path) -> Counter[str]:
    rows = SmallTables(str(home / "lake")).rows("silver.listens")
    return Counter(json.dumps({k: str(v) for k, v in row.items() if k not in _OF_THE_SPLIT}) for row in rows)


def _totals(home: Path) -> dict[str, int]:
    rows = SmallTables(str(home / "lake")).rows("ops.ledger")
    return {what: sum(row[what] for row in rows) for what in _COUNTS} | {"files": len(rows)}

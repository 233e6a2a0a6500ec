"""Runs: their rows, their exit codes, and what follows a failure."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from earshot.automation import runner
from earshot.automation.backfill import run_backfill
from earshot.automation.run_journal import RunJournal
from earshot.automation.session import open_session
from earshot.core.errors import ArgumentError, DependencyError, EarshotError, GateRefusedError, JobSkippedError
from earshot.core.job import Job
from earshot.core.settings import Settings, SparkSettings
from earshot.core.small_tables import SmallTables

DAY = date(2026, 3, 29)


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch, spark: SparkSession) -> dict[str, Callable[[Job], None]]:
    """The bodies of the jobs, by name; one that is not named here does nothing."""
    bodies: dict[str, Callable[[Job], None]] = {}
    monkeypatch.setattr(runner, "load_job", lambda name: bodies.get(name, lambda job: None))
    return bodies


def _raise(error: Exception) -> Callable[[Job], None]:
    def body(job: Job) -> None:
        raise error

    return body


def test_every_run_has_a_row_and_failed_ones_their_error(jobs: dict, settings: Settings) -> None:
    jobs["build_marts"] = _raise(EarshotError("The table is gone."))
    results = runner.run_jobs(["build_sessions", "build_marts"], DAY, settings)
    rows = {row["job"]: row for row in SmallTables(settings.lake_root).rows("ops.runs")}
    assert [result.status for result in results] == ["done", "failed"]
    assert rows["build_sessions"]["status"] == "done"
    assert rows["build_marts"]["error"] == "The table is gone."
    assert rows["build_marts"]["run_date"] == DAY


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (EarshotError("broken"), "failed", 1),
        (ValueError("a bug"), "failed", 1),
        (ArgumentError("wrong"), "failed", 2),
        (GateRefusedError("refused"), "refused", 3),
        (JobSkippedError("too little history"), "skipped", 0),
    ],
)
def test_an_error_decides_the_exit_code(
    jobs: dict, settings: Settings, error: Exception, status: str, code: int
) -> None:
    jobs["build_marts"] = _raise(error)
    (result,) = runner.run_jobs(["build_marts"], DAY, settings)
    assert (result.status, result.exit_code) == (status, code)


def test_after_a_refusal_only_the_alerts_still_run(jobs: dict, settings: Settings) -> None:
    jobs["publish_listens"] = _raise(GateRefusedError("refused"))
    names = ["ingest_listens", "publish_listens", "build_marts", "publish_alerts"]
    results = runner.run_jobs(names, DAY, settings)
    assert [result.job for result in results] == ["ingest_listens", "publish_listens", "publish_alerts"]
    assert runner.exit_code(results) == 3


def test_a_run_that_was_killed_gets_its_row_at_the_next_run(jobs: dict, settings: Settings) -> None:
    folder = settings.home / "running"
    folder.mkdir()
    entry = {"run_id": "r0", "job": "build_marts", "run_date": "2026-03-28", "started_at": "2026-03-28T01:00:00+00:00"}
    (folder / "r0.build_marts.json").write_text(json.dumps({**entry, "pid": 2**22 - 7}))
    runner.run_jobs(["build_sessions"], DAY, settings)
    (killed,) = [row for row in SmallTables(settings.lake_root).rows("ops.runs") if row["run_id"] == "r0"]
    assert killed["status"] == "failed"
    assert "killed" in killed["error"]
    assert not list(folder.iterdir())


def test_a_journal_entry_that_was_cut_in_half_is_put_away(settings: Settings) -> None:
    folder = settings.home / "running"
    folder.mkdir()
    (folder / "r1.build_marts.json").write_text('{"run_id": "r1"')
    journal = RunJournal(folder, SmallTables(settings.lake_root), lambda: datetime.now(UTC))
    assert journal.bury_the_dead() == []
    assert not list(folder.iterdir())


def test_two_runs_that_find_the_same_dead_run_write_its_row_once(settings: Settings) -> None:
    folder, small = settings.home / "running", SmallTables(settings.lake_root)
    folder.mkdir()
    entry = {"run_id": "r0", "job": "build_marts", "run_date": "2026-03-28", "started_at": "2026-03-28T01:00:00+00:00"}
    for n in range(8):
        (folder / f"r{n}.build_marts.json").write_text(json.dumps({**entry, "run_id": f"r{n}", "pid": 2**22 - 7}))
    with ThreadPoolExecutor(4) as pool:
        for _ in range(4):
            pool.submit(RunJournal(folder, small, lambda: datetime.now(UTC)).bury_the_dead)
    assert sorted(row["run_id"] for row in small.rows("ops.runs")) == [f"r{n}" for n in range(8)]


def test_a_backfill_resumes_where_it_stopped(jobs: dict, settings: Settings) -> None:
    days = [date(2026, 3, 27), date(2026, 3, 28), date(2026, 3, 29)]
    seen: list[date] = []
    broken = {date(2026, 3, 28)}

    def body(job: Job) -> None:
        if job.date in broken:
            raise EarshotError("no disk")
        seen.append(job.date)

    jobs["build_marts"] = body
    run_backfill(days, ["build_marts"], settings)
    assert seen == days[:1]
    broken.clear()
    run_backfill(days, ["build_marts"], settings)
    assert seen == days


def test_a_backfill_goes_on_after_a_refused_batch(jobs: dict, settings: Settings) -> None:
    jobs["publish_listens"] = _raise(GateRefusedError("refused"))
    results = run_backfill([date(2026, 3, 28), DAY], ["publish_listens"], settings)
    assert [result.date for result in results] == [date(2026, 3, 28), DAY]
    assert runner.exit_code(results) == 3


def test_spark_does_not_start_without_deltas_jars_and_says_how_to_get_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("earshot.automation.session.JARS", tmp_path)
    with pytest.raises(DependencyError) as caught:
        open_session(SparkSettings())
    assert "python -m earshot.automation.spark_jars" in caught.value.remedy


def test_the_audit_has_an_entry_a_run(jobs: dict, settings: Settings) -> None:
    runner.run_jobs(["build_sessions"], DAY, settings)
    (entry,) = SmallTables(settings.lake_root).rows("ops.audit")
    assert (entry["action"], entry["subject"]) == ("job.run", "build_sessions")

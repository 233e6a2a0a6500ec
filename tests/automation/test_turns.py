"""Runs of one HOME that write the same tables: one after the other, and whoever waits knows for whom."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from earshot.automation import runner
from earshot.automation.pipeline import JOBS
from earshot.automation.turns import Turns
from earshot.core.errors import OvertakenError, TableError
from earshot.core.job import Job
from earshot.core.locations import source_root
from earshot.core.logs import StructuredLog
from earshot.core.settings import Settings

HOLDER = {"run_id": "r1", "job": "ingest_listens"}
HOLD = """
import sys, time
from pathlib import Path
from earshot.automation.turns import Turns
from earshot.core.logs import StructuredLog
with Turns(Path(sys.argv[1]), 5).turn("listens", {"run_id": "r7", "job": "publish_listens"}, StructuredLog()):
    print("has it", flush=True)
    time.sleep(60)
"""


def test_nobody_is_in_the_middle_of_another_ones_turn(tmp_path: Path) -> None:
    inside: list[int] = []
    most = threading.Semaphore(1)

    def one(n: int) -> None:
        with Turns(tmp_path, 30).turn("listens", HOLDER, StructuredLog(io.StringIO())):
            assert most.acquire(blocking=False), "two runs at once"
            inside.append(n)
            time.sleep(0.01)
            most.release()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(8)))
    assert sorted(inside) == list(range(8))


def test_turns_of_other_names_do_not_wait(tmp_path: Path) -> None:
    turns, log = Turns(tmp_path, 0), StructuredLog(io.StringIO())
    with turns.turn("listens", HOLDER, log), turns.turn("build_marts", HOLDER, log):
        pass


def test_whoever_waits_is_told_for_whom_and_gets_the_turn_of_one_that_was_killed(tmp_path: Path) -> None:
    with_us = {**os.environ, "PYTHONPATH": str(source_root())}
    other = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, env=with_us)
    assert other.stdout is not None
    assert other.stdout.readline() == b"has it\n"
    with (
        pytest.raises(TableError, match=rf"publish_listens of run r7 \(process {other.pid} on .*\)") as caught,
        Turns(tmp_path, 0.3).turn("listens", HOLDER, StructuredLog(io.StringIO())),
    ):
        pass
    assert "maintenance.turn_wait_s" in caught.value.remedy
    said = io.StringIO()
    threading.Timer(0.4, os.kill, [other.pid, signal.SIGKILL]).start()
    with Turns(tmp_path, 30).turn("listens", HOLDER, StructuredLog(said)):
        pass
    other.wait()
    waits, has = map(json.loads, said.getvalue().splitlines())
    assert waits["event"] == "waits for its turn"
    assert "publish_listens of run r7" in waits["held_by"]
    assert has["event"] == "has its turn"


def test_whoever_writes_silver_listens_shares_one_turn() -> None:
    sharing = {name for name, spec in JOBS.items() if spec.turn == "listens"}
    assert sharing == {"ingest_listens", "publish_listens", "erase_listeners", "replay_quarantine", "maintain_tables"}


@pytest.fixture
def attempts(monkeypatch: pytest.MonkeyPatch, spark: SparkSession) -> Callable[[int], list[Job]]:
    """Let a job be overtaken so many times; says in what state it began each time."""

    def let(times: int) -> list[Job]:
        begun: list[Job] = []

        def body(job: Job) -> None:
            begun.append(job)
            job.summary.rows_in += 7
            if len(begun) <= times:
                raise OvertakenError("gold.charts", where="lake/gold/charts")

        monkeypatch.setattr(runner, "load_job", lambda name: body)
        monkeypatch.setattr(runner, "_LONGEST_NAP_S", 0.0)
        return begun

    return let


def test_a_job_that_was_overtaken_begins_again_and_counts_anew(
    attempts: Callable[[int], list[Job]], settings: Settings
) -> None:
    begun = attempts(2)
    (result,) = runner.run_jobs(["build_marts"], date(2026, 3, 29), settings)
    assert (len(begun), result.status, result.summary.rows_in) == (3, "done", 7)


def test_a_job_that_is_always_overtaken_says_so_in_the_end(
    attempts: Callable[[int], list[Job]], settings: Settings
) -> None:
    attempts(99)
    (result,) = runner.run_jobs(["build_marts"], date(2026, 3, 29), settings)
    assert (result.status, result.exit_code) == ("failed", 1)
    assert result.error.splitlines() == [
        "Another run changed gold.charts meanwhile.",
        "  where:  lake/gold/charts",
        "  remedy: Run the job again.",
    ]

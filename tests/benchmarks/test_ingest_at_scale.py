"""What a long history, and a listener who plays half of all, cost the way from landing to silver."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from earshot.automation.runner import run_jobs
from earshot.core.config import load_settings
from earshot.core.small_tables import SmallTables
from earshot.importers.simulated import generate
from stopwatch import ROUNDS, Stopwatch

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3_000)]

START = date(2026, 1, 1)
TO_SILVER = ["ingest_listens", "publish_listens"]
PLAYS_A_DAY = 50_000
HISTORY = 100
GOAL_OF_HISTORY = 1.2
PLAYS = 1_000_000
GOAL_OF_SKEW = 1.5
DRIVER = "4g"


def to_silver(home: Path, day: date) -> None:
    settings = load_settings(overrides={"home": str(home)})
    assert [result.exit_code for result in run_jobs(TO_SILVER, day, settings, as_json=True)] == [0, 0]


def with_history(home: Path, days: int) -> Path:
    """A home whose last day has landed, and whose days before are in silver."""
    first = START + timedelta(days=HISTORY - days)
    plays = PLAYS_A_DAY * (days + 1)
    generate(home, days=days + 1, listeners=2_000, tracks=8_000, plays=plays, start=first, seed=3, scenario="clean")
    to_silver(home, START + timedelta(days=HISTORY - 1))
    return home


def test_one_more_day_costs_the_same_after_a_hundred_days_as_after_one(
    tmp_path: Path, stopwatch: Stopwatch, show: Callable[[str], None]
) -> None:
    homes = {"one": with_history(tmp_path / "one", 1), "hundred": with_history(tmp_path / "hundred", HISTORY)}
    for turn in range(ROUNDS):
        for name, home in homes.items():
            copy = Path(shutil.copytree(home, tmp_path / f"{name}-{turn}"))
            with stopwatch.measure(name):
                to_silver(copy, START + timedelta(days=HISTORY))
            rows = SmallTables(str(copy / "lake")).arrow("silver.listens", columns=["listen_date"])
            assert (START + timedelta(days=HISTORY)) in set(rows["listen_date"].to_pylist())
            shutil.rmtree(copy)
    ratio = stopwatch.ratio("hundred", "one")
    show(f"one more day of {PLAYS_A_DAY:,} plays after 1 day:    {stopwatch.median('one'):.2f} s")
    show(f"the same after {HISTORY} days: {stopwatch.median('hundred'):.2f} s = {ratio:.2f}x (goal {GOAL_OF_HISTORY})")
    assert ratio <= GOAL_OF_HISTORY


def land_skewed(home: Path, share: float) -> None:
    """A day of plays, of which one listener has a share."""
    chance = random.Random(5)  # noqa: S311 (seeded, not secret)
    noon = datetime(2026, 3, 2, tzinfo=UTC)
    folder = home / "landing" / "2026-03-02"
    folder.mkdir(parents=True)
    for part in range(8):
        with (folder / f"part-{part}.jsonl").open("w") as out:
            for n in range(PLAYS // 8):
                at = noon + timedelta(milliseconds=chance.randrange(86_400_000))
                who = "everywhere" if chance.random() < share else f"listener-{chance.randrange(20_000)}"
                event = {"listener": who, "started_at": at.isoformat(timespec="milliseconds"), "played_ms": 40_000 + n}
                event |= {"track_id": f"trk:{chance.randrange(30_000)}", "country": "DE", "device": "ios"}
                out.write(json.dumps(event) + "\n")


def run_with_a_small_driver(home: Path) -> None:
    earshot = str(Path(sys.executable).with_name("earshot"))
    command = [earshot, "run", *TO_SILVER, "build_sessions", "--home", str(home), "--date", "2026-03-02"]
    environment = os.environ | {"EARSHOT_SPARK__DRIVER_MEMORY": DRIVER}
    done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2_000:]
    sessions = SmallTables(str(home / "lake")).arrow("silver.sessions", columns=["listens"])
    assert sum(sessions["listens"].to_pylist()) == PLAYS


def test_a_listener_with_half_of_all_plays_costs_no_memory_and_little_time(
    tmp_path: Path, stopwatch: Stopwatch, show: Callable[[str], None]
) -> None:
    for turn in range(ROUNDS):
        for name, share in (("even", 0.0), ("skewed", 0.5)):
            home = tmp_path / f"{name}-{turn}"
            land_skewed(home, share)
            with stopwatch.measure(name):
                run_with_a_small_driver(home)
            shutil.rmtree(home)
    ratio = stopwatch.ratio("skewed", "even")
    show(f"{PLAYS:,} plays of 20,000 listeners, to sessions: {stopwatch.median('even'):.1f} s (driver {DRIVER})")
    show(f"half of them by one listener: {stopwatch.median('skewed'):.1f} s = {ratio:.2f}x (goal {GOAL_OF_SKEW})")
    assert ratio <= GOAL_OF_SKEW

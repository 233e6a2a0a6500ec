"""Lines that were set aside pass later: each enters silver once, and the ledger balances after every step."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from earshot.automation.loading import load_job
from earshot.core.job import Job
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables

AHEAD = datetime.now(UTC) + timedelta(hours=9)
DAY = (AHEAD + timedelta(days=1)).date()
TRUSTING = 86_400

Run = Callable[..., None]


def told(device: str, seconds: int, played_ms: int, track: str = "trk:1") -> str:
    at = (AHEAD + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")
    event = {"listener": "anna", "started_at": at, "played_ms": played_ms, "track_id": track, "device": device}
    return json.dumps(event) + "\n"


@pytest.fixture
def trusting(settings: Settings) -> Settings:
    """Settings under which clocks may be hours ahead."""
    quality = settings.quality.model_copy(update={"future_tolerance_s": TRUSTING})
    return settings.model_copy(update={"quality": quality})


@pytest.fixture
def run(make_job: Callable[..., Job]) -> Run:
    def one(name: str, **given: Any) -> None:
        load_job(name)(make_job(name, DAY, **given))

    return one


@pytest.fixture
def land(settings: Settings, run: Run) -> Callable[..., None]:
    """Land a file and bring it through the gate."""

    def through(name: str, *lines: str, **given: Any) -> None:
        settings.landing.mkdir(parents=True, exist_ok=True)
        (settings.landing / name).write_text("".join(lines), encoding="utf-8")
        run("ingest_listens", **given)
        run("publish_listens", **given)

    return through


def ledger(settings: Settings) -> dict[str, tuple[int, ...]]:
    """By file: read, accepted, duplicate, quarantined; checked to balance."""
    small = SmallTables(settings.lake_root)
    files = [row["source_file"] for row in small.rows("silver.listens")]
    counts = {}
    for row in small.rows("ops.ledger"):
        assert row["read"] == row["accepted"] + row["duplicate"] + row["quarantined"] + row["filtered"]
        assert row["accepted"] == files.count(row["source_file"])
        counts[row["source_file"]] = (row["read"], row["accepted"], row["duplicate"], row["quarantined"])
    return counts


def kept(settings: Settings) -> set[tuple[str, int]]:
    return {(row["device"], row["played_ms"]) for row in SmallTables(settings.lake_root).rows("silver.listens")}


def test_lines_that_pass_now_enter_silver_once_however_often_they_are_replayed(
    settings: Settings, trusting: Settings, land: Callable[..., None], run: Run
) -> None:
    land("phone.jsonl", told("ios", 0, 40_000), told("web", 2, 50_000), told("ios", 900, 31_000, "trk:2"))
    assert ledger(settings) == {"phone.jsonl": (3, 0, 0, 3)}
    run("replay_quarantine", settings=trusting, dry_run=True)
    assert ledger(settings) == {"phone.jsonl": (3, 0, 0, 3)}
    for _ in range(2):
        run("replay_quarantine", settings=trusting, rule="not_in_future")
        assert ledger(settings) == {"phone.jsonl": (3, 2, 1, 0)}
        assert kept(settings) == {("web", 50_000), ("ios", 31_000)}


@pytest.mark.parametrize(("waiting_ms", "stays"), [(60_000, ("ios", 60_000)), (20_000, ("web", 50_000))])
def test_a_replayed_line_and_a_published_play_that_tell_of_the_same_are_one(
    settings: Settings,
    trusting: Settings,
    land: Callable[..., None],
    run: Run,
    waiting_ms: int,
    stays: tuple[str, int],
) -> None:
    land("phone.jsonl", told("ios", 0, waiting_ms))
    land("desk.jsonl", told("web", 2, 50_000), settings=trusting)
    run("replay_quarantine", settings=trusting)
    assert kept(settings) == {stays}
    won = stays[0] == "ios"
    assert ledger(settings) == {"phone.jsonl": (1, won, not won, 0), "desk.jsonl": (1, not won, won, 0)}

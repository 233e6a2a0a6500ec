"""train_manipulation_detector on a lake: verdicts into MLflow, and the next judgement uses them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

import detect_manipulation
import train_manipulation_detector
from earshot.core.errors import JobSkippedError
from earshot.core.job import Job
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.detectors.verdict_model import VerdictModel
from earshot.integrations.model_registry import MANIPULATION_DETECTOR, MODEL_TAG, ModelRegistry

FIRST = date(2026, 3, 1)
DAYS = 10
TODAY = FIRST + timedelta(days=DAYS)


def plays(listener: str, day: date, played_ms: int, tracks: int, every_s: int) -> list[dict[str, Any]]:
    begin = datetime(day.year, day.month, day.day, 1, tzinfo=UTC)
    return [
        {
            "listen_id": f"{listener}-{day}-{n}",
            "listener_id": listener,
            "track_id": f"{listener}-{n % tracks}",
            "started_at": begin + timedelta(seconds=every_s * n),
            "listen_date": day,
            "played_ms": played_ms,
            "country": "DE",
        }
        for n in range(100)
    ]


@pytest.fixture
def lake(settings: Settings) -> SmallTables:
    """Loops of 31 s, and radios in shops that play 25 tracks around the clock: the rules suspect both."""
    tables = SmallTables(settings.lake_root)
    for day in (FIRST + timedelta(days=n) for n in range(DAYS + 1)):
        rows = []
        for who in range(10):
            rows += plays(f"v1:loop{who}{day:%d}", day, 31_200, 1, 40)
            rows += plays(f"v1:shop{who}{day:%d}", day, 200_000, 12, 810)
        tables.append("silver.listens", rows)
    return tables


def speak(lake: SmallTables) -> None:
    said = {"subject_kind": "suspect", "author": "ana", "reason": "looked at it", "at": datetime.now(UTC)}
    rows = [row for row in lake.rows("gold.suspect_listens") if row["listen_date"] < TODAY]
    verdict = {True: "confirmed", False: "cleared"}
    told = [{**said, "subject": row["listener_id"], "verdict": verdict["loop" in row["listener_id"]]} for row in rows]
    lake.append("ops.feedback", told)


def test_what_people_said_is_learnt_logged_and_used_by_the_next_judgement(
    make_job: Callable[..., Job], lake: SmallTables, settings: Settings
) -> None:
    with pytest.raises(JobSkippedError, match="too few verdicts: 0 rows"):
        train_manipulation_detector.run(make_job("train_manipulation_detector", TODAY))

    detect_manipulation.run(make_job("detect_manipulation", TODAY - timedelta(days=1)))
    rows = lake.rows("gold.suspect_listens")
    assert {row["verdict"] for row in rows} == {"suspect"}
    assert {row["listener_id"][3:7] for row in rows} == {"loop", "shop"}
    assert {row["probability"] for row in rows} == {None}

    speak(lake)
    detect_manipulation.run(make_job("detect_manipulation", TODAY - timedelta(days=1)))
    job = make_job("train_manipulation_detector", TODAY)
    train_manipulation_detector.run(job)
    registry = ModelRegistry(settings.tracking_uri, settings.mlflow.experiment)
    champion = registry.champion(MANIPULATION_DETECTOR)
    assert champion is not None
    assert champion.version == job.summary.facts["version"]
    assert champion.metrics["precision"] == champion.metrics["recall"] == 1.0
    assert champion.metrics["brier"] < 0.05
    assert VerdictModel.load(champion.folder).recipe == job.summary.facts["recipe"] == "signals"
    (run,) = registry.runs(tags={MODEL_TAG: MANIPULATION_DETECTOR})
    assert run.metrics["verdicts"] == 200.0

    later = TODAY + timedelta(days=1)
    lake.append("silver.listens", plays("v1:loopnew", later, 31_200, 1, 40))
    lake.append("silver.listens", plays("v1:shopnew", later, 200_000, 12, 810))
    detect_manipulation.run(make_job("detect_manipulation", later))
    new = {row["listener_id"]: row for row in lake.rows("gold.suspect_listens") if row["listen_date"] == later}
    assert set(new) == {"v1:loopnew"}, "radios are let pass"
    assert new["v1:loopnew"]["probability"] > 0.95

"""segment_listeners on a small lake with a real MLflow: trained once a week, the risks in the table, erased with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from audience_worlds import FIRST_DAY, AudienceWorld, session
from earshot.analytics.churn.model import ChurnModel
from earshot.automation.loading import load_job
from earshot.core.errors import JobSkippedError
from earshot.core.job import Job
from earshot.core.settings import MlflowSettings, Settings
from earshot.integrations.model_registry import CHURN, ModelRegistry

DAYS = [FIRST_DAY + timedelta(days=n) for n in range(90)]
LAST = DAYS[-1]


@pytest.fixture
def world(settings: Settings) -> AudienceWorld:
    """Four hundred listeners of whom half leave after a while, over 90 days."""
    rng = np.random.default_rng(3)
    found = AudienceWorld(settings.home / "lake")
    rows = []
    for who in range(400):
        leaves = int(rng.integers(20, 110)) if who % 2 else 1_000
        rate = rng.uniform(0.2, 0.9)
        rows += [
            session(f"v1:{who:03}", day, hour=int(rng.integers(5, 23)))
            for n, day in enumerate(DAYS)
            if rng.random() < rate * min(max((leaves - n) / 15, 0), 1)
        ]
    found.put_sessions(DAYS, rows)
    return found


@pytest.fixture
def run(make_job: Callable[..., Job]) -> Callable[[date], Job]:
    def run_on(day: date) -> Job:
        job = make_job("segment_listeners", day)
        load_job("segment_listeners")(job)
        return job

    return run_on


def _segments(world: AudienceWorld) -> list[dict[str, Any]]:
    return world.lake.rows("gold.listener_segments")


def test_before_the_first_play_it_is_skipped(run: Callable[[date], Job]) -> None:
    with pytest.raises(JobSkippedError, match="no plays were published yet"):
        run(LAST)


def test_the_model_is_trained_once_a_week_and_its_risks_stand_in_the_table(
    world: AudienceWorld, run: Callable[[date], Job], settings: Settings
) -> None:
    registry = ModelRegistry(settings.tracking_uri, settings.mlflow.experiment)
    first = run(LAST)
    champion = registry.champion(CHURN)
    assert champion is not None
    assert champion.version == "1"
    assert champion.metrics["brier"] < 0.25
    assert {"ece", "auc", "log_loss", "base_rate", "confidence_above_recency"} <= set(champion.metrics)
    assert {record.name for record in registry.comparisons(CHURN)} == {"base_rate", "recency", "logistic"}
    assert ChurnModel.load(champion.folder).recipe == champion.kind
    assert first.summary.facts["churn_model"]
    rows = _segments(world)
    active = [row for row in rows if row["recency_days"] < 28]
    assert all(0 <= row["churn_risk"] <= 1 and row["churn_model"] == "1" for row in active)
    assert all(row["churn_risk"] is None for row in rows if row["recency_days"] >= 28)
    quiet = [row["churn_risk"] for row in active if row["recency_days"] > 10]
    busy = [row["churn_risk"] for row in active if row["recency_days"] == 0]
    assert np.mean(quiet) > np.mean(busy) + 0.2
    run(LAST + timedelta(days=6))
    assert registry.champion(CHURN).version == "1"  # type: ignore[union-attr]
    run(LAST + timedelta(days=7))
    assert registry.champion(CHURN).version == "2"  # type: ignore[union-attr]
    assert {row["churn_model"] for row in _segments(world)} == {None, "2"}


def test_too_little_history_leaves_the_risk_empty_and_says_why(
    world: AudienceWorld, run: Callable[[date], Job], settings: Settings
) -> None:
    world.put_sessions(DAYS[60:], [])
    job = run(DAYS[60])
    assert job.summary.facts["churn"] == "skipped: too little history: 60 days of sessions, 70 are needed"
    assert {row["churn_risk"] for row in _segments(world)} == {None}
    assert not (settings.home / "mlflow.db").exists(), "MLflow is not opened for it"


def test_only_days_before_the_logical_date_are_learnt_from(
    world: AudienceWorld, run: Callable[[date], Job], make_job: Callable[..., Job], settings: Settings
) -> None:
    everything = run(DAYS[-5]).summary.facts
    world.put_sessions(DAYS[-5:], [])
    elsewhere = MlflowSettings(tracking_uri=f"sqlite:///{settings.home / 'other.db'}")
    job = make_job("segment_listeners", DAYS[-5], settings=settings.model_copy(update={"mlflow": elsewhere}))
    load_job("segment_listeners")(job)
    assert job.summary.facts["brier"] == everything["brier"]
    assert job.summary.facts["auc"] == everything["auc"]


def test_a_second_run_of_the_same_day_writes_nothing(world: AudienceWorld, run: Callable[[date], Job]) -> None:
    run(LAST)
    before = {name: world.lake.open(name).version() for name in ("gold.audience", "gold.listener_segments")}  # type: ignore[union-attr]
    again = run(LAST)
    assert again.summary.rows_out == 0
    assert {name: world.lake.open(name).version() for name in before} == before  # type: ignore[union-attr]

"""train_recommender and recommend_tracks on a small lake with a real MLflow."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest

from earshot.core.errors import JobSkippedError
from earshot.core.job import Job
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.integrations.model_registry import RECOMMENDER, ModelRegistry

JOBS = Path(__file__).resolve().parents[2] / "jobs"
DAY = date(2026, 3, 29)
MakeJob = Callable[..., Job]


def _job_module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"jobs_{name}", JOBS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


train, recommend = _job_module("train_recommender"), _job_module("recommend_tracks")


def _listens(*, listeners: int = 60, tracks: int = 120, plays: int = 5_000, days: int = 14) -> list[dict[str, Any]]:
    chance = np.random.default_rng(5)
    taste = chance.integers(0, 4, listeners)
    shares = np.where(np.arange(tracks) % 4 == taste[:, None], 20.0, 1.0) / np.arange(1, tracks + 1) ** 0.6
    shares /= shares.sum(axis=1, keepdims=True)
    rows = []
    for number in range(plays):
        who = int(chance.integers(0, listeners))
        skipped = bool(chance.random() < 0.1)
        rows.append(
            {
                "listen_id": f"play-{number}",
                "listener_id": f"v1:{who:04d}",
                "track_id": f"trk:{chance.choice(tracks, p=shares[who])}",
                "listen_date": DAY - timedelta(days=int(chance.integers(0, days))),
                "played_ms": 12_000 if skipped else 200_000,
                "skipped": skipped,
            }
        )
    return rows


class Audit:
    def __init__(self) -> None:
        self.entries: list[tuple[str, str]] = []

    def record(self, action: str, subject: str, detail: object) -> None:
        self.entries.append((action, subject))


@pytest.fixture
def small_tables(settings: Settings) -> SmallTables:
    return SmallTables(settings.lake_root)


@pytest.fixture
def lake(small_tables: SmallTables) -> list[dict[str, Any]]:
    rows = _listens()
    small_tables.append("silver.listens", rows)
    return rows


def test_two_days_of_training_and_recommending(
    make_job: MakeJob, settings: Settings, lake: list[dict[str, Any]], small_tables: SmallTables
) -> None:
    audit = Audit()
    first = make_job("train_recommender", DAY - timedelta(days=1))
    first.audit = audit
    train.run(first)
    registry = ModelRegistry(settings.tracking_uri, settings.mlflow.experiment)
    champion = registry.champion(RECOMMENDER)
    assert champion is not None
    assert champion.kind != "popularity"
    assert audit.entries == [("promote", f"{RECOMMENDER}/1")]
    runs = registry.comparisons(RECOMMENDER)
    assert {run.name for run in runs} == {"popularity", "item_knn", "als", "ease"}
    scores = {run.name: run.metrics["ndcg_at_10"] for run in runs}
    assert champion.metrics["ndcg_at_10"] == scores[champion.kind] > scores["popularity"]
    assert {"recall_at_10", "map_at_10", "precision_at_10", "coverage", "novelty"} <= set(runs[0].metrics)

    train.run(make_job("train_recommender", DAY - timedelta(days=1)))
    again = registry.champion(RECOMMENDER)
    assert again is not None
    assert again.version == champion.version

    train.run(make_job("train_recommender", DAY))
    refitted = registry.champion(RECOMMENDER)
    assert refitted is not None
    assert refitted.metadata["trained_until"] == str(DAY)

    job = make_job("recommend_tracks", DAY)
    recommend.run(job)
    rows = pd.DataFrame(small_tables.rows("gold.recommendations"))
    listens = pd.DataFrame(lake)
    assert set(rows["listener_id"]) == set(listens["listener_id"])
    assert (rows.groupby("listener_id")["rank"].apply(lambda r: sorted(r) == list(range(1, len(r) + 1)))).all()
    assert (rows.groupby("listener_id").size() == 20).all()
    assert rows.merge(listens, on=["listener_id", "track_id"]).empty
    assert set(rows["model_version"]) == {refitted.version}
    assert job.summary.rows_out == len(rows)

    recommend.run(make_job("recommend_tracks", DAY))
    twice = pd.DataFrame(small_tables.rows("gold.recommendations"))
    pd.testing.assert_frame_equal(
        *(
            frame.drop(columns="generated_at").sort_values(["listener_id", "rank"]).reset_index(drop=True)
            for frame in (rows, twice)
        )
    )

    mlflow.set_tracking_uri(settings.tracking_uri)
    served = mlflow.pyfunc.load_model(f"models:/{RECOMMENDER}@champion")
    answer = served.predict(pd.DataFrame({"listener_id": ["me", "me"], "track_id": ["trk:1", "trk:5"]}))
    assert answer["track_id"].tolist()[0].removeprefix("trk:").isdigit()
    package = refitted.folder.parents[1]
    assert "v1:" not in "".join(p.read_bytes().decode("latin-1") for p in package.rglob("*") if p.is_file())


def test_training_sees_only_days_before_the_date(
    make_job: MakeJob, lake: list[dict[str, Any]], settings: Settings
) -> None:
    with pytest.raises(JobSkippedError, match="too little history"):
        train.run(make_job("train_recommender", DAY - timedelta(days=13)))
    assert ModelRegistry(settings.tracking_uri, settings.mlflow.experiment).champion(RECOMMENDER) is None


def test_an_empty_lake_ends_as_skipped(make_job: MakeJob) -> None:
    with pytest.raises(JobSkippedError, match="too little history: 0 listeners"):
        train.run(make_job("train_recommender", DAY))
    with pytest.raises(JobSkippedError, match="no champion yet"):
        recommend.run(make_job("recommend_tracks", DAY))

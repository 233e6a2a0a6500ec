"""How the recommenders do on MovieLens (ratings of 4 and more are likes), split at points in time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv

from earshot.core.settings import RecommenderSettings
from earshot.recommenders.interactions import PlayCounts
from earshot.recommenders.training import compare


def movielens(path: Path, *, by_listener: bool) -> PlayCounts:
    """Ratings in three phases: the oldest 80 %, the next 10 % and the newest 10 %, of all or of each listener."""
    ratings = csv.read_csv(path).sort_by([("timestamp", "ascending"), ("userId", "ascending")])
    users = ratings["userId"].to_numpy()
    if by_listener:
        order = np.lexsort((np.arange(len(users)), users))
        first = np.searchsorted(users[order], users[order])
        share = np.empty(len(users))
        share[order] = (np.arange(len(users)) - first) / np.bincount(users)[users[order]]
    else:
        share = np.arange(len(users)) / len(users)
    liked = (ratings["rating"].to_numpy() >= 4).astype(np.int64)
    return PlayCounts.of(
        pa.table(
            {
                "listener_id": ratings["userId"].cast(pa.string()),
                "track_id": ratings["movieId"].cast(pa.string()),
                "phase": (share >= 0.8).astype(np.int64) + (share >= 0.9),
                "plays": np.ones(len(users), np.int64),
                "likes": liked,
                "skips": 1 - liked,
            }
        )
    )


@pytest.mark.benchmark
@pytest.mark.parametrize("by_listener", [False, True])
def test_a_learned_model_beats_popularity_on_movielens(
    shared_data: Path, by_listener: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    counts = movielens(shared_data / "ml_latest_small" / "ratings.csv", by_listener=by_listener)
    candidates = compare(counts, RecommenderSettings(ease_max_tracks=10_000))
    with capsys.disabled():
        print(f"\nMovieLens, split {'by listener' if by_listener else 'for all at once'}")
        for candidate in candidates:
            figures = " ".join(f"{name} {value:.4f}" for name, value in candidate.test.metrics.items())
            print(f"  {candidate.recipe} ({len(candidate.test.ndcg)} listeners): {figures}")
    assert max(c.beats_baseline for c in candidates) > 0.95

"""Listeners with tastes, without Spark: what the recommenders' tests learn from."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from earshot.core.settings import RecommenderSettings
from earshot.core.stream_rule import SPOTIFY
from earshot.recommenders.interactions import PlayCounts
from earshot.recommenders.plain_counts import count_plays
from earshot.recommenders.splits import phase_starts

DAY = date(2026, 3, 29)
FIRST = DAY - timedelta(days=14)


def tasteful_listens(*, listeners: int = 80, tracks: int = 200, plays: int = 9_000, seed: int = 1) -> pa.Table:
    """Plays of 14 days: every listener likes one of five genres, popular tracks of it most."""
    chance = np.random.default_rng(seed)
    taste = chance.integers(0, 5, listeners)
    genre = np.arange(tracks) % 5
    popularity = 1 / np.arange(1, tracks + 1) ** 0.7
    shares = popularity * np.where(genre == taste[:, None], 30.0, 1.0)
    shares /= shares.sum(axis=1, keepdims=True)
    who = np.sort(chance.integers(0, listeners, plays))
    what = np.concatenate([chance.choice(tracks, (who == i).sum(), p=shares[i]) for i in range(listeners)])
    days = chance.integers(0, 14, plays)
    return pa.table(
        {
            "listener_id": [f"v1:{i:04d}" for i in who],
            "track_id": [f"trk:{i}" for i in what],
            "listen_date": pa.array([FIRST + timedelta(days=int(d)) for d in days], pa.date32()),
            "played_ms": pa.array(np.where(chance.random(plays) < 0.1, 9_000, 200_000)),
            "duration_ms": pa.nulls(plays, pa.int64()),
            "skipped": chance.random(plays) < 0.1,
        }
    )


@pytest.fixture(scope="session")
def settings() -> RecommenderSettings:
    return RecommenderSettings(
        factors=(8,), alpha=(1.0,), regularisation=(1.0, 10.0), neighbours=(20,), penalty=(20.0,), iterations=6
    )


@pytest.fixture(scope="session")
def counts() -> PlayCounts:
    phases = phase_starts(DAY, 2)
    return PlayCounts.of(count_plays(tasteful_listens(), phases=phases, stream_rule=SPOTIFY))


@pytest.fixture(scope="session")
def counts_of() -> Callable[..., PlayCounts]:
    """Make PlayCounts of `(listener, track, phase, plays, likes, skips)` rows."""

    def make(*rows: tuple[str, str, int, int, int, int]) -> PlayCounts:
        names = ("listener_id", "track_id", "phase", "plays", "likes", "skips")
        types = (pa.string(), pa.string(), pa.int32(), pa.int64(), pa.int64(), pa.int64())
        columns = zip(*rows, strict=True) if rows else [[]] * len(names)
        return PlayCounts.of(pa.table({n: pa.array(list(v), t) for n, v, t in zip(names, columns, types, strict=True)}))

    return make

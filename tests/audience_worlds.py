"""Lakes of sessions, charts and a catalogue for tests, written as the jobs write them, without Spark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from earshot.analytics.audience.build import Built, build_audience, write_segments
from earshot.analytics.audience.sources import SEGMENTS, SESSIONS
from earshot.core.changes import TOUCHED
from earshot.core.settings import MartSettings
from earshot.core.small_tables import SmallTables
from earshot.core.tables import Tables, days_condition
from earshot.transformers.touched_days import touched_days
from second_opinion import SecondOpinion

FIRST_DAY = date(2026, 2, 23)  # a Monday
Row = dict[str, Any]


def session(listener: str, day: date, *, hour: int = 12, country: str | None = "DE", minutes: int = 20) -> Row:
    at = datetime.combine(day, time(hour), UTC)
    return {
        "session_id": f"{listener}-{at:%Y%m%d%H}",
        "listener_id": listener,
        "started_at": at,
        "ended_at": at + timedelta(minutes=minutes),
        "listens": 5,
        "skips": 1,
        "played_ms": minutes * 60_000,
        "country": country,
        "session_date": day,
    }


def random_sessions(rng: np.random.Generator, days: Iterable[date], listeners: int) -> list[Row]:
    """Some sessions on each day; a listener may travel."""
    rows = {}
    for day in days:
        for who in rng.choice(listeners, rng.integers(0, listeners), replace=False):
            country = (None, "DE", "IN")[int(who) % 3] if rng.random() < 0.95 else "BR"
            row = session(f"v1:{who:02}", day, hour=int(rng.integers(0, 24)), country=country)
            rows[row["session_id"]] = row | {"played_ms": int(rng.integers(0, 5_000_000))}
    return list(rows.values())


class AudienceWorld:
    """One lake, and what the job makes of it.

    Args:
        home: Where the lake goes.
    """

    def __init__(self, home: Path) -> None:
        self.lake = SmallTables(str(home))
        self.settings = MartSettings()

    def put_sessions(self, days: Sequence[date], rows: Sequence[Row]) -> None:
        """These are all sessions of these days from now on."""
        named = {TOUCHED: sorted(day.isoformat() for day in days)}
        self.lake.overwrite(SESSIONS, rows, predicate=days_condition("session_date", days), metadata=named)

    def put_charts(self, week: date, streams: dict[tuple[str, str, str], int]) -> None:
        """The week's charts: (country, entity, entity_id) to streams."""
        keys = ("country", "entity", "entity_id")
        base = {"period": "week", "period_start": week, "tier": "ALL", "suspects": "excluded"}
        rows = [base | dict(zip(keys, key, strict=True)) | {"streams": n} for key, n in streams.items()]
        where = f"period = 'week' AND period_start = DATE'{week}'"
        self.lake.overwrite("gold.charts", rows, predicate=where, metadata={TOUCHED: [week.isoformat()]})

    def build(self, *, killed: bool = False) -> Built:
        """What the job does, without a churn model; killed after its first commit."""
        tables = cast(Tables, SimpleNamespace(root=self.lake.root))
        touched = touched_days(tables, SEGMENTS, [SESSIONS])
        built = build_audience(self.lake, touched, self.settings)
        if not killed:
            write_segments(self.lake, built, self.settings, lambda _: None)
        return built

    def rows(self, name: str) -> list[str]:
        return sorted(map(repr, self.lake.rows(name)))

    def opinion(self) -> SecondOpinion:
        opinion = SecondOpinion()
        for name in (SESSIONS, "gold.charts", "silver.tracks", "gold.audience", SEGMENTS):
            opinion.take(name.replace(".", "_"), self.lake.arrow(name))
        return opinion


def random_charts(rng: np.random.Generator, tracks: int = 40) -> dict[tuple[str, str, str], int]:
    """Streams of tracks and of their artists in two countries and of all."""
    streams: dict[tuple[str, str, str], int] = {}
    for country in ("DE", "IN"):
        for track in range(tracks):
            if n := int(rng.poisson(60 / (1 + track % 7))):
                for place in (country, "ALL"):
                    for key in ((place, "track", f"trk:{track}"), (place, "artist", f"art:{track // 4}")):
                        streams[key] = streams.get(key, 0) + n
    return streams


def tracks(count: int = 40) -> list[Row]:
    """A catalogue with gaps: some tracks without a date, some without genres, some with three."""
    return [
        {
            "track_id": f"trk:{n}",
            "released_on": None if n % 5 == 0 else date(1960 + n, 12, 31),
            "genres": None if n % 4 == 0 else ["rock", "pop", "jazz"][: 1 + n % 3],
        }
        for n in range(count)
    ]

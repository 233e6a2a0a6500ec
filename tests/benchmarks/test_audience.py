"""One more day of gold.audience and gold.listener_segments on a long history, against the same day on a short one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from audience_worlds import FIRST_DAY, AudienceWorld
from earshot.core.tables import days_condition
from stopwatch import ROUNDS, Stopwatch

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3_000)]

SHORT, LONG = 100, 1_000
LISTENERS, SESSIONS_A_DAY = 20_000, 10_000
GOAL = 1.2


def day_of_sessions(world: AudienceWorld, number: int) -> pa.Table:
    """Sessions of one day, the listeners drawn anew."""
    rng, day = np.random.default_rng(number), FIRST_DAY + timedelta(days=number)
    n = SESSIONS_A_DAY
    at = np.datetime64(day, "us") + rng.integers(0, 86_400_000_000, n).astype("timedelta64[us]")
    columns = {
        "session_id": pa.array([f"{number}-{i}" for i in range(n)]),
        "listener_id": pa.array([f"v1:{who:032x}" for who in rng.integers(0, LISTENERS, n)]),
        "started_at": pa.array(at).cast(pa.timestamp("us", "UTC")),
        "played_ms": pa.array(rng.integers(0, 7_200_000, n)),
        "country": pa.array(np.array(["DE", "IN", "US", "BR"])[rng.integers(0, 4, n)]),
        "session_date": pa.array([day] * n),
    }
    schema = world.lake.schema("silver.sessions")
    return pa.table(
        [columns[f.name].cast(f.type) if f.name in columns else pa.nulls(n, f.type) for f in schema], schema
    )


def put(world: AudienceWorld, number: int) -> None:
    day = FIRST_DAY + timedelta(days=number)
    where = days_condition("session_date", [day])
    rows = day_of_sessions(world, number)
    world.lake.overwrite("silver.sessions", rows, predicate=where, metadata={"touched_days": [day.isoformat()]})


def test_a_day_costs_the_same_however_long_the_history_is(
    tmp_path: Path, stopwatch: Stopwatch, show: Callable[[str], None]
) -> None:
    worlds = {length: AudienceWorld(tmp_path / str(length)) for length in (SHORT, LONG)}
    for length, world in worlds.items():
        for number in range(length):
            world.lake.append("silver.sessions", day_of_sessions(world, number))
        world.build()
    for again in range(ROUNDS + 1):
        for length, world in worlds.items():
            put(world, length + again)
            if again:
                with stopwatch.measure(f"a day on {length}"):
                    world.build()
            else:
                world.build()
    growth = stopwatch.ratio(f"a day on {LONG}", f"a day on {SHORT}")
    for length in worlds:
        show(
            f"one day of {SESSIONS_A_DAY:,} sessions on {length:,} days: {stopwatch.median(f'a day on {length}'):.2f} s"
        )
    show(f"{LONG // SHORT}x the history costs {growth:.2f}x (goal {GOAL})")
    assert growth <= GOAL

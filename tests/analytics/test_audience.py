"""gold.audience and gold.listener_segments: as DuckDB has them, and the same after any history of batches."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

import audience_definitions as definitions
from audience_worlds import FIRST_DAY, AudienceWorld, random_charts, random_sessions, session, tracks

DAYS = [FIRST_DAY + timedelta(days=n) for n in range(45)]
WEEKS = [FIRST_DAY + timedelta(weeks=n) for n in range(7)]


def _agrees(world: AudienceWorld) -> None:
    opinion = world.opinion()
    for expected, found in (
        (definitions.BY_DAY, definitions.BY_DAY_FOUND),
        (definitions.ERAS, definitions.ERAS_FOUND),
        (definitions.GENRES, definitions.GENRES_FOUND),
        (definitions.SEGMENTS, definitions.SEGMENTS_FOUND),
    ):
        assert opinion.differences(expected, found) == []


@pytest.mark.parametrize("seed", range(6))
def test_any_history_of_batches_gives_what_all_sessions_together_give(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    world, listeners = AudienceWorld(tmp_path / "parts"), int(rng.integers(3, 25))
    held: dict[date, list[dict[str, object]]] = {}
    world.lake.append("silver.tracks", tracks())
    reached = 1
    for _ in range(7):
        reached = min(reached + int(rng.integers(0, 14)), len(DAYS))
        days = [DAYS[n] for n in rng.choice(reached, min(reached, int(rng.integers(1, 6))), replace=False)]
        for day in days:  # whatever was there is gone: plays come late, are found to be doubles, are erased
            held[day] = random_sessions(rng, [day], listeners)
        if rng.random() < 0.3:
            gone = f"v1:{rng.integers(0, listeners):02}"
            for day, rows in held.items():
                if any(row["listener_id"] == gone for row in rows):
                    held[day] = [row for row in rows if row["listener_id"] != gone]
                    days.append(day)
            erased = [row for row in world.lake.rows("gold.listener_segments") if row["listener_id"] != gone]
            world.lake.overwrite("gold.listener_segments", erased, metadata={"erased": 1})
        world.put_sessions(days, [row for day in set(days) for row in held[day]])
        if rng.random() < 0.7:
            world.put_charts(WEEKS[rng.integers(0, len(WEEKS))], random_charts(rng))
        if rng.random() < 0.3:
            world.lake.overwrite("silver.tracks", tracks(int(rng.integers(5, 40))))
        world.build()
    _agrees(world)
    whole = AudienceWorld(tmp_path / "whole")
    whole.put_sessions(DAYS, [row for rows in held.values() for row in rows])
    for name in ("gold.charts", "silver.tracks"):
        whole.lake.overwrite(name, world.lake.arrow(name))
    whole.build()
    assert world.rows("gold.audience") == whole.rows("gold.audience")
    assert world.rows("gold.listener_segments") == whole.rows("gold.listener_segments")


def test_the_first_batch_of_all_agrees_with_the_definitions(tmp_path: Path) -> None:
    rng, world = np.random.default_rng(9), AudienceWorld(tmp_path)
    world.put_sessions(DAYS, random_sessions(rng, DAYS, 60))
    world.lake.append("silver.tracks", tracks())
    for week in WEEKS:
        world.put_charts(week, random_charts(rng))
    world.build()
    _agrees(world)


def test_a_run_that_finds_nothing_new_leaves_everything_as_it_is(tmp_path: Path) -> None:
    world = AudienceWorld(tmp_path)
    world.put_sessions(DAYS[:3], [session("anna", day) for day in DAYS[:3]])
    world.build()
    version = world.lake.open("gold.audience")
    assert version is not None
    before = version.version()
    world.build()
    after = world.lake.open("gold.audience")
    assert after is not None
    assert after.version() == before


def test_a_late_session_moves_its_listener_to_an_earlier_cohort(tmp_path: Path) -> None:
    world = AudienceWorld(tmp_path)
    world.put_sessions(DAYS[:9], [session("anna", DAYS[2]), session("anna", DAYS[8]), session("bea", DAYS[0])])
    world.build()
    assert _value(world, "new_listeners", DAYS[2]) == 1
    assert _value(world, "retention_day_7", DAYS[7]) == 0
    world.put_sessions([DAYS[1]], [session("anna", DAYS[1])])
    world.build()
    assert _value(world, "new_listeners", DAYS[2]) == 0
    assert _value(world, "new_listeners", DAYS[1]) == 1
    assert _value(world, "retention_day_7", DAYS[8]) == 1
    assert _value(world, "retention_day_1", DAYS[2]) == 1
    _agrees(world)


def test_a_run_killed_between_its_two_commits_is_done_again(tmp_path: Path) -> None:
    world = AudienceWorld(tmp_path)
    world.put_sessions(DAYS[:9], [session("anna", DAYS[2]), session("anna", DAYS[8]), session("bea", DAYS[0])])
    world.build(killed=True)
    world.build()
    _agrees(world)
    world.put_sessions([DAYS[1], DAYS[2]], [session("anna", DAYS[1]), session("cleo", DAYS[2], country="IN")])
    world.build(killed=True)
    world.put_sessions([DAYS[1]], [session("cleo", DAYS[1])])
    world.build(killed=True)
    world.build()
    _agrees(world)


def test_day_n_retention_asks_for_a_session_on_that_very_day(tmp_path: Path) -> None:
    world = AudienceWorld(tmp_path)
    seen = {"anna": [0, 1, 7, 30], "bea": [0, 2, 8, 31], "cleo": [0, 7], "dora": [5]}
    world.put_sessions(DAYS[:32], [session(who, DAYS[n]) for who, days in seen.items() for n in days])
    world.build()
    cohort = {age: _value(world, f"retention_day_{age}", DAYS[age]) for age in (1, 7, 30)}
    assert cohort == {1: 1 / 3, 7: 2 / 3, 30: 1 / 3}
    assert _value(world, "retention_day_30", DAYS[31]) is None, "nobody was new the day after"


def test_a_cohort_that_has_not_reached_its_day_has_no_row(tmp_path: Path) -> None:
    world = AudienceWorld(tmp_path)
    world.put_sessions(DAYS[:7], [session("anna", DAYS[0]), session("bea", DAYS[6])])
    world.build()
    assert {row["metric"] for row in world.lake.rows("gold.audience")} == {
        "new_listeners", "returning_listeners", "retention_day_1",
    }  # fmt: skip


def test_when_the_last_listener_of_the_last_days_is_gone_their_rows_are_too(tmp_path: Path) -> None:
    world = AudienceWorld(tmp_path)
    world.put_sessions(DAYS[:9], [session("anna", DAYS[0]), session("bea", DAYS[8])])
    world.build()
    world.put_sessions([DAYS[8]], [])
    world.build()
    assert max(row["period_start"] for row in world.lake.rows("gold.audience")) == DAYS[1] - timedelta(days=1)
    _agrees(world)


def test_scores_are_quintiles_in_which_equals_are_equal(tmp_path: Path) -> None:
    world = AudienceWorld(tmp_path)
    rows = [session(f"v1:{n:02}", DAYS[40 - d]) for n in range(10) for d in range(0, 2 * (n // 2) + 1)]
    world.put_sessions(DAYS, [*rows, session("lapsed", DAYS[0] - timedelta(days=60), minutes=500)])
    world.build()
    found = {row["listener_id"]: row for row in world.lake.rows("gold.listener_segments")}
    assert [found[f"v1:{n:02}"]["frequency_score"] for n in range(10)] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert {found[f"v1:{n:02}"]["recency_score"] for n in range(10)} == {3}, "all were last here on the same day"
    assert found["lapsed"]["segment"] == "lapsed"
    assert found["lapsed"]["monetary_score"] is None


def _value(world: AudienceWorld, metric: str, day: date) -> float | None:
    where = [("metric", "=", metric), ("country", "=", "ALL"), ("period_start", "=", day)]
    values = [row["value"] for row in world.lake.rows("gold.audience", where)]
    return values[0] if values else None

"""Simulated incidents with a known cause."""

from __future__ import annotations

import numpy as np
import pytest

from earshot.core.cube_combinations import DEEP, SHALLOW
from earshot.detectors.benchmark import causes
from earshot.detectors.benchmark import incident_worlds as worlds
from earshot.detectors.benchmark.incident_worlds import Struck, World
from earshot.detectors.series import HOURS_OF_DAY

RULES = causes.Rules(
    SHALLOW, DEEP, hourly_minimum_volume=100, deep_minimum_volume=500, threshold=0.5, minimum_volume=30
)


@pytest.fixture(scope="module")
def world() -> World:
    return worlds.make_world(200_000.0, 6, np.random.default_rng(1))


def test_a_world_has_the_plays_that_were_asked_for_and_a_rhythm(world: World) -> None:
    by_hour = world.history["listens"].sum(axis=0)
    assert by_hour.sum() / 6 == pytest.approx(200_000, rel=0.15)
    assert by_hour.reshape(6, 24).std(axis=1).min() > 500


def test_plays_come_in_sessions(world: World) -> None:
    rate = np.full((4_000, 1), 6.0)
    drawn = worlds._drawn(rate, np.random.default_rng(2))["listens"]
    assert drawn.mean() == pytest.approx(6.0, rel=0.05)
    assert drawn.var() / drawn.mean() == pytest.approx(5.0, rel=0.1), "what an incident's size is measured in"


@pytest.mark.parametrize("kind", worlds.KINDS)
def test_an_incident_strikes_its_cause_in_its_hours_alone(world: World, kind: str) -> None:
    cause = (("cdn", "alpha"), ("country", "US"), ("device", "ios"))
    struck = Struck(cause, kind, "easy", 6, 5)
    chance = np.random.default_rng(3)
    before, after = worlds.judged_day(world, None, chance), worlds.judged_day(world, struck, chance)
    inside = np.zeros(world.rate[:, :HOURS_OF_DAY].shape, dtype=bool)
    inside[np.ix_(worlds.leaves_of(cause, world.shape), range(6, 11))] = True
    metric = {"drop": "listens", "surge": "listens", "stalls": "rebuffer_ms"}.get(kind, "start_failures")
    change = after[metric][inside].sum() / before[metric][inside].sum()
    assert change < 0.5 if kind == "drop" else change > 1.5
    rest = after[metric][~inside].sum() / before[metric][~inside].sum()
    assert rest == pytest.approx(1.0, abs=0.05)


def test_drawn_incidents_have_their_depth_and_could_be_seen(world: World) -> None:
    chance = np.random.default_rng(4)
    for depth in (1, 2, 3):
        struck = worlds.draw_incident(world, depth, 8.0, chance)
        assert struck is not None
        assert len(struck.cause) == depth
    assert worlds.draw_incident(world, 3, 1e6, chance) is None


def test_series_below_their_floor_are_not_kept(world: World) -> None:
    today = worlds.judged_day(world, None, np.random.default_rng(5))
    fixed = ("country", "device", "tier")
    (every, *_), (large, *_) = (worlds.matrices(world, today, {(): 1, fixed: floor}) for floor in (1, 2_000))
    assert len(every.dimensions) == 1 + 8 * 5 * 4
    assert 1 < len(large.dimensions) < len(every.dimensions)
    assert large.values[0].sum() == every.values[0].sum()


def test_causes_are_told_at_every_depth_and_counted() -> None:
    told = causes.evaluate(3, [7], RULES)
    assert told["incidents"] == 9
    ours = [row for row in told["by_depth"] if row["method"] == "Earshot"]
    assert [row["incidents"] for row in ours] == [3, 3, 3]
    assert min(row["top_3"] for row in ours) >= 2 / 3
    assert all(row["top_1"] <= row["top_3"] for row in ours)
    assert all(row["top_3_of_all"] == pytest.approx(row["top_3"] * row["detected"]) for row in ours)
    assert {row["top_1"] for row in told["by_depth"] if row["method"] == "Adtributor" and row["depth"] > 1} == {0.0}
    assert sum(row["incidents"] for row in told["by_kind"]) == 9

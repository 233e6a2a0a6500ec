"""The cube fixes the dimensions together that the settings name, and a changed setting is another cube."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pyarrow as pa

from earshot.analytics.activity_cube import READ, CubeRules, cube_of_day
from earshot.analytics.build import rules_of
from earshot.analytics.cube_memory import volumes
from earshot.core import columns as c
from earshot.core.config import load_settings
from earshot.core.cube_combinations import DEEP, DIMENSIONS, SHALLOW
from earshot.core.day_files import TEXT
from earshot.core.settings import Settings
from earshot.core.stream_rule import StreamRule

DAY = date(2026, 3, 16)
CHOSEN = CubeRules(1, 1, StreamRule(), 1, shallow=(("country", "cdn"),), deep=(("tier", "platform"),))


def plays(count: int = 12) -> pa.Table:
    start = datetime(2026, 3, 16, 10, tzinfo=UTC)
    values = {name: [f"{name}{number % 2}" for number in range(count)] for name in DIMENSIONS}
    values[c.LISTENER_ID] = [f"l{number}" for number in range(count)]
    values[c.STARTED_AT] = [start + timedelta(minutes=number) for number in range(count)]
    kinds = {c.STARTED_AT: pa.timestamp("us", "UTC"), c.SKIPPED: pa.bool_(), c.START_FAILED: pa.bool_()}
    kinds |= dict.fromkeys((*DIMENSIONS, c.LISTENER_ID), TEXT)
    return pa.table({name: pa.array(values.get(name, [None] * count), kinds.get(name, pa.int64())) for name in READ})


def combinations_of(cube: pa.Table, metric: str) -> set[tuple[str, ...]]:
    rows = cube.to_pylist()
    return {tuple(name for name, _ in row["dimensions"]) for row in rows if row["metric"] == metric}


def test_the_cube_has_the_combinations_of_its_rules_and_the_total() -> None:
    nothing = volumes(plays(0), 1, CHOSEN.combinations)
    cube = cube_of_day(plays(), nothing, day=DAY, is_newest=False, rules=CHOSEN)
    assert combinations_of(cube, "listens") == {(), ("country", "cdn"), ("tier", "platform")}
    assert combinations_of(cube, "listeners") == {()}, "a CDN is of deliveries, and deep series hold sums"


def test_what_is_remembered_is_of_the_same_combinations() -> None:
    remembered = volumes(plays(), 1, CHOSEN.combinations)
    found = {tuple(name for name in DIMENSIONS if row[name] is not None) for row in remembered.to_pylist()}
    assert found == {(), ("country", "cdn"), ("tier", "platform")}


def test_other_combinations_build_the_cube_anew(settings: Settings) -> None:
    marts = {"cube_combinations": [["cdn"]]}
    other = load_settings(overrides={"home": str(settings.home), "marts": marts})
    assert rules_of("gold.activity_cube", other) != rules_of("gold.activity_cube", settings)
    assert rules_of("gold.activity", other) == rules_of("gold.activity", settings)


def test_by_default_only_combinations_that_lie_deep_have_their_own_floor() -> None:
    rules = CubeRules(20, 100, StreamRule(), 500)
    assert rules.combinations == (*SHALLOW, *DEEP)
    assert {rules.minimum_of(fixed, "day") for fixed in SHALLOW} == {20}
    assert {rules.minimum_of(fixed, "hour") for fixed in DEEP} == {500}

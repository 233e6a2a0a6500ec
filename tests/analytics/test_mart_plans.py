"""How often the plans of the marts read the plays, and shuffle them: once, where once is enough."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from pyspark.sql import DataFrame

from earshot.analytics import build
from earshot.core.changes import TouchedDays
from earshot.core.settings import Settings
from earshot.core.tables import Tables
from quick_silver import QuickSilver
from spark_plans import moves_of

DAY = date(2026, 3, 18)

SHUFFLES = {
    "gold.activity": 0,  # only partial sums
    "gold.audio_quality": 1,
    "gold.activity_cube": 1,
    "gold.charts": 1,
    "gold.behaviour": 2,  # by listener and track, to know what is new to them; then by day
    "gold.revenue": 1,
}
"""The most that the plays, as they are, may be shuffled; of a mart that is not here, once."""


@pytest.fixture
def lake(tables: Tables) -> Tables:
    silver = QuickSilver(tables.root, listeners=20, tracks=30)
    silver.append({DAY - timedelta(days=n): 40 for n in range(9)})
    return tables


@pytest.mark.parametrize("mart", build.SOURCES)
def test_the_plays_of_a_mart_are_shuffled_once_where_once_is_enough(
    lake: Tables, settings: Settings, monkeypatch: pytest.MonkeyPatch, mart: str
) -> None:
    seen = {}

    def look(tables: Tables, name: str, rows: Any, *_: Any, **__: Any) -> None:
        frame = rows if isinstance(rows, DataFrame) else rows.frame()
        seen[name] = moves_of(frame, tables.path(build.LISTENS))

    monkeypatch.setattr(build, "replace_partitions", look)
    touched = {name: TouchedDays(frozenset({DAY} if name == mart else ())) for name in build.SOURCES}
    build.build(lake, touched, settings)
    assert seen[mart].scans >= 1
    assert seen[mart].shuffles <= SHUFFLES.get(mart, 1)
    print(f"{mart}: {seen[mart]}")

"""How often marts read the plays, and shuffle them: tasks read the files themselves, and no play is shuffled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame

from earshot.analytics import build
from earshot.analytics.heard_pairs import PAIR
from earshot.analytics.revenue import paid_now
from earshot.core.arrow_rows import ArrowTasks
from earshot.core.changes import TouchedDays
from earshot.core.config import load_settings
from earshot.core.day_files import DayFiles
from earshot.core.settings import Settings
from earshot.core.tables import Tables
from quick_silver import QuickSilver
from spark_plans import moves_of

DAY = date(2026, 3, 18)
BEFORE = [DAY - timedelta(days=n) for n in range(1, 9)]
MONEY = "gold.revenue"
ONCE = {"gold.activity", "gold.audio_quality", "gold.activity_cube"}


@pytest.fixture
def lake(tables: Tables) -> Tables:
    silver = QuickSilver(tables.root, listeners=20, tracks=30)
    silver.append({day: 40 for day in (DAY, *BEFORE)})
    return tables


def rows_of(mart: str, lake: Tables, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What build_marts would write for one more day."""
    seen = {}

    def look(tables: Tables, name: str, rows: Any, *_: Any, **__: Any) -> None:
        seen[name] = rows

    monkeypatch.setattr(build, "replace_partitions", look)
    touched = {name: TouchedDays(frozenset({DAY} if name == mart else ())) for name in build.SOURCES}
    build.build(lake, touched, settings)
    return seen[mart]


@pytest.mark.parametrize("mart", build.SOURCES)
def test_no_play_goes_through_spark(
    lake: Tables, settings: Settings, monkeypatch: pytest.MonkeyPatch, mart: str
) -> None:
    rows = rows_of(mart, lake, settings, monkeypatch)
    assert isinstance(rows, ArrowTasks)
    moves = moves_of(rows.frame(), lake.path(build.LISTENS))
    assert moves.scans == 0
    assert moves.exchanges == 0


def with_thresholds(settings: Settings) -> Settings:
    return load_settings(overrides={"home": str(settings.home), "revenue": {"pro_rata": {"minimum_streams": 10}}})


def test_no_play_goes_through_spark_where_tracks_have_thresholds(
    lake: Tables, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = rows_of(MONEY, lake, with_thresholds(settings), monkeypatch)
    assert isinstance(rows, ArrowTasks)
    moves = moves_of(rows.frame(), lake.path(build.LISTENS))
    assert (moves.scans, moves.exchanges) == (0, 0)


def test_plays_of_a_month_that_is_too_large_for_a_task_are_shuffled_once_by_listener(
    lake: Tables, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paid_now, "MOST_PLAYS", 40 * len((DAY, *BEFORE)) - 1)
    rows = rows_of(MONEY, lake, with_thresholds(settings), monkeypatch)
    assert isinstance(rows, DataFrame)
    moves = moves_of(rows, lake.path(build.LISTENS))
    assert moves.scans >= 1
    assert moves.shuffles == 1


@pytest.mark.parametrize("mart", build.SOURCES)
def test_tasks_read_the_plays_of_a_day_once(
    lake: Tables, settings: Settings, monkeypatch: pytest.MonkeyPatch, mart: str
) -> None:
    reads: Counter[tuple[date, bool]] = Counter()
    read = DayFiles.read

    def counted(files: DayFiles, day: date, columns: Sequence[str], **kind: Any) -> pa.Table:
        if files.table == build.LISTENS:
            reads[day, tuple(columns) == PAIR] += 1
        return read(files, day, columns, **kind)

    rows = rows_of(mart, lake, settings, monkeypatch)
    assert isinstance(rows, ArrowTasks)
    monkeypatch.setattr(DayFiles, "read", counted)
    assert sum(table.num_rows for task in rows.tasks for table in rows.build(task)) > 0
    if mart in ONCE:
        assert reads == {(DAY, False): 1}
    elif mart == MONEY:
        assert reads == {(day, False): 1 for day in (DAY, *BEFORE)}  # its month
    elif mart == "gold.behaviour":
        assert reads == {(DAY, False): 1, **{(day, True): 1 for day in BEFORE[:7]}}
    else:  # all time is ranked of every day, by a task for tracks and one for artists and albums
        assert reads == {(day, False): 2 for day in (DAY, *BEFORE)}

"""Marts whose rows never come back to Spark: what the tasks wrote is what the frame shows, for every reader."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from earshot.analytics.activity import activity
from earshot.analytics.activity_cube import CubeRules, activity_cube
from earshot.analytics.audio_quality import audio_quality
from earshot.analytics.behaviour import behaviour
from earshot.analytics.chart_periods import periods_of_days
from earshot.analytics.charts import charts
from earshot.analytics.entity_charts import ChartRules
from earshot.analytics.play_days import FiledPlays
from earshot.core.arrow_rows import ArrowRows, ArrowTasks
from earshot.core.commits import DeltaLog
from earshot.core.day_files import DayFiles
from earshot.core.partitions import replace_partitions
from earshot.core.stream_rule import SPOTIFY
from earshot.core.tables import Tables, spec_of
from factories import filed, listens_arrow

DAYS = [date(2026, 3, 31), date(2026, 4, 1), date(2026, 4, 2)]  # the last: plays after midnight


def _charts(plays: FiledPlays, tables: Tables) -> ArrowTasks:
    suspects = DayFiles.now(tables.root, "gold.suspect_listens")
    return charts(plays, suspects, periods=periods_of_days(DAYS), rules=ChartRules())


def _cube(plays: FiledPlays, tables: Tables) -> ArrowTasks:
    rules = CubeRules(minimum_volume=3, hourly_minimum_volume=9, stream_rule=SPOTIFY, deep_minimum_volume=6)
    return activity_cube(plays, DayFiles("gold.activity_cube"), days=DAYS, newest=DAYS[-1], rules=rules)


def _quality(plays: FiledPlays, tables: Tables) -> ArrowRows | ArrowTasks:
    return audio_quality(plays, session_gap_minutes=30)


def _quality_of_a_frame(plays: FiledPlays, tables: Tables) -> ArrowRows | ArrowTasks:
    return audio_quality(tables.read("silver.listens"), session_gap_minutes=30)


def _behaviour(plays: FiledPlays, tables: Tables) -> ArrowRows | ArrowTasks:
    return behaviour(plays, days=DAYS, stream_rule=SPOTIFY, minimum_volume=3)


def _activity(plays: FiledPlays, tables: Tables) -> ArrowRows | ArrowTasks:
    return activity(plays, stream_rule=SPOTIFY)


_MARTS = [
    ("gold.charts", _charts),
    ("gold.activity_cube", _cube),
    ("gold.audio_quality", _quality),
    ("gold.audio_quality", _quality_of_a_frame),
    ("gold.behaviour", _behaviour),
    ("gold.activity", _activity),
]


@pytest.fixture(params=_MARTS, ids=["charts", "cube", "quality", "quality of a frame", "behaviour", "activity"])
def mart(request: pytest.FixtureRequest, tables: Tables) -> tuple[str, ArrowRows | ArrowTasks]:
    name, rows = request.param
    files = filed(tables, "silver.listens", listens_arrow(600, 3, days=2, first_day=DAYS[0], listeners=40))
    return name, rows(FiledPlays(tables.spark, files), tables)


def test_what_the_tasks_wrote_is_what_the_frame_shows(tables: Tables, mart: tuple[str, ArrowRows | ArrowTasks]) -> None:
    name, rows = mart
    expected = _in_order(rows.frame().toArrow(), name)
    replace_partitions(tables, name, rows, None, metadata={})
    assert len(expected) > 400
    assert _in_order(tables.read(name).toArrow(), name) == expected
    assert _in_order(pa.Table.from_batches(DeltaLog(tables.root, name).batches()), name) == expected


def test_a_run_killed_before_its_commit_leaves_files_that_no_reader_sees_and_vacuum_takes(
    tables: Tables, mart: tuple[str, ArrowRows | ArrowTasks]
) -> None:
    name, rows = mart
    log = DeltaLog(tables.root, name)
    before = log.contents()
    staged = rows.write(log.stage("rebuilt=killed"))
    assert {Path(log.path, file.path).is_file() for file in staged} == {True}
    assert log.contents() == before
    assert tables.read(name).isEmpty()
    tables.vacuum(name, 0)
    assert not any(Path(log.path, file.path).exists() for file in staged)


def _in_order(rows: pa.Table, name: str) -> list[str]:
    """Every row as text, whatever order its columns came in."""
    columns = sorted(spec_of(name).column_names)
    return sorted(map(repr, rows.select(columns).to_pylist()))

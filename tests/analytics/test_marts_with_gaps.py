"""Plays of sources that do not tell everything: every mart as its definition in SQL has it, nulls included."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

import mart_definitions as definitions
from earshot.analytics.activity import activity
from earshot.analytics.audio_quality import audio_quality
from earshot.analytics.behaviour import behaviour
from earshot.analytics.chart_periods import periods_of_days
from earshot.analytics.charts import charts
from earshot.analytics.entity_charts import ChartRules
from earshot.analytics.play_days import FiledPlays
from earshot.core.small_tables import SmallTables
from earshot.core.stream_rule import SPOTIFY
from earshot.core.tables import Tables
from factories import filed, listens, listens_arrow
from second_opinion import PLAYS, SecondOpinion

DAYS = [date(2026, 3, 30), date(2026, 3, 31), date(2026, 4, 1), date(2026, 4, 2)]  # the last: plays after midnight
COUNT = 2_500
SHAPE = {"days": 3, "first_day": DAYS[0], "listeners": 90, "gaps": 0.3}


@pytest.fixture(scope="module")
def suspects() -> pa.Table:
    plays = listens_arrow(COUNT, seed=8, **SHAPE)
    row = {"listener_id": plays["listener_id"][0].as_py(), "listen_date": plays["listen_date"][0].as_py()}
    named = [{**row, "verdict": "confirmed", "track_id": None, "signals": [], "score": 1.0, "streams": 9}]
    return pa.Table.from_pylist(named, schema=SmallTables("nowhere").schema("gold.suspect_listens"))


@pytest.fixture(scope="module")
def gaps(suspects: pa.Table) -> SecondOpinion:
    """Plays over the end of a month, three in ten values missing; nobody is suspect but one listener on one day."""
    plays = listens_arrow(COUNT, seed=8, **SHAPE)
    opinion = SecondOpinion()
    opinion.take("silver_listens", plays)
    opinion.take("gold_suspect_listens", suspects)
    opinion.run(f"CREATE TABLE plays AS {PLAYS}")
    return opinion


def test_activity(spark: SparkSession, gaps: SecondOpinion) -> None:
    gaps.take("gold_activity", activity(listens(spark, COUNT, 8, **SHAPE), stream_rule=SPOTIFY).frame().toArrow())
    assert gaps.differences(definitions.ACTIVITY, definitions.ACTIVITY_FOUND) == []


def test_audio_quality_counts_a_play_of_unknown_startup_neither_as_late_nor_as_in_time(
    spark: SparkSession, gaps: SecondOpinion
) -> None:
    rows = audio_quality(listens(spark, COUNT, 8, **SHAPE), session_gap_minutes=30)
    gaps.take("gold_audio_quality", rows.frame().toArrow())
    assert gaps.differences(definitions.AUDIO_QUALITY, definitions.AUDIO_QUALITY_FOUND) == []


@pytest.fixture(scope="module")
def behaving(spark: SparkSession, gaps: SecondOpinion) -> SecondOpinion:
    least = definitions.LEAST_OF_A_TRACK
    plays = listens(spark, COUNT, 8, **SHAPE)
    rows = behaviour(plays, days=DAYS, stream_rule=SPOTIFY, minimum_volume=least)
    gaps.take("gold_behaviour", rows.frame().toArrow())
    return gaps


def test_behaviour(behaving: SecondOpinion) -> None:
    assert behaving.differences(definitions.BEHAVIOUR, definitions.BEHAVIOUR_FOUND) == []


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        (definitions.BEHAVIOUR_BY_CONTEXT, "%rate_by_context"),
        (definitions.BEHAVIOUR_BY_TRACK, "%_by_track"),
        (definitions.BEHAVIOUR_LOCAL, "local_listens"),
    ],
    ids=["context", "track", "local clock"],
)
def test_behaviour_by_slice(behaving: SecondOpinion, expected: str, found: str) -> None:
    assert behaving.rows(f"SELECT count(*) > 0 FROM ({expected})") == [(True,)]  # noqa: S608 (our own SQL)
    assert behaving.differences(expected, definitions.behaviour_found(found)) == []


def test_a_row_of_behaviour_is_told_by_its_key(behaving: SecondOpinion) -> None:
    key = "day, country, tier, metric, slice"
    assert behaving.rows(f"SELECT {key} FROM gold_behaviour GROUP BY {key} HAVING count(*) > 1") == []  # noqa: S608 (our own SQL)
    unsplit = "day, country, tier, metric"
    twice = f"SELECT {unsplit} FROM gold_behaviour WHERE slice IS NULL GROUP BY {unsplit} HAVING count(*) > 1"  # noqa: S608 (our own SQL)
    assert behaving.rows(twice) == []
    assert behaving.rows("SELECT metric FROM gold_behaviour GROUP BY metric HAVING count(slice) % count(*) <> 0") == []


def test_charts(tables: Tables, gaps: SecondOpinion, suspects: pa.Table) -> None:
    files = filed(tables, "silver.listens", listens_arrow(COUNT, 8, **SHAPE))
    named = filed(tables, "gold.suspect_listens", suspects)
    rows = charts(FiledPlays(tables.spark, files), named, periods=periods_of_days(DAYS), rules=ChartRules())
    gaps.take("gold_charts", rows.frame().toArrow())
    assert gaps.differences(definitions.CHARTS, definitions.CHARTS_FOUND) == []

"""Sessions against DuckDB, whatever the order of the plays and of the days they come on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pyarrow.compute as pc
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from earshot.automation.loading import load_job
from earshot.core.job import Job
from earshot.core.tables import Tables
from earshot.transformers.sessions import sessions
from factories import listens, listens_arrow
from second_opinion import SecondOpinion

FIRST = date(2026, 3, 23)
PLAYS = 3_000
SHAPE = {"days": 4, "first_day": FIRST, "listeners": 40}

SESSIONS = """
    WITH ends AS (
        SELECT *, greatest(started_at, coalesce(ended_at, started_at)) AS its_end FROM silver_listens
    ), in_order AS (
        SELECT *, max(its_end) OVER (
            PARTITION BY listener_id ORDER BY started_at, listen_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS latest FROM ends
    ), numbered AS (
        SELECT *, sum((latest IS NULL OR started_at - latest > INTERVAL 30 MINUTE)::INT) OVER (
            PARTITION BY listener_id ORDER BY started_at, listen_id
        ) AS number FROM in_order
    )
    SELECT listener_id, min(started_at) AS started_at, max(its_end) AS ended_at, count(*) AS listens,
        count(*) FILTER (played_ms IS NULL OR played_ms >= 30000) AS counted_listens,
        count(*) FILTER (skipped) AS skips, coalesce(sum(played_ms), 0)::BIGINT AS played_ms,
        count(DISTINCT track_id) AS distinct_tracks, count(DISTINCT artist_id) AS distinct_artists,
        arg_min_null(device, (started_at, listen_id)) AS device,
        arg_min_null(country, (started_at, listen_id)) AS country
    FROM numbered GROUP BY listener_id, number
"""
FOUND = """
    SELECT listener_id, started_at, ended_at, listens, counted_listens, skips, played_ms, distinct_tracks,
        distinct_artists, device, country FROM silver_sessions
"""


@pytest.fixture(scope="module")
def opinion() -> SecondOpinion:
    opinion = SecondOpinion()
    opinion.take("silver_listens", listens_arrow(PLAYS, seed=3, **SHAPE))
    return opinion


@pytest.mark.parametrize("seed", [1, 2])
def test_sessions_do_not_depend_on_the_order_of_the_plays(
    spark: SparkSession, opinion: SecondOpinion, seed: int
) -> None:
    shuffled = listens(spark, PLAYS, seed=3, **SHAPE).orderBy(F.rand(seed)).repartition(3)
    opinion.take("silver_sessions", sessions(shuffled, gap_minutes=30, counted_stream_ms=30_000).toArrow())
    assert opinion.differences(SESSIONS, FOUND) == []
    assert opinion.rows("SELECT count(*) > 1 FROM silver_sessions WHERE listens > 3") == [(True,)]


ORDERS = [(0, 1, 2, 3, 4), (2, 0, 4, 3, 1)]  # the fifth day: plays after midnight


@pytest.mark.parametrize("order", ORDERS, ids=["day by day", "late days"])
def test_sessions_built_day_by_day_equal_those_of_all_days_at_once(
    make_job: Callable[..., Job], tables: Tables, opinion: SecondOpinion, order: tuple[int, ...]
) -> None:
    plays = listens_arrow(PLAYS, seed=3, **SHAPE)
    build = load_job("build_sessions")
    for day in order:
        of_day = plays.filter(pc.equal(plays["listen_date"], date.fromordinal(FIRST.toordinal() + day)))
        tables.append("silver.listens", tables.spark.createDataFrame(of_day))
        build(make_job("build_sessions"))
    opinion.take("silver_sessions", tables.read("silver.sessions").toArrow())
    assert opinion.differences(SESSIONS, FOUND) == []


def test_the_pipelines_sessions_are_right(lake: SecondOpinion) -> None:
    assert lake.differences(SESSIONS, FOUND) == []

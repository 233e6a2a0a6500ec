"""One rule of counted streams, however it is asked: for a play, for arrays, in Spark and in SQL."""

from __future__ import annotations

import itertools

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from earshot.core.config import load_settings
from earshot.core.measures import counted
from earshot.core.stream_rule import LASTFM, SPOTIFY, StreamRule

RULES = [SPOTIFY, LASTFM, StreamRule(45_000), StreamRule(240_000, 0.1, 0), StreamRule(1, 0.0, 60_000)]
TIMES = (None, 0, 2_999, 3_000, 15_000, 29_999, 30_000, 45_000, 119_999, 120_000, 239_999, 240_000, 600_000)
LENGTHS = (None, 0, 29_999, 30_000, 30_001, 60_000, 240_000, 480_000, 900_000)
PLAYS = list(itertools.product(TIMES, LENGTHS))


@pytest.mark.parametrize(
    ("rule", "played", "length", "counts"),
    [
        (SPOTIFY, 29_999, 200_000, False),
        (SPOTIFY, 30_000, 200_000, True),
        (SPOTIFY, 30_000, 30_000, True),
        (SPOTIFY, None, 10_000, True),  # its source submits only completed listens
        (LASTFM, 99_999, 200_000, False),
        (LASTFM, 100_000, 200_000, True),  # half of it
        (LASTFM, 239_999, 900_000, False),
        (LASTFM, 240_000, 900_000, True),  # four minutes
        (LASTFM, 30_000, 30_000, False),  # not longer than 30 seconds
        (LASTFM, 30_001, 30_001, True),
        (LASTFM, 239_999, None, False),  # half of what is not known
        (LASTFM, None, 10_000, True),
    ],
)
def test_a_play_counts_by_the_rule_of_the_service(
    rule: StreamRule, played: int | None, length: int | None, counts: bool
) -> None:
    assert rule.counts(played, length) is counts


def test_thresholds_are_settings() -> None:
    assert load_settings().marts.stream_rule == SPOTIFY
    lastfm = {"counted_stream_ms": 240_000, "counted_stream_share": 0.5, "counted_track_ms": 30_001}
    assert load_settings(overrides={"marts": lastfm}).marts.stream_rule == LASTFM


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_arrays_spark_and_sql_say_the_same(spark: SparkSession, rule: StreamRule) -> None:
    expected = [rule.counts(played, length) for played, length in PLAYS]
    assert len(set(expected)) == 2
    played, length = (
        np.array([np.nan if v is None else v for v in column], float) for column in zip(*PLAYS, strict=True)
    )
    assert rule.counted(played, length).tolist() == expected
    rows = [(n, *play) for n, play in enumerate(PLAYS)]
    listens = spark.createDataFrame(rows, "n int, played_ms bigint, duration_ms bigint").coalesce(1)
    assert [row["is"] for row in listens.orderBy("n").select(counted(rule).alias("is")).collect()] == expected
    plays = pa.table({"played_ms": [p for p, _ in PLAYS], "duration_ms": [d for _, d in PLAYS]})
    found = duckdb.from_arrow(plays).query(
        "plays",
        f"""SELECT played_ms IS NULL OR (coalesce(duration_ms >= {rule.least_track_ms}, true) AND (
            played_ms >= {rule.least_ms} OR coalesce({rule.least_share} > 0
                AND played_ms >= {rule.least_share}::DOUBLE * duration_ms, false))) FROM plays""",  # noqa: S608
    )
    assert [row[0] for row in found.fetchall()] == expected

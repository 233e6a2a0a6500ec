from __future__ import annotations

from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from earshot.core.schemas import TABLES
from earshot.core.stream_rule import SPOTIFY
from earshot.recommenders.histories import play_counts
from earshot.recommenders.plain_counts import NEEDED, count_plays

PHASES = (date(2026, 3, 25), date(2026, 3, 27))
MONDAY, WEDNESDAY, FRIDAY = date(2026, 3, 23), date(2026, 3, 25), date(2026, 3, 27)

LISTENS: list[tuple[str | None, str | None, date, int | None, bool | None]] = [
    ("anna", "t1", MONDAY, 200_000, False),
    ("anna", "t1", MONDAY, 10_000, True),
    ("anna", "t1", WEDNESDAY, None, None),
    ("anna", "t2", FRIDAY, 29_999, False),
    ("anna", "t2", FRIDAY, 30_000, False),
    ("anna", None, FRIDAY, 30_000, False),
    ("bot", "t1", MONDAY, 31_000, False),
    ("bot", "t1", WEDNESDAY, 31_000, False),
    ("bot", "t2", WEDNESDAY, 31_000, False),
    ("bot", "t3", FRIDAY, 31_000, False),
    ("cleared", "t3", FRIDAY, 31_000, False),
]
SUSPECTS = [
    ("bot", None, MONDAY, "confirmed"),
    ("bot", "t1", MONDAY, "suspect"),
    ("bot", "t1", WEDNESDAY, "suspect"),
    ("cleared", "t3", FRIDAY, "cleared"),
]
EXPECTED = {
    ("anna", "t1", 0): (2, 1, 1),
    ("anna", "t1", 1): (1, 1, 0),
    ("anna", "t2", 2): (2, 1, 0),
    ("bot", "t1", 0): (1, 0, 0),
    ("bot", "t1", 1): (1, 0, 0),
    ("bot", "t2", 1): (1, 1, 0),
    ("bot", "t3", 2): (1, 1, 0),
    ("cleared", "t3", 2): (1, 1, 0),
}


def _tables() -> tuple[pa.Table, pa.Table]:
    listens = pa.table(
        {
            name: pa.array(list(values), kind)
            for name, kind, values in zip(
                [name for name in NEEDED if name != "duration_ms"],
                (pa.string(), pa.string(), pa.date32(), pa.int64(), pa.bool_()),
                zip(*LISTENS, strict=True),
                strict=True,
            )
        }
    )
    listens = listens.append_column("duration_ms", pa.nulls(len(listens), pa.int64()))
    names = ("listener_id", "track_id", "listen_date", "verdict")
    suspects = pa.table(dict(zip(names, (list(column) for column in zip(*SUSPECTS, strict=True)), strict=True)))
    return listens, suspects


def _by_key(rows: list[dict[str, Any]]) -> dict[tuple[str, str, int], tuple[int, int, int]]:
    return {
        (row["listener_id"], row["track_id"], row["phase"]): (row["plays"], row["likes"], row["skips"]) for row in rows
    }


def test_plays_likes_and_skips_are_counted_by_phase_without_manipulated_streams() -> None:
    counts = count_plays(*_tables(), phases=PHASES, stream_rule=SPOTIFY)
    assert _by_key(counts.to_pylist()) == EXPECTED


def test_spark_counts_the_same(spark: SparkSession) -> None:
    listens, suspects = _tables()
    counts = play_counts(
        spark.createDataFrame(listens), spark.createDataFrame(suspects), phases=PHASES, stream_rule=SPOTIFY
    )
    assert _by_key(counts.toArrow().to_pylist()) == EXPECTED


@pytest.mark.parametrize("table", ["gold.suspect_listens"])
def test_no_verdicts_yet_flag_nothing(spark: SparkSession, table: str) -> None:
    listens, _ = _tables()
    nothing = spark.createDataFrame([], TABLES[table].schema)
    counts = play_counts(spark.createDataFrame(listens), nothing, phases=(), stream_rule=SPOTIFY).toArrow()
    assert sum(counts["likes"].to_pylist()) == 8
    assert set(counts["phase"].to_pylist()) == {0}

"""Partitions that are replaced as a whole."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from pyspark.sql import DataFrame, SparkSession

from earshot.core.arrow_rows import ArrowTasks
from earshot.core.commits import DeltaLog
from earshot.core.errors import OvertakenError, TableError
from earshot.core.partitions import replace_partitions
from earshot.core.table_history import TableHistory
from earshot.core.tables import Tables, spec_of

MART = "gold.behaviour"
MONDAY, TUESDAY, WEDNESDAY = (date(2026, 3, day) for day in (2, 3, 4))


@pytest.fixture
def rows(spark: SparkSession) -> Callable[..., DataFrame]:
    def make(**values: float) -> DataFrame:
        days = {"monday": MONDAY, "tuesday": TUESDAY, "wednesday": WEDNESDAY}
        return spark.createDataFrame(
            [(days[name], "DE", "ALL", "skip_rate", value, 9) for name, value in values.items()],
            "day date, country string, tier string, metric string, value double, volume bigint",
        )

    return make


def values(tables: Tables) -> dict[date, float]:
    return {row["day"]: row["value"] for row in tables.read(MART).collect()}


def test_only_the_named_partitions_are_replaced(tables: Tables, rows: Callable[..., DataFrame]) -> None:
    replace_partitions(tables, MART, rows(monday=0.1, tuesday=0.2), None, metadata={"consumed": {"a": 1}})
    replace_partitions(tables, MART, rows(tuesday=0.5), [(TUESDAY,), (WEDNESDAY,)], metadata={"consumed": {"a": 2}})
    assert values(tables) == {MONDAY: 0.1, TUESDAY: 0.5}
    replace_partitions(tables, MART, rows(wednesday=0.7), None, metadata={})
    assert values(tables) == {WEDNESDAY: 0.7}


def test_a_task_that_was_overtaken_says_so_and_nothing_is_replaced(
    tables: Tables, spark: SparkSession, rows: Callable[..., DataFrame]
) -> None:
    def build(task: str) -> Iterator[pa.Table]:
        raise OvertakenError(task, where="a folder")

    replace_partitions(tables, MART, rows(monday=0.1), None, metadata={})
    tasks = ArrowTasks(spark, ["gold.charts"], build, spec_of(MART).schema)
    with pytest.raises(OvertakenError, match=f"Another run changed {MART} meanwhile"):
        replace_partitions(tables, MART, tasks, None, metadata={})
    assert values(tables) == {MONDAY: 0.1}


def test_a_partition_that_has_no_rows_any_more_is_emptied(tables: Tables, rows: Callable[..., DataFrame]) -> None:
    replace_partitions(tables, MART, rows(monday=0.1, tuesday=0.2), None, metadata={})
    replace_partitions(tables, MART, rows(), [(MONDAY,)], metadata={})
    assert values(tables) == {TUESDAY: 0.2}


def test_the_commit_says_of_itself_what_the_writer_told(tables: Tables, rows: Callable[..., DataFrame]) -> None:
    replace_partitions(tables, MART, rows(monday=0.1), None, metadata={"consumed": {"silver.listens": 7}})
    history = TableHistory(tables.root, MART)
    assert next(history.changes()).metadata == {"consumed": {"silver.listens": 7}}
    assert history.days() == {MONDAY}


def test_rows_of_other_partitions_are_refused_and_change_nothing(
    tables: Tables, rows: Callable[..., DataFrame]
) -> None:
    replace_partitions(tables, MART, rows(monday=0.1), None, metadata={})
    with pytest.raises(TableError, match="2026-03-03"):
        replace_partitions(tables, MART, rows(tuesday=0.2), [(MONDAY,)], metadata={})
    assert values(tables) == {MONDAY: 0.1}


def test_of_two_writers_that_began_together_the_second_says_so(tables: Tables, rows: Callable[..., DataFrame]) -> None:
    replace_partitions(tables, MART, rows(monday=0.1), None, metadata={})
    since = DeltaLog(tables.root, MART).contents().version
    replace_partitions(tables, MART, rows(monday=0.2), [(MONDAY,)], metadata={}, since=since)
    with pytest.raises(TableError, match="Another run changed"):
        replace_partitions(tables, MART, rows(tuesday=0.3), [(TUESDAY,)], metadata={}, since=since)
    assert values(tables) == {MONDAY: 0.2}


def test_the_log_keeps_to_what_delta_rs_and_spark_both_read(tables: Tables, rows: Callable[..., DataFrame]) -> None:
    replace_partitions(tables, MART, rows(monday=0.1), None, metadata={})
    log = DeltaLog(tables.root, MART)
    (file,) = log.contents().files
    assert file.partition == {"day": "2026-03-02"}
    batch = next(log.batches(columns=["day", "volume"]))
    assert batch.to_pylist() == [{"day": MONDAY, "volume": 9}]
    assert json.loads(log.staged(file.path.split("/")[0])[0].stats)["numRecords"] == 1


def test_a_table_that_was_made_before_a_column_was_added_gets_the_column(
    tables: Tables, rows: Callable[..., DataFrame]
) -> None:
    path = tables.path(MART)
    older = pa.table(
        {"day": pa.array([MONDAY]), "country": ["DE"], "tier": ["ALL"], "metric": ["skip_rate"], "value": [0.1]}
    )
    write_deltalake(path, older, partition_by=["day"])
    replace_partitions(tables, MART, rows(tuesday=0.2), [(TUESDAY,)], metadata={})
    assert {row["day"]: row["volume"] for row in tables.read(MART).collect()} == {MONDAY: None, TUESDAY: 9}


def test_a_reader_without_spark_finds_rows_by_their_texts(tables: Tables, rows: Callable[..., DataFrame]) -> None:
    replace_partitions(tables, MART, rows(monday=0.1, tuesday=0.2), None, metadata={})
    found = DeltaTable(tables.path(MART)).to_pyarrow_table(
        filters=[("country", "=", "DE"), ("metric", "=", "skip_rate")]
    )
    assert found.num_rows == 2

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from earshot.core.commits import DeltaLog
from earshot.core.staging import as_files, as_rows
from earshot.core.tables import Tables


def table(log: DeltaLog, *rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist([dict.fromkeys(log.schema.names) | row for row in rows], schema=log.schema)


def charts(tmp_path: Path) -> DeltaLog:
    log = DeltaLog(str(tmp_path), "gold.charts")
    log.create()
    return log


def test_a_task_writes_a_file_a_partition_and_tells_what_a_commit_needs(tmp_path: Path) -> None:
    log, day = charts(tmp_path), date(2026, 3, 2)
    rows = table(
        log,
        {"period": "day", "period_start": day, "rank": 2, "country": "DE"},
        {"period": "week", "period_start": day, "rank": 1, "country": "ä/b"},
        {"period": "day", "period_start": day, "rank": 5, "country": None},
    )
    files = log.stage("rebuilt=1").write(rows)
    assert [file.partition for file in files] == [
        {"period": "day", "period_start": "2026-03-02"},
        {"period": "week", "period_start": "2026-03-02"},
    ]
    assert json.loads(files[0].stats)["numRecords"] == 2
    log.add(as_files(pa.Table.from_batches([as_rows(files)])), app_id="test", metadata={})
    found = pa.Table.from_batches(log.batches()).select(["period", "rank", "country"]).to_pylist()
    assert sorted(found, key=lambda row: row["rank"]) == [
        {"period": "week", "rank": 1, "country": "ä/b"},
        {"period": "day", "rank": 2, "country": "DE"},
        {"period": "day", "rank": 5, "country": None},
    ]


@pytest.mark.parametrize(("name", "bounded"), [("silver.sessions", {"listens"}), ("gold.charts", set())])
def test_bounds_are_told_where_they_tell_files_apart(tmp_path: Path, name: str, bounded: set[str]) -> None:
    log = DeltaLog(str(tmp_path), name)
    log.create()
    (file,) = log.stage("x").write(table(log, *({column: n for column in bounded} for n in (3, 5))))
    stats = json.loads(file.stats)
    assert stats["numRecords"] == 2
    assert stats["minValues"] == dict.fromkeys(bounded, 3)
    assert stats["maxValues"] == dict.fromkeys(bounded, 5)
    assert stats["nullCount"].keys() >= bounded
    footer = pq.read_metadata(next(Path(tmp_path, *name.split(".")).rglob("*.parquet"))).row_group(0)
    with_statistics = {
        footer.column(n).path_in_schema for n in range(footer.num_columns) if footer.column(n).statistics is not None
    }
    assert bool(with_statistics) == bool(bounded)


def test_bounds_are_of_the_rows_of_one_partition(tmp_path: Path) -> None:
    log = DeltaLog(str(tmp_path), "silver.sessions")
    log.create()
    days = [date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 2)]
    rows = ({"session_date": day, "listens": n} for day, n in zip(days, (2, 9, 5), strict=True))
    found = [json.loads(file.stats) for file in log.stage("x").write(table(log, *rows))]
    assert [(stats["minValues"]["listens"], stats["maxValues"]["listens"]) for stats in found] == [(2, 5), (9, 9)]


@pytest.mark.parametrize("vectorized", ["true", "false"])
def test_counts_are_packed_and_spark_duckdb_and_delta_rs_read_them_alike(
    tables: Tables, spark: SparkSession, vectorized: str
) -> None:
    log, places = DeltaLog(tables.root, "gold.charts"), range(1, 301)
    since = date(2026, 3, 2)
    reached = [{"peak_rank": n * 7919 % 1_000, "periods_on_chart": n % 5, "since": since} for n in places]
    careers = [{"day": one if n % 3 else None, "week": one, "month": one} for n, one in enumerate(reached)]
    of_all_time = {"period": "all_time", "period_start": since}
    rows = [
        of_all_time | {"rank": n, "streams": 2**40 // n, "listeners": n, "careers": career}
        for n, career in zip(places, careers, strict=True)
    ]
    log.create()
    (file,) = log.stage("x").write(table(log, *rows, of_all_time | {"rank": 301}))
    log.add([file], app_id="test", metadata={})
    footer = pq.read_metadata(Path(log.path, file.path)).row_group(0)
    encodings = {footer.column(n).path_in_schema: footer.column(n).encodings for n in range(footer.num_columns)}
    packed = {name for name, used in encodings.items() if "DELTA_BINARY_PACKED" in used}
    assert {name.split(".")[0] for name in packed} == {"streams", "listeners", "careers"}

    names = ["rank", "streams", "listeners", "careers"]
    wanted = [*({name: row[name] for name in names} for row in rows), dict.fromkeys(names) | {"rank": 301}]
    spark.conf.set("spark.sql.parquet.enableVectorizedReader", vectorized)
    try:
        by_spark = [row.asDict(recursive=True) for row in tables.read(log.spec.name).select(names).collect()]
    finally:
        spark.conf.unset("spark.sql.parquet.enableVectorizedReader")
    by_duckdb = duckdb.read_parquet(str(Path(log.path, file.path))).select(*names).to_arrow_table().to_pylist()
    by_delta_rs = pa.Table.from_batches(log.batches()).select(names).to_pylist()
    for found in (by_spark, by_duckdb, by_delta_rs):
        assert sorted(found, key=lambda row: row["rank"]) == wanted


def test_files_that_nobody_commits_are_not_seen(tmp_path: Path) -> None:
    log = charts(tmp_path)
    assert log.stage("rebuilt=1").write(table(log, {"period": "day", "period_start": date(2026, 3, 2)}))
    assert list(log.batches()) == []


def test_rows_written_piece_by_piece_are_one_file(tmp_path: Path) -> None:
    log = DeltaLog(str(tmp_path), "bronze.listens")
    log.create()
    writer = log.stage("batch_id=b1/x").open()
    at = datetime(2026, 3, 2, tzinfo=UTC)
    for line in (1, 2):
        writer.write(table(log, {"source_line": line, "started_at": at, "failed_rules": ["x"] * line}))
    (file,) = writer.close()
    assert file.partition == {"batch_id": "b1"}
    log.add([file], app_id="test", metadata={})
    rows = pa.Table.from_batches(log.batches())
    assert rows["failed_rules"].to_pylist() == [["x"], ["x", "x"]]
    assert rows["batch_id"].to_pylist() == ["b1", "b1"]


def test_a_file_names_nobody_of_whom_it_has_no_row(tmp_path: Path) -> None:
    log = DeltaLog(str(tmp_path), "silver.listens")
    log.create()
    days = [date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 3)]
    rows = table(log, *({"listen_id": str(n), "listen_date": day} for n, day in enumerate(days)))
    who = pa.array(["v1:anna", "v1:bea", None], pa.string()).dictionary_encode()
    rows = rows.set_column(rows.schema.get_field_index("listener_id"), "listener_id", who)
    first, second = (Path(log.path, file.path) for file in log.stage("batch=1").write(rows))
    assert b"v1:bea" not in first.read_bytes(), "an erasure rewrites the days on which the listener played"
    assert b"v1:anna" not in second.read_bytes()
    assert pq.read_table(second)["listener_id"].to_pylist() == ["v1:bea", None]


def test_forty_thousand_listeners_fit_the_dictionary_of_a_file(tmp_path: Path) -> None:
    log = DeltaLog(str(tmp_path), "bronze.listens")
    log.create()
    stage = log.stage("batch_id=b1/x")
    who = pa.array([f"v1:{n:064}" for n in range(40_000)] * 2, pa.string())
    columns = {field.name: pa.nulls(len(who), field.type) for field in stage.columns}
    writer = stage.open()
    writer.write(pa.table({**columns, "listener_id": who}))
    (file,) = writer.close()
    group = pq.read_metadata(Path(log.path, file.path)).row_group(0)
    sizes = {group.column(n).path_in_schema: group.column(n).total_uncompressed_size for n in range(group.num_columns)}
    assert sizes["listener_id"] < 40_000 * (67 + 4) + len(who) * 3, "each of them once, and two bytes a row"


def test_no_rows_are_no_file(tmp_path: Path) -> None:
    log = DeltaLog(str(tmp_path), "bronze.listens")
    assert log.stage("batch_id=b1/x").open().close() == []
    assert charts(tmp_path).stage("rebuilt=1").write(charts(tmp_path).schema.empty_table()) == []

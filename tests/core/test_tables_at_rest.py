"""Every table as a stranger finds it who has no Spark: there from the first run on, plain, with typed columns."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable, write_deltalake
from pyspark.sql.pandas.types import to_arrow_schema

from earshot.automation.demo import DemoOutcome
from earshot.core.commits import create_tables
from earshot.core.schemas import TABLES
from earshot.core.settings import Settings
from earshot.core.table_history import TableHistory

FEATURES_NOBODY_ELSE_READS = {"deletionVectors", "columnMapping", "v2Checkpoint", "rowTracking"}


def kinds(schema: pa.Schema) -> dict[str, object]:
    """Types by name; of nested ones, only that they are a list, a map or a struct."""
    return {field.name: field.type.id if pa.types.is_nested(field.type) else field.type for field in schema}


def bounded_columns(table: DeltaTable) -> set[str]:
    """The columns of which some file has a largest value in the log."""
    files = pa.table(table.get_add_actions(flatten=True))
    largest = {name.removeprefix("max."): files[name] for name in files.column_names if name.startswith("max.")}
    return {name for name, values in largest.items() if pc.any(pc.is_valid(values)).as_py()}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_readable_without_spark_and_bounds_no_identity(road: DemoOutcome, name: str) -> None:
    table = DeltaTable(str(road.home / "lake" / name.replace(".", "/")))
    assert table.protocol().min_reader_version == 1
    assert not FEATURES_NOBODY_ELSE_READS & set(table.protocol().writer_features or ())
    expected = to_arrow_schema(TABLES[name].schema, timezone="UTC")
    assert kinds(table.to_pyarrow_table().schema) == kinds(expected)
    assert not bounded_columns(table) & set(TABLES[name].identity)


def test_every_table_exists_before_anything_is_written_and_is_as_if_it_did_not(settings: Settings) -> None:
    create_tables(settings.lake_root)
    create_tables(settings.lake_root)
    for name in TABLES:
        table = DeltaTable(f"{settings.lake_root}/{name.replace('.', '/')}")
        assert (table.version(), table.to_pyarrow_table().num_rows) == (0, 0)
    assert TableHistory(settings.lake_root, "silver.listens").version is None


def test_the_log_tells_the_span_of_each_file_unless_one_has_no_statistics(settings: Settings) -> None:
    begin = datetime(2026, 3, 2, 23, 50, 0, 1, tzinfo=UTC)
    rows = pa.table(
        {
            "started_at": pa.array([begin], pa.timestamp("us", "UTC")),
            "ended_at": pa.array([begin + timedelta(hours=1)], pa.timestamp("us", "UTC")),
            "session_date": pa.array([begin.date()]),
        }
    )
    write_deltalake(f"{settings.lake_root}/silver/sessions", rows, partition_by=["session_date"])
    (span,) = TableHistory(settings.lake_root, "silver.sessions").spans("started_at", "ended_at") or []
    assert span.day == date(2026, 3, 2)
    assert span.first <= begin < begin + timedelta(hours=1) <= span.last
    assert span.last - span.first < timedelta(hours=1, seconds=1)
    elsewhere = f"{settings.lake_root}-without"
    untold = {"delta.dataSkippingNumIndexedCols": "0"}
    write_deltalake(f"{elsewhere}/silver/sessions", rows, partition_by=["session_date"], configuration=untold)
    assert TableHistory(elsewhere, "silver.sessions").spans("started_at", "ended_at") is None


def test_a_table_without_files_has_no_spans(settings: Settings) -> None:
    assert TableHistory(settings.lake_root, "silver.sessions").spans("started_at", "ended_at") == []

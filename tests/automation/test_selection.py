"""Which rows are meant: conditions and days, over Arrow and over Spark alike."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from pyspark.sql import SparkSession
from pyspark.sql.pandas.types import to_arrow_schema

from earshot.automation.selection import day_column, selection
from earshot.core.errors import ArgumentError
from earshot.core.schemas import TABLES

REVENUE, ACTIVITY, KPIS = TABLES["gold.revenue"], TABLES["gold.activity"], TABLES["gold.quality_kpis"]
ROWS: list[dict[str, Any]] = [
    {"month": date(2026, 2, 1), "country": "DE", "amount": Decimal("10.00"), "streams": 5, "reason": None},
    {"month": date(2026, 3, 1), "country": "DE", "amount": Decimal("12.50"), "streams": 0, "reason": "late plays"},
    {"month": date(2026, 3, 1), "country": "JP", "amount": Decimal(-3), "streams": 7, "reason": None},
]


@pytest.mark.parametrize(
    ("where", "chosen"),
    [
        (["country=DE"], [0, 1]),
        (["country != DE"], [2]),
        (["country in FR, JP"], [2]),
        (["amount>=12.5"], [1]),
        (["amount < 0"], [2]),
        (["streams > 0", "country=DE"], [0]),
        (["reason is null"], [0, 2]),
        (["reason IS NOT NULL".replace("IS", "is")], [1]),
        (["reason=late plays"], [1]),
        (["month=2026-02-01"], [0]),
        ([], [0, 1, 2]),
    ],
)
def test_arrow_and_spark_choose_the_same_rows(spark: SparkSession, where: list[str], chosen: list[int]) -> None:
    schema = to_arrow_schema(REVENUE.schema, timezone="UTC")
    table = pa.Table.from_pylist(ROWS, schema=schema)
    found = selection(REVENUE, where=where)
    expected = [(ROWS[n]["country"], ROWS[n]["streams"]) for n in chosen]
    of_arrow = ds.dataset(table).to_table(filter=found.of_arrow()).to_pylist()
    of_spark = found.of_spark(spark.createDataFrame(table.to_pandas(), REVENUE.schema)).collect()
    assert [(row["country"], row["streams"]) for row in of_arrow] == expected
    assert sorted((row["country"], row["streams"]) for row in of_spark) == sorted(expected)
    assert found.texts == tuple(where)


def test_days_are_those_of_the_partition_and_the_last_is_included() -> None:
    assert (day_column(REVENUE), day_column(ACTIVITY), day_column(KPIS)) == ("month", "activity_date", "listen_date")
    assert selection(ACTIVITY, since="2026-03-28", until="2026-03-29").texts == (
        "activity_date>=2026-03-28",
        "activity_date<=2026-03-29",
    )
    (runs,) = selection(TABLES["ops.runs"], until="2026-03-29").conditions
    if runs.column != "run_date":
        assert (runs.operator, runs.value) == ("<", datetime(2026, 3, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("arguments", "what", "remedy"),
    [
        ({"where": ["contry=DE"]}, "no column 'contry'", "Use country"),
        ({"columns": "month,amuont"}, "no column 'amuont'", "Use amount"),
        ({"columns": "month,month"}, "named twice", "once"),
        ({"where": ["country"]}, "no condition", "COLUMN"),
        ({"where": ["country~DE"]}, "no condition", "COLUMN"),
        ({"where": ["streams=many"]}, "'many' in 'streams=many' is no bigint", "numbers"),
        ({"where": ["month>=March"]}, "is no date", "ISO 8601"),
        ({"where": ["reason is nil"]}, "no condition", "is null"),
        ({"since": "29.3.2026"}, "is no date", "YYYY-MM-DD"),
    ],
)
def test_what_is_none_is_told_with_the_nearest(arguments: dict[str, Any], what: str, remedy: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        selection(REVENUE, **arguments)
    assert what in caught.value.what
    assert remedy in caught.value.remedy


def test_a_nested_column_is_not_compared_and_a_table_without_days_has_none() -> None:
    with pytest.raises(ArgumentError, match="nested"):
        selection(TABLES["gold.anomalies"], where=["dimensions=DE"])
    with pytest.raises(ArgumentError, match="has no day"):
        selection(TABLES["silver.quarantine"].__class__("x.y", "", ()), since="2026-03-29")

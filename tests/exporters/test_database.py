"""Exports over JDBC, into the Derby database that comes with Spark."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pyspark.sql import SparkSession

from earshot.core.errors import ArgumentError, DependencyError
from earshot.exporters.database import export_jdbc

AT = datetime(2026, 3, 29, 12, tzinfo=UTC)
DRIVER = {"driver": "org.apache.derby.iapi.jdbc.AutoloadedDriver"}


@pytest.fixture(scope="module")
def url() -> str:
    return "jdbc:derby:memory:exports;create=true"


def test_a_table_is_replaced_and_counted(spark: SparkSession, url: str) -> None:
    for rows in (3, 5):
        frame = spark.range(rows).selectExpr("id", "map('country', 'DE') AS dimensions")
        manifest = export_jdbc("gold.x", frame, url, "charts", at=AT, properties=DRIVER)
        assert manifest.rows == rows
    there = spark.read.jdbc(url, "charts", properties=DRIVER)
    assert there.count() == 5
    assert there.where("dimensions LIKE '%DE%'").count() == 5


def test_a_name_that_could_be_sql_is_refused(spark: SparkSession, url: str) -> None:
    with pytest.raises(ArgumentError):
        export_jdbc("gold.x", spark.range(1), url, "charts; DROP TABLE charts", at=AT)


def test_a_database_that_is_not_there_is_an_error_without_the_password(spark: SparkSession) -> None:
    address = "jdbc:derby:memory:nowhere;user=me;password=hunter2"
    with pytest.raises(DependencyError) as caught:
        export_jdbc("gold.x", spark.range(1), address, "charts", at=AT, properties=DRIVER)
    assert "hunter2" not in caught.value.where

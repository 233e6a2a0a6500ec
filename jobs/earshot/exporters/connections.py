"""A connection of the driver program's own, beside those of Spark's tasks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pyspark.sql import SparkSession


@contextmanager
def transaction(spark: SparkSession, url: str, options: dict[str, str]) -> Iterator[Any]:
    """A JDBC connection; what is not committed at the end of the block is undone."""
    jvm: Any = spark.sparkContext._jvm
    if "driver" in options:
        jvm.org.apache.spark.sql.execution.datasources.jdbc.DriverRegistry.register(options["driver"])
    properties = jvm.java.util.Properties()
    for key, value in options.items():
        properties.setProperty(key, value)
    connection = jvm.java.sql.DriverManager.getConnection(url, properties)
    try:
        yield connection
    finally:
        if not connection.getAutoCommit():
            connection.rollback()
        connection.close()


def columns_of(connection: Any, table: str) -> list[str] | None:
    """Columns of a table; None where there is none. To be asked before a transaction: a refusal would end it."""
    statement = connection.createStatement()
    try:
        found = statement.executeQuery(f"SELECT * FROM {table} WHERE 1 = 0")  # noqa: S608 (a plain word)
        told = found.getMetaData()
        return [str(told.getColumnLabel(n)) for n in range(1, told.getColumnCount() + 1)]
    except Exception:
        return None
    finally:
        statement.close()


def execute(connection: Any, statement: str, *values: str) -> None:
    """Run one statement with texts in the place of its question marks."""
    prepared = connection.prepareStatement(statement)
    for number, value in enumerate(values, 1):
        prepared.setString(number, value)
    prepared.executeUpdate()
    prepared.close()


def count(connection: Any, table: str) -> int:
    """Rows of a table."""
    statement = connection.createStatement()
    found = statement.executeQuery(f"SELECT count(*) FROM {table}")  # noqa: S608 (a plain word)
    found.next()
    rows = int(found.getLong(1))
    statement.close()
    return rows

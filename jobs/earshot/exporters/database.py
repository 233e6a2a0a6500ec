"""A table into a database over JDBC, all or nothing: filled beside, then exchanged by a rename."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, MapType, StructType

from earshot.core.addresses import without_secrets
from earshot.core.errors import ArgumentError, DependencyError, said
from earshot.exporters.manifest import Manifest

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,50}")


def export_jdbc(
    name: str, rows: DataFrame, url: str, table: str, *, at: datetime, properties: dict[str, str] | None = None
) -> Manifest:
    """Replace a table of a database; nested columns become JSON text.

    The rows are written to `TABLE_incoming` and exchanged for `TABLE` in one transaction, so that a
    kill leaves the old table.

    Args:
        name: Our table.
        rows: What to write.
        url: JDBC address; its driver must be among Spark's jars.
        table: Table in the database.
        at: When the export was asked for.
        properties: user, password, driver and the like; never logged.

    Raises:
        ArgumentError: The table's name is not a plain word.
        DependencyError: The database refused, or its driver is missing.
    """
    if not _NAME.fullmatch(table):
        raise ArgumentError(f"{table!r} is no plain table name.", where="--table", remedy="Use letters, digits and _.")
    flat = rows.select(*(_flat(rows, column) for column in rows.columns))
    incoming = f"{table}_incoming"
    try:
        flat.write.jdbc(url, incoming, mode="overwrite", properties=properties or {})
        written = flat.sparkSession.read.jdbc(url, incoming, properties=properties or {}).count()
        _exchange(flat, url, incoming, table, properties or {})
    except Exception as error:
        reason = said(error)[:300]
        raise DependencyError(
            f"The database did not take {name}: {reason}",
            where=without_secrets(url),
            remedy="Check address, user and rights, and that the JDBC driver is in spark.jars.",
        ) from None
    columns = tuple((field.name, field.dataType.simpleString()) for field in flat.schema)
    return Manifest(name, "jdbc", f"{without_secrets(url)}#{table}", written, columns, (), at)


def _flat(rows: DataFrame, column: str) -> Any:
    nested = isinstance(rows.schema[column].dataType, ArrayType | MapType | StructType)
    return (F.to_json(column) if nested else F.col(column)).alias(column)


def _exchange(rows: DataFrame, url: str, incoming: str, table: str, properties: dict[str, str]) -> None:
    jvm: Any = rows.sparkSession.sparkContext._jvm
    options = jvm.java.util.Properties()
    for key, value in properties.items():
        options.setProperty(key, value)
    connection = jvm.java.sql.DriverManager.getConnection(url, options)
    try:
        connection.setAutoCommit(False)
        statement = connection.createStatement()
        with suppress(Exception):
            statement.executeUpdate(f"DROP TABLE {table}")
        statement.executeUpdate(_rename(url, incoming, table))
        connection.commit()
    finally:
        connection.close()


def _rename(url: str, incoming: str, table: str) -> str:
    if url.startswith("jdbc:derby:"):
        return f"RENAME TABLE {incoming} TO {table}"
    return f"ALTER TABLE {incoming} RENAME TO {table}"

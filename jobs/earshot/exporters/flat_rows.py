"""Rows as a database takes them: nothing nested, a key in one column, types that the database can keep."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    BooleanType,
    DataType,
    DateType,
    DecimalType,
    FractionalType,
    IntegralType,
    MapType,
    StructType,
    TimestampType,
)

from earshot.exporters.merging import ROW_KEY


def flat_rows(rows: DataFrame, key: Sequence[str], database: str) -> DataFrame:
    """The rows with nested columns as JSON text and, where there is a key, its digest in `earshot_key` (first).

    SQLite has no decimals, times or truth values: decimals and times become texts there (exact, and in ISO 8601, which
    its functions read), truth values 0 and 1.

    Args:
        rows: A table.
        key: Columns that identify a row; may be empty.
        database: NAME of `jdbc:NAME:...`.
    """
    columns = [_value(field.name, field.dataType, database).alias(field.name) for field in rows.schema]
    if not key:
        return rows.select(*columns)
    parts = F.array(*(_text(name, rows.schema[name].dataType) for name in key))
    return rows.select(F.sha2(F.to_json(parts), 256).alias(ROW_KEY), *columns)


def sqlite_columns(schema: StructType) -> str:
    """The columns of `flat_rows` as SQLite declares them."""
    return ", ".join(f'"{field.name}" {_of_sqlite(field.dataType)}' for field in schema)


def _of_sqlite(kind: DataType) -> str:
    if isinstance(kind, IntegralType):
        return "INTEGER"
    return "REAL" if isinstance(kind, FractionalType) else "TEXT"


def _value(name: str, kind: DataType, database: str) -> Column:
    column = F.col(name)
    if isinstance(kind, ArrayType | MapType | StructType):
        return F.to_json(_ordered(column, kind))
    if database == "sqlite":
        if isinstance(kind, TimestampType):
            return F.date_format(column, "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'")
        if isinstance(kind, DateType | DecimalType):
            return column.cast("string")
        if isinstance(kind, BooleanType):
            return column.cast("int")
    return column


def _text(name: str, kind: DataType) -> Column:
    nested = isinstance(kind, ArrayType | MapType | StructType)
    return F.to_json(_ordered(F.col(name), kind)) if nested else F.col(name).cast("string")


def _ordered(column: Column, kind: DataType) -> Column:
    """A map has no order: without one, the same row would have several keys."""
    return F.map_from_entries(F.array_sort(F.map_entries(column))) if isinstance(kind, MapType) else column

"""Delta reads and writes, by table name: the only module that knows paths and Delta's options."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from delta.tables import DeltaTable
from pyspark.sql import Column, DataFrame, DataFrameWriter, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ByteType,
    DateType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    ShortType,
    TimestampType,
)

from earshot.core.errors import TableError
from earshot.core.overtaken import overtaken
from earshot.core.schemas import TABLES, TableSpec


@dataclass(frozen=True)
class Transaction:
    """Delta's idempotency key: a second write with the same pair changes nothing."""

    app_id: str
    version: int


@dataclass(frozen=True)
class Commit:
    """One commit of a table's history; `metadata` is what the writer left in it."""

    version: int
    timestamp: datetime
    operation: str
    metadata: dict[str, Any]
    metrics: dict[str, str]


def spec_of(name: str) -> TableSpec:
    """The table's spec.

    Raises:
        TableError: There is no such table in `core.schemas`.
    """
    try:
        return TABLES[name]
    except KeyError:
        raise TableError(
            f"There is no table {name}.", where="core.schemas", remedy=f"Use one of: {', '.join(TABLES)}."
        ) from None


def conform(rows: DataFrame, spec: TableSpec) -> DataFrame:
    """Cast and order the columns as the spec has them; a column that is missing becomes null.

    Raises:
        TableError: `rows` has a column that the spec does not have.
    """
    unknown = sorted(set(rows.columns) - set(spec.column_names))
    if unknown:
        raise TableError(
            f"{spec.name} has no column {', '.join(unknown)}.",
            where="core.schemas",
            remedy="Select the table's columns before writing, or add the column to its spec.",
        )
    present = set(rows.columns)
    return rows.select(
        *(
            (F.col(field.name) if field.name in present else F.lit(None)).cast(field.dataType).alias(field.name)
            for field in spec.schema
        )
    )


def days_condition(column: str, days: Iterable[date]) -> str:
    """SQL that holds for rows of these days; false where there are none."""
    literals = ", ".join(f"DATE'{day.isoformat()}'" for day in sorted(set(days)))
    return f"{column} IN ({literals})" if literals else "false"


class Tables:
    """The lake: every table of `core.schemas` under one root.

    Args:
        spark: The session.
        root: Folder or address that holds LAYER/NOUN.
    """

    def __init__(self, spark: SparkSession, root: str) -> None:
        self.spark = spark
        self.root = root.rstrip("/")

    def path(self, name: str) -> str:
        """Where the table lies: ROOT/LAYER/NOUN."""
        return f"{self.root}/{spec_of(name).name.replace('.', '/')}"

    def exists(self, name: str) -> bool:
        """Whether the table was ever written."""
        return bool(DeltaTable.isDeltaTable(self.spark, self.path(name)))

    def read(self, name: str, *, version: int | None = None) -> DataFrame:
        """The table now, or as it was after a commit; no rows of the right shape where it was never written."""
        if not self.exists(name):
            return self.spark.createDataFrame([], spec_of(name).schema)
        reader = self.spark.read.format("delta")
        return (reader if version is None else reader.option("versionAsOf", version)).load(self.path(name))

    def create(self, name: str) -> None:
        """Make the empty table with its partitions and properties, unless it is there."""
        if self.exists(name):
            return
        spec = spec_of(name)
        builder = DeltaTable.createIfNotExists(self.spark).location(self.path(name)).addColumns(spec.schema)
        if spec.partition_by:
            builder = builder.partitionedBy(*spec.partition_by)
        for key, value in table_properties(spec).items():
            builder = builder.property(key, value)
        builder.execute()

    def append(
        self,
        name: str,
        rows: DataFrame,
        *,
        transaction: Transaction | None = None,
        metadata: Mapping[str, object] | None = None,
    ) -> None:
        """Append rows in one commit; with a transaction, once and never again."""
        self.create(name)
        writer = self._writer(name, rows).mode("append")
        if transaction:
            writer = writer.option("txnAppId", transaction.app_id).option("txnVersion", str(transaction.version))
        self._save(name, writer, metadata)

    def overwrite(
        self, name: str, rows: DataFrame, *, where: str | None = None, metadata: Mapping[str, object] | None = None
    ) -> None:
        """Replace the rows for which `where` holds (all of them without it) in one commit."""
        self.create(name)
        writer = self._writer(name, rows).mode("overwrite")
        if where is not None:
            writer = writer.option("replaceWhere", where)
        self._save(name, writer, metadata)

    def merge(self, name: str, rows: DataFrame, *, on: Sequence[str] = ()) -> None:
        """Insert rows, or update those that have the same key (nulls are equal)."""
        self.create(name)
        spec = spec_of(name)
        condition = " AND ".join(f"old.{column} <=> new.{column}" for column in (on or spec.key))
        (
            self._delta(name)
            .alias("old")
            .merge(conform(rows, spec).alias("new"), condition)
            .whenMatchedUpdateAll()
            .whenNotMatchedInsertAll()
            .execute()
        )

    def delete(self, name: str, condition: Column | str) -> None:
        """Delete the rows for which the condition holds."""
        if self.exists(name):
            self._delta(name).delete(condition)

    def update(self, name: str, condition: Column | str, values: Mapping[str, Column | str]) -> None:
        """Set columns of the rows for which the condition holds (strings are SQL)."""
        if self.exists(name):
            self._delta(name).update(condition, dict(values))

    def version(self, name: str) -> int | None:
        """The number of the latest commit; None where the table was never written."""
        commits = self.commits(name, limit=1)
        return commits[0].version if commits else None

    def commits(self, name: str, *, limit: int | None = None) -> list[Commit]:
        """The history, newest first, with what the writers left in it."""
        if not self.exists(name):
            return []
        history = self._delta(name).history(limit) if limit else self._delta(name).history()
        rows = history.select("version", "timestamp", "operation", "userMetadata", "operationMetrics").collect()
        return [
            Commit(
                row.version,
                row.timestamp,
                row.operation,
                json.loads(row.userMetadata) if row.userMetadata else {},
                dict(row.operationMetrics or {}),
            )
            for row in rows
        ]

    def vacuum(self, name: str, hours: float) -> None:
        """Remove files that no version of the last `hours` needs."""
        if self.exists(name):
            self._delta(name).vacuum(hours)

    def compact(self, name: str) -> None:
        """Merge small files."""
        if self.exists(name):
            self._delta(name).optimize().executeCompaction()

    def _save(self, name: str, writer: DataFrameWriter, metadata: Mapping[str, object] | None) -> None:
        if metadata is not None:
            writer = writer.option("userMetadata", json.dumps(metadata, default=str, sort_keys=True))
        with overtaken(name, self.path(name)):
            writer.save(self.path(name))

    def _writer(self, name: str, rows: DataFrame) -> DataFrameWriter:
        # A table that was made before a column was added to its spec gets the column.
        return conform(rows, spec_of(name)).write.format("delta").option("mergeSchema", "true")

    def _delta(self, name: str) -> DeltaTable:
        return DeltaTable.forPath(self.spark, self.path(name))


def columns_with_statistics(spec: TableSpec) -> list[str]:
    """The columns on which Delta keeps statistics: numbers, days and times that are no identities, where they help.

    Texts and decimals have none: delta-rs reads a file whose statistics count the nulls of a column and give it
    no bounds as a file in which no value of that column can be found.
    """
    left_out = {*spec.identity, *spec.partition_by}
    bounded = (ByteType, ShortType, IntegerType, LongType, FloatType, DoubleType, DateType, TimestampType)
    there = [f.name for f in spec.schema if f.name not in left_out and isinstance(f.dataType, bounded)]
    return [name for name in there if spec.bounded is None or name in spec.bounded]


def table_properties(spec: TableSpec) -> dict[str, str]:
    """What a table is made with: no deletion vectors, which few readers know, and statistics on chosen columns."""
    chosen = columns_with_statistics(spec)
    statistics = (
        {"delta.dataSkippingStatsColumns": ",".join(chosen)} if chosen else {"delta.dataSkippingNumIndexedCols": "0"}
    )
    return {"delta.enableDeletionVectors": "false", **statistics}

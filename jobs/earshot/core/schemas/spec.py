"""What a table is: its columns with their meaning, partition and key."""

from __future__ import annotations

from dataclasses import dataclass, field

from pyspark.sql.types import StructField, StructType

from earshot.core.sql_types import spark_type


@dataclass(frozen=True)
class ColumnSpec:
    """One column: name, Spark SQL type and meaning."""

    name: str
    sql_type: str
    meaning: str


@dataclass(frozen=True)
class TableSpec:
    """One table: `layer.noun`, its columns, the partition columns and the key.

    Attributes:
        identity: Columns that hold identities, or texts that may name one; Delta collects no statistics on them.
        bounded: The columns by whose bounds readers tell one file from another; None = every one that may have bounds.
            A table of one file a partition needs few: its partitions tell, and bounds are most of a long log.
    """

    name: str
    meaning: str
    columns: tuple[ColumnSpec, ...]
    partition_by: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    identity: tuple[str, ...] = field(default=())
    bounded: tuple[str, ...] | None = None

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names in order."""
        return tuple(column.name for column in self.columns)

    @property
    def schema(self) -> StructType:
        """The Spark schema; every column may be null."""
        return StructType([StructField(c.name, spark_type(c.sql_type), True) for c in self.columns])


def columns(text: str) -> tuple[ColumnSpec, ...]:
    """Read `name | type | meaning` lines."""
    parts = (line.split("|", 2) for line in text.strip().splitlines())
    return tuple(ColumnSpec(name.strip(), sql_type.strip(), meaning.strip()) for name, sql_type, meaning in parts)

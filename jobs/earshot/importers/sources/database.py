"""A database over Spark's JDBC: where it is, what its columns are, and what it said when it refused."""

# ruff: noqa: S608 (table, query and key are the operator's; values come as literals of `keys`)

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import (
    DateType,
    DecimalType,
    IntegerType,
    ShortType,
    StructType,
    TimestampNTZType,
    TimestampType,
)

from earshot.core.addresses import without_secrets
from earshot.core.errors import DependencyError, EarshotError
from earshot.core.jdbc import DRIVER_CLASSES, SQLITE, database_of, first_cause
from earshot.core.source_settings import SourceSettings

_FETCHED_AT_ONCE, _WAITED_MS, _SHOWN = "10000", "30000", 300
_ALIAS = "earshot_rows"
_TIMES = (DateType, TimestampType, TimestampNTZType)
_CLASS = re.compile(r"^[\w.$]+(?:Exception|Error): ")


class Database:
    """What a source reads.

    Args:
        spark: The session; the driver must be among its jars.
        source: Address, table or query, types.

    Attributes:
        schema: The columns as they are read.
        times: Those that are declared as times, in small letters.

    Raises:
        DependencyError: It cannot be read, or its driver is missing.
    """

    def __init__(self, spark: SparkSession, source: SourceSettings) -> None:
        self._spark = spark
        self._source = source
        self._rows = f"(\n{source.query.strip().rstrip(';')}\n)" if source.query else str(source.table)
        self._types = dict(source.types)
        with self.explained():
            self._check_there()
            found = self._read(f"SELECT * FROM {self._rows} {_ALIAS}").schema
            self.times = {field.name.lower() for field in found if isinstance(field.dataType, _TIMES)}
            if source.url.startswith(SQLITE):
                self._types = _as_stored(found) | self._types
            self.schema: StructType = self.rows("1 = 1").schema if self._types else found

    def rows(self, condition: str) -> DataFrame:
        """The rows for which SQL holds; read by one connection when an action asks for them."""
        return self._read(f"SELECT * FROM {self._rows} {_ALIAS} WHERE {condition}", self._types)

    def one(self, expression: str, condition: str, sql_type: str) -> DataFrame:
        """One value, in column `value`: an aggregate over the rows for which SQL holds."""
        query = f"SELECT {expression} AS value FROM {self._rows} {_ALIAS} WHERE {condition}"
        return self._read(query, {"value": sql_type})

    @contextmanager
    def explained(self) -> Iterator[None]:
        """What the database or Spark raises in the block, as an error of ours.

        Raises:
            DependencyError: It refused.
        """
        try:
            yield
        except EarshotError:
            raise
        except Exception as error:
            raise self._error(error) from None

    def _read(self, query: str, types: dict[str, str] | None = None) -> DataFrame:
        source = self._source
        name = database_of(source.url)
        options = {
            "url": source.url,
            "dbtable": f"({query}) {_ALIAS}",
            "fetchsize": _FETCHED_AT_ONCE,
            "preferTimestampNTZ": "true",
            "driver": source.driver or DRIVER_CLASSES.get(name, ""),
            "user": _from_environment(source.user_env),
            "password": _from_environment(source.password_env),
            "customSchema": ", ".join(f"`{column}` {kind}" for column, kind in (types or {}).items()),
        }
        if source.url.startswith(SQLITE):
            options |= {"open_mode": "1", "busy_timeout": _WAITED_MS}
        return self._spark.read.format("jdbc").options(**{key: v for key, v in options.items() if v}).load()

    def _check_there(self) -> None:
        if (path := sqlite_file(self._source.url)) and not path.is_file():
            raise DependencyError(
                "The database file is not there.",
                where=str(path),
                remedy="Check the path in the source's url; it is relative to the folder in which the job starts.",
            )

    def _error(self, error: Exception) -> DependencyError:
        reason, where = first_cause(error), without_secrets(self._source.url)
        name = database_of(self._source.url)
        if "ClassNotFoundException" in reason or "No suitable driver" in reason:
            fetch = f"Run `python -m earshot.automation.spark_jars {name}` with this Python."
            own = "Name the driver's class in the source's driver, and its jar in spark.conf.\"spark.jars\"."
            return DependencyError(
                f"The JDBC driver of {name} is not among Spark's jars.",
                where=where,
                remedy=fetch if name in DRIVER_CLASSES else own,
            )
        shown = without_secrets(_CLASS.sub("", reason))[:_SHOWN].rstrip(".")
        return DependencyError(
            f"The database refused: {shown}.",
            where=where,
            remedy="Check the source's url, table or query, key and types, and user_env and password_env.",
        )


def sqlite_file(url: str) -> Path | None:
    """The file of an SQLite address; None of another, and of one in memory."""
    path = url.removeprefix(SQLITE).partition("?")[0]
    return None if not url.startswith(SQLITE) or path.startswith((":", "file:")) or not path else Path(path)


def _as_stored(schema: StructType) -> dict[str, str]:
    """Types under which SQLite's values can be read whatever their declaration: it binds none of them."""
    types: dict[str, str] = {}
    for field in schema:
        kind = field.dataType
        if isinstance(kind, ShortType | IntegerType) or (isinstance(kind, DecimalType) and kind.scale == 0):
            types[field.name] = "bigint"
        elif isinstance(kind, (DecimalType, *_TIMES)):
            types[field.name] = "string"
    return types


def _from_environment(variable: str | None) -> str:
    if variable is None:
        return ""
    try:
        return os.environ[variable]
    except KeyError:
        raise DependencyError(
            f"The environment has no variable {variable}.",
            where="sources, keys user_env and password_env",
            remedy=f"Set {variable} where the job runs.",
        ) from None

"""A table into a database over JDBC, all or nothing: written beside it, then taken in by one transaction."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F

from earshot.core.addresses import without_secrets
from earshot.core.errors import ArgumentError, DependencyError, EarshotError
from earshot.core.jdbc import DRIVER_CLASSES, database_of, first_cause
from earshot.exporters.connections import columns_of, count, execute, transaction
from earshot.exporters.flat_rows import flat_rows, sqlite_columns
from earshot.exporters.manifest import Manifest
from earshot.exporters.merging import ROW_KEY, Dialect
from earshot.exporters.modes import Mode
from earshot.exporters.receipts import RECEIPTS, make_receipts, record

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,40}")
_CLASS: Final = re.compile(r"^[\w.$]+(?:Exception|Error): ")


@dataclass(frozen=True)
class DatabaseTable:
    """Where rows go.

    Attributes:
        url: JDBC address; its driver must be among Spark's jars.
        table: Table in the database.
        properties: user, password, driver and the like; never logged.

    Raises:
        ArgumentError: The table's name is not a plain word.
    """

    url: str
    table: str
    properties: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what could be SQL."""
        if not _NAME.fullmatch(self.table):
            raise ArgumentError(
                f"{self.table!r} is no plain table name.", where="option --table", remedy="Use letters, digits and _."
            )

    @property
    def database(self) -> str:
        """NAME of `jdbc:NAME:...`."""
        return database_of(self.url)

    @property
    def incoming(self) -> str:
        """The table beside it."""
        return f"{self.table}_incoming"

    @property
    def options(self) -> dict[str, str]:
        """The properties, with the driver where it is known."""
        driver = DRIVER_CLASSES.get(self.database)
        return ({"driver": driver} if driver else {}) | self.properties

    @property
    def name(self) -> str:
        """As it stands in the manifest."""
        return f"{without_secrets(self.url)}#{self.table}"


def export_jdbc(
    name: str,
    rows: DataFrame,
    to: DatabaseTable,
    *,
    key: Sequence[str],
    mode: Mode,
    at: datetime,
    version: int | None = None,
    where: tuple[str, ...] = (),
) -> Manifest:
    """Replace a table of a database, or update it row by row.

    The rows are written to `TABLE_incoming` and counted there; one transaction takes them in and writes the manifest
    to `earshot_exports`, so that a kill at any moment leaves the table as it was, or has it as it is to be. A table
    with the same columns is emptied and filled, so that its grants and views stay. (Where making a table commits by
    itself, as in MySQL, that holds from the second export on.)

    Args:
        name: Our table.
        rows: What to write; see `flat_rows` for the types that the database gets.
        to: Where.
        key: Columns that identify a row; empty where nothing does.
        mode: `replace`, or `upsert`: rows with a key that is there are updated, others appended, none removed.
        at: When the export was asked for.
        version: Of the Delta table that the rows are read from.
        where: How the rows were chosen.

    Raises:
        ArgumentError: An upsert of a table without key, or into a table that no export made.
        DependencyError: The database refused, or its driver is missing.
    """
    if mode == "upsert" and not key:
        raise ArgumentError(f"{name} has no key.", where="option --mode", remedy="Use --mode replace.")
    flat = flat_rows(rows, key, to.database)
    columns = tuple((column.name, column.dataType.simpleString()) for column in flat.schema)
    with _explained(name, to):
        counted = _write_beside(flat, to)
        manifest = Manifest(name, "jdbc", to.name, counted, columns, (), at, version, where)
        with transaction(flat.sparkSession, to.url, to.options) as connection:
            there = columns_of(connection, to.table)
            if columns_of(connection, RECEIPTS) is None:
                make_receipts(connection)
            connection.setAutoCommit(False)
            is_renamed = _take_in(connection, to, there, flat.columns, mode, counted)
            record(connection, to.table, manifest)
            connection.commit()
            if not is_renamed:
                execute(connection, f"DROP TABLE {to.incoming}")
                connection.commit()
    return manifest


def _write_beside(flat: DataFrame, to: DatabaseTable) -> int:
    """Fill `TABLE_incoming`; returns how many rows Spark sent.

    Spark cannot tell a table that SQLite does not have from another error, so there it is made before.
    """
    seen = Observation()
    observed = flat.observe(seen, F.count(F.lit(1)).alias("rows"))
    if to.database == "sqlite":
        with transaction(flat.sparkSession, to.url, to.options) as connection:
            execute(connection, f"DROP TABLE IF EXISTS {to.incoming}")
            execute(connection, f"CREATE TABLE {to.incoming} ({sqlite_columns(flat.schema)})")
        # One partition: a database file has one writer at a time.
        observed.coalesce(1).write.jdbc(to.url, to.incoming, mode="append", properties=to.options)
    else:
        key = {"createTableColumnTypes": f"{ROW_KEY} CHAR(64)"} if ROW_KEY in flat.columns else {}
        observed.write.jdbc(to.url, to.incoming, mode="overwrite", properties=to.options | key)
    return int(seen.get["rows"])


def _take_in(
    connection: Any, to: DatabaseTable, there: list[str] | None, columns: Sequence[str], mode: Mode, counted: int
) -> bool:
    """Bring what lies beside into the table; returns whether it became the table itself."""
    found = count(connection, to.incoming)
    if found != counted:
        raise DependencyError(
            f"{to.incoming} holds {found:,} rows where {counted:,} were written.",
            where=to.name,
            remedy="Another export may have written it at the same time: export again.",
        )
    dialect = Dialect(to.database)
    if there is not None and set(there) == set(columns):
        if mode == "upsert":
            execute(connection, dialect.upsert(to.table, to.incoming, columns))
        else:
            execute(connection, f"DELETE FROM {to.table}")  # noqa: S608 (a plain word)
            execute(connection, dialect.insert(to.table, to.incoming, columns))
        return False
    if there is not None:
        if mode == "upsert":
            raise ArgumentError(
                f"{to.table} has other columns than the export: {', '.join(sorted(set(there) ^ set(columns)))}.",
                where=to.name,
                remedy="Use --mode replace once, or another --table.",
            )
        execute(connection, f"DROP TABLE {to.table}")
    execute(connection, dialect.rename(to.incoming, to.table))
    if ROW_KEY in columns:
        execute(connection, dialect.index(to.table))
    return True


@contextmanager
def _explained(name: str, to: DatabaseTable) -> Iterator[None]:
    try:
        yield
    except EarshotError:
        raise
    except Exception as error:
        reason = first_cause(error)
        where = without_secrets(to.url)
        if "ClassNotFoundException" in reason or "No suitable driver" in reason:
            fetch = f"Run `python -m earshot.automation.spark_jars {to.database}` with this Python."
            own = 'Name its jar in spark.conf."spark.jars".'
            raise DependencyError(
                f"The JDBC driver of {to.database} is not among Spark's jars.",
                where=where,
                remedy=fetch if to.database in DRIVER_CLASSES else own,
            ) from None
        raise DependencyError(
            f"The database did not take {name}: {without_secrets(_CLASS.sub('', reason))[:300].rstrip('.')}.",
            where=where,
            remedy="Check the address, EARSHOT_JDBC_USER and EARSHOT_JDBC_PASSWORD, and the user's rights.",
        ) from None

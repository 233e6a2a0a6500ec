"""Delta's log through delta-rs: files that were staged beside a table enter it in one commit.

Spark writes the files of a batch below the table's folder; the commit then adds them together with
what was observed while they were written, which Spark's own commit cannot know beforehand.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import CommitProperties, DeltaTable, Schema, Transaction, write_deltalake
from deltalake.transaction import AddAction, RemoveAction
from pyarrow.fs import LocalFileSystem, SubTreeFileSystem
from pyspark.sql.pandas.types import to_arrow_schema

from earshot.core.errors import OvertakenError
from earshot.core.open_tables import newest_first, opened
from earshot.core.overtaken import RETRIES, overtaken
from earshot.core.schemas import TABLES
from earshot.core.staging import Stage, StagedFile
from earshot.core.tables import spec_of, table_properties

_HISTORY_CHUNK = 64


@dataclass(frozen=True)
class LoggedCommit:
    """A commit and what its writer left in it."""

    version: int
    metadata: dict[str, Any]


@dataclass(frozen=True)
class Contents:
    """The files of a table at one version, without their statistics.

    Attributes:
        version: Of the table.
        folder: Of the table.
        listed: path, size and the values of the partition columns as texts; a row a file.
    """

    version: int
    folder: str
    listed: pa.Table

    @property
    def files(self) -> list[StagedFile]:
        """All of them."""
        return _staged(self.listed)

    @property
    def places(self) -> list[str]:
        """Where each of them lies."""
        return [f"{self.folder}/{unquote(path)}" for path in self.listed["path"].to_pylist()]

    def of(self, partitions: Set[tuple[str | None, ...]]) -> list[StagedFile]:
        """Those of these partitions."""
        if not partitions:
            return []
        near = self.listed
        for name, values in zip(near.column_names[2:], zip(*partitions, strict=True), strict=True):
            near = near.filter(pc.is_in(near[name], value_set=pa.array(set(values), pa.string())))
        return [file for file in _staged(near) if tuple(file.partition.values()) in partitions]


@dataclass(frozen=True)
class Seen:
    """What a writer had before it when it decided what to write.

    Attributes:
        version: Of the table.
        writers: Writers of the same name exclude each other: the first of them commits, the others begin anew.
    """

    version: int
    writers: str


def create_tables(root: str) -> None:
    """Make every table of `core.schemas` that is not there yet, empty: whoever reads the lake finds each of them."""
    for name in TABLES:
        DeltaLog(root, name).create()


class DeltaLog:
    """The log of one table.

    Args:
        root: Root of the lake.
        name: `layer.noun`.
    """

    def __init__(self, root: str, name: str) -> None:
        self.spec = spec_of(name)
        self.path = f"{root.rstrip('/')}/{name.replace('.', '/')}"

    @property
    def schema(self) -> pa.Schema:
        """The table's columns as Arrow has them."""
        return to_arrow_schema(self.spec.schema, timezone="UTC")

    def is_empty(self) -> bool:
        """Whether the table has no files, or was never written."""
        with opened(self.path) as table:
            return table is None or pa.table(table.get_add_actions()).num_rows == 0

    def transaction_version(self, app_id: str) -> int | None:
        """The highest version that this application committed; None where it never did."""
        with opened(self.path) as table:
            version = table.transaction_version(app_id) if table else None
        return None if version is None else int(version)

    def create(self) -> None:
        """Make the table with its partitions and properties where there is none; give it the columns that it lacks."""
        with self._complete():
            return

    def seen(self, writers: str) -> Seen:
        """The table as it is now, for a writer that is about to decide what to write; makes it where there is none."""
        with self._complete() as table:
            return Seen(table.version(), writers)

    def add(
        self,
        files: Sequence[StagedFile],
        *,
        app_id: str,
        metadata: Mapping[str, object],
        seen: Seen | None = None,
    ) -> None:
        """Add staged files in one commit, once for this application; a second call changes nothing.

        Args:
            files: From a stage of this table.
            app_id: The application.
            metadata: What the commit says of itself.
            seen: What the files were made from.

        Raises:
            OvertakenError: A writer of the same name has committed since then, the same application does so at this
                moment, or a vacuum took staged files away.
        """
        transactions = [Transaction(app_id, 1)]
        if seen:
            if self.transaction_version(app_id) is not None:
                return
            transactions.append(Transaction(seen.writers, seen.version + 1))
        # Looked for in what the commit is held against: one that comes in between is a conflict.
        with self._complete(seen.version if seen else None) as table:
            if table.transaction_version(app_id) is None:
                self._commit(table, (), files, transactions, metadata)

    def contents(self, version: int | None = None) -> Contents:
        """What the table consists of, now or at a version; makes the empty table where there is none."""
        with self._complete(version) as table:
            return self._contents_of(table)

    def contents_if_any(self) -> Contents | None:
        """What the table consists of now; None where it was never written."""
        with opened(self.path) as table:
            return self._contents_of(table) if table else None

    def replace(
        self,
        old: Sequence[StagedFile],
        new: Sequence[StagedFile],
        *,
        since: int,
        app_id: str,
        metadata: Mapping[str, object],
    ) -> None:
        """Take files out of the table and put staged ones in, in one commit.

        Args:
            old: Of `contents`.
            new: Of `staged`.
            since: The version that the writer began from.
            app_id: Writers of the same name exclude each other.
            metadata: What the commit says of itself.

        Raises:
            OvertakenError: Another writer was faster, or a vacuum took staged files away.
        """
        with self._complete(since) as table:
            self._commit(table, old, new, [Transaction(app_id, since + 1)], metadata)

    def _commit(
        self,
        table: DeltaTable,
        old: Sequence[StagedFile],
        new: Sequence[StagedFile],
        transactions: list[Transaction],
        metadata: Mapping[str, object],
    ) -> None:
        if "://" not in self.path and not all(Path(self.path, unquote(file.path)).exists() for file in new):
            raise OvertakenError(self.spec.name, where=self.path)
        now = int(time.time() * 1000)
        removed = [RemoveAction(file.path, True, now, file.size, dict(file.partition)) for file in old]
        added = [AddAction(file.path, file.size, file.partition, now, True, file.stats) for file in new]
        with overtaken(self.spec.name, self.path):
            table.create_write_transaction(
                [*removed, *added],
                mode="append",
                schema=self.schema,
                partition_by=list(self.spec.partition_by),
                commit_properties=_properties(metadata, transactions),
            )

    def append(self, rows: Any, *, app_id: str, metadata: Mapping[str, object]) -> None:
        """Append Arrow rows (of the table's columns) in one commit, once for this application.

        Raises:
            OvertakenError: The same application commits at this moment.
        """
        properties = _properties(metadata, [Transaction(app_id, 1)])
        with self._complete() as table, overtaken(self.spec.name, self.path):
            if table.transaction_version(app_id) is None:
                write_deltalake(table, rows, mode="append", commit_properties=properties)

    def merge(self, rows: pa.Table, *, stamps: Sequence[str], metadata: Mapping[str, object]) -> tuple[int, int]:
        """Insert rows, or update those of the same key that differ, in one commit.

        Args:
            rows: Of the table's columns, each key once and none of it null.
            stamps: Columns that do not count as a difference (when it was written).
            metadata: What the commit says of itself.

        Returns:
            Rows inserted, rows updated.
        """
        compared = [name for name in self.spec.column_names if name not in (*self.spec.key, *stamps)]
        with self._complete() as table, overtaken(self.spec.name, self.path):
            merged = (
                table.merge(
                    rows.select(self.schema.names).cast(self.schema),
                    " AND ".join(f"(old.{name} = new.{name})" for name in self.spec.key),
                    source_alias="new",
                    target_alias="old",
                    commit_properties=_properties(metadata),
                )
                .when_matched_update_all(predicate=" OR ".join(f"(old.{n} IS DISTINCT FROM new.{n})" for n in compared))
                .when_not_matched_insert_all()
                .execute()
            )
        return int(merged["num_target_rows_inserted"]), int(merged["num_target_rows_updated"])

    def drop_rows(self, predicate: str, metadata: Mapping[str, object]) -> None:
        """Delete the rows for which the SQL predicate holds; whole partitions cost no rewriting."""
        with opened(self.path) as table, overtaken(self.spec.name, self.path):
            if table:
                table.delete(predicate, commit_properties=_properties(metadata))

    def update_from(self, rows: pa.Table, *, on: Sequence[str], columns: Sequence[str]) -> None:
        """Set columns of the rows whose keys are among the given rows, in one commit."""
        same = " AND ".join(f"old.{name} = new.{name}" for name in on)
        with opened(self.path) as table, overtaken(self.spec.name, self.path):
            if table:
                merge = table.merge(rows, same, source_alias="new", target_alias="old")
                merge.when_matched_update({name: f"new.{name}" for name in columns}).execute()

    def amend(
        self, rows: pa.Table, *, on: Sequence[str], columns: Sequence[str], app_id: str, metadata: Mapping[str, object]
    ) -> None:
        """Delete the rows whose keys are given with a false `kept`, set columns of the others; one commit, once."""
        same = " AND ".join(f"old.{name} = new.{name}" for name in on)
        properties = _properties(metadata, [Transaction(app_id, 1)])
        with opened(self.path) as table, overtaken(self.spec.name, self.path):
            if table and table.transaction_version(app_id) is None:
                merge = table.merge(rows, same, source_alias="new", target_alias="old", commit_properties=properties)
                merge = merge.when_matched_delete("NOT new.kept")
                merge.when_matched_update({name: f"new.{name}" for name in columns}).execute()

    def newest_first(self) -> Iterator[LoggedCommit]:
        """The commits from the newest to the oldest, read piece by piece."""
        for entry in newest_first(self.path, at_first=_HISTORY_CHUNK):
            yield LoggedCommit(entry["version"], json.loads(entry.get("userMetadata") or "{}"))

    def batches(self, *, filters: Any = None, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """The rows that pass the filter (a pyarrow expression), piece by piece; the table is opened at once."""
        # delta-rs's own file system calls back into Python from threads: a process that ends meanwhile aborts.
        local = None if "://" in self.path else SubTreeFileSystem(self.path, LocalFileSystem())
        with opened(self.path) as table:
            if table is None:
                return iter(())
            rows = table.to_pyarrow_dataset(filesystem=local)
        batches: Iterator[pa.RecordBatch] = rows.to_batches(filter=filters, columns=list(columns) if columns else None)
        return batches

    def staged(self, folder: str) -> list[StagedFile]:
        """The Parquet files in a folder below the table; partition values from NAME=VALUE in their paths."""
        return self.stage(folder).found()

    def stage(self, folder: str) -> Stage:
        """A folder below the table in which files of one commit are written."""
        return Stage(self.spec.name, self.path, folder)

    def _contents_of(self, table: DeltaTable) -> Contents:
        names = self.spec.partition_by
        schema = pa.schema([("path", pa.string()), ("size", pa.int64()), *((name, pa.string()) for name in names)])
        actions = pa.table(table.get_add_actions(flatten=True))
        if not actions.num_rows:
            return Contents(table.version(), self.path, schema.empty_table())
        listed = actions.select(["path", "size_bytes", *(f"partition.{name}" for name in names)])
        return Contents(table.version(), self.path, listed.rename_columns(schema.names).cast(schema))

    @contextmanager
    def _complete(self, version: int | None = None) -> Iterator[DeltaTable]:
        """The table, made where there is none and with every column of its spec; or as it was after a commit."""
        with opened(self.path, version) as table:
            if table is None and version is not None:
                raise OvertakenError(self.spec.name, where=self.path)
            if table and version is None:
                self._give_columns(table)
            yield table or self._made()

    def _made(self) -> DeltaTable:
        try:
            with overtaken(self.spec.name, self.path):
                return DeltaTable.create(
                    self.path,
                    schema=self.schema,
                    mode="ignore",
                    partition_by=list(self.spec.partition_by),
                    configuration=table_properties(self.spec),
                )
        except OvertakenError:  # by whoever made it
            return DeltaTable(self.path)

    def _give_columns(self, table: DeltaTable) -> None:
        """A table that was made before a column was added to its spec gets the column."""
        there = {field.name for field in table.schema().fields}
        missing = [field for field in Schema.from_arrow(self.schema).fields if field.name not in there]
        if missing:
            with overtaken(self.spec.name, self.path):
                table.alter.add_columns(missing)


def _staged(listed: pa.Table) -> list[StagedFile]:
    names = listed.column_names[2:]
    paths, sizes, *values = (column.to_pylist() for column in listed.columns)
    places = zip(*values, strict=True) if names else [()] * len(paths)
    return [
        StagedFile(path, size, dict(zip(names, place, strict=True)), "")
        for path, size, place in zip(paths, sizes, places, strict=True)
    ]


def _properties(metadata: Mapping[str, object], transactions: list[Transaction] | None = None) -> CommitProperties:
    return CommitProperties(
        custom_metadata={"userMetadata": json.dumps(metadata, default=str, sort_keys=True)},
        app_transactions=transactions,
        max_commit_retries=RETRIES,
    )

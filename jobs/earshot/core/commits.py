"""Delta's log through delta-rs: files that were staged beside a table enter it in one commit.

Spark writes the files of a batch below the table's folder; the commit then adds them together with
what was observed while they were written, which Spark's own commit cannot know beforehand.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Schema, Transaction, write_deltalake
from deltalake.exceptions import TableNotFoundError
from deltalake.transaction import AddAction, RemoveAction
from pyarrow.fs import LocalFileSystem, SubTreeFileSystem
from pyspark.sql.pandas.types import to_arrow_schema

from earshot.core.errors import OvertakenError
from earshot.core.overtaken import RETRIES, overtaken
from earshot.core.schemas import TABLES
from earshot.core.staging import Stage, StagedFile
from earshot.core.tables import columns_with_statistics, spec_of

_HISTORY_CHUNK = 64


@dataclass(frozen=True)
class LoggedCommit:
    """A commit and what its writer left in it."""

    version: int
    metadata: dict[str, Any]


@dataclass(frozen=True)
class Contents:
    """The files of a table at one version, without their statistics."""

    version: int
    files: Sequence[StagedFile]


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
        table = self._table()
        return table is None or pa.table(table.get_add_actions()).num_rows == 0

    def transaction_version(self, app_id: str) -> int | None:
        """The highest version that this application committed; None where it never did."""
        table = self._table()
        version = table.transaction_version(app_id) if table else None
        return None if version is None else int(version)

    def create(self) -> DeltaTable:
        """The table; made with its partitions and properties where there is none, given the columns that it lacks."""
        table = self._table()
        if table:
            return self._with_every_column(table)
        try:
            with overtaken(self.spec.name, self.path):
                return DeltaTable.create(
                    self.path,
                    schema=self.schema,
                    mode="ignore",
                    partition_by=list(self.spec.partition_by),
                    configuration={
                        "delta.enableDeletionVectors": "false",
                        "delta.dataSkippingStatsColumns": ",".join(columns_with_statistics(self.spec)),
                    },
                )
        except OvertakenError:  # by whoever made it
            return DeltaTable(self.path)

    def seen(self, writers: str) -> Seen:
        """The table as it is now, for a writer that is about to decide what to write; makes it where there is none."""
        return Seen(self.create().version(), writers)

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
        table = self.create()
        if table.transaction_version(app_id) is not None:
            return
        transactions = [Transaction(app_id, 1)]
        if seen:
            table = DeltaTable(self.path, version=seen.version)
            transactions.append(Transaction(seen.writers, seen.version + 1))
        self._commit(table, (), files, transactions, metadata)

    def contents(self, version: int | None = None) -> Contents:
        """What the table consists of, now or at a version; makes the empty table where there is none."""
        table = self.create() if version is None else DeltaTable(self.path, version=version)
        actions = pa.table(table.get_add_actions(flatten=True))
        told = ["path", "size_bytes", *(f"partition.{name}" for name in self.spec.partition_by)]
        found = actions.select(told).to_pylist() if actions.num_rows else []
        files = [
            StagedFile(
                file["path"],
                file["size_bytes"],
                {name: _text(file[f"partition.{name}"]) for name in self.spec.partition_by},
                "",
            )
            for file in found
        ]
        return Contents(table.version(), files)

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
        table = DeltaTable(self.path, version=since)
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
        table, properties = self.create(), _properties(metadata, [Transaction(app_id, 1)])
        if table.transaction_version(app_id) is None:
            with overtaken(self.spec.name, self.path):
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
        merge = (
            self.create()
            .merge(
                rows.select(self.schema.names).cast(self.schema),
                " AND ".join(f"(old.{name} = new.{name})" for name in self.spec.key),
                source_alias="new",
                target_alias="old",
                commit_properties=_properties(metadata),
            )
            .when_matched_update_all(predicate=" OR ".join(f"(old.{n} IS DISTINCT FROM new.{n})" for n in compared))
            .when_not_matched_insert_all()
        )
        with overtaken(self.spec.name, self.path):
            merged = merge.execute()
        return int(merged["num_target_rows_inserted"]), int(merged["num_target_rows_updated"])

    def drop_rows(self, predicate: str, metadata: Mapping[str, object]) -> None:
        """Delete the rows for which the SQL predicate holds; whole partitions cost no rewriting."""
        if table := self._table():
            with overtaken(self.spec.name, self.path):
                table.delete(predicate, commit_properties=_properties(metadata))

    def update_from(self, rows: pa.Table, *, on: Sequence[str], columns: Sequence[str]) -> None:
        """Set columns of the rows whose keys are among the given rows, in one commit."""
        if table := self._table():
            same = " AND ".join(f"old.{name} = new.{name}" for name in on)
            merge = table.merge(rows, same, source_alias="new", target_alias="old")
            with overtaken(self.spec.name, self.path):
                merge.when_matched_update({name: f"new.{name}" for name in columns}).execute()

    def amend(
        self, rows: pa.Table, *, on: Sequence[str], columns: Sequence[str], app_id: str, metadata: Mapping[str, object]
    ) -> None:
        """Delete the rows whose keys are given with a false `kept`, set columns of the others; one commit, once."""
        if (table := self._table()) and table.transaction_version(app_id) is None:
            same = " AND ".join(f"old.{name} = new.{name}" for name in on)
            properties = _properties(metadata, [Transaction(app_id, 1)])
            merge = table.merge(rows, same, source_alias="new", target_alias="old", commit_properties=properties)
            merge = merge.when_matched_delete("NOT new.kept")
            with overtaken(self.spec.name, self.path):
                merge.when_matched_update({name: f"new.{name}" for name in columns}).execute()

    def newest_first(self) -> Iterator[LoggedCommit]:
        """The commits from the newest to the oldest, read piece by piece."""
        table = self._table()
        seen, wanted = 0, _HISTORY_CHUNK
        while table:
            entries = table.history(wanted)
            for entry in entries[seen:]:
                yield LoggedCommit(int(entry["version"]), json.loads(entry.get("userMetadata") or "{}"))
            if len(entries) < wanted:
                return
            seen, wanted = len(entries), wanted * 4

    def batches(self, *, filters: Any = None, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """The rows that pass the filter (a pyarrow expression), piece by piece; the table is opened at once."""
        table = self._table()
        if table is None:
            return iter(())
        # delta-rs's own file system calls back into Python from threads: a process that ends meanwhile aborts.
        local = None if "://" in self.path else SubTreeFileSystem(self.path, LocalFileSystem())
        rows = table.to_pyarrow_dataset(filesystem=local)
        batches: Iterator[pa.RecordBatch] = rows.to_batches(filter=filters, columns=list(columns) if columns else None)
        return batches

    def staged(self, folder: str) -> list[StagedFile]:
        """The Parquet files in a folder below the table; partition values from NAME=VALUE in their paths."""
        return self.stage(folder).found()

    def stage(self, folder: str) -> Stage:
        """A folder below the table in which files of one commit are written."""
        return Stage(self.spec.name, self.path, folder)

    def _with_every_column(self, table: DeltaTable) -> DeltaTable:
        """A table that was made before a column was added to its spec gets the column."""
        there = {field.name for field in table.schema().fields}
        missing = [field for field in Schema.from_arrow(self.schema).fields if field.name not in there]
        if missing:
            with overtaken(self.spec.name, self.path):
                table.alter.add_columns(missing)
        return table

    def _table(self) -> DeltaTable | None:
        try:
            return DeltaTable(self.path)
        except TableNotFoundError:
            return None


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _properties(metadata: Mapping[str, object], transactions: list[Transaction] | None = None) -> CommitProperties:
    return CommitProperties(
        custom_metadata={"userMetadata": json.dumps(metadata, default=str, sort_keys=True)},
        app_transactions=transactions,
        max_commit_retries=RETRIES,
    )

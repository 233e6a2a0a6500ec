"""Small tables without a JVM: rows in, rows out, through delta-rs.

For ops tables and for the command line, where a Spark job would cost more than the work.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError, TableNotFoundError
from pyarrow import acero
from pyarrow.dataset import Dataset
from pyarrow.fs import FileSystem, LocalFileSystem, SubTreeFileSystem
from pyarrow.parquet import filters_to_expression
from pyspark.sql.pandas.types import to_arrow_schema

from earshot.core.errors import InputError, OvertakenError, TableError
from earshot.core.open_tables import give_back, take
from earshot.core.overtaken import RETRIES, overtaken
from earshot.core.tables import spec_of, table_properties

Filter = tuple[str, str, Any]
"""Column, operator and value, as pyarrow has them: `("listen_date", "<=", day)`."""

_BATCH = 65_536

_LISTED = frozenset({"=", "!=", "<", "<=", ">", ">=", "in", "not in"})
"""The operators that delta-rs has, too."""


class SmallTables:
    """The same lake as `core.tables.Tables`, row by row.

    Args:
        root: Folder or address that holds LAYER/NOUN.
    """

    def __init__(self, root: str) -> None:
        self.root = root.rstrip("/")

    def path(self, name: str) -> str:
        """Where the table lies."""
        return f"{self.root}/{spec_of(name).name.replace('.', '/')}"

    def open(self, name: str, version: int | None = None) -> DeltaTable | None:
        """The table as delta-rs has it, now or after a commit; None where it was never written.

        Raises:
            TableError: It is there and cannot be read.
        """
        try:
            return take(self.path(name), version)
        except DeltaError as error:
            raise TableError(
                f"{name} cannot be read: {str(error).splitlines()[0]}.",
                where=self.path(name),
                remedy="Its Delta log is damaged: restore the folder from a backup, or move it away and backfill.",
            ) from None

    @contextmanager
    def _opened(self, name: str, version: int | None = None) -> Iterator[DeltaTable | None]:
        table = self.open(name, version)
        yield table
        give_back(self.path(name), table)

    def arrow(
        self,
        name: str,
        filters: Any = None,
        columns: Sequence[str] | None = None,
        version: int | None = None,
    ) -> pa.Table:
        """The table now (no rows where it was never written); `filters` as pyarrow has them.

        Column order is that of the spec; map columns come back as lists of pairs. `columns` reads only these; one that
        a table of an older version lacks is left out. `version` reads the table as it was after that commit.

        Raises:
            TableError: The table is there and cannot be read, or that version of it is vacuumed.
        """
        try:
            with self._opened(name, version) as table:
                if table is None:
                    empty = self._schema(name).empty_table()
                    return empty.select(list(columns)) if columns else empty
                there = {field.name for field in table.schema().fields}
                chosen = [column for column in columns if column in there] if columns else None
                rows = self._read(table, name, filters, chosen)
        except FileNotFoundError:
            if version is None:
                raise
            raise TableError(
                f"Version {version} of {name} is vacuumed.",
                where=self.path(name),
                remedy="Read the table as it is now.",
            ) from None
        return rows.select([column for column in self._schema(name).names if column in rows.column_names])

    def _read(self, table: DeltaTable, name: str, filters: Any, columns: list[str] | None) -> pa.Table:
        """The rows; where delta-rs rewrote files with another kind of texts, Arrow can filter them only once read."""
        rows_of = table.to_pyarrow_dataset(filesystem=self._local(name), file_pruning_predicate=_places(name, filters))
        try:
            return rows_of.to_table(filter=_expression(filters), columns=columns)
        except pa.ArrowNotImplementedError:
            texts = {field.name for field in self._schema(name) if pa.types.is_string(field.type)}
            early = [one for one in filters or () if one[0] not in texts]
            late = [one for one in filters or () if one[0] in texts]
            if not late:
                raise
            wanted = None if columns is None else list(dict.fromkeys([*columns, *(column for column, *_ in late)]))
            rows = rows_of.to_table(filter=_expression(early), columns=wanted).filter(filters_to_expression(late))
            return rows if columns is None else rows.select(columns)

    def rows(self, name: str, filters: Any = None) -> list[dict[str, Any]]:
        """The table now, as dictionaries; maps are dictionaries too."""
        schema = self._schema(name)
        maps = [field.name for field in schema if pa.types.is_map(field.type)]
        rows: list[dict[str, Any]] = self.arrow(name, filters).to_pylist()
        for row in rows:
            for column in maps:
                if row.get(column) is not None:
                    row[column] = dict(row[column])
        return rows

    def grouped(
        self, name: str, keys: Sequence[str], sums: Mapping[str, tuple[str, str]], filters: Sequence[Filter] = ()
    ) -> pa.Table:
        """Groups of the table now, summed while its files are read: what is held is the groups, never the rows.

        Args:
            name: The table.
            keys: Columns to group by.
            sums: Name to column and function (`count`, `sum`, `min`, `max`).
            filters: Column, operator and value, all of which hold, as pyarrow has them.

        Returns:
            The keys and the names; no rows where the table was never written.
        """
        columns = list(dict.fromkeys([*keys, *(column for column, _ in sums.values())]))
        places = _places(name, filters)
        with self._opened(name) as table:
            if table is None or not pa.table(table.get_add_actions()).num_rows:
                empty = self._schema(name).empty_table().group_by(list(keys)).aggregate(list(sums.values()))
                return empty.rename_columns([*keys, *sums])
            dataset = table.to_pyarrow_dataset(filesystem=self._local(name), file_pruning_predicate=places)
        read = list(dict.fromkeys([*columns, *(column for column, _, _ in filters)]))
        where = filters_to_expression(list(filters)) if filters else pc.scalar(True)
        plan = [
            acero.Declaration("scan", acero.ScanNodeOptions(dataset, columns=read, filter=where)),
            acero.Declaration("filter", acero.FilterNodeOptions(where)),
            acero.Declaration(
                "aggregate",
                acero.AggregateNodeOptions(
                    [(column, f"hash_{how}", None, name) for name, (column, how) in sums.items()], keys=list(keys)
                ),
            ),
        ]
        return acero.Declaration.from_sequence(plan).to_table().select([*keys, *sums])

    def scanned(
        self, name: str, condition: Any = None, columns: Sequence[str] | None = None
    ) -> tuple[int | None, pa.Schema, Iterator[pa.RecordBatch]]:
        """The table now, batch after batch: its version (None where it was never written), schema and rows.

        `condition` is an expression of Arrow. All batches are of that version, whatever is committed meanwhile, and no
        more than a few of them are in memory.

        Raises:
            TableError: The table is there and cannot be read.
        """
        with self._opened(name) as table:
            if table is None:
                empty = self.arrow(name, columns=columns)
                return None, empty.schema, iter(())
            there, version = table.to_pyarrow_dataset(filesystem=self._local(name)), table.version()
        names = list(columns or (n for n in self._schema(name).names if n in there.schema.names))
        sizes = {"batch_size": _BATCH, "batch_readahead": 2, "fragment_readahead": 1}
        if condition is not None and _has_views(there):
            every = there.scanner(**sizes).to_batches()
            kept = (pa.table(batch).filter(condition).select(names) for batch in every)
            schema = pa.schema([there.schema.field(name) for name in names])
            return version, schema, (batch for rows in kept for batch in rows.to_batches())
        scanner = there.scanner(names, condition, **sizes)
        return version, scanner.projected_schema, scanner.to_batches()

    def append(self, name: str, rows: Sequence[Mapping[str, Any]] | pa.Table) -> None:
        """Append rows in one commit; a column that a row does not have is null, one that the table lacks is added.

        Raises:
            InputError: The lake's folder cannot be made.
        """
        if rows:
            properties = CommitProperties(max_commit_retries=RETRIES)
            table = self.table(name, rows)
            try:
                self._write(name, table, mode="append", schema_mode="merge", commit_properties=properties)
            except OvertakenError:  # by whoever made the table: it is there now
                self._write(name, table, mode="append", schema_mode="merge", commit_properties=properties)

    def overwrite(
        self,
        name: str,
        rows: Sequence[Mapping[str, Any]] | pa.Table,
        *,
        predicate: str | None = None,
        metadata: Mapping[str, object] | None = None,
    ) -> None:
        """Replace the rows for which the SQL predicate holds (all of them without it) in one commit.

        `metadata` is left in the commit where Spark's writers leave their `userMetadata`.

        Raises:
            OvertakenError: Another process changed rows that are replaced.
        """
        table = self.table(name, rows)
        if predicate and not DeltaTable.is_deltatable(self.path(name)):
            predicate = None
        told = None if metadata is None else json.dumps(metadata, default=str, sort_keys=True)
        properties = CommitProperties(
            custom_metadata=None if told is None else {"userMetadata": told}, max_commit_retries=RETRIES
        )
        how = {"schema_mode": "merge"} if predicate and self._is_older(name, table) else {}
        self._write(name, table, mode="overwrite", predicate=predicate, commit_properties=properties, **how)

    def _is_older(self, name: str, rows: pa.Table) -> bool:
        with self._opened(name) as table:
            return table is not None and {field.name for field in table.schema().fields} < set(rows.column_names)

    def vacuum(self, name: str, hours: int) -> list[str]:
        """Remove the files that no version of the last `hours` needs, those of writers that died included.

        Returns:
            Paths of the removed files. No other process may write the table meanwhile when `hours` is 0.
        """
        with self._opened(name) as table:
            if table is None:
                return []
            return list(table.vacuum(hours, dry_run=False, enforce_retention_duration=False, full=True))

    def _write(self, name: str, table: pa.Table, **how: Any) -> None:
        try:
            with overtaken(name, self.path(name)):
                write_deltalake(self.path(name), table, **how, **self._layout(name))
        except TableNotFoundError as error:  # what delta-rs calls a folder that it cannot make
            raise InputError(
                f"{name} cannot be written: {str(error).splitlines()[0]}.",
                where=self.path(name),
                remedy="Name a lake that can be written: setting lake (EARSHOT_LAKE), or --home.",
            ) from None

    def _local(self, name: str) -> FileSystem | None:
        # delta-rs's own file system calls back into Python from threads: a process that ends meanwhile aborts.
        return None if "://" in self.root else SubTreeFileSystem(self.path(name), LocalFileSystem())

    def schema(self, name: str) -> pa.Schema:
        """The table's columns as Arrow has them, for writers of whole Arrow tables."""
        return self._schema(name)

    def _schema(self, name: str) -> pa.Schema:
        return to_arrow_schema(spec_of(name).schema, timezone="UTC")

    def table(self, name: str, rows: Sequence[Mapping[str, Any]] | pa.Table) -> pa.Table:
        """Rows as a table of these columns; a column that a row does not have is null."""
        if isinstance(rows, pa.Table):
            return rows.cast(self._schema(name))
        return pa.Table.from_pylist([dict(row) for row in rows], schema=self._schema(name))

    def _layout(self, name: str) -> dict[str, Any]:
        spec = spec_of(name)
        layout: dict[str, Any] = {"partition_by": list(spec.partition_by)} if spec.partition_by else {}
        if not DeltaTable.is_deltatable(self.path(name)):
            layout["configuration"] = table_properties(spec)
        return layout


def _has_views(rows: Dataset) -> bool:
    """Whether delta-rs rewrote a file, with a kind of texts by which Arrow cannot filter while it reads."""
    return any(pa.types.is_string_view(field.type) for one in rows.get_fragments() for field in one.physical_schema)


def _expression(filters: Any) -> pc.Expression | None:
    if isinstance(filters, list | tuple):
        return filters_to_expression(filters) if filters else None
    return filters


def _places(name: str, filters: Any) -> list[Filter] | None:
    """Those of the filters that tell which files to list, with values as the log has them; None where none does."""
    if not isinstance(filters, list | tuple) or not all(isinstance(one, tuple) for one in filters):
        return None
    keys = spec_of(name).partition_by
    return [(column, how, _texts(value)) for column, how, value in filters if column in keys and how in _LISTED] or None


def _texts(value: Any) -> Any:
    several = isinstance(value, list | tuple | set | frozenset)
    return [str(one) for one in value] if several else str(value)

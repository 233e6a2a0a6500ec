"""Plays where they lie: files of bronze.listens, files of silver.listens, or in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyspark.sql.pandas.types import to_arrow_schema

from earshot.core import columns as c
from earshot.core.commits import DeltaLog
from earshot.core.staging import StagedFile
from earshot.core.tables import spec_of
from earshot.importers.amendments import SILVER

DECIDES: Final = (c.QUARANTINE_RULES, c.FILTERED_REASON)
SILVER_SCHEMA: Final = to_arrow_schema(spec_of(SILVER).schema, timezone="UTC")


class Plays(Protocol):
    """Plays among which tellings are looked for."""

    @property
    def is_new(self) -> bool:
        """Whether they are not published yet."""

    @property
    def rows(self) -> int:
        """How many there are."""

    def read(self, columns: Sequence[str]) -> pa.Table:
        """Columns of all of them, in their order."""

    def counts(self, key: Sequence[str]) -> tuple[pa.Table, NDArray[np.bool_]]:
        """The key of each (and `tellings` where it has them), and which of them count."""


@dataclass(frozen=True)
class PlayFile:
    """A Parquet file of plays.

    Attributes:
        path: Where it is.
        partition: Columns that are not in the file.
        is_new: Whether it holds lines of bronze; else it holds published plays.
        without: A batch whose published plays do not count.
    """

    path: Path
    partition: dict[str, str | date | None]
    is_new: bool
    without: str = ""

    @property
    def rows(self) -> int:
        """How many lines it has."""
        return int(pq.read_metadata(self.path).num_rows)

    def read(self, columns: Sequence[str], *, coded: Sequence[str] = ()) -> pa.Table:
        """Columns of all its lines, in their order; texts that are named in `coded` as dictionaries."""
        inside = [name for name in columns if name not in self.partition]
        with pq.ParquetFile(self.path, read_dictionary=list(coded)) as file:
            lines = file.read([name for name in inside if name in file.schema_arrow.names])
        fixed = {name: pa.repeat(self.partition[name], lines.num_rows) for name in columns if name in self.partition}
        found = {name: fixed[name] if name in fixed else _of(lines, name) for name in columns}
        types = {field.name: field.type for field in SILVER_SCHEMA if field.name not in coded}
        return pa.table({name: rows.cast(types[name]) if name in types else rows for name, rows in found.items()})

    def counts(self, key: Sequence[str]) -> tuple[pa.Table, NDArray[np.bool_]]:
        """The key of every line, and which of them are plays that count."""
        also = DECIDES if self.is_new else (c.TELLINGS, *((c.BATCH_ID,) if self.without else ()))
        lines = self.read([*key, *also], coded=[name for name in key if SILVER_SCHEMA.field(name).type == pa.string()])
        there = pc.is_valid(lines[c.STARTED_AT])
        if self.is_new:
            there = pc.and_(there, passed(lines))
        elif self.without:
            there = pc.and_(there, pc.not_equal(lines[c.BATCH_ID], self.without))
        return lines, there.to_numpy()


@dataclass(frozen=True)
class PlaysAtHand:
    """New plays that are in memory: the columns that a rule compares."""

    table: pa.Table
    is_new: bool = True

    @property
    def rows(self) -> int:
        """How many."""
        return int(self.table.num_rows)

    def read(self, columns: Sequence[str]) -> pa.Table:
        """Columns of all plays; those that they have not are null."""
        return pa.table({name: _of(self.table, name).cast(SILVER_SCHEMA.field(name).type) for name in columns})

    def counts(self, key: Sequence[str]) -> tuple[pa.Table, NDArray[np.bool_]]:
        """The key of every play; all that have a start count."""
        return self.read(key), pc.is_valid(self.table[c.STARTED_AT]).to_numpy()


def files_of_a_batch(bronze: str, files: Iterable[StagedFile]) -> list[PlayFile]:
    """Files of bronze.listens (at this path)."""
    return [PlayFile(Path(bronze, file.path), dict(file.partition), is_new=True) for file in files]


def published_files(root: str, days: Iterable[date], *, without: str = "") -> list[PlayFile]:
    """Files of silver.listens of these days; plays of the batch `without` do not count."""
    log, wanted = DeltaLog(root, SILVER), {str(day): day for day in days}
    found = [(file, wanted.get(str(file.partition[c.LISTEN_DATE]))) for file in log.contents().files]
    return [
        PlayFile(Path(log.path, file.path), {c.LISTEN_DATE: day}, is_new=False, without=without)
        for file, day in found
        if day
    ]


def _of(rows: pa.Table, name: str) -> pa.ChunkedArray | pa.Array:
    """A column, which may be younger than the rows: then it is null."""
    return rows[name] if name in rows.column_names else pa.nulls(rows.num_rows)


def passed(lines: pa.Table) -> pa.ChunkedArray:
    """Which lines of bronze may enter silver, by quarantine_rules and filtered_reason."""
    aside = pc.greater(pc.list_value_length(lines[c.QUARANTINE_RULES]), 0)
    return pc.and_(pc.invert(aside), pc.is_null(lines[c.FILTERED_REASON]))

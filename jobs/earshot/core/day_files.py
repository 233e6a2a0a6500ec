"""The files of a table that is partitioned by day, read by the tasks that need them: no row passes through the JVM."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql.pandas.types import to_arrow_schema

from earshot.core.commits import DeltaLog
from earshot.core.tables import spec_of

TEXT = pa.dictionary(pa.int32(), pa.string())
"""How texts are read: as the numbers that Parquet keeps, and the different texts once."""


@dataclass(frozen=True)
class DayFiles:
    """The Parquet files of a table at one version, by day. Can be sent to executors.

    Attributes:
        table: `layer.noun`; its one partition column is a day.
        files: Paths of the files of each day.
    """

    table: str
    files: Mapping[date, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def now(cls, root: str, table: str) -> Self:
        """The files that the table consists of now; none where it was never written."""
        log = DeltaLog(root, table)
        files: dict[str, list[str]] = defaultdict(list)
        if contents := log.contents_if_any():
            days = contents.listed[log.spec.partition_by[0]].to_pylist()
            for day, place in zip(days, contents.places, strict=True):
                files[day].append(place)
        return cls(table, {date.fromisoformat(day): sorted(paths) for day, paths in files.items() if day})

    @property
    def days(self) -> frozenset[date]:
        """The days that have files."""
        return frozenset(self.files)

    def named(self, day: date) -> str:
        """The table, the day and the names of its files: whatever replaces one of them changes this text."""
        return "\n".join([f"{day} {self.table}", *(path.rpartition("/")[2] for path in self.files.get(day, ()))])

    def of(self, days: Collection[date]) -> Self:
        """Only these days."""
        return type(self)(self.table, {day: paths for day, paths in self.files.items() if day in days})

    def read(self, day: date, columns: Sequence[str], *, plain: bool = False) -> pa.Table:
        """Columns of the rows of a day; no rows where the day has no files.

        A column that a file of an older version lacks is null there. The partition column cannot be read.

        Args:
            day: The day.
            columns: What to read.
            plain: Texts as they are (they are rarely the same); as dictionaries (`TEXT`) without it.
        """
        schema = _schema(self.table, columns, plain=plain)
        tables = [_read(path, schema) for path in self.files.get(day, ())]
        return pa.concat_tables(tables) if tables else schema.empty_table()


def _schema(table: str, columns: Sequence[str], *, plain: bool) -> pa.Schema:
    of_table = to_arrow_schema(spec_of(table).schema, timezone="UTC")
    kinds = {one.name: TEXT if pa.types.is_string(one.type) and not plain else one.type for one in of_table}
    return pa.schema([(name, kinds[name]) for name in columns])


def _read(path: str, schema: pa.Schema) -> pa.Table:
    footer = pq.read_metadata(path)
    there = frozenset(footer.schema.to_arrow_schema().names)
    texts = [one.name for one in schema if one.type == TEXT and one.name in there]
    with pq.ParquetFile(path, metadata=footer, read_dictionary=texts) as file:
        rows = file.read([name for name in schema.names if name in there], use_threads=False)
    columns = [
        rows[one.name].cast(one.type) if one.name in there else pa.chunked_array([pa.nulls(footer.num_rows, one.type)])
        for one in schema
    ]
    return pa.table(columns, schema=schema)

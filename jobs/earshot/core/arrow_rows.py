"""Rows that Arrow tasks make of groups or of streams: seen as a DataFrame, or written by the tasks themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, GroupedData
from pyspark.sql.pandas.group_ops import PandasCogroupedOps
from pyspark.sql.types import StructType

from earshot.core.staging import STAGED, Stage, StagedFile, as_files, as_rows


@dataclass(frozen=True)
class ArrowRows:
    """Groups of rows, and what is made of each.

    Attributes:
        groups: Grouped rows, or two frames grouped together. To be written, all rows that one
            partition of the table gets should come from one group: each group writes its own files.
        build: The key and the rows of a group (or of both) to rows of the schema. Sent to executors.
        schema: What `build` returns.
    """

    groups: GroupedData | PandasCogroupedOps
    build: Callable[..., pa.Table]
    schema: StructType

    def frame(self) -> DataFrame:
        """The rows as Spark has them."""
        return self.groups.applyInArrow(self.build, self.schema).select(*self.schema.names)

    def write(self, stage: Stage) -> list[StagedFile]:
        """Let each task write its rows; only what the commit needs of the files comes back.

        A file of a task that failed, or that ran twice, is not among them.
        """
        build = self.build

        def of_group(key: tuple[Any, ...], rows: pa.Table) -> pa.Table:
            return _files(stage.write(build(key, rows)))

        def of_both(key: tuple[Any, ...], left: pa.Table, right: pa.Table) -> pa.Table:
            return _files(stage.write(build(key, left, right)))

        if isinstance(self.groups, GroupedData):
            return as_files(self.groups.applyInArrow(of_group, STAGED).toArrow())
        return as_files(self.groups.applyInArrow(of_both, STAGED).toArrow())


@dataclass(frozen=True)
class ArrowStream:
    """Partitions of rows in order, and the tables that are made of each while it is read.

    Attributes:
        rows: Partitioned and sorted as `build` needs them.
        build: The batches of a partition to tables of the schema, of one partition of the table
            each. Sent to executors; not called where there are no rows at all.
        schema: What `build` yields.
    """

    rows: DataFrame
    build: Callable[[Iterator[pa.RecordBatch]], Iterator[pa.Table]]
    schema: StructType

    def frame(self) -> DataFrame:
        """The rows as Spark has them."""
        build = self.build

        def made(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for table in build(batches):
                yield from table.to_batches()

        return self.rows.mapInArrow(made, self.schema).select(*self.schema.names)

    def write(self, stage: Stage) -> list[StagedFile]:
        """Let each task write its tables; see `ArrowRows.write`."""
        build = self.build

        def written(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for table in build(batches):
                yield as_rows(stage.write(table))

        return as_files(self.rows.mapInArrow(written, STAGED).toArrow())


def _files(staged: list[StagedFile]) -> pa.Table:
    return pa.Table.from_batches([as_rows(staged)])

"""Rows that Arrow tasks make of groups or of files: seen as a DataFrame, or written by the tasks themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
from pyspark.sql import DataFrame, GroupedData, SparkSession
from pyspark.sql.pandas.group_ops import PandasCogroupedOps
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

from earshot.core.staging import STAGED, Stage, StagedFile, as_files, as_rows

_TASKS_OF_A_CORE: Final = 4


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
class ArrowTasks:
    """Tables that tasks make of what they read themselves: nothing but the tasks goes through Spark.

    Attributes:
        spark: The session.
        tasks: What each table, or some tables, are made of; a task of Spark gets some that follow one another.
        build: One of `tasks` to tables of the schema, of one partition of the table each where they are
            to be written; texts may be dictionary arrays. Sent to executors, with `tasks`.
        schema: What `build` yields.
    """

    spark: SparkSession
    tasks: Sequence[Any]
    build: Callable[[Any], Iterator[pa.Table]]
    schema: StructType

    def frame(self) -> DataFrame:
        """The rows as Spark has them."""
        build, schema = self.build, to_arrow_schema(self.schema, timezone="UTC")

        def made(task: Any) -> Iterator[pa.RecordBatch]:
            for table in build(task):
                yield from table.select(schema.names).cast(schema).to_batches()

        return self._of_tasks(made, self.schema).select(*self.schema.names)

    def write(self, stage: Stage) -> list[StagedFile]:
        """Let each task write its tables; see `ArrowRows.write`."""
        build = self.build

        def written(task: Any) -> Iterator[pa.RecordBatch]:
            for table in build(task):
                yield as_rows(stage.write(table))

        return as_files(self._of_tasks(written, STAGED).toArrow())

    def _of_tasks(self, made: Callable[[Any], Iterator[pa.RecordBatch]], schema: StructType | str) -> DataFrame:
        tasks, count = self.tasks, len(self.tasks)

        def of_numbers(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                for number in batch.column(0).to_pylist():
                    yield from made(tasks[number])

        partitions = min(count, _TASKS_OF_A_CORE * self.spark.sparkContext.defaultParallelism)
        return self.spark.range(0, count, 1, max(partitions, 1)).mapInArrow(of_numbers, schema)


def _files(staged: list[StagedFile]) -> pa.Table:
    return pa.Table.from_batches([as_rows(staged)])

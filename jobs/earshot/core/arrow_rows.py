"""Rows that Arrow tasks make of groups: seen as a DataFrame, or written by the tasks themselves."""

from __future__ import annotations

from collections.abc import Callable
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


def _files(staged: list[StagedFile]) -> pa.Table:
    return pa.Table.from_batches([as_rows(staged)])

"""Plays by day, for marts that are made a day at a time: files that tasks read, or a DataFrame that is shuffled."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from earshot.core import columns as c
from earshot.core.arrow_rows import ArrowRows, ArrowTasks
from earshot.core.day_files import DayFiles


@dataclass(frozen=True)
class FiledPlays:
    """Plays that lie in files.

    Attributes:
        spark: The session whose tasks read them.
        files: Of silver.listens.
    """

    spark: SparkSession
    files: DayFiles

    def of(self, days: Collection[date]) -> FiledPlays:
        """Only these days."""
        return FiledPlays(self.spark, self.files.of(days))


Plays = DataFrame | FiledPlays
"""Rows of silver.listens."""


def each_day(
    plays: Plays, columns: Sequence[str], build: Callable[[date, pa.Table], pa.Table], schema: StructType
) -> ArrowRows | ArrowTasks:
    """What is made of each day, a task a day.

    Args:
        plays: The days.
        columns: What `build` needs of them; nulls stay, texts may be dictionary arrays.
        build: Day and its plays to rows.
        schema: Of these rows.
    """
    if isinstance(plays, FiledPlays):
        files = plays.files

        def of_files(day: date) -> Iterator[pa.Table]:
            yield build(day, files.read(day, columns))

        return ArrowTasks(plays.spark, sorted(files.days), of_files, schema)

    def of_group(key: tuple[Any, ...], rows: pa.Table) -> pa.Table:
        return build(key[0].as_py(), rows)

    return ArrowRows(plays.select(c.LISTEN_DATE, *columns).groupBy(c.LISTEN_DATE), of_group, schema)

"""Whole partitions of a table replaced in one commit: files first, then the log, without a Spark job for the log."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence, Set
from typing import Final

from pyspark.sql import DataFrame

from earshot.core.arrow_rows import ArrowRows, ArrowTasks
from earshot.core.commits import DeltaLog
from earshot.core.errors import TableError
from earshot.core.overtaken import overtaken
from earshot.core.staging import StagedFile
from earshot.core.tables import Tables, conform

Partition = tuple[object, ...]
"""Values of a table's partition columns, in their order: dates or texts."""

_WRITER: Final = "partitions"


def replace_partitions(
    tables: Tables,
    name: str,
    rows: DataFrame | ArrowRows | ArrowTasks,
    partitions: Collection[Partition] | None,
    *,
    metadata: Mapping[str, object],
    since: int | None = None,
) -> None:
    """Put rows in the place of what these partitions hold now.

    The rows are written beside the table in one pass; a reader sees all of them or none. Of two
    writers that began from the same version the second fails, and is to be run again.

    Args:
        tables: The lake.
        name: A partitioned table.
        rows: The new rows, written by Spark or by the Arrow tasks that make them; they may lie in
            these partitions only.
        partitions: What is replaced; None for the whole table.
        metadata: What the commit says of itself.
        since: Version of the table from which the rows were computed, where they were.

    Raises:
        TableError: A row lies in another partition.
        OvertakenError: Another writer was faster.
    """
    log = DeltaLog(tables.root, name)
    now = log.contents(since)
    folder = f"rebuilt={uuid.uuid4().hex}"
    if isinstance(rows, ArrowRows | ArrowTasks):
        with overtaken(name, log.path):
            staged = rows.write(log.stage(folder))
    else:
        conform(rows, log.spec).write.partitionBy(*log.spec.partition_by).parquet(f"{log.path}/{folder}")
        staged = log.staged(folder)
    if partitions is None:
        replaced = now.files
    else:
        wanted = {tuple(None if value is None else str(value) for value in partition) for partition in partitions}
        _check(name, log.spec.partition_by, staged, wanted)
        replaced = now.of(wanted)
    log.replace(replaced, staged, since=now.version, app_id=_WRITER, metadata=metadata)


def _check(
    name: str, columns: Sequence[str], staged: Sequence[StagedFile], wanted: Set[tuple[str | None, ...]]
) -> None:
    strange = {tuple(file.partition[column] for column in columns) for file in staged} - wanted
    if strange:
        places = "; ".join(sorted(", ".join(map(str, partition)) for partition in strange))
        raise TableError(
            f"Rows of {name} lie in partitions that are not replaced: {places}.",
            where=f"{name} ({', '.join(columns)})",
            remedy="Name these partitions, too, or filter the rows.",
        )

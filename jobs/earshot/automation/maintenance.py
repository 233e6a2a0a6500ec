"""Which tables have gathered enough commits to be worth compacting, and the compaction of small ones."""

from __future__ import annotations

import pyarrow as pa
from deltalake import DeltaTable

from earshot.core.overtaken import overtaken
from earshot.core.schemas import TABLES
from earshot.core.small_tables import SmallTables
from earshot.core.tables import Tables

_SMALL_BYTES = 64 * 1024**2


def due_tables(small_tables: SmallTables, commits_between: int) -> list[str]:
    """The tables with that many commits since they were last compacted."""
    return [name for name in TABLES if _is_due(small_tables.path(name), commits_between)]


def maintain(name: str, tables: Tables, small_tables: SmallTables, *, vacuum_hours: float) -> None:
    """Compact a table and remove files that no version of the last hours needs.

    A small table is done by delta-rs in this process, a large one by Spark.

    Raises:
        OvertakenError: A writer replaced files while they were compacted.
    """
    with overtaken(name, small_tables.path(name)):
        _maintain(name, tables, small_tables, vacuum_hours)


def _maintain(name: str, tables: Tables, small_tables: SmallTables, vacuum_hours: float) -> None:
    table = DeltaTable(small_tables.path(name))
    files = pa.table(table.get_add_actions(flatten=True))
    if sum(files.column("size_bytes").to_pylist()) > _SMALL_BYTES:
        tables.compact(name)
        tables.vacuum(name, vacuum_hours)
        return
    table.optimize.compact()
    table.vacuum(int(vacuum_hours), dry_run=False, enforce_retention_duration=False, full=True)  # the dead's, too
    table.create_checkpoint()


def _is_due(path: str, commits_between: int) -> bool:
    if not DeltaTable.is_deltatable(path):
        return False
    recent = DeltaTable(path).history(commits_between)
    return len(recent) >= commits_between and all(commit.get("operation") != "OPTIMIZE" for commit in recent)

"""ops.source_columns: what the files of each source were seen to have, and what is new or lost since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from earshot.core import columns as c
from earshot.core.small_tables import SmallTables
from earshot.validators.seen_columns import EXTRA

COLUMNS: Final = "ops.source_columns"
_COLUMN, _WITH, _OF, _LAST = "column", "files_with", "of_files", "last_batch"

Seen = Mapping[str, Any]
"""By source, `SeenOfSource`."""


class SourceColumns:
    """Remembers columns.

    Args:
        small_tables: Where ops.source_columns is.
    """

    def __init__(self, small_tables: SmallTables) -> None:
        self._small = small_tables

    def always(self, min_files: int) -> dict[str, list[str]]:
        """By source, the columns of plays that every file had; sources with fewer files are not known yet."""
        found: dict[str, list[str]] = {}
        for row in sorted(self._small.rows(COLUMNS), key=lambda row: (row[c.SOURCE], row[_COLUMN])):
            if row[_OF] >= min_files and row[_WITH] == row[_OF] and not row[_COLUMN].startswith(EXTRA):
                found.setdefault(row[c.SOURCE], []).append(row[_COLUMN])
        return found

    def remember(self, batch_id: str, seen: Seen, days: Sequence[str], at: datetime) -> None:
        """Count the files of a batch that was admitted, once.

        Args:
            batch_id: The batch.
            seen: What its lines have.
            days: The days of its plays, ISO.
            at: Wall time.
        """
        known = {(row[c.SOURCE], row[_COLUMN]): row for row in self._small.rows(COLUMNS)}
        sources = {source for source, _ in known}
        if not seen or any(row[_LAST] == batch_id for row in known.values()):
            return
        newest = max(map(date.fromisoformat, days), default=at.date())
        changed = {**known}
        for source, found in seen.items():
            before = max((row[_OF] for (of, _), row in known.items() if of == source), default=0)
            for column in {*found["columns"], *(column for of, column in known if of == source)}:
                first = {
                    c.SOURCE: source,
                    _COLUMN: column,
                    _WITH: 0,
                    "is_new": source in sources,
                    "first_day": newest,
                    "first_seen_at": at,
                    "first_batch": batch_id,
                }
                row = known.get((source, column), first)
                changed[source, column] = {
                    **row,
                    _WITH: row[_WITH] + found["files_with"].get(column, 0),
                    _OF: before + found["files"],
                    _LAST: batch_id,
                }
        self._small.overwrite(COLUMNS, [changed[key] for key in sorted(changed)])

"""Rows of gold for figures: of tables that may not be there yet, with columns that may not be there yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from earshot.core.schemas import TABLES
from earshot.core.small_tables import SmallTables


def rows_if_there(
    tables: SmallTables, name: str, filters: Sequence[tuple[str, str, Any]], columns: Sequence[str]
) -> pa.Table | None:
    """The columns of the rows for which the filters hold.

    Returns:
        None where there is no such table, or where it lacks one of the columns: a figure is left out then.
    """
    if name not in TABLES:
        return None
    stored = tables.open(name)
    if stored is None or not stored.file_uris():
        return None
    there = {field.name for field in stored.schema().fields}
    if not set(columns) | {column for column, _, _ in filters} <= there:
        return None
    return tables.arrow(name, list(filters) or None, columns)

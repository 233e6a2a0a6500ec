"""The manifests of what was exported into a database, in its table `earshot_exports`: a row a table."""

# ruff: noqa: S608 (the names are our own)

from __future__ import annotations

from typing import Any, Final

from earshot.exporters.connections import execute
from earshot.exporters.manifest import Manifest

RECEIPTS: Final = "earshot_exports"
_MOST: Final = 16_000


def make_receipts(connection: Any) -> None:
    """Make the table."""
    execute(connection, f"CREATE TABLE {RECEIPTS} (table_name VARCHAR(64) NOT NULL, manifest VARCHAR({_MOST}))")


def record(connection: Any, table: str, manifest: Manifest) -> None:
    """Put the manifest in the place of the one before, in the transaction that is open."""
    execute(connection, f"DELETE FROM {RECEIPTS} WHERE table_name = ?", table)
    execute(connection, f"INSERT INTO {RECEIPTS} (table_name, manifest) VALUES (?, ?)", table, manifest.as_json())
